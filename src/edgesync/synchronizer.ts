// EdgeSync on the Hub: which Edges are synchronized, one round at a time for each. What a round is: sync-round.ts.

import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import { Problem } from '../problem.ts';
import { runSyncRound, type SyncReport, type SyncRoundOptions } from './sync-round.ts';

export class Synchronizer {
  readonly #options: SyncRoundOptions;
  readonly #running = new Map<string, Promise<readonly SyncReport[]>>();

  constructor(options: SyncRoundOptions) {
    this.#options = options;
  }

  /** A round with each subscribed Edge, or with the one named; never rejects for what an Edge does. */
  async synchronize(edgeName?: string): Promise<readonly SyncReport[]> {
    const { edges } = this.#options.activeDirectory.snapshot();
    const chosen = edges.filter(({ name }) => edgeName === undefined || name.toLowerCase() === edgeName.toLowerCase());
    if (edgeName !== undefined && chosen.length === 0)
      throw new Problem('not-found', `there is no Edge Subscription "${edgeName}"`);
    return (await Promise.all(chosen.map((edge) => this.#join(edge)))).flat();
  }

  /** A round that is under way is waited for, and another follows: it may have read what has changed since. */
  #join(edge: EdgeSubscription): Promise<readonly SyncReport[]> {
    const before = this.#running.get(edge.name) ?? Promise.resolve();
    const round = before.then(() => runSyncRound(edge.name, this.#options));
    this.#running.set(edge.name, round);
    return round;
  }
}
