// One caller on the control socket: reads requests, runs them in order, writes the answers no faster than they are read.

import type { Socket } from 'node:net';
import type { CmdletRequest } from '../cmdlets/binding.ts';
import type { Cmdlet } from '../cmdlets/cmdlet.ts';
import type { CmdletOutput, OutputStream } from '../cmdlets/output.ts';
import type { Log } from '../log.ts';
import { executeCmdlet, refusalOf } from './execution.ts';
import { createLineSplitter, LineTooLong } from './line-splitter.ts';
import { type Answer, encodeAnswer, MAX_REQUEST_BYTES } from './protocol.ts';
import { decodeRequest } from './request.ts';

interface ConnectionOptions<Context> {
  readonly cmdlets: readonly Cmdlet<Context>[];
  readonly context: Context;
  readonly log: Log;
  readonly caution?: (() => string | undefined) | undefined;
}

const IDLE_MS = 10 * 60_000;
/** Progress is dropped rather than gathered for a caller that does not read. */
const MAX_UNREAD_BYTES = 1024 * 1024;

export class ControlConnection<Context> {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions<Context>;
  readonly #gone = new AbortController();
  readonly #split = createLineSplitter(MAX_REQUEST_BYTES);
  #queue: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  #isClosing = false;

  constructor(socket: Socket, options: ConnectionOptions<Context>) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#gone.abort());
    socket.setTimeout(IDLE_MS, () => {
      if (this.#waitingBytes === 0) socket.destroy();
    });
  }

  /** Stops what is running and resolves once the last answer is written. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#gone.abort();
    await this.#queue;
    await new Promise<void>((resolve) => {
      if (this.#socket.destroyed) resolve();
      else this.#socket.once('close', () => resolve()).end();
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      for (const line of this.#split(chunk)) this.#enqueue(line);
    } catch (error) {
      if (!(error instanceof LineTooLong)) throw error;
      this.#refuse('request-too-large', 'the request is too large for the control socket');
    }
  }

  #enqueue(line: Buffer): void {
    if (this.#isClosing) return;
    this.#waitingBytes += line.length + 1;
    if (this.#waitingBytes > MAX_REQUEST_BYTES) {
      this.#refuse('request-too-large', 'too many requests are waiting on this connection');
      return;
    }
    this.#queue = this.#takeTurn(this.#queue, line);
  }

  async #takeTurn(before: Promise<void>, line: Buffer): Promise<void> {
    await before;
    await this.#answer(line);
    this.#waitingBytes -= line.length + 1;
  }

  #refuse(code: string, sentence: string): void {
    this.#isClosing = true;
    this.#socket.pause();
    this.#socket.end(encodeAnswer({ kind: 'error', code, sentence }), () => this.#socket.destroy());
  }

  async #answer(line: Buffer): Promise<void> {
    let cmdlet = '';
    try {
      const request = decodeRequest(line);
      cmdlet = request.cmdlet;
      await this.#writeOutput(await this.#execute(request));
      this.#options.log.info({ cmdlet }, 'cmdlet executed');
    } catch (error) {
      const refusal = refusalOf(error, this.#options.log, cmdlet);
      this.#options.log.info({ cmdlet, code: refusal.code }, 'cmdlet refused');
      await this.#write({ kind: 'error', ...refusal });
    }
  }

  #execute(request: CmdletRequest): Promise<CmdletOutput> {
    const { cmdlets, context } = this.#options;
    return executeCmdlet(cmdlets, context, request, {
      signal: this.#gone.signal,
      progress: (text) => {
        if (this.#socket.writable && this.#socket.writableLength < MAX_UNREAD_BYTES) {
          this.#socket.write(encodeAnswer({ kind: 'progress', text }));
        }
      },
    });
  }

  async #writeOutput(output: CmdletOutput): Promise<void> {
    for (const record of output.records) await this.#write({ kind: 'record', record });
    for (const text of output.notices ?? []) await this.#write({ kind: 'notice', text });
    const caution = this.#options.caution?.();
    for (const text of [...(output.warnings ?? []), ...(caution === undefined ? [] : [caution])])
      await this.#write({ kind: 'warning', text });
    for (const text of output.failures ?? []) await this.#write({ kind: 'failure', text });
    for (const file of output.files ?? []) await this.#write({ kind: 'file', file });
    if (output.stream) await this.#writePieces(output.stream);
    await this.#write({ kind: 'done' });
  }

  async #writePieces({ parameter, content }: OutputStream): Promise<void> {
    // An empty piece first: an empty file is a file.
    await this.#write({ kind: 'piece', file: { parameter, content: Buffer.alloc(0) } });
    for await (const piece of content) {
      if (!this.#socket.writable) return;
      await this.#write({ kind: 'piece', file: { parameter, content: piece } });
    }
  }

  /** Resolves when the caller has made room for more, or has gone. */
  async #write(answer: Answer): Promise<void> {
    const socket = this.#socket;
    if (!socket.writable || socket.write(encodeAnswer(answer))) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      socket.once('drain', done);
      socket.once('close', done);
    });
  }
}
