// How long one connection may carry messages: so many of them, so much time, and no longer than what it was judged by holds. A
// message under way is finished in any case.

import type { HopQueue } from './hop-queue.ts';

/** A connection that is kept busy is made anew after so long: the peer is looked up and judged again. As Postfix has it. */
const MAX_CONNECTION_MS = 300_000;

export class Tenure {
  readonly #queue: Pick<HopQueue, 'judgement'>;
  readonly #judgement: number;
  readonly #endMs = performance.now() + MAX_CONNECTION_MS;
  #messagesLeft: number;

  /** Begins before the connection is opened: what changes meanwhile ends it too. */
  constructor(queue: Pick<HopQueue, 'hop' | 'judgement'>) {
    this.#queue = queue;
    this.#judgement = queue.judgement;
    this.#messagesLeft = queue.hop.maxMessagesPerConnection ?? Number.POSITIVE_INFINITY;
  }

  noteMessage(): void {
    this.#messagesLeft--;
  }

  get isOver(): boolean {
    const isJudgedAnew = this.#queue.judgement !== this.#judgement;
    return isJudgedAnew || this.#messagesLeft <= 0 || performance.now() >= this.#endMs;
  }
}
