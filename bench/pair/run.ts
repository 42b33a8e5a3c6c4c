// A pair with the sink behind it, which takes mail case after case, and what that costs.

import { setTimeout as delay } from 'node:timers/promises';
import type { BenchCase } from './cases.ts';
import type { Contestant, Entry } from './contestants.ts';
import { HelperProcess } from './helper-process.ts';
import { send } from './load.ts';
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

/** So many messages for each session before the time of a warm-up is looked at. */
const WARM_UP_ROUNDS = 50;
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

/** A pair at work with the sink behind it. */
export class Course {
  readonly #entry: Entry;
  readonly #sink: HelperProcess;
  readonly #pair: Contestant;

  private constructor(entry: Entry, sink: HelperProcess, pair: Contestant) {
    this.#entry = entry;
    this.#sink = sink;
    this.#pair = pair;
  }

  static async open(entry: Entry): Promise<Course> {
    const sink = new HelperProcess('./sink.ts');
    return new Course(entry, sink, await entry.open(Number(await sink.line())));
  }

  /** Mail as fast as it goes, for so long at least; nothing is measured. */
  async warmUp(benchCase: BenchCase, seconds: number): Promise<void> {
    for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; ) {
      await this.#pass({ ...benchCase, perSecond: undefined, messages: benchCase.sessions * WARM_UP_ROUNDS });
    }
  }

  /** Messages a second, by a few of them. */
  async calibrate(benchCase: BenchCase, messages: number): Promise<number> {
    return messages / (await this.#pass({ ...benchCase, perSecond: undefined, messages })).seconds;
  }

  async measure(benchCase: BenchCase, messages: number): Promise<Result> {
    const { pids } = this.#pair;
    let peakMib = pssMib(pids);
    const watch = setInterval(() => (peakMib = Math.max(peakMib, pssMib(pids))), PSS_EVERY_MS);
    const before = cpuMs(pids);
    try {
      const { seconds, latencies } = await this.#pass({ ...benchCase, messages });
      await delay(AFTERMATH_MS);
      return {
        entry: this.#entry.name,
        case: benchCase.name,
        messages,
        perSecond: messages / seconds,
        cpuMsPerMessage: (cpuMs(pids) - before) / messages,
        pssMib: Math.max(peakMib, pssMib(pids)),
        ...(benchCase.perSecond !== undefined && {
          latency: { p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) },
        }),
      };
    } finally {
      clearInterval(watch);
    }
  }

  async close(): Promise<void> {
    await this.#pair.close();
    this.#sink.end();
  }

  #pass(load: BenchCase & { readonly messages: number }): ReturnType<typeof pass> {
    return pass(this.#pair, this.#sink, load);
  }
}

/** Sends the messages through and waits until the sink has them all. */
export async function pass(
  pair: Pick<Contestant, 'port'>,
  sink: HelperProcess,
  load: BenchCase & { readonly messages: number },
): Promise<{ seconds: number; latencies: readonly number[] }> {
  const before = await ask(sink);
  const startedMs = performance.now();
  await send({ ...load, port: pair.port });
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
