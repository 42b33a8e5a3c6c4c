// Exit codes: 0 done, 1 refused or failed, 2 the command was not understood, 75 another process is in the way for now.

export const DONE = 0;
export const REFUSED = 1;
export const MISUSED = 2;
/** What is needed is held by another process and may be free soon (EX_TEMPFAIL of sysexits). */
export const EXIT_IN_USE = 75;

/** The codes of Problems that mean: type it differently. */
const USAGE_CODES = new Set([
  'ambiguous-parameter',
  'bad-clock',
  'bad-domain',
  'bad-duration',
  'bad-endpoint',
  'bad-value',
  'missing-parameter',
  'missing-value',
  'open-quote',
  'repeated-parameter',
  'unexpected-argument',
  'unknown-cmdlet',
  'unknown-command',
  'unknown-format',
  'unknown-parameter',
  'unknown-property',
]);

/** The exit code for a Problem's code. */
export function exitCodeFor(code: string): number {
  if (code === 'in-use') return EXIT_IN_USE;
  return USAGE_CODES.has(code) ? MISUSED : REFUSED;
}
