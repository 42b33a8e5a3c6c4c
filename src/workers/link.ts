// Questions, answers and news over one stream between the owner and a worker. What is said in one turn of the event loop goes
// out in one write. When the other side is gone, questions stay without an answer: whether it did as it was asked is unknown,
// and nobody may act as if it were refused.

import type { Duplex } from 'node:stream';
import { isProblem, messageOf, Problem } from '../problem.ts';
import { encodeFrame, type Frame, FrameReader } from './frames.ts';

/** Does as the other side asks; the answer to news is not sent. May throw: a Problem arrives as one on the other side. */
export type Handler = (facts: Readonly<Record<string, unknown>>, pieces: readonly Buffer[]) => unknown;

export interface LinkOptions {
  readonly stream: Duplex;
  readonly handlers: Readonly<Record<string, Handler>>;
  /** The stream has ended, whoever ended it. */
  readonly onEnd: () => void;
  /** News could not be dealt with, or the stream is out of step. */
  readonly onFault: (error: unknown) => void;
}

interface Head {
  /** What is asked for or told; absent in an answer. */
  readonly name?: string;
  /** Of a question and its answer; absent in news. */
  readonly number?: number;
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly refusal?: { readonly code?: string; readonly text: string };
}

interface Question {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #reader = new FrameReader();
  readonly #questions = new Map<number, Question>();
  #lastNumber = 0;
  #isCorked = false;

  private constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Begins to listen to the other side. */
  static open(options: LinkOptions): Link {
    const link = new Link(options);
    link.#listen();
    return link;
  }

  #listen(): void {
    const { stream, onEnd } = this.#options;
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
    stream.on('error', () => stream.destroy());
    stream.once('close', onEnd);
    stream.once('end', () => stream.destroy());
  }

  /** News: nobody answers. */
  tell(name: string, facts: object = {}, pieces: readonly Buffer[] = []): void {
    this.#write({ name, facts: facts as Record<string, unknown> }, pieces, setImmediate);
  }

  /** A question. Rejects as the other side refuses: with its Problem, or an Error. Never settles when the other side is gone. */
  ask(name: string, facts: object = {}, pieces: readonly Buffer[] = []): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#lastNumber += 1;
      this.#questions.set(this.#lastNumber, { resolve, reject });
      this.#write({ name, number: this.#lastNumber, facts: facts as Record<string, unknown> }, pieces, setImmediate);
    });
  }

  /** Says the last word; resolves when everything is on its way. */
  finish(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.stream.end(() => resolve());
    });
  }

  /** `schedule` says when what was gathered goes out: after all sockets of this turn were read, or sooner. */
  #write(head: Head, pieces: readonly Buffer[], schedule: (task: () => void) => void): void {
    const { stream } = this.#options;
    if (stream.destroyed) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      stream.cork();
      schedule(() => {
        this.#isCorked = false;
        stream.uncork();
      });
    }
    for (const octets of encodeFrame(head, pieces)) stream.write(octets);
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#take(frame);
    } catch (error) {
      this.#options.onFault(error);
      this.#options.stream.destroy();
    }
  }

  #take({ head, pieces }: Frame): void {
    const { name, number, facts = {}, refusal } = head as Head;
    if (name !== undefined) return void this.#handle({ name, number, facts }, pieces);
    const question = number === undefined ? undefined : this.#questions.get(number);
    if (number === undefined || !question) return;
    this.#questions.delete(number);
    if (refusal) question.reject(revive(refusal));
    else question.resolve(facts['answer']);
  }

  /** Answers come in numbers after a commit, and the turn of sockets is over then: they wait for each other only. */
  #answer(head: Head): void {
    this.#write(head, [], (task) => process.nextTick(task));
  }

  async #handle(
    { name, number, facts }: { name: string; number: number | undefined; facts: Readonly<Record<string, unknown>> },
    pieces: readonly Buffer[],
  ): Promise<void> {
    try {
      const handler = this.#options.handlers[name];
      if (!handler) throw new Error(`nobody here knows what "${name}" is`);
      const answer = await handler(facts, pieces);
      if (number !== undefined) this.#answer({ number, facts: { answer } });
    } catch (error) {
      if (number === undefined) return this.#options.onFault(error);
      const code = isProblem(error) ? { code: error.code } : {};
      this.#answer({ number, refusal: { ...code, text: messageOf(error) } });
    }
  }
}

function revive({ code, text }: NonNullable<Head['refusal']>): Error {
  return code === undefined ? new Error(text) : new Problem(code, text);
}
