// How the JavaScript engine runs a server. Mail makes much garbage that is young, most of it octets outside the engine's own
// heap, and little that lasts. Left alone the engine goes through the whole heap for each few large bodies: so octets outside
// count where it decides when to do so, and what it has looked at may nearly double until then. The young generation is
// large enough for what is under way at a time: what dies there costs nothing. One thread looks through it: several leave gaps
// in what they keep, and take no less of the processors. That thread gives back the octets outside as well: with a helper for it
// more of the messages that come one by one took long, as if it had the processor that they needed. Nothing is made among the old at
// once because what the same code made before has lasted: a few such objects of each message would keep its octets until the engine goes through the whole heap. The
// middle compiler (Maglev) is passed over, since what it has compiled is compiled a second time soon after. The last one comes
// after 300 calls of a function instead of 3000: what is done once for a message would be slow for the first ten thousand of
// them. The C library keeps one heap for all threads, which memory that was given back by one of them can be taken from again by
// any other. Figures: docs/performance.md.

export const ENGINE_FLAGS = [
  '--max-semi-space-size=8',
  '--external-memory-accounted-in-global-limit',
  '--heap-growing-percent=90',
  '--no-maglev',
  '--no-parallel-scavenge',
  '--no-concurrent-array-buffer-sweeping',
  '--no-allocation-site-pretenuring',
  '--invocation-count-for-turbofan=300',
];

/** Whether the words of a command line start a server: a role, and no cmdlet for it. */
export function isServerStart([role, next]: readonly string[]): boolean {
  return (role === 'hub' || role === 'edge') && (next === undefined || next.startsWith('-'));
}

/** For glibc; others do not know it. */
const ENVIRONMENT = { MALLOC_ARENA_MAX: '1' };

/**
 * Begins this program anew with the flags for a server, in the same process and with the same words, unless it runs with them
 * or is watched over a channel that would break. Returns only then. What the person gave comes last and counts.
 */
export function runAsServer(): void {
  const { execArgv, execPath, argv, env } = process;
  if (ENGINE_FLAGS.some((flag) => execArgv.includes(flag)) || process.channel !== undefined) return;
  process.execve?.(execPath, [execPath, ...ENGINE_FLAGS, ...execArgv, ...argv.slice(1)], { ...ENVIRONMENT, ...env });
}
