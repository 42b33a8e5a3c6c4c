// How the JavaScript engine runs a server. A server that carries mail makes much garbage that is young and little that lasts:
// a small young generation halves the memory that it needs. The middle compiler (Maglev) is passed over, since code that it
// has compiled is compiled a second time and soon after. Figures: docs/performance.md.

const FLAGS = ['--max-semi-space-size=2', '--no-maglev', '--always-sparkplug'];

/**
 * Begins this program anew with the flags for a server, in the same process and with the same words, unless it runs with them
 * or is watched over a channel that would break. Returns only then. What the person gave comes last and counts.
 */
export function runAsServer(): void {
  const { execArgv, execPath, argv, env } = process;
  if (FLAGS.some((flag) => execArgv.includes(flag)) || process.channel !== undefined) return;
  process.execve?.(execPath, [execPath, ...FLAGS, ...execArgv, ...argv.slice(1)], env);
}
