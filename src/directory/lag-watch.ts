// Whether a server lacks changes of the directory that others have, for longer than replication takes: pure. Somebody is always a
// little ahead, so what counts is how long one and the same state of the others has been waited for.

import { compareToSeen, mergePositions, type ReplicaPosition } from './replica-position.ts';

export class LagWatch {
  readonly #patienceMs: number;
  #awaited: { readonly position: ReplicaPosition; readonly sinceMs: number } | undefined;

  /** `patienceMs`: how long a change may take to come. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** Since when this server has been behind; undefined while it is not, or nobody can tell. */
  note(
    own: ReplicaPosition | undefined,
    others: readonly ReplicaPosition[],
    nowMs: number,
  ): { readonly sinceMs: number } | undefined {
    const seen = others.reduce<ReplicaPosition>(mergePositions, new Map());
    if (!own || compareToSeen(own, seen) === 'current') this.#awaited = undefined;
    else if (!this.#awaited || compareToSeen(own, this.#awaited.position) === 'current')
      this.#awaited = { position: seen, sinceMs: nowMs };
    const { sinceMs } = this.#awaited ?? {};
    return sinceMs !== undefined && nowMs - sinceMs > this.#patienceMs ? { sinceMs } : undefined;
  }
}
