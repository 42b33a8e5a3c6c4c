// Whether a terminal can be expected to show more than ASCII.

/** By the locale's variables as POSIX ranks them: LC_ALL, LC_CTYPE, LANG. */
export function showsUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((value) => value !== undefined && value !== '');
  return /utf-?8/i.test(locale ?? '');
}
