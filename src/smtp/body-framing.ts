// The message body on its way in, after dot-unstuffing: watches for bare CR and bare LF (the stuff of SMTP smuggling, and what
// the next hop would rewrite) and for the size limit (RFC 1870 §6: octets with their CRLFs, without the stuffed dots). Octets
// are passed on untouched; a fault ends the body with an error that carries the reply for the client. No stream of Node's: for
// a message of 4 KiB that alone would be a large part of what it costs.

import { Problem } from '../problem.ts';
import { HiddenDots } from './hidden-dots.ts';
import { LineEndings } from './line-endings.ts';
import type { Reply } from './reply.ts';
import { REPLIES } from './replies.ts';

export type BodyFaultCode =
  | 'bare-line-ending'
  | 'hidden-dot'
  | 'message-too-large'
  | 'header-too-large'
  | 'body-incomplete';

/** Why a body cannot be taken. Whoever reads the body may let it pass through: the client gets `reply`. */
export class BodyFault extends Problem {
  readonly reply: Reply;

  constructor(code: BodyFaultCode, sentence: string, reply: Reply) {
    super(code, sentence);
    this.name = 'BodyFault';
    this.reply = reply;
  }
}

/** True when `error` came from the body's stream and not from a bug or a disk. */
export function isBodyFault(error: unknown): error is BodyFault {
  return error instanceof BodyFault;
}

/** So much may wait for the reader before the writer is held back. */
const MAX_WAITING_BYTES = 64 * 1024;
const OVER: IteratorResult<Buffer, undefined> = { done: true, value: undefined };

/**
 * Passes a body from one writer to one reader and checks it. `isComplete` is true once the last octet was checked and found
 * good. A reader that stops early gives the body up.
 */
export class BodyFraming implements AsyncIterableIterator<Buffer, undefined> {
  readonly #limitBytes: number;
  readonly #isBinary: boolean;
  readonly #lineEndings = new LineEndings();
  readonly #hiddenDots = new HiddenDots();
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #sizeBytes = 0;
  #isEnded = false;
  #isGivenUp = false;
  #fault: BodyFault | undefined;
  /** The reader, where it waits. */
  #reader: PromiseWithResolvers<IteratorResult<Buffer, undefined>> | undefined;
  /** The writer, where it is held back. */
  #heldBack: (() => void) | undefined;

  /** `limitBytes` undefined means no limit; a binary body may hold CR and LF wherever it likes. */
  constructor(limitBytes?: number, isBinary = false) {
    this.#limitBytes = limitBytes ?? Number.POSITIVE_INFINITY;
    this.#isBinary = isBinary;
  }

  /** Octets that came in. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get isComplete(): boolean {
    return this.#isEnded && !this.#fault;
  }

  get fault(): BodyFault | undefined {
    return this.#fault;
  }

  /** True when what is still to come has no reader any more. */
  get isOver(): boolean {
    return this.#isGivenUp || this.#fault !== undefined;
  }

  /** True while the writer waits for the reader. */
  get isHeldBack(): boolean {
    return this.#heldBack !== undefined;
  }

  /** Takes the next octets, whose memory belongs to the body from then on; `done` is called once more may come, or nobody reads on. */
  write(octets: Buffer, done: () => void): void {
    if (!this.isOver) this.#check(octets);
    if (!this.isOver && octets.length > 0) this.#pass(octets);
    if (this.isOver || this.#waitingBytes < MAX_WAITING_BYTES) done();
    else this.#heldBack = done;
  }

  /** There are no more. */
  end(): void {
    if (this.isOver) return;
    if (this.#lineEndings.endsInCr) return this.#fail(bareLineEnding());
    this.#isEnded = true;
    if (this.#reader) this.#answer(OVER);
  }

  /** Ends the body with a fault found elsewhere: the client is gone, or too slow. */
  abort(fault: BodyFault): void {
    if (!this.#isEnded && !this.isOver) this.#fail(fault);
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    const octets = this.isOver ? undefined : this.#waiting.shift();
    if (octets) {
      this.#waitingBytes -= octets.length;
      if (this.#waitingBytes < MAX_WAITING_BYTES) this.#letGo();
      return Promise.resolve({ done: false, value: octets });
    }
    if (this.isOver) return Promise.reject(this.#fault ?? givenUp());
    if (this.#isEnded) return Promise.resolve(OVER);
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  /** Nobody reads on; whoever did all the same would not see the end. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#isGivenUp = true;
    this.#drop();
    return Promise.resolve(OVER);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #check(octets: Buffer): void {
    this.#sizeBytes += octets.length;
    if (!this.#isBinary && this.#lineEndings.areBroken(octets)) this.#fail(bareLineEnding());
    else if (!this.#isBinary && this.#hiddenDots.isIn(octets)) this.#fail(hiddenDot());
    else if (this.#sizeBytes > this.#limitBytes) this.#fail(messageTooLarge(this.#limitBytes));
  }

  #pass(octets: Buffer): void {
    if (this.#reader) return this.#answer({ done: false, value: octets });
    this.#waiting.push(octets);
    this.#waitingBytes += octets.length;
  }

  #answer(result: IteratorResult<Buffer, undefined>): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.resolve(result);
  }

  #fail(fault: BodyFault): void {
    this.#fault = fault;
    this.#drop(fault);
  }

  /** An error knows where it was made, which costs as much as a small message: without a reader none is. */
  #drop(fault?: BodyFault): void {
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.reject(fault ?? givenUp());
    this.#letGo();
  }

  #letGo(): void {
    const done = this.#heldBack;
    this.#heldBack = undefined;
    done?.();
  }
}

function givenUp(): BodyFault {
  return new BodyFault('body-incomplete', 'the rest of the message was given up', REPLIES.localError);
}

function bareLineEnding(): BodyFault {
  return new BodyFault('bare-line-ending', 'the message contains a CR or LF that stands alone', REPLIES.bareLineEnding);
}

function hiddenDot(): BodyFault {
  return new BodyFault('hidden-dot', 'the message has a line that begins with NULs and a dot', REPLIES.hiddenDot);
}

function messageTooLarge(limitBytes: number): BodyFault {
  return new BodyFault('message-too-large', `the message is larger than ${limitBytes} octets`, REPLIES.messageTooLarge);
}
