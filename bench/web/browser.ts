// A page in Debian's chromium and what it costs there: octets until the first paint, long tasks, the main thread's own time, memory.

import { execFileSync } from 'node:child_process';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import { peerPath } from '../../test/helpers/peers.ts';
import { cpuMs } from '../pair/processes.ts';

/** What a minute, or so, cost the page. */
export interface PageCost {
  readonly seconds: number;
  /** Tasks of the main thread longer than 50 ms (W3C Long Tasks), by the wall clock. */
  readonly longTasks: number;
  readonly longestMs: number;
  /** The most within one second. */
  readonly worstSecond: number;
  readonly framesPerSecond: number;
  /** Processor time of the main thread, in percent of one core. */
  readonly busyPercent: number;
  readonly heapMiB: { readonly before: number; readonly after: number };
  readonly elements: number;
  /** Of the browser's processes. */
  readonly cpuMs: number;
}

export interface FirstPaint {
  readonly compressedBytes: number;
  readonly plainBytes: number;
  readonly requests: number;
  readonly ms: number;
}

interface Watched {
  readonly tasks: readonly { readonly at: number; readonly ms: number }[];
  readonly frames: number;
}

/** Scripts for the page, as texts: they run there and not here. */
const PAINTED = `new Promise((resolve) => {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName('first-contentful-paint')) resolve(entry.startTime);
  }).observe({ type: 'paint', buffered: true });
})`;
const WATCH = `(() => {
  const watched = { tasks: [], frames: 0 };
  globalThis.watched = watched;
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) watched.tasks.push({ at: startTime, ms: duration });
  }).observe({ type: 'longtask' });
  const frame = () => {
    watched.frames += 1;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})()`;

export class BenchBrowser {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async open(): Promise<BenchBrowser> {
    const browser = await chromium.launch({
      executablePath: peerPath('chromium'),
      // As root there is no sandbox to be had.
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
    return new BenchBrowser(browser);
  }

  /** Everything that came over the network until the first contentful paint. */
  async firstPaint(address: string): Promise<FirstPaint> {
    const page = await this.#newPage();
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.setCacheDisabled', { cacheDisabled: true });
    const got = { compressedBytes: 0, plainBytes: 0, requests: 0 };
    session.on('Network.dataReceived', ({ dataLength }) => (got.plainBytes += dataLength));
    session.on('Network.loadingFinished', ({ encodedDataLength }) => {
      got.compressedBytes += encodedDataLength;
      got.requests += 1;
    });
    await page.goto(address, { waitUntil: 'commit' });
    const ms = await page.evaluate<number>(PAINTED);
    const paint = { ...got, ms };
    await page.close();
    return paint;
  }

  /** The page, open on one of its views. */
  async show(address: string, view: string): Promise<WatchedPage> {
    const page = await this.#newPage();
    await page.goto(address);
    await page.locator(`nav a[href="#/${view}"]`).click();
    await page.locator(`nav a[href="#/${view}"][aria-current="page"]`).waitFor();
    return WatchedPage.open(page, () => this.#cpuMs());
  }

  /** From now on the open pages get a processor only when nothing else wants it (SCHED_IDLE, sched(7)). */
  async takeIdleTimeOnly(): Promise<void> {
    await this.#schedule('--idle');
  }

  async takeItsShare(): Promise<void> {
    await this.#schedule('--other');
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }

  async #schedule(policy: '--idle' | '--other'): Promise<void> {
    for (const id of await this.#processIds()) {
      execFileSync('chrt', ['--all-tasks', policy, '--pid', '0', `${id}`]);
    }
  }

  async #cpuMs(): Promise<number> {
    return cpuMs(await this.#processIds());
  }

  async #processIds(): Promise<readonly number[]> {
    const session = await this.#browser.newBrowserCDPSession();
    const { processInfo } = (await session.send('SystemInfo.getProcessInfo')) as { processInfo: { id: number }[] };
    await session.detach();
    return processInfo.map(({ id }) => id);
  }

  #newPage(): Promise<Page> {
    return this.#browser.newPage({ viewport: { width: 1440, height: 900 } });
  }
}

/** A page that is looked at while something happens. */
export class WatchedPage {
  readonly page: Page;
  readonly #session: CDPSession;
  readonly #browserCpuMs: () => Promise<number>;

  private constructor(page: Page, session: CDPSession, browserCpuMs: () => Promise<number>) {
    this.page = page;
    this.#session = session;
    this.#browserCpuMs = browserCpuMs;
  }

  static async open(page: Page, browserCpuMs: () => Promise<number>): Promise<WatchedPage> {
    const session = await page.context().newCDPSession(page);
    // Time that the thread had the processor, whatever else the machine does.
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    return new WatchedPage(page, session, browserCpuMs);
  }

  /** What the page cost while `work` went on. */
  async watch(work: () => Promise<unknown>): Promise<PageCost> {
    const [before, cpuBefore] = [await this.#metrics(), await this.#browserCpuMs()];
    await this.page.evaluate(WATCH);
    const beganMs = performance.now();
    await work();
    const seconds = (performance.now() - beganMs) / 1000;
    const { tasks, frames } = await this.page.evaluate<Watched>('watched');
    const [after, cpuAfter] = [await this.#metrics(), await this.#browserCpuMs()];
    const rise = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
    const mib = (metrics: Readonly<Record<string, number>>): number => (metrics['JSHeapUsedSize'] ?? 0) / 2 ** 20;
    return {
      seconds,
      longTasks: tasks.length,
      longestMs: Math.max(0, ...tasks.map(({ ms }) => ms)),
      worstSecond: mostInOneSecond(tasks.map(({ at }) => at)),
      framesPerSecond: frames / seconds,
      busyPercent: (100 * rise('TaskDuration')) / seconds,
      heapMiB: { before: mib(before), after: mib(after) },
      elements: after['Nodes'] ?? 0,
      cpuMs: cpuAfter - cpuBefore,
    };
  }

  async #metrics(): Promise<Readonly<Record<string, number>>> {
    await this.#session.send('HeapProfiler.collectGarbage');
    const { metrics } = await this.#session.send('Performance.getMetrics');
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  }
}

function mostInOneSecond(times: readonly number[]): number {
  return Math.max(0, ...times.map((at) => times.filter((other) => other >= at && other < at + 1000).length));
}
