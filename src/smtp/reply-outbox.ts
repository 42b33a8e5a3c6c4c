// Replies on their way out: those to commands that came together leave together (RFC 2920 §3.2).

/** A client that sends commands faster than it reads replies must be noticed by its socket. */
const MAX_UNSENT_CHARACTERS = 16_384;

export class ReplyOutbox {
  readonly #write: (text: string) => void;
  #unsent = '';

  /** `write` puts text on the wire at once. */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Sends the text with what else is said until the running code and what it has set off without waiting are over. */
  add(text: string): void {
    if (this.#unsent === '') process.nextTick(() => this.flush());
    this.#unsent += text;
    if (this.#unsent.length > MAX_UNSENT_CHARACTERS) this.flush();
  }

  /** Sends now what waits. */
  flush(): void {
    const text = this.#unsent;
    this.#unsent = '';
    if (text !== '') this.#write(text);
  }
}
