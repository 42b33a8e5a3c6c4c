// Messages that are in the database and not on the disk yet. One that comes alone sets out meanwhile, as far as it gets without its
// body: to the next hop, with the envelope. Nothing of the body is given out before it is certain that the message stays, and one that
// cannot be synced was never there.

import { PassingMap } from '../passing.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Journal } from './journal.ts';
import type { SpooledMessage } from './spool.ts';
import type { SpoolDatabase, UnstoredMessage } from './spool-database.ts';
import type { WorkUnderWay } from './work-under-way.ts';

interface UnsyncedMessagesParts {
  readonly database: SpoolDatabase;
  readonly journal: Pick<Journal, 'isDoubtful'>;
  readonly group: GroupCommit;
  readonly work: WorkUnderWay;
  /** Called when a message may be claimed; must not throw. */
  readonly onArrival: (stored: SpooledMessage, message: UnstoredMessage) => void;
  /** Called when one that had arrived is not kept; must not throw. */
  readonly onWithdrawal: (stored: SpooledMessage) => void;
}

export class UnsyncedMessages {
  readonly #parts: UnsyncedMessagesParts;
  readonly #syncs = new PassingMap<number, Promise<unknown>>();

  constructor(parts: UnsyncedMessagesParts) {
    this.#parts = parts;
  }

  /** Stores a message; resolves once it is synced. Problems of `GroupCommit.run`: then nothing of it is kept. */
  async store(message: UnstoredMessage): Promise<SpooledMessage> {
    const { database, journal, group, work, onArrival, onWithdrawal } = this.#parts;
    let early: SpooledMessage | undefined;
    const synced = work.track(
      group.run({
        write: () => database.insert(message),
        sizeBytes: message.body.content?.length ?? 0,
        written: (stored, isAlone) => {
          // In a rush an envelope and a body that go together cost less. While the disk fails, what will be refused as well need not
          // trouble the next hop.
          if (!isAlone || journal.isDoubtful) return;
          early = stored;
          this.#syncs.set(stored.id, synced);
          onArrival(stored, message);
        },
        undo: ({ id }) => {
          database.unwait(id);
          database.remove(id);
        },
      }),
    );
    try {
      const stored = await synced;
      if (!early) onArrival(stored, message);
      return stored;
    } catch (error) {
      if (early) onWithdrawal(early);
      throw error;
    } finally {
      if (early) this.#syncs.delete(early.id);
    }
  }

  /** Resolves when the message is on the disk; rejects as its `store` where it does not get there. */
  async wait(id: number): Promise<void> {
    await this.#syncs.get(id);
  }
}
