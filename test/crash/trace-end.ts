// strace that runs beside its process writes down the end of it a little later.

import { existsSync, readFileSync } from 'node:fs';
import { waitUntil } from '../helpers/wait.ts';

/** Resolves once a log of `strace -D -o` is whole. */
export async function untilClosed(log: string): Promise<void> {
  await waitUntil('the end of a trace', () => {
    const text = existsSync(log) ? readFileSync(log, 'latin1') : '';
    return /\+\+\+ (?:killed|exited)[^\n]*\n$/.test(text.slice(-200));
  });
}
