// Waiting for what announces itself by no event: a process of somebody else that ends, a file that another program writes.

const POLL_MS = 20;

/** Resolves with what `look` finds once it is neither undefined nor false; rejects after `timeoutMs`, naming `what`. */
export async function waitUntil<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  for (const limit = Date.now() + timeoutMs; Date.now() < limit; ) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise<void>((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
  throw new Error(`waited in vain: ${what}`);
}

/** True while a process has this id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
