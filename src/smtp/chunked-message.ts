// A message that comes in chunks (RFC 3030 §2): its octets go into one body, whoever takes it decides once, and every chunk gets
// a reply of its own. States: open -> (a chunk is refused) failed, or (the last chunk) ended. Sockets are the Wire's.

import type { Log } from '../log.ts';
import { type BodyLimits, BodyReception, decideReply } from './body-reception.ts';
import type { BodyFraming } from './body-framing.ts';
import type { Reply } from './reply.ts';
import { REPLIES } from './replies.ts';

export interface ChunkedOptions {
  readonly limits: BodyLimits;
  /** BODY=BINARYMIME: CR and LF are octets like any other. */
  readonly isBinary: boolean;
  /** Takes the whole message. */
  readonly take: (body: BodyFraming) => Promise<Reply>;
  readonly log: Log;
}

/** The reply to a chunk, and whether the message is at its end with it, for better or worse. */
export interface ChunkAnswer {
  readonly reply: Reply;
  readonly isOver: boolean;
}

/** Owns the body of one message. */
export class ChunkedMessage {
  readonly reception: BodyReception;
  readonly #decision: Promise<Reply>;
  #decided: Reply | undefined;

  constructor({ limits, isBinary, take, log }: ChunkedOptions) {
    this.reception = new BodyReception({ ...limits, isBinary });
    const { framing } = this.reception;
    this.#decision = decideReply(framing, () => take(framing), log);
    void this.#noteDecision();
  }

  async #noteDecision(): Promise<void> {
    this.#decided = await this.#decision;
    // Decided before the end: what is still to come has no reader.
    this.reception.discardRest();
  }

  /** The answer to a chunk that is not the last: a refusal when the message cannot be taken any more. */
  answerChunk(sizeBytes: number): ChunkAnswer {
    const refusal = this.reception.framing.fault?.reply ?? this.#decided;
    if (refusal) return { reply: refusal, isOver: true };
    return { reply: { ...REPLIES.chunkReceived, text: `${sizeBytes} octets received` }, isOver: false };
  }

  /** The answer to the last chunk. */
  finish(): Promise<Reply> {
    this.reception.end();
    this.reception.markFinalDot();
    return this.#decision;
  }

  /** The client gave the message up. */
  abandon(): void {
    this.reception.abort('the client gave the message up between two chunks');
  }
}
