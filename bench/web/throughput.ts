// The throughput of a real pair while somebody looks, against nobody looking just before and just after: what the machine does besides,
// and how the servers age, falls on both, so that a few percent can be told.

import { PageAddress } from '../../test/helpers/page-address.ts';
import type { Pair } from '../../test/helpers/pair.ts';
import { CASES } from '../pair/cases.ts';
import type { HelperProcess } from '../pair/helper-process.ts';
import { send } from '../pair/load.ts';
import { type Passage, pass } from '../pair/passage.ts';
import { cpuMs } from '../pair/processes.ts';
import type { BenchBrowser } from './browser.ts';
import { readAsPage } from './readers.ts';

/** The last but one has only the processor time that nobody else wants, as if the browser ran on another machine. */
const WATCHERS = ['a reader', 'the page, idle time only', 'the page'] as const;
export type Watcher = (typeof WATCHERS)[number];

/** One run with somebody looking; with nobody is the mean of the runs before and after it. */
export interface Throughput {
  readonly watcher: Watcher;
  readonly watched: Carried;
  readonly unwatched: Carried;
}

export interface Carried {
  readonly perSecond: number;
  /** User and system time of both servers. */
  readonly cpuMsPerMessage: number;
}

interface ThroughputOptions {
  readonly pair: Pair;
  readonly sink: HelperProcess;
  readonly browser: BenchBrowser;
  readonly rounds: number;
  /** Messages that go through before anything counts. */
  readonly warmUp: number;
  /** Aimed length of each run. */
  readonly seconds: number;
  readonly note: (text: string) => void;
}

const CALIBRATION = 200;
/** What the page asks when it is opened is no part of what it costs while it is. */
const SETTLE_MS = 3000;

export async function measureThroughput(options: ThroughputOptions): Promise<readonly Throughput[]> {
  const { pair, sink, rounds, warmUp, seconds, note } = options;
  const benchCase = CASES.find(({ name }) => name === '4k-s10');
  if (!benchCase) throw new Error('there is no such case');
  const passThrough = (count: number): Promise<Passage> =>
    pass(sink, count, () => send({ ...benchCase, port: pair.hubPort, messages: count }));
  await passThrough(warmUp);
  if (rounds === 0) return [];
  const calibration = await passThrough(CALIBRATION);
  const messages = Math.max(100, Math.round((CALIBRATION / calibration.seconds) * seconds));
  const servers = [pair.ready.hub.pid, pair.ready.edge.pid];
  const carry = async (who: string): Promise<Carried> => {
    const before = cpuMs(servers);
    const ran = await passThrough(messages);
    const carried = { perSecond: messages / ran.seconds, cpuMsPerMessage: (cpuMs(servers) - before) / messages };
    note(`${who}: ${carried.perSecond.toFixed(0)} messages/s, ${carried.cpuMsPerMessage.toFixed(2)} ms`);
    return carried;
  };
  const found: Throughput[] = [];
  let before = await carry('nobody');
  for (let round = 1; round <= rounds; round += 1) {
    note(`round ${round} of ${rounds}`);
    for (const watcher of WATCHERS) {
      const close = await openWatcher(watcher, options);
      const watched = await carry(watcher);
      await close();
      const after = await carry('nobody');
      found.push({ watcher, watched, unwatched: mean(before, after) });
      before = after;
    }
  }
  return found;
}

function mean(one: Carried, other: Carried): Carried {
  return {
    perSecond: (one.perSecond + other.perSecond) / 2,
    cpuMsPerMessage: (one.cpuMsPerMessage + other.cpuMsPerMessage) / 2,
  };
}

async function openWatcher(watcher: Watcher, { pair, browser }: ThroughputOptions): Promise<() => Promise<void>> {
  const address = pair.ready.page ?? '';
  if (watcher === 'a reader') {
    const { origins } = await PageAddress.read(address);
    const readers = [origins.hub, origins.edge].map(readAsPage);
    return () => Promise.resolve(readers.forEach((reader) => reader.close()));
  }
  const { page } = await browser.show(address, 'stage');
  if (watcher === 'the page, idle time only') await browser.takeIdleTimeOnly();
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return async () => {
    await browser.takeItsShare();
    await page.close();
  };
}
