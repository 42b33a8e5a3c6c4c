// A worker's view of the spool that its parent process owns. Bodies take the same way as the owner's: gathered in memory up
// to the limit, beyond it written and synced into the body folder by the worker itself. The row is the owner's (spool-door.ts).

import { join } from 'node:path';
import { BodyFolder } from './body-folder.ts';
import { BodyIntake } from './body-intake.ts';
import { freshState } from './delivery-state.ts';
import { DiskRoom } from './disk-room.ts';
import { EmbeddedWriter } from './embedded-writer.ts';
import { closedProblem } from './spool-problems.ts';
import { type HandedMessage, handMessage } from './spool-door.ts';
import type { Spool, SpooledMessage, SpoolWriter } from './spool.ts';
import type { UnstoredMessage } from './spool-database.ts';
import { INLINE_LIMIT_BYTES, RESERVE_SIZE_BYTES } from './spool-limits.ts';

export interface WorkerSpoolOptions {
  /** The owner's spool folder. The owner has it open, so it is there. */
  readonly folder: string;
  /**
   * Gives a message to the owner and resolves with its id once it is synced there. Rejects when the owner refused it, and
   * only then: an answer that never comes leaves it open whether a row points to the body file, which must stay.
   */
  readonly hand: (message: HandedMessage) => Promise<number>;
  readonly reserveSizeBytes?: number;
}

export class WorkerSpool implements Pick<Spool, 'receive' | 'close'> {
  readonly #options: WorkerSpoolOptions;
  readonly #bodies: BodyFolder;
  readonly #room: DiskRoom;
  #closed = false;

  private constructor(options: WorkerSpoolOptions, bodies: BodyFolder) {
    this.#options = options;
    this.#bodies = bodies;
    const { folder, reserveSizeBytes = RESERVE_SIZE_BYTES } = options;
    // A file needs room on the disk; what the database could use again is of no use to it. The owner asks once more.
    this.#room = new DiskRoom({ folder, reserveSizeBytes, countFreeBytes: () => 0 });
  }

  static async open(options: WorkerSpoolOptions): Promise<WorkerSpool> {
    return new WorkerSpool(options, await BodyFolder.open(join(options.folder, 'bodies')));
  }

  receive(): SpoolWriter {
    if (this.#closed) throw closedProblem();
    const intake = new BodyIntake(this.#bodies, { inlineLimitBytes: INLINE_LIMIT_BYTES, room: this.#room });
    return new EmbeddedWriter(intake, (message) => this.#store(message));
  }

  /** Lets go of the folder. What is still being received then fails. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#bodies.close();
  }

  async #store(message: UnstoredMessage): Promise<SpooledMessage> {
    const id = await this.#options.hand(handMessage(message));
    const { envelope, traceFields, body } = message;
    return { id, envelope, traceFields, bodySizeBytes: body.sizeBytes, ...freshState(envelope) };
  }
}
