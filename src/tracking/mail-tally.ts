// How much mail there was since the start, by kinds of which there is a closed list: plain numbers, since they are counted for
// every message. A worker counts for itself and hands its numbers over with its records. Metrics shows them.

import type { DecisionCard } from './decision-card.ts';
import type { TrackingEntry } from './tracking-record.ts';

/** One number by its kind: `messages RECEIVE`, `bytes SEND`, `hops sender tls direct-trust delivered`. */
export type TallyCount = readonly [kind: string, count: number];

export class MailTally {
  readonly #counts = new Map<string, number>();

  /** A message's event, with the octets of its body. */
  noteTracking({ eventId, totalBytes = 0 }: Pick<TrackingEntry, 'eventId' | 'totalBytes'>): void {
    this.#add(`messages ${eventId}`, 1);
    this.#add(`bytes ${eventId}`, totalBytes);
  }

  /** How a hop went. Who was at its other end is not counted: names are no closed list. */
  noteHop({ side, channel, reason, outcome }: Pick<DecisionCard, 'side' | 'channel' | 'reason' | 'outcome'>): void {
    this.#add(`hops ${side} ${channel} ${reason} ${outcome}`, 1);
  }

  /** Numbers that another tally has counted. */
  add(counts: readonly TallyCount[]): void {
    for (const [kind, count] of counts) this.#add(kind, count);
  }

  /** The numbers whose kind begins with `first`, as the words behind it and the count. */
  read(first: 'messages' | 'bytes' | 'hops'): readonly { readonly words: readonly string[]; readonly count: number }[] {
    return [...this.#counts].flatMap(([kind, count]) => {
      const [head, ...words] = kind.split(' ');
      return head === first ? [{ words, count }] : [];
    });
  }

  /** One number; 0 when nothing of the kind has happened. */
  count(kind: string): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** All numbers, which begin at 0 again. */
  take(): readonly TallyCount[] {
    const counts = [...this.#counts];
    this.#counts.clear();
    return counts;
  }

  #add(kind: string, count: number): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count);
  }
}
