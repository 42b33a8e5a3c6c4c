// EdgeSync on the Hub: which Edges are synchronized with what, one round at a time for each, by hand and by the schedule
// (sync-schedule.ts). What a round is: sync-round.ts.

import type { Cancel } from '../clock.ts';
import { SYNC_TYPE_NAMES, type SyncTypeName } from '../directory/edge-sync-cookie.ts';
import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import { Problem } from '../problem.ts';
import { takesPartInSync } from './credential.ts';
import { type EdgeTestOrder, type EdgeTestReport, testEdge } from './edge-test.ts';
import type { SyncReport } from './sync-report.ts';
import { runSyncRound, type SyncOrder, type SyncRoundOptions } from './sync-round.ts';
import { SyncSchedule } from './sync-schedule.ts';

/** What a person may ask for. */
export interface SyncRequest extends Pick<SyncOrder, 'forceFullSync' | 'forceUpdateCookie'> {
  /** One Edge alone. */
  readonly edgeName?: string | undefined;
}

/** Owns the schedule and the rounds under way. */
export class Synchronizer {
  readonly #options: SyncRoundOptions;
  readonly #schedule: SyncSchedule;
  readonly #running = new Map<string, Promise<readonly SyncReport[]>>();
  readonly #listeners = new Set<(report: SyncReport) => void>();
  #cancelWatch: Cancel = () => undefined;
  #isOpen = true;

  constructor(options: SyncRoundOptions) {
    this.#options = options;
    this.#schedule = new SyncSchedule({ clock: options.clock, onDue: (due) => this.#runDue(due) });
  }

  /** Begins with scheduled rounds, the first of them one interval from now. */
  start(): void {
    const { activeDirectory } = this.#options;
    this.#cancelWatch = activeDirectory.onChange(() => this.#reschedule());
    this.#reschedule();
  }

  /** Calls `listener` with what each round came to, of each type, from now on; it must not throw. */
  onReport(listener: (report: SyncReport) => void): Cancel {
    const own = (report: SyncReport): void => listener(report);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** No round begins any more; resolves when those under way are over. */
  async close(): Promise<void> {
    this.#isOpen = false;
    this.#cancelWatch();
    this.#schedule.stop();
    await Promise.all(this.#running.values());
  }

  /** A round of all types with each subscribed Edge, or with the one named; never rejects for what an Edge does. */
  async synchronize({ edgeName, ...forced }: SyncRequest = {}): Promise<readonly SyncReport[]> {
    // An Edge may have been subscribed on another hub a moment ago.
    await this.#options.activeDirectory.refresh();
    const chosen = this.#choose(edgeName);
    const order = { ...forced, types: SYNC_TYPE_NAMES, isManual: true };
    return (await Promise.all(chosen.map(({ name }) => this.#join(name, order)))).flat();
  }

  /** Looks at each subscribed Edge, or the one named, and changes nothing. */
  test({ edgeName, ...order }: EdgeTestOrder & Pick<SyncRequest, 'edgeName'>): Promise<readonly EdgeTestReport[]> {
    return Promise.all(this.#choose(edgeName).map((edge) => testEdge(edge, order, this.#options)));
  }

  /** Throws Problem `not-found`. */
  #choose(edgeName: string | undefined): readonly EdgeSubscription[] {
    const { edges } = this.#options.activeDirectory.snapshot();
    const chosen = edges.filter(({ name }) => edgeName === undefined || name.toLowerCase() === edgeName.toLowerCase());
    if (edgeName !== undefined && chosen.length === 0)
      throw new Problem('not-found', `there is no Edge Subscription "${edgeName}"`);
    return chosen;
  }

  /** A round that is under way is waited for, and another follows: it may have read what has changed since. */
  #join(name: string, order: SyncOrder): Promise<readonly SyncReport[]> {
    const before = this.#running.get(name) ?? Promise.resolve([]);
    const round = before.then(() => this.#run(name, order));
    this.#running.set(name, round);
    return round;
  }

  async #run(name: string, order: SyncOrder): Promise<readonly SyncReport[]> {
    const reports = this.#isOpen ? await runSyncRound(name, order, this.#options) : [];
    for (const type of order.types) this.#schedule.noteRound(name, type);
    for (const report of reports) {
      for (const listener of this.#listeners) listener(report);
    }
    return reports;
  }

  /** Scheduled rounds do not queue behind one another: an Edge that is slow is tried when it is due again. */
  #runDue(due: ReadonlyMap<string, readonly SyncTypeName[]>): void {
    for (const [name, types] of due) void this.#join(name, { types, isManual: false });
  }

  #reschedule(): void {
    const { edges, edgeSyncServiceConfig: config, self } = this.#options.activeDirectory.snapshot();
    this.#schedule.set(
      edges.filter((edge) => takesPart(edge, self)).map(({ name }) => name),
      {
        Configuration: config.configurationSyncIntervalMs,
        Recipients: config.recipientSyncIntervalMs,
      },
    );
  }
}

function takesPart(edge: EdgeSubscription, self: Parameters<typeof takesPartInSync>[0]): boolean {
  return takesPartInSync(self, edge.fqdn);
}
