// A run of the fuzzer over its targets, one after the other. Each input has a seed of its own, made of the seed, the target and the
// number of the run, so that the one that failed can be had again without those before it.

import { messageOf } from '../../src/problem.ts';
import { Chance } from '../crash/chance.ts';
import { LdapTarget } from './ldap-target.ts';
import { fitSlope, type MemorySample, sampleMemory } from './memory-slope.ts';
import { ProxyTarget } from './proxy-target.ts';
import { SmtpListenerTarget } from './smtp-listener-target.ts';
import { SmtpSenderTarget } from './smtp-sender-target.ts';
import type { Target } from './target.ts';
import { XmlTarget } from './xml-target.ts';

/** By the word that chooses one. */
export const TARGETS: Readonly<Record<string, () => Promise<Target>>> = {
  listener: () => SmtpListenerTarget.open(),
  sender: () => SmtpSenderTarget.open(),
  ldap: () => LdapTarget.open(),
  proxy: () => ProxyTarget.open(),
  xml: () => XmlTarget.open(),
};

export interface FuzzPlan {
  readonly seed: number;
  /** Words of TARGETS. */
  readonly targets: readonly string[];
  /** For each target: whichever comes first. */
  readonly runs?: number;
  readonly seconds?: number;
  /** The number of the first run. */
  readonly first?: number;
  readonly say: (line: string) => void;
}

export interface TargetReport {
  readonly name: string;
  readonly runs: number;
  readonly seconds: number;
  readonly faults: readonly string[];
  /** MiB for 10,000 runs; undefined for a run too short. */
  readonly slope: number | undefined;
  readonly residentMiB: number;
}

/** A run that takes longer hangs: no input has more than a few seconds of work in it, on any machine. */
const HANG_MS = 60_000;
const RUNS_BETWEEN_CHECKS = 100;
const MAX_FAULTS = 10;

/** Never rejects for anything that a target does; throws at a word that is none of `targets`. */
export async function runFuzz(plan: FuzzPlan, targets = TARGETS): Promise<TargetReport[]> {
  const reports: TargetReport[] = [];
  for (const word of plan.targets) {
    const open = targets[word];
    if (!open) throw new Error(`there is no target ${word}; there are ${Object.keys(targets).join(', ')}`);
    reports.push(await fuzz(word, await open(), plan));
  }
  return reports;
}

async function fuzz(word: string, target: Target, plan: FuzzPlan): Promise<TargetReport> {
  const { seed, runs = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY, first = 1, say } = plan;
  const faults: string[] = [];
  const samples: MemorySample[] = [];
  const watch = new ErrorWatch();
  const startedMs = performance.now();
  const elapsed = (): number => (performance.now() - startedMs) / 1000;
  let done = 0;
  for (; done < runs && elapsed() < seconds && faults.length < MAX_FAULTS; done += 1) {
    const number = first + done;
    const verdicts = [await guard(() => target.run(new Chance(mix(seed, word, number))))];
    if (done % RUNS_BETWEEN_CHECKS === 0) {
      verdicts.push(await guard(() => target.checkService()));
      samples.push(sampleMemory(done));
      if (done % (RUNS_BETWEEN_CHECKS * 50) === 0) say(`${target.name}: ${done} runs`);
    }
    for (const fault of [...verdicts, ...watch.take()]) {
      if (fault !== undefined)
        faults.push(`${target.name}: --seed ${seed} --target ${word} --first ${number}: ${fault}`);
    }
    if (verdicts.includes(HANGS)) break;
  }
  const last = await guard(() => target.checkService());
  if (last !== undefined) faults.push(`${target.name}, after all: ${last}`);
  watch.end();
  if (!faults.some((fault) => fault.endsWith(HANGS))) await target.close();
  const residentMiB = process.memoryUsage.rss() / 1024 / 1024;
  return { name: target.name, runs: done, seconds: elapsed(), faults, slope: fitSlope(samples), residentMiB };
}

const HANGS = `hangs for more than ${HANG_MS / 1000} seconds`;

/** What a run says of itself, or that it threw or hangs. */
async function guard(run: () => Promise<string | undefined>): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(HANGS), HANG_MS);
  try {
    return await Promise.race([run(), promise]);
  } catch (error) {
    return `throws ${error instanceof Error ? error.stack : messageOf(error)}`;
  } finally {
    clearTimeout(timer);
  }
}

/** What would end a server's process. */
class ErrorWatch {
  #seen: string[] = [];
  readonly #note = (error: unknown): void => {
    this.#seen.push(`uncaught: ${error instanceof Error ? error.stack : messageOf(error)}`);
  };

  constructor() {
    process.on('uncaughtException', this.#note).on('unhandledRejection', this.#note);
  }

  take(): string[] {
    return this.#seen.splice(0);
  }

  end(): void {
    process.off('uncaughtException', this.#note).off('unhandledRejection', this.#note);
  }
}

/** One number of three (FNV-1a). */
function mix(seed: number, word: string, number: number): number {
  let mixed = 0x811c9dc5;
  for (const octet of Buffer.from(`${seed} ${word} ${number}`)) mixed = Math.imul(mixed ^ octet, 0x01000193);
  return mixed >>> 0;
}
