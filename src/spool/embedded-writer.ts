// One message on its way into the embedded spool. Fails closed: after a write that failed nothing can be committed.

import type { BodyIntake } from './body-intake.ts';
import { explainDiskFault } from './disk-fault.ts';
import type { UnstoredMessage } from './spool-database.ts';
import type { Envelope, NewMessage, SpooledMessage, SpoolWriter } from './spool.ts';

/** Stores a message whose body is ready; resolves once that is synced. */
export type StoreMessage = (message: UnstoredMessage) => Promise<SpooledMessage>;

export class EmbeddedWriter implements SpoolWriter {
  readonly #intake: BodyIntake;
  readonly #store: StoreMessage;
  #failure: unknown;
  #ended = false;

  constructor(intake: BodyIntake, store: StoreMessage) {
    this.#intake = intake;
    this.#store = store;
  }

  async write(chunk: Buffer): Promise<void> {
    this.#requireOpen();
    try {
      await this.#intake.write(chunk);
    } catch (error) {
      this.#failure = explainDiskFault(error);
      await this.#intake.discard();
      throw this.#failure;
    }
  }

  async commit(envelope: Envelope, traceFields: Buffer): Promise<SpooledMessage> {
    this.#requireOpen();
    this.#ended = true;
    try {
      return await this.#store({ envelope, traceFields, body: await this.#intake.finish() });
    } catch (error) {
      await this.#intake.discard();
      throw explainDiskFault(error);
    }
  }

  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#intake.discard();
  }

  #requireOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw new Error('this message was already committed or aborted');
  }
}

/** Makes whole messages ready for their rows, each through an intake of its own; on failure the intakes are to be discarded. */
export function takeInWhole(
  messages: readonly NewMessage[],
  intakes: readonly BodyIntake[],
): Promise<UnstoredMessage[]> {
  return Promise.all(
    messages.map(async ({ envelope, traceFields, body }, index) => {
      const intake = intakes[index] as BodyIntake;
      await intake.write(body);
      return { envelope, traceFields, body: await intake.finish() };
    }),
  );
}
