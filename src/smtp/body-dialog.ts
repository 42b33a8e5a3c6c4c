// The part of the conversation in which octets are no commands: one body by DATA, or a message in chunks (RFC 3030 §2). It lives
// beside the command loop until a body is answered: the command stream waits for `closeBody`. Whether a body may come at all
// is receiving-session.ts's.

import type { Log } from '../log.ts';
import type { BodyFraming } from './body-framing.ts';
import { type BodyReception, decideReply } from './body-reception.ts';
import type { ChunkCommand } from './chunk-command.ts';
import type { ChunkAnswer, ChunkedMessage, ChunkedOptions } from './chunked-message.ts';
import { REPLIES } from './replies.ts';
import type { Reply } from './reply.ts';
import type { Transaction } from './session-policy.ts';

/** What a body needs of the connection. */
export interface BodyWire {
  answer(reply: Reply): void;
  /** Answers and closes. */
  hangUp(reply: Reply): void;
  /** Switches to the body. */
  openBody(limitBytes: number | undefined): BodyReception;
  /** Begins a message that comes in chunks. */
  openChunks(options: Omit<ChunkedOptions, 'limits' | 'log'>, limitBytes: number | undefined): ChunkedMessage;
  /** Reads one chunk into the message, or throws it away when there is none; false when the client has gone. */
  readChunk(sizeBytes: number, message: ChunkedMessage | undefined): Promise<boolean>;
  /** Between two chunks: commands are read again. */
  pauseChunks(): void;
  /** Forgets a message in chunks; commands are being read. */
  dropChunks(): void;
  /** Switches back to commands. */
  closeBody(): void;
}

/** A transaction with the chunks that have come so far. */
export interface BodyTransaction extends Transaction {
  chunks: ChunkedMessage | undefined;
}

export interface BodyHost {
  readonly wire: BodyWire;
  readonly log: Log;
  /** SIZE as it was offered. */
  readonly limitBytes: () => number | undefined;
  readonly take: (transaction: Transaction, body: BodyFraming) => Promise<Reply>;
  readonly answer: (reply: Reply) => void;
  /** The transaction is over with this reply. */
  readonly ended: (reply: Reply) => void;
  /** A body was answered, and commands are read again. */
  readonly idle: () => void;
}

/** Owns nothing: the bodies belong to their transactions. */
export class BodyDialog {
  readonly #host: BodyHost;

  constructor(host: BodyHost) {
    this.#host = host;
  }

  /** Takes the body after DATA. Never rejects. */
  async takeData(transaction: Transaction): Promise<void> {
    const { wire, log, limitBytes, take, answer, ended, idle } = this.#host;
    const reception = wire.openBody(limitBytes());
    wire.answer(REPLIES.startMailInput);
    const { framing } = reception;
    const decision = await decideReply(framing, () => take(transaction, framing), log);
    reception.discardRest();
    const end = await reception.ended;
    ended(end === 'final-dot' ? decision : REPLIES.connectionDropped);
    if (end === 'gone') return;
    if (end === 'flooded' || isAmbiguous(framing)) return wire.hangUp(decision);
    answer(decision);
    wire.closeBody();
    idle();
  }

  /** Takes the octets after BDAT for a transaction, or for nobody, who gets the refusal as answer. */
  takeChunk(command: ChunkCommand, target: BodyTransaction | Reply): Promise<Reply> | undefined {
    if ('code' in target) return this.#readChunk(command, undefined, async () => ({ reply: target, isOver: true }));
    const chunks = (target.chunks ??= this.#open(target));
    return this.#readChunk(command, chunks, () => this.#judge(command, chunks));
  }

  #readChunk(
    { sizeBytes }: ChunkCommand,
    chunks: ChunkedMessage | undefined,
    judge: () => Promise<ChunkAnswer>,
  ): Promise<Reply> | undefined {
    // Nothing follows an empty chunk: it is a command like any other.
    if (sizeBytes === 0) return judge().then(({ reply }) => reply);
    void this.#receive(sizeBytes, chunks, judge);
    return undefined;
  }

  async #receive(
    sizeBytes: number,
    chunks: ChunkedMessage | undefined,
    judge: () => Promise<ChunkAnswer>,
  ): Promise<void> {
    const { wire, answer, idle } = this.#host;
    if (!(await wire.readChunk(sizeBytes, chunks))) return;
    const { reply, isOver } = await judge();
    answer(reply);
    if (isOver) wire.closeBody();
    else wire.pauseChunks();
    idle();
  }

  async #judge({ sizeBytes, isLast }: ChunkCommand, chunks: ChunkedMessage): Promise<ChunkAnswer> {
    const answer = isLast ? { reply: await chunks.finish(), isOver: true } : chunks.answerChunk(sizeBytes);
    if (answer.isOver) this.#host.ended(answer.reply);
    return answer;
  }

  #open(transaction: BodyTransaction): ChunkedMessage {
    const { wire, limitBytes, take } = this.#host;
    const isBinary = transaction.mail.body === 'BINARYMIME';
    return wire.openChunks({ take: (body) => take(transaction, body), isBinary }, limitBytes());
  }
}

/** Where a line ended is a matter of opinion then, and so is which one ended the body: what follows may be a part of it. */
function isAmbiguous({ fault }: BodyFraming): boolean {
  return fault?.code === 'bare-line-ending' || fault?.code === 'hidden-dot';
}
