// One accepted connection: smtp-server's SMTPConnection carries socket, TLS upgrade and half-close, everything it would say by
// itself is replaced. Adapter file: with command-stream.ts the only one that touches smtp-server's inner members (exact pin,
// guarded by test/contract/smtp-listener.test.ts). The conversation is receiving-session.ts.

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import type { SMTPServer } from 'smtp-server';
import type { CapturedSession } from '../capture/tap.ts';
import type { Service } from '../config.ts';
import type { Log } from '../log.ts';
import { describeTlsSession } from '../tls/tls-session.ts';
import { BodyClock } from './body-clock.ts';
import { BodyReception, type BodySink } from './body-reception.ts';
import { MAX_AUTH_LINE_OCTETS } from './command-line.ts';
import { ChunkedMessage, type ChunkedOptions } from './chunked-message.ts';
import { CommandStream } from './command-stream.ts';
import { Deadline } from './deadline.ts';
import { findHandshakeFault, withIdentities } from './handshake.ts';
import { changeLimits, type LimitChanges, type ListenerLimits } from './listener-limits.ts';
import { ReceivingSession, type Wire } from './receiving-session.ts';
import { REPLIES } from './replies.ts';
import { ReplyOutbox } from './reply-outbox.ts';
import { formatReplyOctets, type Reply } from './reply.ts';
import type { Intermediary, ServerIdentity, SessionPolicy } from './session-policy.ts';
import { boundUnheard } from './unheard.ts';

export interface ConnectionOptions {
  readonly service: Service;
  readonly capture?: CapturedSession | undefined;
  readonly policy: SessionPolicy;
  readonly fqdn: string;
  readonly log: Log;
  readonly limits: ListenerLimits;
  /** The server that spoke for the client before the session began. */
  readonly via: Intermediary | undefined;
  /** Whether the client may speak for others (XCLIENT). */
  readonly mayClaim: boolean;
}

export class ListenerConnection extends SMTPConnection implements Wire {
  readonly #log: Log;
  #limits: ListenerLimits;
  readonly #session: ReceivingSession;
  /** Of the phase at hand: handshake, next command, message. */
  readonly #phase = new Deadline();
  readonly #draining = new Deadline();
  readonly #lifetime = new Deadline();
  readonly #body = new BodyClock({
    timeouts: () => this.#limits.timeouts,
    isHeldBack: () => this.#reception?.isHeldBack === true || this.#stream?.isPostponed === true,
    onExpiry: () => this.hangUp(REPLIES.inputTimeout),
  });
  #reception: BodyReception | undefined;
  /** Set while the octets of a chunk are read. */
  #chunkEnd: ((isWhole: boolean) => void) | undefined;
  #isBetweenChunks = false;
  #tlsSocket: TLSSocket | undefined;
  #identity: ServerIdentity | undefined;
  #isHandshakeOver = false;
  readonly #isTlsFirst: boolean;
  /** Where TLS comes first: what is said after it. */
  #greeting: Reply | undefined;
  readonly #outbox = new ReplyOutbox((text) => {
    if (!this._socket.destroyed && this._socket.writable) this._socket.write(text);
  });

  constructor(
    server: SMTPServer,
    socket: Socket,
    accepted: SMTPConnectionOptions | undefined,
    options: ConnectionOptions,
  ) {
    super(server, socket, accepted);
    const { policy, fqdn, limits, service, via, mayClaim, capture } = options;
    this.#limits = limits;
    this.#isTlsFirst = service === 'smtps';
    this.#log = options.log.child({ session: this.id, remote: this.remoteAddress });
    const { id, remoteAddress, remotePort, localAddress, localPort } = this;
    this.#session = new ReceivingSession(
      this,
      { id, remoteAddress, remotePort, via, localAddress, localPort, service, capture },
      { policy, fqdn, log: this.#log, limits: () => this.#limits, mayClaim },
    );
  }

  override init(): void {
    if (this.#isTlsFirst) void this.#secureFirst();
    else this._setListeners(() => void this.#greet());
  }

  changeLimits(changes: LimitChanges): void {
    this.#limits = changeLimits(this.#limits, changes);
    const { connectionMs } = this.#limits.timeouts;
    if (connectionMs === undefined || this._closing || this._closed) return;
    this.#lifetime.arm(connectionMs, () => this.#session.expire());
  }

  async #greet(): Promise<void> {
    const { welcome, reply } = await this.#session.connect();
    if (this._closing || this._closed) return;
    return welcome ? this.#welcome(reply) : this.cutOff(reply);
  }

  /** TLS before any word (RFC 8314 §3.3): nothing is read before the client is admitted, its first octets are the handshake's. */
  async #secureFirst(): Promise<void> {
    const { welcome, reply } = await this.#session.connect();
    if (this._socket.destroyed) return this._onClose();
    this._setListeners(() => {
      this.#greeting = reply;
      if (!welcome || !this.#session.beginTls()) this.destroy();
    });
  }

  #welcome(reply: Reply): void {
    // Only a program that does not listen talks before it is greeted (RFC 5321 §3.1).
    if (this.#stream?.hasOctets) return this.hangUp(REPLIES.spokeTooSoon);
    this._ready = true;
    this.answer(reply);
    this.#awaitCommand();
  }

  answer(reply: Reply): void {
    this.#log.debug({ code: reply.code, enhanced: reply.enhanced }, 'reply');
    // Before the end of a handshake there is no channel.
    if (this._upgrading || (this.#isTlsFirst && !this.#isHandshakeOver)) return;
    this.#outbox.add(formatReplyOctets(this.#session.dress(reply)));
  }

  hangUp(reply: Reply): void {
    if (this._closing || this._closed) return;
    if (this._upgrading) return this.#failHandshake('ECONNABORTED');
    this.answer(reply);
    this.#outbox.flush();
    this.close();
    boundUnheard(this._socket);
    this.#endDeadlines();
    this.#reception?.abort('the connection was closed by this server', reply);
  }

  cutOff(reply: Reply): void {
    this.hangUp(reply);
    // A client that reads nothing would keep its descriptor otherwise.
    if (this._socket.writableNeedDrain) this.destroy();
    else this._socket.destroySoon();
  }

  /** Ends the session as soon as no transaction is open; see `destroy`. */
  stop(): void {
    if (this._upgrading || !this._ready) return this.hangUp(REPLIES.shuttingDown);
    this.#session.stop();
  }

  destroy(): void {
    this.#tlsSocket?.destroy();
    this._socket.destroy();
  }

  startTls(fallback: ServerIdentity, forName: (servername: string) => ServerIdentity | undefined): void {
    if (this._closing || this._socket.destroyed) return;
    this.#outbox.flush();
    this.#identity = fallback;
    const real = this._server;
    this._server = withIdentities(real, {
      fallback,
      forName,
      onChoice: (identity) => (this.#identity = identity),
      onError: (error) => this.#log.error({ err: error }, 'policy failed at secureContext'),
    });
    try {
      this.upgrade(
        () => undefined,
        () => this.#finishHandshake(),
      );
    } finally {
      this._server = real;
    }
    this.#phase.arm(this.#limits.timeouts.handshakeMs, () => this.#failHandshake('ETIMEDOUT'));
  }

  #finishHandshake(): void {
    const socket = this.#tlsSocket;
    if (!socket || this.#isHandshakeOver) return;
    const fault = findHandshakeFault(socket, this.#identity?.minimumVersion);
    if (fault !== undefined) return this.#failHandshake(fault);
    this.#isHandshakeOver = true;
    socket.disableRenegotiation();
    this.#session.secured(describeTlsSession(socket, this.#identity?.certificate));
    if (this.#greeting) this.#welcome(this.#greeting);
    else this.#awaitCommand();
  }

  #failHandshake(code: string): void {
    if (!this.#isHandshakeOver) {
      this.#isHandshakeOver = true;
      this.#log.info({ code }, 'TLS handshake failed');
      this.#session.handshakeFailed(code);
    }
    this.#endDeadlines();
    this.destroy();
  }

  openBody(limitBytes: number | undefined): BodyReception {
    const reception = new BodyReception({ limitBytes, discardLimitBytes: this.#limits.discardLimitBytes });
    this.#stream?.startBody(reception);
    this.#reception = reception;
    if (this._closed) reception.abort('the client vanished before its message');
    this.#body.begin();
    this.#body.awaitOctets();
    return reception;
  }

  openChunks(options: Omit<ChunkedOptions, 'limits' | 'log'>, limitBytes: number | undefined): ChunkedMessage {
    const limits = { limitBytes, discardLimitBytes: this.#limits.discardLimitBytes };
    const message = new ChunkedMessage({ ...options, limits, log: this.#log });
    this.#reception = message.reception;
    void message.reception.ended.then((end) => (end === 'flooded' ? this.hangUp(REPLIES.messageTooLarge) : undefined));
    this.#body.begin();
    return message;
  }

  readChunk(sizeBytes: number, message: ChunkedMessage | undefined): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#chunkEnd = resolve;
    this.#isBetweenChunks = false;
    this.#phase.clear();
    this.#body.awaitOctets();
    this.#stream?.startChunk(sizeBytes, message?.reception ?? this.#openSink(sizeBytes));
    return promise;
  }

  /** A chunk that nobody wants is read all the same, or its octets would be commands. */
  #openSink(sizeBytes: number): BodySink {
    if (sizeBytes > this.#limits.discardLimitBytes) this.hangUp(REPLIES.messageTooLarge);
    if (!this.#reception) this.#body.begin();
    return { write: (_octets, done) => done(), end: () => undefined };
  }

  pauseChunks(): void {
    this.#isBetweenChunks = true;
    this._whenWritable(() => {
      this.#awaitCommand();
      this.#stream?.continue();
    });
  }

  #endChunk(isWhole: boolean): void {
    this.#body.rest();
    const end = this.#chunkEnd;
    this.#chunkEnd = undefined;
    end?.(isWhole);
  }

  dropChunks(): void {
    this.#body.clear();
    this.#reception = undefined;
    this.#isBetweenChunks = false;
  }

  closeBody(): void {
    this.#clearPhases();
    this.#isBetweenChunks = false;
    this.#reception = undefined;
    this._whenWritable(() => {
      this.#awaitCommand();
      this.#stream?.continue();
    });
  }

  override _createParser(): CommandStream {
    // Runs in the constructor of the superclass: nothing of this class is there yet, hence the arrow functions.
    return new CommandStream(MAX_AUTH_LINE_OCTETS, {
      onCommand: (line, next) => void this.#take(line, next),
      onOctets: () => this.#body.noteOctets(),
      onBareLineFeed: () => this.hangUp(REPLIES.bareLineFeed),
      onOverlong: () => this.hangUp(REPLIES.lineTooLong),
      onBodyEnd: () => {
        if (this.#chunkEnd) return this.#endChunk(true);
        this.#clearPhases();
        this.#reception?.markFinalDot();
      },
    });
  }

  async #take(line: Buffer, next: () => void): Promise<void> {
    // Clear text that arrived behind STARTTLS is forgotten (RFC 3207 §6); what came before the greeting waits for #greet.
    if (this._upgrading) return next();
    if (!this._ready) return;
    this.#phase.clear();
    await this.#session.handle(line);
    if (this._upgrading || this._closing || this._closed) return next();
    this._whenWritable(() => {
      if ((!this.#reception && !this.#chunkEnd) || this.#isBetweenChunks) this.#awaitCommand();
      next();
    });
  }

  /** Replies that nobody reads pile up here: reading stops until they are gone, and goes no further when they never go. */
  override _whenWritable(next: () => void): void {
    const socket = this._socket;
    if (!socket.writableNeedDrain || socket.destroyed) return next();
    this.#draining.arm(this.#limits.timeouts.replyMs, () => this.destroy());
    socket.once('drain', () => {
      this.#draining.clear();
      next();
    });
  }

  /** smtp-server's idle timer, which any octet pushes away, is not used; but here it shows us the TLS socket it makes. */
  override _armTimeout(socket?: Socket): void {
    if (socket && socket !== this._socket) this.#tlsSocket = socket as TLSSocket;
  }

  override _onError(error: Error & { code?: string | undefined }): void {
    if (this.#tlsSocket && !this.#isHandshakeOver) return this.#failHandshake(error.code ?? 'EPROTO');
    this.#log.debug({ code: error.code }, 'socket failed');
    this.destroy();
  }

  override _onClose(): void {
    if (this.#tlsSocket && !this.#isHandshakeOver) this.#failHandshake('ECONNRESET');
    this.#endDeadlines();
    this.#reception?.abort('the client vanished before the end of the message');
    this.#endChunk(false);
    super._onClose();
    this.#session.closed();
    this.emit('closed');
  }

  get #stream(): CommandStream | undefined {
    return this._parser ? (this._parser as CommandStream) : undefined;
  }

  #awaitCommand(): void {
    if (this._closing || this._closed) return;
    this.#phase.arm(this.#limits.timeouts.commandMs, () => this.hangUp(REPLIES.inputTimeout));
  }

  #clearPhases(): void {
    this.#phase.clear();
    this.#body.clear();
  }

  #endDeadlines(): void {
    this.#body.end();
    for (const deadline of [this.#phase, this.#draining, this.#lifetime]) deadline.end();
  }
}
