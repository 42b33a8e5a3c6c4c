// The message body on its way in, after dot-unstuffing: watches for bare CR and bare LF (the stuff of SMTP smuggling, and what
// the next hop would rewrite) and for the size limit (RFC 1870 §6: octets with their CRLFs, without the stuffed dots). Octets
// are passed on untouched; a fault ends the stream with an error that carries the reply for the client.

import { Transform, type TransformCallback } from 'node:stream';
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

/** Passes a body through and checks it. `isComplete` is true once the last octet was checked and found good. */
export class BodyFraming extends Transform {
  readonly #limitBytes: number;
  readonly #isBinary: boolean;
  readonly #lineEndings = new LineEndings();
  readonly #hiddenDots = new HiddenDots();
  #sizeBytes = 0;
  #isComplete = false;
  #fault: BodyFault | undefined;

  /** `limitBytes` undefined means no limit; a binary body may hold CR and LF wherever it likes. */
  constructor(limitBytes?: number, isBinary = false) {
    super();
    this.#limitBytes = limitBytes ?? Number.POSITIVE_INFINITY;
    this.#isBinary = isBinary;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  get fault(): BodyFault | undefined {
    return this.#fault;
  }

  /** Ends the body with a fault found elsewhere: the client is gone, or too slow. */
  abort(fault: BodyFault): void {
    if (this.#isComplete || this.#fault) return;
    this.#fault = fault;
    this.destroy(fault);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#sizeBytes += chunk.length;
    if (!this.#isBinary && this.#lineEndings.areBroken(chunk)) return done(this.#fail(bareLineEnding()));
    if (!this.#isBinary && this.#hiddenDots.isIn(chunk)) return done(this.#fail(hiddenDot()));
    if (this.#sizeBytes > this.#limitBytes) return done(this.#fail(messageTooLarge(this.#limitBytes)));
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    if (this.#lineEndings.endsInCr) return done(this.#fail(bareLineEnding()));
    this.#isComplete = true;
    done();
  }

  #fail(fault: BodyFault): BodyFault {
    this.#fault = fault;
    return fault;
  }
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
