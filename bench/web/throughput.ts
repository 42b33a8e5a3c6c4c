// The throughput of a real pair while nobody looks, while somebody reads its events as a page does, and while the page is open in a
// browser beside it. In turns, so that the machine's other work falls on all of them.

import { PageAddress } from '../../test/helpers/page-address.ts';
import type { Pair } from '../../test/helpers/pair.ts';
import { CASES } from '../pair/cases.ts';
import type { HelperProcess } from '../pair/helper-process.ts';
import { send } from '../pair/load.ts';
import { type Passage, pass } from '../pair/passage.ts';
import { cpuMs } from '../pair/processes.ts';
import type { BenchBrowser } from './browser.ts';
import { readAsPage } from './readers.ts';

const WATCHERS = ['nobody', 'a reader', 'the page'] as const;
export type Watcher = (typeof WATCHERS)[number];

export interface Throughput {
  readonly watcher: Watcher;
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
  const found: Throughput[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const watcher of round % 2 === 0 ? WATCHERS.toReversed() : WATCHERS) {
      const close = await openWatcher(watcher, options);
      const before = cpuMs(servers);
      const ran = await passThrough(messages);
      const cpuMsPerMessage = (cpuMs(servers) - before) / messages;
      await close();
      found.push({ watcher, perSecond: messages / ran.seconds, cpuMsPerMessage });
      note(
        `round ${round}: ${watcher}, ${(messages / ran.seconds).toFixed(0)} messages/s, ${cpuMsPerMessage.toFixed(2)} ms`,
      );
    }
  }
  return found;
}

async function openWatcher(watcher: Watcher, { pair, browser }: ThroughputOptions): Promise<() => Promise<void>> {
  if (watcher === 'nobody') return () => Promise.resolve();
  const address = pair.ready.page ?? '';
  if (watcher === 'a reader') {
    const { origins } = await PageAddress.read(address);
    const readers = [origins.hub, origins.edge].map(readAsPage);
    return () => Promise.resolve(readers.forEach((reader) => reader.close()));
  }
  const { page } = await browser.show(address, 'stage');
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return () => page.close();
}
