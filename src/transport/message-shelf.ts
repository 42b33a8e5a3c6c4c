// Messages that were read from the spool a moment ago, for whoever delivers them at once. What waits longer makes room for
// others and is read again.

import { BoundedMap } from '../bounded-map.ts';
import type { Spool, SpooledMessage } from '../spool/spool.ts';

const SHELF_SIZE = 500;

export class MessageShelf {
  readonly #spool: Pick<Spool, 'get'>;
  readonly #messages = new BoundedMap<number, SpooledMessage>(SHELF_SIZE);

  constructor(spool: Pick<Spool, 'get'>) {
    this.#spool = spool;
  }

  put(message: SpooledMessage): void {
    this.#messages.set(message.id, message);
  }

  /** Forgets what was read: the message has changed. */
  drop(id: number): void {
    this.#messages.delete(id);
  }

  /** The message, taken off the shelf or read; undefined when it is gone or damaged. Rejects as `Spool.get` does. */
  async take(id: number): Promise<SpooledMessage | undefined> {
    const found = this.#messages.get(id);
    if (!found) return this.#spool.get(id);
    this.#messages.delete(id);
    return found;
  }
}
