// One run: a fresh pair, a number of messages, and what they cost.

import { setTimeout as delay } from 'node:timers/promises';
import type { BenchCase } from './cases.ts';
import type { Contestant, Entry } from './contestants.ts';
import { HelperProcess } from './helper-process.ts';
import { cpuMs, pssMib } from './processes.ts';

export interface Result {
  readonly entry: string;
  readonly case: string;
  readonly messages: number;
  /** From the first message until the sink has the last. */
  readonly perSecond: number;
  /** User and system time of both servers. */
  readonly cpuMsPerMessage: number;
  /** The most that was seen, both servers together. */
  readonly pssMib: number;
  /** From just before MAIL FROM to the final dot at the sink, where the rate is given. */
  readonly latency?: { readonly p50Ms: number; readonly p99Ms: number };
}

/** How many messages: first those that are not counted, then those that are. */
export interface Load {
  readonly warmUp: number;
  readonly messages: number;
}

const POLL_MS = 25;
const PSS_EVERY_MS = 500;
/** A pair that loses a message, or stops, must not hold up the bench for ever. */
const LIMIT_MS = 120_000;
/** What is written down after the last message belongs to it. */
const AFTERMATH_MS = 500;

interface Arrivals {
  readonly count: number;
  readonly latencies: readonly number[];
}

/** One measurement. The warm-up comes as fast as it can, whatever the case is. */
export async function run(entry: Entry, benchCase: BenchCase, { messages, warmUp }: Load): Promise<Result> {
  const sink = new HelperProcess('./sink.ts');
  const sinkPort = Number(await sink.line());
  const pair = await entry.open(sinkPort);
  try {
    if (warmUp > 0) await pass(pair, sink, { ...benchCase, perSecond: undefined, messages: warmUp });
    return { entry: entry.name, case: benchCase.name, messages, ...(await measure(pair, sink, benchCase, messages)) };
  } finally {
    await pair.close();
    sink.end();
  }
}

async function measure(
  pair: Contestant,
  sink: HelperProcess,
  benchCase: BenchCase,
  messages: number,
): Promise<Omit<Result, 'entry' | 'case' | 'messages'>> {
  let peakMib = pssMib(pair.pids);
  const watch = setInterval(() => (peakMib = Math.max(peakMib, pssMib(pair.pids))), PSS_EVERY_MS);
  const before = cpuMs(pair.pids);
  try {
    const { seconds, latencies } = await pass(pair, sink, { ...benchCase, messages });
    await delay(AFTERMATH_MS);
    return {
      perSecond: messages / seconds,
      cpuMsPerMessage: (cpuMs(pair.pids) - before) / messages,
      pssMib: Math.max(peakMib, pssMib(pair.pids)),
      ...(benchCase.perSecond !== undefined && {
        latency: { p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) },
      }),
    };
  } finally {
    clearInterval(watch);
  }
}

/** Sends the messages through and waits until the sink has them all. */
async function pass(
  pair: Contestant,
  sink: HelperProcess,
  load: BenchCase & { readonly messages: number },
): Promise<{ seconds: number; latencies: readonly number[] }> {
  const before = await ask(sink);
  const startedMs = performance.now();
  const source = new HelperProcess('./source.ts', JSON.stringify({ ...load, port: pair.port }));
  await source.line();
  const latencies: number[] = [];
  for (;;) {
    const arrivals = await ask(sink);
    for (const latency of arrivals.latencies) latencies.push(latency);
    const missing = before.count + load.messages - arrivals.count;
    const seconds = (performance.now() - startedMs) / 1000;
    if (missing <= 0) return { seconds, latencies };
    if (seconds * 1000 > LIMIT_MS) throw new Error(`${load.name}: ${missing} of ${load.messages} messages never came`);
    await delay(POLL_MS);
  }
}

async function ask(sink: HelperProcess): Promise<Arrivals> {
  return JSON.parse(await sink.ask()) as Arrivals;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
