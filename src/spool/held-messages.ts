// What one server holds of a shared spool, and for whom: the database knows the server alone. What was just accepted is the
// server's already and `ready` for the first one inside that claims; what was lost is remembered.

import type { Cancel } from '../clock.ts';
import type { ClaimOptions } from './spool.ts';

type ReadyOptions = Pick<ClaimOptions, 'owner' | 'limit' | 'dueBefore' | 'latestFirst'>;

/** So many losses are remembered: as many as a server may hold when it is cut off. */
const MAX_LOST = 1_000_000;

export class HeldMessages {
  readonly #owners = new Map<number, string>();
  readonly #lost = new Set<number>();
  readonly #listeners = new Set<(ids: readonly number[]) => void>();
  /** When each of them is due, in the order in which they came. */
  readonly #ready = new Map<number, number>();

  /** Notes what the database has given to `owner`. */
  claim(id: number, owner: string): void {
    this.#owners.set(id, owner);
    this.#lost.delete(id);
  }

  /** A message that is this server's and nobody's inside yet. */
  offer(id: number, dueMs: number): void {
    this.#ready.set(id, dueMs);
    this.#lost.delete(id);
  }

  /** Gives ready messages to an owner, in the order that is asked for. */
  takeReady({ owner, limit, dueBefore, latestFirst = false }: ReadyOptions): number[] {
    const latestMs = dueBefore?.getTime() ?? Number.POSITIVE_INFINITY;
    const all = [...this.#ready]
      .filter(([, dueMs]) => dueMs <= latestMs)
      .toSorted((a, b) => a[1] - b[1] || a[0] - b[0]);
    const taken = (latestFirst ? all.toReversed() : all).slice(0, limit).map(([id]) => id);
    for (const id of taken) {
      this.#ready.delete(id);
      this.claim(id, owner);
    }
    return taken;
  }

  /** Everything that is ready, which is so no more. */
  withdrawReady(): number[] {
    const ids = [...this.#ready.keys()];
    this.#ready.clear();
    return ids;
  }

  isClaimed(id: number): boolean {
    return this.#owners.has(id);
  }

  /** True when this server has it in the database. */
  isHeld(id: number): boolean {
    return this.#owners.has(id) || this.#ready.has(id);
  }

  isLost(id: number): boolean {
    return this.#lost.has(id);
  }

  /** Those that `owner` holds. */
  ofOwner(ids: readonly number[], owner: string): number[] {
    return ids.filter((id) => this.#owners.get(id) === owner);
  }

  forget(id: number): void {
    this.#owners.delete(id);
    this.#ready.delete(id);
  }

  /** Somebody else has the message now, or may have. */
  lose(id: number): void {
    this.#ready.delete(id);
    if (!this.#owners.delete(id)) return;
    this.#noteLoss(id);
    this.#tell([id]);
  }

  loseAll(): void {
    const ids = [...this.#owners.keys()];
    for (const id of ids) this.#noteLoss(id);
    this.#owners.clear();
    this.#ready.clear();
    this.#tell(ids);
  }

  /** Calls `listener` with what is lost; it must not throw. */
  onLoss(listener: (ids: readonly number[]) => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(ids: readonly number[]): void {
    if (ids.length > 0) for (const listener of this.#listeners) listener(ids);
  }

  /** Remembered until it is claimed again: a delivery under way asks when it is at its end. The oldest are forgotten first. */
  #noteLoss(id: number): void {
    this.#lost.add(id);
    if (this.#lost.size <= MAX_LOST) return;
    const [oldest] = this.#lost;
    if (oldest !== undefined) this.#lost.delete(oldest);
  }
}
