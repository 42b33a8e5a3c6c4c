// One message body between the command stream and the policy: feeds the framing check, notices the end (final dot, client gone,
// too much after a refusal) and throws away what the policy does not want. Timers and replies belong to the connection.

import type { Log } from '../log.ts';
import { BodyFault, BodyFraming, isBodyFault } from './body-framing.ts';
import { isPositive, type Reply } from './reply.ts';
import { REPLIES } from './replies.ts';

/** How the client's part ended. After `flooded` the client is cut off: it went on sending far beyond any limit. */
export type BodyEnd = 'final-dot' | 'gone' | 'flooded';

export interface BodyLimits {
  /** SIZE; undefined means no limit. */
  readonly limitBytes: number | undefined;
  /** How many octets are thrown away after the body was refused before the client is cut off. */
  readonly discardLimitBytes: number;
  /** True: CR and LF are octets like any other (BINARYMIME, RFC 3030 §3). */
  readonly isBinary?: boolean;
}

/** Where the octets of a body go as they are read. */
export interface BodySink {
  /** `done` is called once the next ones may come. */
  write(octets: Buffer, done: () => void): void;
  /** There are no more. */
  end(): void;
}

/** Owns the stream of one body. `ended` never rejects. */
export class BodyReception implements BodySink {
  readonly framing: BodyFraming;
  readonly ended: Promise<BodyEnd>;
  readonly #discardLimitBytes: number;
  #end: (end: BodyEnd) => void = () => undefined;
  #isEnded = false;
  #discardedBytes = 0;

  constructor(limits: BodyLimits) {
    this.#discardLimitBytes = limits.discardLimitBytes;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.framing = new BodyFraming(limits.limitBytes, limits.isBinary);
  }

  /** Takes the octets without the dots of DATA; what nobody reads is counted and thrown away. */
  write(octets: Buffer, done: () => void): void {
    if (this.framing.isOver) this.#discard(octets);
    this.framing.write(octets, done);
  }

  end(): void {
    this.framing.end();
  }

  /** True while the next move is ours: the body is held back because its reader is slow. */
  get isHeldBack(): boolean {
    return this.framing.isHeldBack;
  }

  /** The command stream saw the final dot, or the last chunk. */
  markFinalDot(): void {
    this.#finish('final-dot');
  }

  /** The client will send no more: its reader gets an error, so that nothing half is kept. */
  abort(sentence: string, reply: Reply = REPLIES.connectionDropped): void {
    if (this.#isEnded) return;
    this.framing.abort(new BodyFault('body-incomplete', sentence, reply));
    this.#finish('gone');
  }

  /** Nobody reads any further: what is still to come is counted and thrown away. */
  discardRest(): void {
    void this.framing.return();
  }

  #discard(octets: Buffer): void {
    this.#discardedBytes += octets.length;
    if (this.#discardedBytes > this.#discardLimitBytes) this.#finish('flooded');
  }

  #finish(end: BodyEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#end(end);
  }
}

/**
 * The reply to a body, whatever becomes of `take`, which reads it: a fault in the body wins over a yes, and so does the fact
 * that the body was not read to its end, for then nobody has checked it. Never rejects.
 */
export async function decideReply(framing: BodyFraming, take: () => Promise<Reply>, log: Log): Promise<Reply> {
  try {
    const reply = await take();
    if (!isPositive(reply) || framing.isComplete) return reply;
    if (!framing.fault) log.error('the policy accepted a message that it had not read to its end');
  } catch (error) {
    if (isBodyFault(error)) return error.reply;
    log.error({ err: error }, 'message could not be taken');
  }
  return framing.fault?.reply ?? REPLIES.localError;
}
