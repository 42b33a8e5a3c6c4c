// The messages of the embedded spool that were set aside: what was stored is not what was accepted. They are out of use at once;
// the mark on disk follows, and would be found again if it were lost.

import type { BodyFolder } from './body-folder.ts';
import { explainDiskFault } from './disk-fault.ts';
import type { GroupCommit } from './group-commit.ts';
import type { DamagedMessage, SpoolOptions } from './spool.ts';
import type { SpoolDatabase } from './spool-database.ts';
import type { WorkUnderWay } from './work-under-way.ts';

interface DamagedMessagesParts {
  readonly database: SpoolDatabase;
  readonly bodies: BodyFolder;
  readonly group: GroupCommit;
  readonly work: WorkUnderWay;
  readonly options: Pick<SpoolOptions, 'clock' | 'log' | 'onSetAside'>;
}

export class DamagedMessages {
  readonly #parts: DamagedMessagesParts;
  readonly #messages: Map<number, DamagedMessage>;

  constructor(parts: DamagedMessagesParts, known: readonly DamagedMessage[]) {
    this.#parts = parts;
    this.#messages = new Map(known.map((message) => [message.id, message]));
  }

  get size(): number {
    return this.#messages.size;
  }

  has(id: number): boolean {
    return this.#messages.has(id);
  }

  list(): DamagedMessage[] {
    return [...this.#messages.values()];
  }

  /** Sets a message aside; false when it was already. */
  add(id: number, reason: string): boolean {
    const { database, group, work, options } = this.#parts;
    database.unwait(id);
    if (this.has(id)) return false;
    const foundAt = options.clock.now();
    this.#messages.set(id, database.describeDamaged({ id, reason, foundAt }));
    options.log.error({ id, reason }, 'spool: message is damaged and was set aside');
    work.leave(group.run({ write: () => database.markDamaged(id, reason, foundAt) }));
    options.onSetAside?.({ id, reason });
    return true;
  }

  /** Deletes one; false when it is not here. */
  async discard(id: number): Promise<boolean> {
    if (!this.has(id)) return false;
    const { database, bodies, group, work } = this.#parts;
    try {
      const fileName = await work.track(group.run({ write: () => database.discardDamaged(id) }));
      this.#messages.delete(id);
      // Not before: a power cut would bring back the row.
      if (fileName !== undefined) work.leave(bodies.remove(fileName));
      return true;
    } catch (error) {
      throw explainDiskFault(error);
    }
  }
}
