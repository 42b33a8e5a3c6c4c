// Which errors mean that the database cannot take or give anything just now, and after which of them nobody knows whether what
// was asked for was done. Decided by SQLSTATE (PostgreSQL, appendix A) and by Node's codes, never by a text.

import { messageOf, Problem } from '../problem.ts';

/** Classes: connection, resources, limits of an operator, a system's error; and codes of their own. */
const UNAVAILABLE_CLASSES = new Set(['08', '53', '57', '58']);
const UNAVAILABLE_CODES = new Set([
  '25006', // read-only: a standby, or a primary that was told to be
  '40001', // serialization failure
  '40P01', // deadlock
  '55P03', // lock not available
  '55000', // object not in the state: in recovery
]);
/** The connection is of no use any more, and what the server did last is not known. */
const ENDING_CLASSES = new Set(['08', '57']);

/** Problem `spool-unavailable`: nobody knows whether the database did what it was asked for. */
export class UnknownOutcome extends Problem {
  constructor(cause: unknown) {
    super('spool-unavailable', `the spool's database was lost in the middle of its work: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Problem `spool-unavailable`: nothing was done. */
export function unavailableProblem(cause: unknown): Problem {
  const text = `the spool's database cannot be used just now: ${messageOf(cause)}`;
  return new Problem('spool-unavailable', text, { cause });
}

/** The error of a statement that was sent, as a Problem where it was to be expected; a bug stays what it is. */
export function explainPostgresFault(error: unknown): unknown {
  if (error instanceof Problem) return error;
  if (endsConnection(error)) return new UnknownOutcome(error);
  const state = sqlState(error);
  if (state === undefined) return error;
  const isExpected = UNAVAILABLE_CLASSES.has(state.slice(0, 2)) || UNAVAILABLE_CODES.has(state);
  return isExpected ? unavailableProblem(error) : error;
}

/** True when the connection ended under a statement, or its answer took too long. */
export function endsConnection(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return ENDING_CLASSES.has(state.slice(0, 2));
  // What has no SQLSTATE comes from the socket or the driver: reset, ended, timed out. A bug of ours is a subclass of Error.
  return error instanceof Error && (error.constructor === Error || hasSystemCode(error));
}

/** True when another server may be the primary by now: this one takes no writing, or keeps a lock as one whose COMMITs hang. */
export function mayBeReplaced(error: unknown): boolean {
  const state = sqlState(error);
  return state === '25006' || state === '55P03';
}

function sqlState(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E') ? code : undefined;
}

function hasSystemCode(error: Error): boolean {
  return typeof (error as NodeJS.ErrnoException).code === 'string';
}
