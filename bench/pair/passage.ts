// Messages on their way through what is measured, to a sink behind it that counts them.

import { setTimeout as delay } from 'node:timers/promises';
import type { HelperProcess } from './helper-process.ts';

/** How messages went through. */
export interface Passage {
  /** From the first message until the sink has the last. */
  readonly seconds: number;
  /** In milliseconds, of each message from just before MAIL FROM to the final dot at the sink; where the rate is given. */
  readonly latencies: readonly number[];
}

/** Latency in milliseconds: of the middle message, and of the one that all but one in a hundred are faster than. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const POLL_MS = 25;
/** What loses a message, or stops, must not hold up the bench for ever. */
const LIMIT_MS = 180_000;

/** What is written down after the last message belongs to it: measure so much later. */
export const AFTERMATH_MS = 500;

/** Lets `send` send so many messages, and waits until the sink has them all; rejects when some never come. */
export async function pass(sink: HelperProcess, messages: number, send: () => Promise<unknown>): Promise<Passage> {
  const before = await ask(sink);
  const startedMs = performance.now();
  await send();
  const latencies: number[] = [];
  for (;;) {
    const arrivals = await ask(sink);
    for (const latency of arrivals.latencies) latencies.push(latency);
    const missing = before.count + messages - arrivals.count;
    const seconds = (performance.now() - startedMs) / 1000;
    if (missing <= 0) return { seconds, latencies };
    if (seconds * 1000 > LIMIT_MS) throw new Error(`${missing} of ${messages} messages never came`);
    await delay(POLL_MS);
  }
}

export function latencyOf({ latencies }: Passage): Latency {
  const sorted = latencies.toSorted((a, b) => a - b);
  const quantile = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

async function ask(sink: HelperProcess): Promise<{ count: number; latencies: readonly number[] }> {
  return JSON.parse(await sink.ask()) as { count: number; latencies: readonly number[] };
}
