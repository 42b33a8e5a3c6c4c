// The octets of a client as command lines and bodies. Takes the place of smtp-server's parser behind its own name: that one looks
// at every octet in JavaScript and passes a body through a stream more. Adapter file: beside listener-connection.ts the only one
// that touches smtp-server's inner members (pinned; test/contract/smtp-listener.test.ts). Lines end in CRLF only (RFC 5321
// §2.3.8), a line cut off by the end of the connection is no command.

import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import type { BodySink } from './body-reception.ts';
import { DotUnstuffing } from './dot-unstuffing.ts';
import { turns } from './turns.ts';

export interface CommandStreamEvents {
  /** A whole line without its CRLF; the next one comes after `next()`. */
  onCommand(line: Buffer, next: () => void): void;
  /** Octets have arrived, whatever they are. */
  onOctets(): void;
  /** A command line ended in a bare LF; nothing more is read. */
  onBareLineFeed(): void;
  /** A line beyond the limit; nothing more is read. */
  onOverlong(): void;
  /** The final dot of a body, or the last octet of a chunk, was read. */
  onBodyEnd(): void;
}

type Done = (error?: Error | null) => void;

/** What octets are read as while they are no commands. */
type OpenBody =
  | { readonly kind: 'data'; readonly sink: BodySink; readonly unstuffing: DotUnstuffing }
  /** RFC 3030 §2: so many octets, whatever they are. */
  | { readonly kind: 'chunk'; readonly sink: BodySink; leftBytes: number };

const CR = 0x0d;
const LF = 0x0a;
const NOTHING = Buffer.alloc(0);
/** After so many lines of one read, other connections come first. */
const LINES_AT_ONCE = 20;
/** Less than this is a few commands, not a flood of them. */
const SMALL_OCTETS = 2048;

export class CommandStream extends SMTPStream {
  readonly #events: CommandStreamEvents;
  readonly #maxLineOctets: number;
  #hasOctets = false;
  /** The beginning of a line whose end has not come. */
  #partialLine = NOTHING;
  #linesInARow = 0;
  #isPostponed = false;
  #body: OpenBody | undefined;
  #resume: (() => void) | undefined;

  constructor(maxLineOctets: number, events: CommandStreamEvents) {
    super();
    this.#maxLineOctets = maxLineOctets;
    this.#events = events;
  }

  /** True while octets that came wait for their turn. */
  get isPostponed(): boolean {
    return this.#isPostponed;
  }

  /** True once the client sent anything at all. */
  get hasOctets(): boolean {
    return this.#hasOctets;
  }

  override oncommand(line: Buffer, next: () => void = () => undefined): void {
    this.#events.onCommand(line, next);
  }

  /** Reads a body until its final dot into `sink`, then stops until `continue`. */
  startBody(sink: BodySink): void {
    this.#open({ kind: 'data', sink, unstuffing: new DotUnstuffing() });
  }

  /**
   * Reads the next `sizeBytes` octets into `sink`, as they come and without a look at them, then stops until `continue`.
   * The sink is not ended: a message may have several chunks. `sizeBytes` is at least 1.
   */
  startChunk(sizeBytes: number, sink: BodySink): void {
    this.#open({ kind: 'chunk', sink, leftBytes: sizeBytes });
  }

  /** Reads on after a body. */
  override continue(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _write(octets: Buffer, _encoding: BufferEncoding | 'buffer', done: Done): void {
    if (octets.length === 0 || this.isClosed) return done();
    this.#hasOctets = true;
    this.#events.onOctets();
    this.#takeTurn(octets, done);
  }

  #takeTurn(octets: Buffer, done: Done): void {
    this.#linesInARow = 0;
    if (turns.hasTime()) this.#read(octets, done);
    else this.#postpone(octets, done, octets.length < SMALL_OCTETS);
  }

  #postpone(octets: Buffer, done: Done, isSmall: boolean): void {
    this.#isPostponed = true;
    turns.postpone(() => {
      this.#isPostponed = false;
      this.#read(octets, done);
    }, isSmall);
  }

  #open(body: OpenBody): void {
    this.#body = body;
    this._dataMode = true;
  }

  #read(octets: Buffer, done: Done): void {
    if (octets.length === 0 || this.isClosed) return done();
    if (this.#body?.kind === 'data') return this.#readBody(this.#body, octets, done);
    if (this.#body) return this.#readChunk(this.#body, octets, done);
    this.#readLine(octets, done);
  }

  #readLine(octets: Buffer, done: Done): void {
    const end = octets.indexOf(LF);
    const line = this.#joinPartial(end === -1 ? octets : octets.subarray(0, end));
    if (line.length > this.#maxLineOctets + 1) return this.#giveUp(() => this.#events.onOverlong(), done);
    if (end === -1) {
      // Copied: it would keep the whole of what was read.
      this.#partialLine = Buffer.from(line);
      return done();
    }
    if (line.at(-1) !== CR) return this.#giveUp(() => this.#events.onBareLineFeed(), done);
    const rest = octets.subarray(end + 1);
    this.oncommand(line.subarray(0, -1), () => this.#readOn(rest, done));
  }

  #joinPartial(octets: Buffer): Buffer {
    const partial = this.#partialLine;
    this.#partialLine = NOTHING;
    return partial.length === 0 ? octets : Buffer.concat([partial, octets]);
  }

  #readOn(rest: Buffer, done: Done): void {
    this.#linesInARow += 1;
    const mayGoOn = rest.length === 0 || (this.#linesInARow < LINES_AT_ONCE && turns.hasTime());
    if (mayGoOn) return this.#read(rest, done);
    this.#linesInARow = 0;
    this.#postpone(rest, done, false);
  }

  #giveUp(announce: () => void, done: Done): void {
    announce();
    done();
  }

  #readBody({ sink, unstuffing }: Extract<OpenBody, { kind: 'data' }>, octets: Buffer, done: Done): void {
    const { content, rest } = unstuffing.read(octets);
    sink.write(content, () => {
      if (rest === undefined) return done();
      sink.end();
      this.#close(rest, done);
    });
  }

  #readChunk(chunk: Extract<OpenBody, { kind: 'chunk' }>, octets: Buffer, done: Done): void {
    const taken = octets.subarray(0, chunk.leftBytes);
    chunk.leftBytes -= taken.length;
    chunk.sink.write(taken, () => {
      if (chunk.leftBytes > 0) return done();
      this.#close(octets.subarray(taken.length), done);
    });
  }

  #close(rest: Buffer, done: Done): void {
    this.#body = undefined;
    this._dataMode = false;
    this.#resume = () => this.#read(rest, done);
    this.#events.onBodyEnd();
  }

  override _flushData(): void {
    // Left empty: smtp-server would run a command that was cut off in the middle.
  }
}
