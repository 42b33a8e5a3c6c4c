// What changes by time alone, read anew each second.

import { useEffect, useState } from 'preact/hooks';

const TICK_MS = 1000;

/** What `read` says, now and each second. */
export function useTicking(read: () => number): number {
  const [, setTicks] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTicks((ticks) => ticks + 1), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return read();
}
