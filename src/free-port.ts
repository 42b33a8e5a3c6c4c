// A port for a server that will listen later, where port 0 would not do: it has to be written down before, or to stay the same
// over a restart. Between the choice and the server the kernel must not give it to an outgoing connection, so it comes from
// outside the range that Linux takes those from (ip(7), ip_local_port_range).

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { type Endpoint, formatEndpoint } from './config-values.ts';
import { listenProblem } from './problem.ts';

/** Both ends belong to it. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const KERNEL_RANGE_FILE = '/proc/sys/net/ipv4/ip_local_port_range';
const KERNEL_RANGE = '32768 60999';
/** Below are the ports that well-known servers use. */
const LOWEST = 10_000;
const HIGHEST = 65_535;

/** This process gets no port twice: its servers may be about to listen. */
const given = new Set<number>();

/**
 * A port of `range` on which `host` can be listened on at this moment, taken at random. Throws Problem `listen-failed` when the
 * address is none of this machine, or when every port of the range is taken.
 */
export async function findFreePort(host: string, range = quietRanges().at(-1)): Promise<number> {
  // Where outgoing connections may have any port there is nothing better than the kernel's own choice.
  if (!range) return probePort({ host, port: 0 });
  const size = range.last - range.first + 1;
  const start = Math.floor(Math.random() * size);
  for (let step = 1; ; step++) {
    const port = range.first + ((start + step) % size);
    if (given.has(port) && step < size) continue;
    try {
      given.add(port);
      return await probePort({ host, port });
    } catch (error) {
      if (!isTaken(error) || step >= size) throw error;
    }
  }
}

/** The port on which the host was listened on for a moment; for 0 one of the kernel's. Throws Problem `listen-failed`. */
export function probePort(endpoint: Endpoint): Promise<number> {
  const probe = createServer();
  return new Promise((resolve, reject) => {
    probe.once('error', (error) => reject(listenProblem(formatEndpoint(endpoint), error)));
    probe.listen(endpoint.port, endpoint.host, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : endpoint.port));
    });
  });
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE';
}

/** What `kernelRange`, two numbers, leaves of the ports from 10000 on: below it, above it, both or none. */
export function quietRanges(kernelRange = readKernelRange()): readonly PortRange[] {
  const [low = 0, high = HIGHEST] = kernelRange.trim().split(/\s+/).map(Number);
  return [
    { first: LOWEST, last: Math.min(low - 1, HIGHEST) },
    { first: Math.max(high + 1, LOWEST), last: HIGHEST },
  ].filter(({ first, last }) => first <= last);
}

function readKernelRange(): string {
  try {
    return readFileSync(KERNEL_RANGE_FILE, 'utf8');
  } catch {
    // Some containers hide it.
    return KERNEL_RANGE;
  }
}
