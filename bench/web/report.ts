// What was measured, as Markdown.

import type { FirstPaint, PageCost } from './browser.ts';
import type { ReaderCost, ReplayedByRole } from './replays.ts';
import type { Throughput } from './throughput.ts';

export interface Report {
  readonly paint: FirstPaint;
  readonly pages: readonly { readonly view: string; readonly cost: PageCost; readonly replayed: ReplayedByRole }[];
  readonly throughput: readonly Throughput[];
  readonly readers: readonly ReaderCost[];
  /** Messages a second that were replayed. */
  readonly perSecond: number;
}

export function formatReport({ paint, pages, throughput, readers, perSecond }: Report): string {
  return [
    `First paint: ${kb(paint.compressedBytes)} KB in ${paint.requests} answers, headers included (${kb(paint.plainBytes)} KB before compression), after ${paint.ms.toFixed(0)} ms.`,
    '',
    `The page, fed by ${perSecond} replayed messages a second:`,
    '',
    '| view | seconds | messages/s | long tasks a second | in the worst second | longest, ms | CPU of the main thread | frames/s | heap, MiB | elements | CPU of the browser |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...pages.map(({ view, cost, replayed }) => formatPage(view, cost, replayed)),
    '',
    ...(throughput.length === 0 ? [] : formatThroughputs(throughput)),
    `Readers of the events of a server, ${perSecond} replayed messages a second:`,
    '',
    '| readers of each server | Hub, MiB resident at most | Edge | Hub, CPU ms/message | Edge |',
    '| --- | --- | --- | --- | --- |',
    ...readers.map(({ readers: who, replayed: { hub, edge } }) =>
      row(who, fixed(hub.residentMiB, 0), fixed(edge.residentMiB, 0), cpuOf(hub), cpuOf(edge)),
    ),
  ].join('\n');
}

function formatPage(view: string, cost: PageCost, { hub }: ReplayedByRole): string {
  const { seconds, longTasks, worstSecond, longestMs, busyPercent, framesPerSecond, heapMiB, elements, cpuMs } = cost;
  return row(
    view,
    fixed(seconds, 0),
    fixed(hub.messages / hub.seconds, 0),
    fixed(longTasks / seconds, 2),
    String(worstSecond),
    fixed(longestMs, 0),
    `${fixed(busyPercent, 0)} % of a core`,
    fixed(framesPerSecond, 0),
    `${fixed(heapMiB.before, 1)} to ${fixed(heapMiB.after, 1)}`,
    String(elements),
    `${fixed(cpuMs / seconds / 10, 0)} % of a core`,
  );
}

function formatThroughputs(throughput: readonly Throughput[]): readonly string[] {
  const watchers = [...new Set(throughput.map(({ watcher }) => watcher))];
  return [
    'A real pair, as fast as it goes (4 KiB, 10 sessions); each run against the mean of the two with nobody before and after it:',
    '',
    '| who looks | runs | messages/s | with nobody | loss of messages/s (95 %) | CPU of both servers, ms/message | with nobody | more CPU (95 %) |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...watchers.map((watcher) =>
      formatThroughput(
        watcher,
        throughput.filter((each) => each.watcher === watcher),
      ),
    ),
    '',
  ];
}

function formatThroughput(watcher: string, runs: readonly Throughput[]): string {
  const medianOf = (read: (run: Throughput) => number, digits: number): string => fixed(median(runs.map(read)), digits);
  return row(
    watcher,
    String(runs.length),
    medianOf(({ watched }) => watched.perSecond, 0),
    medianOf(({ unwatched }) => unwatched.perSecond, 0),
    percent(runs.map(({ watched, unwatched }) => 1 - watched.perSecond / unwatched.perSecond)),
    medianOf(({ watched }) => watched.cpuMsPerMessage, 2),
    medianOf(({ unwatched }) => unwatched.cpuMsPerMessage, 2),
    percent(runs.map(({ watched, unwatched }) => watched.cpuMsPerMessage / unwatched.cpuMsPerMessage - 1)),
  );
}

/** The mean of some shares, and the half of its interval of 95 %: twice the standard error, which is near enough from ten runs on. */
function percent(shares: readonly number[]): string {
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / Math.max(1, shares.length - 1);
  return `${fixed(100 * mean, 1)} % ± ${fixed(200 * Math.sqrt(variance / shares.length), 1)}`;
}

function cpuOf({ cpuMs, messages }: ReplayedByRole['hub']): string {
  return fixed(cpuMs / messages, 2);
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function fixed(value: number, digits: number): string {
  return value.toFixed(digits);
}

function kb(bytes: number): string {
  return fixed(bytes / 1000, 1);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}
