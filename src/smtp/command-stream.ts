// The octets of a client as command lines and bodies: smtp-server's SMTPStream with its loose ends tied. Adapter file: beside
// listener-connection.ts the only one that touches smtp-server's inner members (pinned; test/contract/smtp-listener.test.ts).
// Lines end in CRLF only (RFC 5321 §2.3.8), a line cut off by the end of the connection is no command.

import type { PassThrough } from 'node:stream';
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';

export interface CommandStreamEvents {
  /** A whole line without its CRLF; the next one comes after `next()`. */
  onCommand(line: Buffer, next: () => void): void;
  /** Octets have arrived, whatever they are. */
  onOctets(): void;
  /** A command line ended in a bare LF; nothing more is read. */
  onBareLineFeed(): void;
  /** A line beyond the limit, or another defect that ends the stream. */
  onOverlong(): void;
  /** The final dot of a body, or the last octet of a chunk, was read. */
  onBodyEnd(): void;
}

/** A chunk that is being read (RFC 3030 §2): so many octets, whatever they are. */
interface OpenChunk {
  readonly output: PassThrough;
  leftBytes: number;
}

const CR = 0x0d;
const LF = 0x0a;

export class CommandStream extends SMTPStream {
  readonly #events: CommandStreamEvents;
  #hasOctets = false;
  #chunk: OpenChunk | undefined;

  constructor(maxLineOctets: number, events: CommandStreamEvents) {
    super({ maxCommandLength: maxLineOctets });
    this.#events = events;
    this.on('error', () => events.onOverlong());
  }

  /** True once the client sent anything at all. */
  get hasOctets(): boolean {
    return this.#hasOctets;
  }

  override oncommand(line: Buffer, next: () => void = () => undefined): void {
    this.#events.onCommand(line, next);
  }

  override _write(chunk: Buffer, encoding: BufferEncoding | 'buffer', next: (error?: Error | null) => void): void {
    if (chunk.length > 0 && !this.isClosed) {
      this.#hasOctets = true;
      this.#events.onOctets();
      const lineStart = this._dataMode ? -1 : this.#findBareLine(chunk);
      if (lineStart >= 0) return this.#writeUpTo(lineStart, chunk, next);
    }
    super._write(chunk, encoding, next);
  }

  /** Commands before the bad line still count; if one of them was DATA, the rest of the chunk is body and not judged here. */
  #writeUpTo(lineStart: number, chunk: Buffer, next: (error?: Error | null) => void): void {
    super._write(chunk.subarray(0, lineStart), 'buffer', (error) => {
      if (error || this.isClosed) return next(error);
      if (this._dataMode) return this._write(chunk.subarray(lineStart), 'buffer', next);
      this.#events.onBareLineFeed();
      next();
    });
  }

  /** Where the first line that ends in a bare LF begins (0 when it began in an earlier chunk), or -1. */
  #findBareLine(chunk: Buffer): number {
    let lineStart = 0;
    for (let lf = chunk.indexOf(LF); lf !== -1; lf = chunk.indexOf(LF, lineStart)) {
      const endsInCr = lf > 0 ? chunk[lf - 1] === CR : this._remainder.endsWith('\r');
      if (!endsInCr) return lineStart;
      lineStart = lf + 1;
    }
    return -1;
  }

  /**
   * Reads the next `sizeBytes` octets into `output`, as they come and without a look at them, then stops until `continue`.
   * The output is left open: a message may have several chunks. `sizeBytes` is at least 1.
   */
  startChunk(sizeBytes: number, output: PassThrough): void {
    this.#chunk = { output, leftBytes: sizeBytes };
    this._dataMode = true;
  }

  override _feedDataStream(octets: Buffer, done: (error?: Error | null) => void): void {
    const chunk = this.#chunk;
    if (!chunk) return super._feedDataStream(octets, done);
    const taken = octets.subarray(0, chunk.leftBytes);
    chunk.leftBytes -= taken.length;
    const goOn = (): void => (chunk.leftBytes > 0 ? done() : this.#endChunk(octets.subarray(taken.length), done));
    const { output } = chunk;
    if (!output.writable || output.write(taken)) return goOn();
    // A stream that its reader destroys never drains, it only closes.
    const onDrain = (): void => {
      output.off('drain', onDrain).off('close', onDrain);
      goOn();
    };
    output.on('drain', onDrain).on('close', onDrain);
  }

  #endChunk(rest: Buffer, done: (error?: Error | null) => void): void {
    this.#chunk = undefined;
    this._dataMode = false;
    this._remainder = '';
    this._continueCallback = () => this._write(rest, 'buffer', done);
    this.#events.onBodyEnd();
  }

  override _endDataMode(chunk: Buffer | false, remainder: Buffer, callback: () => void): void {
    super._endDataMode(chunk, remainder, callback);
    this.#events.onBodyEnd();
  }

  override _flushData(): void {
    // Left empty: smtp-server would run a command that was cut off in the middle.
  }
}
