// One run: fresh Hubs, mail that is not counted, mail that is, and what it cost whom.

import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningPostgres } from '../../test/helpers/postgres.ts';
import type { BenchCase } from '../pair/cases.ts';
import { HelperProcess } from '../pair/helper-process.ts';
import { AFTERMATH_MS, type Latency, latencyOf, type Passage, pass } from '../pair/passage.ts';
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
  /** Where the rate is given. */
  readonly latency?: Latency;
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

export async function run({ layout, benchCase, database, warmUpSeconds, seconds }: RunOptions): Promise<Result> {
  const load = loadavg()[0] ?? 0;
  const sink = new HelperProcess('./sink.ts');
  let site: Site | undefined;
  try {
    site = await Site.open({ layout, database, sinkPort: Number(await sink.line()) });
    const passing = { ports: site.ports, sink, benchCase: { ...benchCase, perSecond: undefined } };
    const before = await site.counters();
    const first = await passHubs({ ...passing, messages: FIRST_MESSAGES });
    const warmUp = countFor(FIRST_MESSAGES / first.seconds, warmUpSeconds, layout);
    const { seconds: warmUpTook } = await passHubs({ ...passing, messages: warmUp });
    const messages = countFor(benchCase.perSecond ?? warmUp / warmUpTook, seconds, layout);
    const [hubs, base] = [cpuMs(site.hubPids), cpuMs(site.databasePids)];
    const passed = await passHubs({ ...passing, benchCase, messages });
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
        latency: latencyOf(passed),
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

/** Sends the messages through, each Hub its share. */
function passHubs({ ports, sink, benchCase, messages }: Passing): Promise<Passage> {
  const share = (whole: number): number => Math.max(1, Math.round(whole / ports.length));
  const { perSecond } = benchCase;
  const load = {
    ...benchCase,
    sessions: share(benchCase.sessions),
    messages: messages / ports.length,
    perSecond: perSecond === undefined ? undefined : perSecond / ports.length,
  };
  return pass(sink, messages, () => Promise.all(ports.map((port) => startSource(port, load).line())));
}

function startSource(port: number, load: BenchCase & { readonly messages: number }): HelperProcess {
  return new HelperProcess('./source.ts', JSON.stringify({ ...load, port }));
}

/** As many as the time takes, which can be shared out evenly. */
function countFor(perSecond: number, seconds: number, { hubs }: Layout): number {
  return hubs * Math.max(10, Math.round((perSecond * seconds) / hubs));
}

function shareOf(before: Counters, after: Counters, messages: number): Counters {
  return {
    transactions: (after.transactions - before.transactions) / messages,
    walBytes: (after.walBytes - before.walBytes) / messages,
    walSyncs: (after.walSyncs - before.walSyncs) / messages,
  };
}
