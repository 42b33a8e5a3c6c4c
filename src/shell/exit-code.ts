// Exit codes: 0 done, 1 refused or failed, 2 the command was not understood, 75 another process is in the way for now.

import { isMisuse } from '../cmdlets/misuse.ts';

export const DONE = 0;
export const REFUSED = 1;
export const MISUSED = 2;
/** What is needed is held by another process and may be free soon (EX_TEMPFAIL of sysexits). */
export const EXIT_IN_USE = 75;

/** The exit code for a Problem's code. */
export function exitCodeFor(code: string): number {
  if (code === 'in-use') return EXIT_IN_USE;
  return isMisuse(code) ? MISUSED : REFUSED;
}
