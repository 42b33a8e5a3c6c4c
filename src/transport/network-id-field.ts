// Takes the network message id off the front of a message that a member of the pair sent. Only the very first line counts,
// and only from a peer that proved itself: whatever else a message says about itself is a stranger's word and stays.

import { NETWORK_MESSAGE_ID_FIELD } from './trace-header.ts';

const FIELD = new RegExp(`^${NETWORK_MESSAGE_ID_FIELD}: ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\r\n`);
const LINE_LENGTH = NETWORK_MESSAGE_ID_FIELD.length + 2 + 36 + 2;

export class NetworkIdField {
  #held: Buffer | undefined;
  #value: string | undefined;

  /** `isExpected` false: everything passes untouched. */
  constructor(isExpected: boolean) {
    this.#held = isExpected ? Buffer.alloc(0) : undefined;
  }

  /** The id that was found. */
  get value(): string | undefined {
    return this.#value;
  }

  /** What of `chunk` belongs to the message; a beginning that is still too short is held back. */
  strip(chunk: Buffer): Buffer {
    if (this.#held === undefined) return chunk;
    this.#held = Buffer.concat([this.#held, chunk]);
    return this.#held.length < LINE_LENGTH ? Buffer.alloc(0) : this.end();
  }

  /** What is still held back when the message is over. */
  end(): Buffer {
    const held = this.#held ?? Buffer.alloc(0);
    this.#held = undefined;
    const match = FIELD.exec(held.subarray(0, LINE_LENGTH).toString('latin1'));
    if (!match) return held;
    this.#value = match[1];
    return held.subarray(LINE_LENGTH);
  }
}
