// The messages that this process is taking, and the 250 for one that is alone. When it is in the spool it has been handed on, and the
// next server may have answered its envelope already: that is read before the client is woken, whom the system often lets run in
// this server's place. In a crowd nobody waits.

import { setImmediate as nextRound } from 'node:timers/promises';

export class MessagesUnderWay {
  #count = 0;

  /** Whether no other is under way. */
  get isOne(): boolean {
    return this.#count === 1;
  }

  /** Counts one more until `take` is through. */
  async count<T>(take: () => Promise<T>): Promise<T> {
    this.#count += 1;
    try {
      return await take();
    } finally {
      this.#count -= 1;
    }
  }

  /** Resolves when a message that was `alone` before it was stored, and still is, has gone ahead. */
  async letGoAhead(alone: boolean): Promise<void> {
    if (!alone || !this.isOne) return;
    // The first ends the round in which the sync was heard of; the next round reads what has come, and the second ends that.
    await nextRound();
    await nextRound();
  }
}
