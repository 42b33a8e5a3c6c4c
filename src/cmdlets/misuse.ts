// Which refusals mean that the call itself has to be written differently, whatever the server holds: exit code 2 in the shell,
// 400 over HTTP.

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

/** Whether a Problem with this code is one of them. */
export function isMisuse(code: string): boolean {
  return USAGE_CODES.has(code);
}
