// Access tokens of the servers that are shown. They come from a form, or from the address after "#", from where they are taken
// out at once; they stay in sessionStorage, which ends with the tab, and nowhere else.

const PREFIX = 'relaypair-token:';

/** `name` is the server's, or empty for the one that the page came from. */
export function tokenOf(name: string): string | undefined {
  return sessionStorage.getItem(PREFIX + name) ?? undefined;
}

export function keepToken(name: string, token: string | undefined): void {
  if (token === undefined || token === '') sessionStorage.removeItem(PREFIX + name);
  else sessionStorage.setItem(PREFIX + name, token);
}

/** Takes `#token=…` and `#token-EDGE01=…` out of the address before anything else can read it. */
export function takeTokensFromAddress(): void {
  const fragment = location.hash.slice(1);
  if (!/(?:^|&)token[=-]/.test(fragment)) return;
  for (const [name, value] of new URLSearchParams(fragment)) {
    const [, server] = /^token(?:-(.+))?$/.exec(name) ?? [null, null];
    if (server !== null) keepToken(server?.toUpperCase() ?? '', value);
  }
  history.replaceState(null, '', `${location.pathname}${location.search}`);
}
