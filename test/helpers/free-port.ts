// The one way in which tests choose a port that is not the listener's own choice. The test files that run at a time choose from
// ranges that do not meet, and neither outgoing connections nor `relaypair up` take any of either (src/free-port.ts).

import { findFreePort, type PortRange, quietRanges } from '../../src/free-port.ts';

/** No more test files at a time than this. */
const SHARES = 16;

/** A port of 127.0.0.1 that is free now and that nobody else takes. */
export function freePort(): Promise<number> {
  const [whole] = quietRanges();
  return findFreePort('127.0.0.1', whole && shareOf(whole, Number(process.env['VITEST_POOL_ID'] ?? 0) % SHARES));
}

function shareOf({ first, last }: PortRange, number: number): PortRange {
  const size = Math.floor((last - first + 1) / SHARES);
  return { first: first + number * size, last: first + (number + 1) * size - 1 };
}
