// The one place that reaches into nodemailer's SMTPConnection (exact pin, contract tests). It carries commands and replies and
// upgrades to TLS; its own fall-backs, verification, timeouts, logging, envelope and body code are not used: what happened is
// reported, and judged by the caller. States: greeting -> ehlo -> (starttls -> ehlo ->) ready -> ended; each can end at once.

import type { Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import SMTPConnection, { type SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';
import { type Tap, watchHandshake } from '../capture/tap.ts';
import type { Certificate } from '../tls/certificate.ts';
import { describeTlsSession, type TlsSession } from '../tls/tls-session.ts';
import { type ConnectionFault, describeFault } from './connection-fault.ts';
import { Deadline } from './deadline.ts';
import type { Reply } from './reply.ts';
import { readCapabilities, readReply, type ServerReply, toReply } from './server-reply.ts';
import type { TlsVerb } from './tls-verb.ts';

/** Milliseconds of real time for each step; RFC 5321 §4.5.3.2 gives most of them. */
export interface SenderTimeouts {
  readonly connectMs: number;
  readonly greetingMs: number;
  readonly ehloMs: number;
  /** The whole handshake, not each of its packets. */
  readonly tlsMs: number;
  readonly authMs: number;
  readonly mailMs: number;
  readonly rcptMs: number;
  readonly dataMs: number;
  readonly dataBlockMs: number;
  readonly dataDoneMs: number;
  readonly quitMs: number;
}

export interface SenderConnectionOptions {
  readonly host: string;
  /** Our name, for EHLO. */
  readonly name: string;
  readonly servername: string | undefined;
  readonly startTls: 'never' | 'attempt';
  /** Of those that the server offers the first is used. */
  readonly tlsVerbs: readonly TlsVerb[];
  readonly lmtp: boolean;
  readonly tls: ConnectionOptions;
  /** The certificate in `tls`, for the record. */
  readonly localCertificate: Certificate | undefined;
  readonly timeouts: SenderTimeouts;
  /** Watches the socket; to be told of the handshake. */
  readonly tap?: Tap;
}

export type SenderPhase = 'greeting' | 'ehlo' | 'starttls' | 'ready';

/** nodemailer's members that its types leave out; the contract test fails when one is missing or changes its ways. */
interface InnerMembers {
  _remainder: string;
  _responseQueue: string[];
  _responsePartial: boolean;
  _responseActions: ((reply: string) => void)[];
  _sendCommand(line: string): void;
  _processResponse(): void;
  _onError(error: Error, code: string, reply: string | false, command: string): void;
  _actionGreeting(reply: string): void;
  _actionEHLO(reply: string): void;
  _actionSTARTTLS(reply: string): void;
  _upgradeConnection(done: (error: Error | null, secured?: boolean) => void): void;
}

/** Every line of a reply counts, also those of EHLO. */
const MAX_REPLY_BYTES = 65_536;
/** nodemailer's own timers are set beyond reach: it has one for several steps. */
const NEVER_MS = 2 ** 31 - 1;
const CLOSE_MS = 1000;

const InnerConnection = SMTPConnection as unknown as new (
  options: SMTPConnectionOptions,
) => SMTPConnection & InnerMembers;

/** One connection, from a connected socket on. Never throws and never emits what nobody listens to: it ends, with a `fault`. */
export class SenderConnection extends InnerConnection {
  phase: SenderPhase = 'greeting';
  greeting: Reply | undefined;
  /** Of the latest EHLO; empty after HELO, and nothing heard before TLS survives it (RFC 3207 §4.2). */
  capabilities: ReadonlyMap<string, string> = new Map();
  isStartTlsOffered = false;
  /** The one that was said to the server. */
  tlsVerb: TlsVerb | undefined;
  startTlsRefusal: Reply | undefined;
  /** What the handshake showed; set once the server went on in TLS, the first sign that it took our certificate. */
  tlsSession: TlsSession | undefined;
  /** What ended the connection, unless that was a polite good-bye. */
  fault: ConnectionFault | undefined;
  readonly #settings: SenderConnectionOptions;
  readonly #ending = new AbortController();
  readonly #waiting: { resolve: (reply: ServerReply | undefined) => void; timeoutMs: number }[] = [];
  /** Of the reply that is due, or of a block of octets. */
  readonly #deadline = new Deadline();

  constructor(socket: Socket, settings: SenderConnectionOptions) {
    super({
      connection: socket,
      host: settings.host,
      name: settings.name,
      lmtp: settings.lmtp,
      ...(settings.servername === undefined ? {} : { servername: settings.servername }),
      tls: settings.tls,
      connectionTimeout: NEVER_MS,
      greetingTimeout: NEVER_MS,
      socketTimeout: NEVER_MS,
      socketCloseTimeout: CLOSE_MS,
      maxResponseSize: MAX_REPLY_BYTES,
    });
    this.#settings = settings;
    this.on('error', (error: Error) => {
      this.fault ??= describeFault(error);
    });
    this.once('end', () => this.#finish());
  }

  /** True until either side said or showed that it is leaving. */
  get isAlive(): boolean {
    return !this.destroyed && this._socket instanceof Object && this._socket.writable && !this._socket.readableEnded;
  }

  /** So many replies have come that nobody has looked at yet. */
  get unheardReplies(): number {
    return this._responseQueue.length;
  }

  /** So many have been asked for and were not looked at yet. */
  get awaitedReplies(): number {
    return this.#waiting.length;
  }

  /** Aborted when the connection has ended. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  /** Greeting, EHLO and, where wished and offered, TLS. False when the connection ended on the way: see `phase`, `fault`. */
  open(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.once('connect', () => {
      this.phase = 'ready';
      this.#deadline.clear();
      resolve(true);
    });
    this.once('end', () => resolve(false));
    this.#arm(this.#settings.timeouts.greetingMs);
    this.connect();
    return promise;
  }

  /** Sends lines in one write without waiting; each reply is to be asked for with `expectReply`, before or in the same turn. */
  sendLines(lines: readonly string[]): void {
    this._sendCommand(lines.join('\r\n'));
  }

  /** The next reply nobody waits for yet; undefined once the connection has ended. The time counts from the reply before. */
  expectReply(timeoutMs: number): Promise<ServerReply | undefined> {
    if (this.destroyed) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<ServerReply | undefined>();
    this.#waiting.push({ resolve, timeoutMs });
    if (this.#waiting.length === 1) this.#arm(timeoutMs);
    this._responseActions.push((raw) => this.#answer(readReply(raw)));
    return promise;
  }

  /** One command and its reply. */
  exchange(line: string, timeoutMs: number): Promise<ServerReply | undefined> {
    const reply = this.expectReply(timeoutMs);
    this.sendLines([line]);
    return reply;
  }

  /**
   * Writes pieces of a body at once and waits while the peer does not keep up; a wait over `timeoutMs` ends the connection.
   * True when the kernel, or the TLS engine, has all of them, and their memory is free.
   */
  async writeBlock(pieces: readonly Buffer[], timeoutMs: number): Promise<boolean> {
    const socket = this._socket;
    if (!socket || socket.destroyed || this.destroyed) {
      this.destroy();
      return false;
    }
    this.#arm(timeoutMs);
    socket.cork();
    for (const piece of pieces) socket.write(piece);
    socket.uncork();
    if (socket.writableNeedDrain && !this.ended.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const goOn = () => resolve();
      socket.once('drain', goOn);
      this.ended.addEventListener('abort', goOn);
      await promise;
      socket.removeListener('drain', goOn);
      this.ended.removeEventListener('abort', goOn);
    }
    return socket.writableLength === 0 && !this.ended.aborted;
  }

  /** Gives the reply that is due its time to come anew, from now. */
  restartTimer(): void {
    const [due] = this.#waiting;
    if (due) this.#arm(due.timeoutMs);
  }

  /** Ends the connection without a word; what was not written yet is dropped. */
  destroy(): void {
    const socket = this._socket;
    this.close();
    if (socket) socket.destroy();
  }

  override _processResponse(): void {
    for (let heard = 0; ; heard++) {
      const raw = this._responseQueue[0];
      const isWhole = this._responseQueue.length > 1 || !this._responsePartial;
      const reply = raw !== undefined && isWhole ? readReply(raw) : undefined;
      if (raw !== undefined && isWhole && !reply) return this.#fail('REPLY_MALFORMED');
      if (raw === undefined || !reply || !this.#isPlain(raw, reply)) return this.#leaveRest(heard);
      this._responseQueue.shift();
      this._responseActions.shift();
      this.#answer(reply);
    }
  }

  /** What is no plain reply is nodemailer's; after others it comes in a round of its own, when somebody may have asked for it. */
  #leaveRest(heard: number): void {
    if (heard === 0) return super._processResponse();
    if (this._responseQueue.length > 0) setImmediate(() => this._processResponse());
  }

  /** nodemailer goes once round the event loop for each reply, which is spared where there is nothing else for it to do. */
  #isPlain(raw: string, { code }: ServerReply): boolean {
    return this.phase === 'ready' && this.#waiting.length > 0 && code !== 421 && /^[\n\x20-\x7e]*$/.test(raw);
  }

  override _actionGreeting(raw: string): void {
    this.greeting = readReply(raw);
    if (this.greeting?.code === 220) {
      this.phase = 'ehlo';
      this.#arm(this.#settings.timeouts.ehloMs);
    }
    super._actionGreeting(raw);
  }

  override _actionEHLO(raw: string): void {
    const reply = readReply(raw);
    // Not before: under TLS 1.3 a server refuses our certificate after the handshake has ended on this side.
    if (this.secure) this.tlsSession ??= describeTlsSession(this._socket as TLSSocket, this.#settings.localCertificate);
    this.phase = 'ehlo';
    this.#arm(this.#settings.timeouts.ehloMs);
    // HELO is tried after "command unknown" and its like, not after "not now" (RFC 5321 §3.2).
    if (reply && reply.code >= 500) return super._actionEHLO(raw);
    if (reply?.code !== 250) return this._onError(new Error('EHLO was refused'), 'EPROTOCOL', raw, 'EHLO');
    const capabilities = readCapabilities(reply);
    // RFC 8689 §2: said in clear it is worth nothing, and is not to be used.
    if (!this.secure) capabilities.delete('REQUIRETLS');
    this.capabilities = capabilities;
    if (this.secure) return void this.emit('connect');
    const verb = this.#settings.tlsVerbs.find((each) => this.capabilities.has(each));
    this.isStartTlsOffered = verb !== undefined;
    if (verb === undefined || this.#settings.startTls === 'never') return void this.emit('connect');
    this.phase = 'starttls';
    this.tlsVerb = verb;
    this._responseActions.push((answer) => this._actionSTARTTLS(answer));
    this._sendCommand(verb);
  }

  override _actionSTARTTLS(raw: string): void {
    const reply = readReply(raw);
    if (reply?.code === 220) return super._actionSTARTTLS(raw);
    this.startTlsRefusal = reply && toReply(reply);
    this.emit('connect');
  }

  override _upgradeConnection(done: (error: Error | null, secured?: boolean) => void): void {
    // RFC 3207 §6: nothing said in clear may be taken for something said in TLS. nodemailer would only discard it.
    if (this._remainder !== '' || this._responseQueue.length > 0) return this.#fail('PLAINTEXT_INJECTED');
    this.capabilities = new Map();
    this.#arm(this.#settings.timeouts.tlsMs);
    const { tap } = this.#settings;
    tap?.handshakeBegins();
    super._upgradeConnection((error, secured) => {
      this.#arm(this.#settings.timeouts.ehloMs);
      done(error, secured);
    });
    if (tap) watchHandshake(this._socket as TLSSocket, tap);
  }

  #answer(reply: ServerReply | undefined): void {
    const waiting = this.#waiting.shift();
    const next = this.#waiting[0];
    if (next) this.#arm(next.timeoutMs);
    else this.#deadline.clear();
    waiting?.resolve(reply);
  }

  #finish(): void {
    this.#deadline.end();
    this.#ending.abort();
    // What still waits to be written must not arrive after it was given up.
    if (this.fault && this._socket) this._socket.destroy();
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
  }

  #fail(code: string): void {
    this._onError(Object.assign(new Error(code), { code }), 'EPROTOCOL', false, 'CONN');
  }

  #arm(timeoutMs: number): void {
    if (this.destroyed) return this.#deadline.end();
    this.#deadline.arm(timeoutMs, () => this._onError(new Error('no answer in time'), 'ETIMEDOUT', false, 'CONN'));
  }
}
