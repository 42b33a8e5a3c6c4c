// When which Edge is due for which type of data: one interval after the last round of that type, whoever asked for it, so a
// manual round moves the next one (exchange: a manual synchronization resets the timer). A change in AD does not wait for a
// round of its own; like in Exchange it goes with the next. By the Clock, so that a moved clock brings what is due on the way.

import type { Cancel, Clock } from '../clock.ts';
import { SYNC_TYPE_NAMES, type SyncTypeName } from '../directory/edge-sync-cookie.ts';

export interface SyncScheduleOptions {
  readonly clock: Clock;
  /** Called with what is due, by the Edge's name; what it starts is noted by `noteRound` when it is over. */
  readonly onDue: (due: ReadonlyMap<string, readonly SyncTypeName[]>) => void;
}

/** Milliseconds from round to round. */
export type SyncIntervals = Readonly<Record<SyncTypeName, number>>;

/** Owns one timer. */
export class SyncSchedule {
  readonly #options: SyncScheduleOptions;
  /** Elapsed time from which the interval counts, for each Edge and type; Infinity while a round is under way. */
  readonly #since = new Map<string, Map<SyncTypeName, number>>();
  #intervals: SyncIntervals | undefined;
  #cancel: Cancel = () => undefined;

  constructor(options: SyncScheduleOptions) {
    this.#options = options;
  }

  /** The Edges to synchronize and how often. An Edge that is new is first due one interval from now. */
  set(edges: readonly string[], intervals: SyncIntervals): void {
    const nowMs = this.#options.clock.elapsedMs();
    for (const name of this.#since.keys()) if (!edges.includes(name)) this.#since.delete(name);
    for (const name of edges) {
      if (!this.#since.has(name)) this.#since.set(name, new Map(SYNC_TYPE_NAMES.map((type) => [type, nowMs])));
    }
    this.#intervals = intervals;
    this.#arm();
  }

  /** A round is over: from now on the interval counts. */
  noteRound(edge: string, type: SyncTypeName): void {
    this.#since.get(edge)?.set(type, this.#options.clock.elapsedMs());
    this.#arm();
  }

  stop(): void {
    this.#cancel();
    this.#intervals = undefined;
  }

  #arm(): void {
    this.#cancel();
    const intervals = this.#intervals;
    if (!intervals) return;
    const dueMs = [...this.#since.values()].flatMap((types) =>
      [...types].map(([type, sinceMs]) => sinceMs + intervals[type]),
    );
    const nextMs = Math.min(...dueMs);
    if (!Number.isFinite(nextMs)) return;
    this.#cancel = this.#options.clock.schedule(nextMs - this.#options.clock.elapsedMs(), () => this.#ring(intervals));
  }

  #ring(intervals: SyncIntervals): void {
    const nowMs = this.#options.clock.elapsedMs();
    const due = new Map<string, readonly SyncTypeName[]>();
    for (const [edge, types] of this.#since) {
      const ripe = SYNC_TYPE_NAMES.filter(
        (type) => (types.get(type) ?? Number.POSITIVE_INFINITY) + intervals[type] <= nowMs,
      );
      for (const type of ripe) types.set(type, Number.POSITIVE_INFINITY);
      if (ripe.length > 0) due.set(edge, ripe);
    }
    this.#arm();
    if (due.size > 0) this.#options.onDue(due);
  }
}
