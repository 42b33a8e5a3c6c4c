// Who may do what at the Admin API. On loopback or a Unix socket everybody may read; to change something, and at any other
// address for anything at all, a token is needed (RFC 6750). There are no cookies, so no page of somebody else's can use what a
// browser knows.

import type { AccessTokens, TokenAccess } from '../cmdlets/access-tokens.ts';
import { type CmdletDeclaration, outputFilesOf } from '../cmdlets/cmdlet.ts';
import type { Clock } from '../clock.ts';
import { Problem } from '../problem.ts';

/** Whoever makes a request. */
export interface Caller {
  readonly access: TokenAccess;
  /** The name of the token, for the log. */
  readonly name: string | undefined;
  /** Whether the caller may still be answered; a token can be removed or expire while a stream of events is open. */
  isWelcome(): boolean;
}

export interface AccessRules {
  /** Only this machine can reach the door. */
  readonly isLocal: boolean;
  readonly tokens: AccessTokens;
  readonly clock: Clock;
}

const BEARER = /^Bearer ([A-Za-z0-9._~+/=-]{1,512})$/i;

/** Throws Problem `token-needed` or `token-wrong`; a wrong token is never taken for none. */
export function findCaller(authorization: string | undefined, { isLocal, tokens, clock }: AccessRules): Caller {
  if (authorization === undefined) {
    if (isLocal) return { access: 'ReadOnly', name: undefined, isWelcome: () => true };
    throw new Problem('token-needed', 'this address needs an access token: send "Authorization: Bearer <token>"');
  }
  const token = BEARER.exec(authorization)?.[1] ?? '';
  const found = tokens.find(token, clock.now());
  if (!found) throw new Problem('token-wrong', 'the access token is none of this server, or has expired');
  return {
    access: found.access,
    name: found.name,
    isWelcome: () => tokens.find(token, clock.now()) !== undefined,
  };
}

/** What a cmdlet needs. A file that is handed out can hold mail, keys or passwords, so reading it is more than reading. */
export function accessNeededFor(cmdlet: CmdletDeclaration): TokenAccess {
  return cmdlet.changes || outputFilesOf(cmdlet).length > 0 ? 'ReadWrite' : 'ReadOnly';
}

/** Throws Problem `read-only`. */
export function insistOnAccess(caller: Caller, needed: TokenAccess): void {
  if (needed === 'ReadOnly' || caller.access === 'ReadWrite') return;
  throw new Problem(
    'read-only',
    caller.name === undefined
      ? 'without an access token the API only reads: New-AccessToken -Access ReadWrite makes one that allows more'
      : `the access token ${caller.name} only reads: New-AccessToken -Access ReadWrite makes one that allows more`,
  );
}
