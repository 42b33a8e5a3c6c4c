// A pair with the sink behind it, which takes mail case after case, and what that costs.

import { setTimeout as delay } from 'node:timers/promises';
import { calm } from './calm.ts';
import type { BenchCase } from './cases.ts';
import type { Contestant, Entry } from './contestants.ts';
import { HelperProcess } from './helper-process.ts';
import { send } from './load.ts';
import { AFTERMATH_MS, type Latency, latencyOf, type Passage, pass } from './passage.ts';
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
  /** Where the rate is given. */
  readonly latency?: Latency;
}

/** So many messages for each session before the time of a warm-up is looked at. */
const WARM_UP_ROUNDS = 50;
const PSS_EVERY_MS = 500;

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
    return messages / (await this.#pass({ ...benchCase, messages })).seconds;
  }

  async measure(benchCase: BenchCase, messages: number): Promise<Result> {
    const { pids } = this.#pair;
    await calm();
    let peakMib = pssMib(pids);
    const look = (): void => void (peakMib = Math.max(peakMib, pssMib(pids)));
    // A look takes a processor for some 15 ms (two processes of 110 MiB), and whoever is under way meanwhile pays: not where latency is measured.
    const watch = benchCase.perSecond === undefined ? setInterval(look, PSS_EVERY_MS) : undefined;
    const before = cpuMs(pids);
    try {
      const passage = await this.#pass({ ...benchCase, messages });
      await delay(AFTERMATH_MS);
      return {
        entry: this.#entry.name,
        case: benchCase.name,
        messages,
        perSecond: messages / passage.seconds,
        cpuMsPerMessage: (cpuMs(pids) - before) / messages,
        pssMib: Math.max(peakMib, pssMib(pids)),
        ...(benchCase.perSecond !== undefined && { latency: latencyOf(passage) }),
      };
    } finally {
      clearInterval(watch);
    }
  }

  async close(): Promise<void> {
    await this.#pair.close();
    this.#sink.end();
  }

  #pass(load: BenchCase & { readonly messages: number }): Promise<Passage> {
    return pass(this.#sink, load.messages, () => send({ ...load, port: this.#pair.port }));
  }
}
