// How long one connection is reused, for message after message: so many of them, so much time, and no longer than what it was
// judged by holds. A message under way is finished in any case.

import type { Clock } from '../clock.ts';
import { CLOCK_TOLERANCE_MS } from '../trust/tls-policy.ts';
import type { HopFacts } from './hop.ts';
import type { HopQueue } from './hop-queue.ts';

/** A connection that is kept busy is made anew after so long: the peer is looked up and judged again. As Postfix has it. */
const MAX_CONNECTION_MS = 300_000;

export class ConnectionReuse {
  readonly #queue: Pick<HopQueue, 'judgement'>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #judgement: number;
  readonly #endMs = performance.now() + MAX_CONNECTION_MS;
  #inDateUntilMs = Number.POSITIVE_INFINITY;
  #messagesLeft: number;

  /** Made before the connection is opened: what changes meanwhile ends it too. */
  constructor(queue: Pick<HopQueue, 'hop' | 'judgement'>, clock: Pick<Clock, 'now'>) {
    this.#queue = queue;
    this.#clock = clock;
    this.#judgement = queue.judgement;
    this.#messagesLeft = queue.hop.maxMessagesPerConnection ?? Number.POSITIVE_INFINITY;
  }

  /** The connection is open. A certificate that was out of its dates then was judged as that. */
  begin({ tls }: Pick<HopFacts, 'tls'>): void {
    const nowMs = this.#clock.now().getTime();
    const endsMs = [tls?.localNotAfter, tls?.peerNotAfter]
      .map((notAfter) => (notAfter === undefined ? Number.NaN : Date.parse(notAfter) + CLOCK_TOLERANCE_MS))
      .filter((endMs) => endMs >= nowMs);
    this.#inDateUntilMs = Math.min(...endsMs);
  }

  noteMessage(): void {
    this.#messagesLeft--;
  }

  get isOver(): boolean {
    const isJudgedAnew = this.#queue.judgement !== this.#judgement;
    const isOutOfDate = this.#clock.now().getTime() > this.#inDateUntilMs;
    return isJudgedAnew || isOutOfDate || this.#messagesLeft <= 0 || performance.now() >= this.#endMs;
  }
}
