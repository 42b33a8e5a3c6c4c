// The one clock of what the page writes down.

/** Milliseconds since 1970, as this machine's clock said when the page was opened; since then it goes on evenly. */
export function wallNow(): number {
  return performance.timeOrigin + performance.now();
}
