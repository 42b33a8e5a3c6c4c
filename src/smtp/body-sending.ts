// A body on its way into a connection: its pieces gathered into writes worth a system call, and given up as soon as an answer
// comes before its end. A message that fits into one write leaves in one.

import type { SenderConnection } from './sender-connection.ts';

/** How the sending of a body ended; `interrupted` by an answer out of turn or by the end of the connection. */
export type BodyEnd = 'sent' | 'interrupted' | 'source-broken';

/** What a body needs on its way: dots or a check of its size. May throw: the body is not what was announced. */
export interface Transparency {
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

export interface BodySending {
  readonly connection: SenderConnection;
  /** Commands before the first octet, in the same write; none where the body has its leave already. */
  readonly head: readonly string[];
  readonly openBody: () => AsyncIterable<Buffer>;
  readonly giveBack: ((piece: Buffer) => void) | undefined;
  readonly transparency: Transparency;
  /** Settles when the peer answers the body, or is gone: before its end a reason to stop. */
  readonly answered: Promise<unknown> | undefined;
  /** How many of the replies that are asked for answer the body: the last ones. */
  readonly answers: number;
  /** Longest wait for the peer to take a write. */
  readonly blockMs: number;
}

/** A write is made when so many octets are there; a full TLS record is 16 KiB. */
const BLOCK_BYTES = 64 * 1024;

/** Writes the body and what ends it; after anything but `sent` the end was not written. Never rejects. */
export async function sendBodyOctets(sending: BodySending): Promise<BodyEnd> {
  const interruption = new Interruption(sending.connection.ended, sending.answered);
  try {
    return await writeOctets(sending, interruption);
  } catch {
    // Whatever broke, the end was not written: which of the two it was decides only who is to blame.
    return interruption.isThere ? 'interrupted' : 'source-broken';
  }
}

async function writeOctets(sending: BodySending, interruption: Interruption): Promise<BodyEnd> {
  const { connection, head, openBody, giveBack, transparency, answers, blockMs } = sending;
  const block = new Block(() => void connection.writeBlock(block.take(), blockMs));
  const body = openBody();
  const pieces = body[Symbol.asyncIterator]();
  if (head.length > 0) block.add(Buffer.from(`${head.join('\r\n')}\r\n`));
  try {
    for (;;) {
      const piece = await Promise.race([pieces.next(), interruption.comes]);
      if (piece === undefined || interruption.isThere) return 'interrupted';
      const isLast = piece.done === true;
      // An answer that is there before the end has been said is no answer to it.
      if (isLast && connection.unheardReplies > connection.awaitedReplies - answers) {
        await interruption.comes;
        return 'interrupted';
      }
      block.add(isLast ? transparency.end() : transparency.push(piece.value));
      if (isLast || block.sizeBytes >= BLOCK_BYTES) {
        const written = block.take();
        const isGone = await connection.writeBlock(written, blockMs);
        // What ends a body is nobody's.
        if (giveBack && isGone && !isLast) for (const each of written) giveBack(each);
      }
      if (isLast) return connection.ended.aborted ? 'interrupted' : 'sent';
    }
  } finally {
    block.take();
    // One that waits for octets ends only when it is destroyed; the others end by themselves.
    if ('destroy' in body && typeof body.destroy === 'function') body.destroy();
    void Promise.resolve(pieces.return?.()).catch(() => undefined);
  }
}

/** An answer, or the end of the connection, before the end of the body. */
class Interruption {
  /** Resolves when it is there. */
  readonly comes: Promise<undefined>;
  readonly #ended: AbortSignal;
  #isAnswered = false;

  constructor(ended: AbortSignal, answered: Promise<unknown> | undefined) {
    this.#ended = ended;
    // The connection's end answers as well.
    this.comes = (answered ?? new Promise(() => undefined)).then(() => {
      this.#isAnswered = true;
      return undefined;
    });
  }

  get isThere(): boolean {
    return this.#isAnswered || this.#ended.aborted;
  }
}

/** The pieces of the next write; made without waiting for more when their source keeps them waiting. */
class Block {
  readonly #flush: () => void;
  #pieces: Buffer[] = [];
  #sizeBytes = 0;
  #patience: NodeJS.Immediate | undefined;

  constructor(flush: () => void) {
    this.#flush = flush;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#sizeBytes += piece.length;
    this.#patience ??= setImmediate(this.#flush);
  }

  take(): readonly Buffer[] {
    const pieces = this.#pieces;
    clearImmediate(this.#patience);
    this.#patience = undefined;
    this.#pieces = [];
    this.#sizeBytes = 0;
    return pieces;
  }
}
