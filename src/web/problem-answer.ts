// How a refusal reads over HTTP: application/problem+json (RFC 9457) with the Problem's stable code and its one sentence, and the
// status that says the same to programs which look no further.

import { STATUS_CODES } from 'node:http';
import { isMisuse } from '../cmdlets/misuse.ts';
import type { Refusal } from '../control/execution.ts';

export const PROBLEM_TYPE = 'application/problem+json';

const STATUS: Readonly<Record<string, number>> = {
  'token-needed': 401,
  'token-wrong': 401,
  'read-only': 403,
  'wrong-origin': 403,
  'unknown-cmdlet': 404,
  'not-found': 404,
  'method-not-allowed': 405,
  'no-file': 406,
  'already-exists': 409,
  'address-in-use': 409,
  'certificate-exists': 409,
  'in-use': 409,
  'name-in-use': 409,
  'body-too-large': 413,
  'file-too-large': 413,
  'media-type': 415,
  'wrong-host': 421,
  'internal-error': 500,
  'directory-unreachable': 503,
  'server-stopping': 503,
  'spool-unavailable': 503,
  'too-busy': 503,
};

/** The body of the answer. */
export interface ProblemAnswer {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
}

/** 400: write it differently. 422: understood, and refused as things stand. */
function statusOf(code: string): number {
  const known = STATUS[code];
  if (known !== undefined) return known;
  if (code.endsWith('-not-found')) return 404;
  return isMisuse(code) || code.startsWith('bad-') ? 400 : 422;
}

export function describeProblem({ code, sentence }: Refusal): ProblemAnswer {
  const status = statusOf(code);
  return {
    type: `urn:relaypair:problem:${code}`,
    title: STATUS_CODES[status] ?? 'Refused',
    status,
    detail: sentence,
    code,
  };
}
