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
    'A real pair, as fast as it goes (4 KiB, 10 sessions), medians:',
    '',
    '| who looks | runs | messages/s | CPU of both servers, ms/message | of each run, messages/s |',
    '| --- | --- | --- | --- | --- |',
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
  const rates = runs.map(({ perSecond }) => perSecond);
  return row(
    watcher,
    String(runs.length),
    fixed(median(rates), 0),
    fixed(median(runs.map(({ cpuMsPerMessage }) => cpuMsPerMessage)), 2),
    rates.map((rate) => fixed(rate, 0)).join(', '),
  );
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
