// One run: fresh Hubs, mail that is not counted, mail that is, and what it cost whom.

import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningPostgres } from '../../test/helpers/postgres.ts';
import type { BenchCase } from '../pair/cases.ts';
import { HelperProcess } from '../pair/helper-process.ts';
import { cpuMs } from '../pair/processes.ts';
import type { Layout } from './layouts.ts';
import { type Counters, Site } from './site.ts';

export interface Result {
  readonly layout: string;
  readonly case: string;
  readonly messages: number;
  /** From the first message until the sink has the last. */
  readonly perSecond: number;
  /** User and system time of all Hubs. */
  readonly hubCpuMs: number;
  /** That of the database with all its processes. */
  readonly databaseCpuMs: number;
  /** A message's share of what the database did while the Hubs were there. */
  readonly database: Counters;
  /** From just before MAIL FROM to the final dot at the sink, where the rate is given. */
  readonly latency?: { readonly p50Ms: number; readonly p99Ms: number };
  /** Of the machine, the minute before. */
  readonly load: number;
}

export interface RunOptions {
  readonly layout: Layout;
  readonly benchCase: BenchCase;
  readonly database: RunningPostgres;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** So many messages find out how many a second takes. */
const FIRST_MESSAGES = 240;
const POLL_MS = 25;
const LIMIT_MS = 180_000;
/** What is written down after the last message belongs to it. */
const AFTERMATH_MS = 500;

interface Passed {
  readonly seconds: number;
  readonly latencies: readonly number[];
}

export async function run({ layout, benchCase, database, warmUpSeconds, seconds }: RunOptions): Promise<Result> {
  const load = loadavg()[0] ?? 0;
  const sink = new HelperProcess('./sink.ts');
  let site: Site | undefined;
  try {
    site = await Site.open({ layout, database, sinkPort: Number(await sink.line()) });
    const passing = { ports: site.ports, sink, benchCase: { ...benchCase, perSecond: undefined } };
    const before = await site.counters();
    const first = await pass({ ...passing, messages: FIRST_MESSAGES });
    const warmUp = countFor(FIRST_MESSAGES / first.seconds, warmUpSeconds, layout);
    const { seconds: warmUpTook } = await pass({ ...passing, messages: warmUp });
    const messages = countFor(benchCase.perSecond ?? warmUp / warmUpTook, seconds, layout);
    const [hubs, base] = [cpuMs(site.hubPids), cpuMs(site.databasePids)];
    const passed = await pass({ ...passing, benchCase, messages });
    await delay(AFTERMATH_MS);
    const hubCpuMs = (cpuMs(site.hubPids) - hubs) / messages;
    const databaseCpuMs = (cpuMs(site.databasePids) - base) / messages;
    await site.stopHubs();
    const all = FIRST_MESSAGES + warmUp + messages;
    return {
      layout: layout.name,
      case: benchCase.name,
      messages,
      perSecond: messages / passed.seconds,
      hubCpuMs,
      databaseCpuMs,
      database: shareOf(before, await site.counters(), all),
      ...(benchCase.perSecond !== undefined && {
        latency: { p50Ms: quantile(passed.latencies, 0.5), p99Ms: quantile(passed.latencies, 0.99) },
      }),
      load,
    };
  } finally {
    sink.end();
    await site?.close();
  }
}

/** Octets that the shared spool takes up for each message of the case that waits. */
export async function measureStored(database: RunningPostgres, benchCase: BenchCase): Promise<number> {
  const layout: Layout = { name: 'stored', backend: 'postgres', hubs: 1 };
  // Nobody listens at a port that is reserved: what was accepted waits.
  const site = await Site.open({ layout, database, sinkPort: 1 });
  try {
    const before = await site.storedBytes();
    const source = startSource(site.ports[0] ?? 0, { ...benchCase, messages: FIRST_MESSAGES });
    await source.line();
    return ((await site.storedBytes()) - before) / FIRST_MESSAGES;
  } finally {
    await site.close();
  }
}

interface Passing {
  readonly ports: readonly number[];
  readonly sink: HelperProcess;
  readonly benchCase: BenchCase;
  readonly messages: number;
}

/** Sends the messages through, each Hub its share, and waits until the sink has them all. */
async function pass({ ports, sink, benchCase, messages }: Passing): Promise<Passed> {
  const before = await ask(sink);
  const startedMs = performance.now();
  const share = (whole: number): number => Math.max(1, Math.round(whole / ports.length));
  const { perSecond } = benchCase;
  const sources = ports.map((port) =>
    startSource(port, {
      ...benchCase,
      sessions: share(benchCase.sessions),
      messages: messages / ports.length,
      perSecond: perSecond === undefined ? undefined : perSecond / ports.length,
    }),
  );
  await Promise.all(sources.map((source) => source.line()));
  const latencies: number[] = [];
  for (;;) {
    const arrivals = await ask(sink);
    for (const latency of arrivals.latencies) latencies.push(latency);
    const missing = before.count + messages - arrivals.count;
    const seconds = (performance.now() - startedMs) / 1000;
    if (missing <= 0) return { seconds, latencies };
    if (seconds * 1000 > LIMIT_MS) throw new Error(`${benchCase.name}: ${missing} of ${messages} messages never came`);
    await delay(POLL_MS);
  }
}

function startSource(port: number, load: BenchCase & { readonly messages: number }): HelperProcess {
  return new HelperProcess('./source.ts', JSON.stringify({ ...load, port }));
}

/** As many as the time takes, which can be shared out evenly. */
function countFor(perSecond: number, seconds: number, { hubs }: Layout): number {
  return hubs * Math.max(10, Math.round((perSecond * seconds) / hubs));
}

async function ask(sink: HelperProcess): Promise<{ count: number; latencies: readonly number[] }> {
  return JSON.parse(await sink.ask()) as { count: number; latencies: readonly number[] };
}

function shareOf(before: Counters, after: Counters, messages: number): Counters {
  return {
    transactions: (after.transactions - before.transactions) / messages,
    walBytes: (after.walBytes - before.walBytes) / messages,
    walSyncs: (after.walSyncs - before.walSyncs) / messages,
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
