// Reads one side of a connection piece by piece: the next piece is read only once the one before is dealt with. How it is dealt with
// changes in mid-stream, where TLS begins; what was read and not used goes to whoever reads next.

import type { Duplex } from 'node:stream';

/** Deals with octets; returns those that are for the next reader, if reading has changed hands. */
export type Take = (octets: Buffer) => Promise<Buffer | undefined>;

export class Intake {
  take: Take;
  readonly #source: Duplex;
  #work: Promise<void> = Promise.resolve();

  /** `onEnd`: everything was dealt with and the side says no more. Both may be called in any state of the connection. */
  constructor(source: Duplex, options: { take: Take; onEnd: () => void; onFault: (error: unknown) => void }) {
    this.take = options.take;
    this.#source = source;
    source.on('data', (octets: Buffer) => {
      source.pause();
      this.#then(() => this.#feed(octets), options.onFault);
    });
    source.once('end', () => this.#then(() => Promise.resolve(options.onEnd()), options.onFault));
    // It may have come paused.
    source.resume();
  }

  #then(task: () => Promise<void>, onFault: (error: unknown) => void): void {
    this.#work = this.#work
      .then(task)
      .catch(onFault)
      .finally(() => this.#source.resume());
  }

  /** What is left is for a new reader; where there is none, the conversation is over and nobody waits for it. */
  async #feed(octets: Buffer): Promise<void> {
    let rest: Buffer | undefined = octets;
    let reader: Take | undefined;
    while (rest !== undefined && rest.length > 0 && reader !== this.take) {
      reader = this.take;
      rest = await reader(rest);
    }
  }
}
