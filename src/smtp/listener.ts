// The receiving side of SMTP: a listening socket whose sessions speak RFC 5321 with STARTTLS, AUTH, DSN, SMTPUTF8, SIZE and
// PIPELINING, built on smtp-server. Judges nothing: a SessionPolicy (session-policy.ts) decides whom to serve and takes the
// messages. Nothing that a client does ends the process.

import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { type SMTPConnectionOptions, TLS_SOCKET_OPTIONS } from 'smtp-server/lib/smtp-connection.js';
import type { OpenTap } from '../capture/tap.ts';
import type { Service } from '../config.ts';
import type { Log } from '../log.ts';
import { PassingSet } from '../passing.ts';
import { chooseProtocol } from './alpn.ts';
import { canonicalAddress } from './canonical-address.ts';
import { type ConnectionOptions, ListenerConnection } from './listener-connection.ts';
import { changeLimits, DEFAULT_LIMITS, type LimitChanges, type ListenerLimits } from './listener-limits.ts';
import { type ListenPlace, listenAt } from './listening.ts';
import { takeProxyHeader } from './proxied-socket.ts';
import type { Intermediary, SessionPolicy } from './session-policy.ts';
import { openWatched } from './watched-connection.ts';

export type * from './session-policy.ts';

/** Who may say for whom it speaks. Both are asked with the address that a connection really comes from. */
export interface TrustedIntermediaries {
  /** Whether each of its connections begins with a header of the PROXY protocol. */
  readonly speaksProxy: (address: string) => boolean;
  readonly mayXclient: (address: string) => boolean;
}

/** How sessions are held, wherever their connections come from. */
export interface SessionOptions extends LimitChanges {
  /** The name in the answer to EHLO. */
  readonly fqdn: string;
  readonly policy: SessionPolicy;
  readonly log: Log;
  /** Limits that may change while it listens: asked for each connection, before those given here once and for all. */
  readonly limits?: () => LimitChanges;
  /** Who may want to watch a connection; asked for each. */
  readonly tap?: OpenTap;
  /** Nobody when absent. */
  readonly intermediaries?: TrustedIntermediaries;
}

export interface ListenerOptions extends SessionOptions, ListenPlace {}

export class SmtpListener {
  readonly address: { readonly address: string; readonly port: number };
  readonly #server: ConnectionServer;
  readonly #closeMs: () => number;
  #closing: Promise<void> | undefined;

  private constructor(server: ConnectionServer, address: AddressInfo, closeMs: () => number) {
    this.#server = server;
    this.#closeMs = closeMs;
    this.address = { address: address.address, port: address.port };
  }

  /** Begins to listen. Throws Problem `listen-failed` when the address cannot be had. */
  static async open(options: ListenerOptions): Promise<SmtpListener> {
    const { host, port, ipv6Only = false, service = 'smtp', ...sessions } = options;
    const connections = completeOptions(sessions);
    const server = new ConnectionServer(connections, service);
    const address = await listenAt(server.server, { host, port, ipv6Only });
    return new SmtpListener(server, address, () => connections.limits().timeouts.closeMs);
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#server.openCount;
  }

  /** Connections that came since it listens. */
  get taken(): number {
    return this.#server.taken;
  }

  /**
   * Takes no more connections, tells idle clients 421 at once and the others after their transaction. Resolves when all are
   * gone; what is still there after `timeouts.closeMs` is cut off, so that it always does.
   */
  close(): Promise<void> {
    this.#closing ??= this.#server.shutDown(this.#closeMs());
    return this.#closing;
  }
}

/** The same sessions over connections that somebody else accepted. */
export class HandedConnections {
  readonly #server: ConnectionServer;
  readonly #closeMs: () => number;

  constructor(options: SessionOptions) {
    const connections = completeOptions(options);
    this.#server = new ConnectionServer(connections);
    this.#closeMs = () => connections.limits().timeouts.closeMs;
  }

  /** Begins a session; `onEnd` is called once, when it is over and the socket closed. */
  take(socket: Socket, service: Service, onEnd: () => void): void {
    socket.on('error', () => undefined);
    if (socket.destroyed) return onEnd();
    socket.once('close', onEnd);
    this.#server.admit(socket, service);
  }

  /** As SmtpListener's. */
  close(): Promise<void> {
    return this.#server.shutDown(this.#closeMs());
  }
}

/** As a connection's, with limits that are asked for when it comes. */
interface ServerOptions extends Pick<ConnectionOptions, 'policy' | 'fqdn' | 'log'> {
  readonly limits: () => ListenerLimits;
  readonly intermediaries: TrustedIntermediaries;
  readonly tap: OpenTap | undefined;
}

const NOBODY: TrustedIntermediaries = { speaksProxy: () => false, mayXclient: () => false };

function completeOptions(options: SessionOptions): ServerOptions {
  const { fqdn, policy, log, limits, intermediaries = NOBODY, tap, ...overrides } = options;
  return {
    policy,
    fqdn,
    log,
    tap,
    intermediaries,
    limits: () => changeLimits(changeLimits(DEFAULT_LIMITS, overrides), limits?.()),
  };
}

// smtp-server hands on to its sockets what this list of its names.
if (!TLS_SOCKET_OPTIONS.includes('ALPNCallback')) TLS_SOCKET_OPTIONS.push('ALPNCallback');

/** smtp-server's listener with our connections in it, and without its built-in key. */
class ConnectionServer extends SMTPServer {
  readonly #options: ServerOptions;
  readonly #service: Service;
  readonly #open = new PassingSet<ListenerConnection>();
  /** Waiting for their header of the PROXY protocol. */
  readonly #unnamed = new Set<Socket>();
  #isShutDown = false;
  taken = 0;

  /** `service` is that of the connections that it accepts itself. */
  constructor(options: ServerOptions, service: Service = 'smtp') {
    // The last three are for STARTTLS: every client is asked for a certificate, and judging it is not the socket's business.
    super({
      // Without one each connection would ask the system for the machine's.
      name: options.fqdn,
      logger: false,
      disableReverseLookup: true,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNCallback: chooseProtocol,
    });
    this.#options = options;
    this.#service = service;
    this.on('error', (error) => {
      // That it could not be opened at all is for the opener to say.
      if (this.server.listening) options.log.warn({ err: error }, 'listener failed');
    });
    // Between accept and `connect` nobody else listens for errors.
    this.server.on('connection', (socket) => socket.on('error', () => undefined));
  }

  /** smtp-server would load a certificate whose key is public; contexts come from the policy, for each handshake. */
  override updateSecureContext(): void {
    this.secureContext = new Map();
  }

  override connect(socket: Socket, accepted?: SMTPConnectionOptions | null): void {
    this.admit(socket, this.#service, accepted ?? undefined);
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Begins a session, unless the client is gone already; first of all a listed intermediary says whose it is. */
  admit(socket: Socket, service: Service, accepted?: SMTPConnectionOptions): void {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined || socket.destroyed) return void socket.destroy();
    const address = canonicalAddress(remoteAddress) ?? remoteAddress;
    if (this.#options.intermediaries.speaksProxy(address)) void this.#admitNamed(socket, service, address);
    else this.#begin(socket, service, { accepted, via: undefined, address });
  }

  async #admitNamed(socket: Socket, service: Service, address: string): Promise<void> {
    this.#unnamed.add(socket);
    const header = await takeProxyHeader(socket);
    this.#unnamed.delete(socket);
    if (header === 'none') {
      this.#options.log.warn({ remote: address }, 'a listed proxy sent no header of the PROXY protocol');
      return void socket.destroy();
    }
    const { client } = header;
    // A health check is the proxy's own connection.
    if (!client) return this.#begin(socket, service, { accepted: undefined, via: undefined, address });
    const accepted = { remoteAddress: client.address, remotePort: client.port };
    this.#begin(socket, service, { accepted, via: { protocol: 'PROXY', address }, address });
  }

  #begin(
    socket: Socket,
    service: Service,
    {
      accepted,
      via,
      address,
    }: { accepted: SMTPConnectionOptions | undefined; via: Intermediary | undefined; address: string },
  ): void {
    if (socket.destroyed) return;
    const { tap, limits, intermediaries, ...common } = this.#options;
    const mayClaim = intermediaries.mayXclient(address);
    const options = { ...common, service, limits: limits(), via, mayClaim };
    const connection =
      (tap && openWatched(this, socket, accepted, { ...options, tap })) ??
      new ListenerConnection(this, socket, accepted, options);
    this.taken += 1;
    // smtp-server's own Set of connections stays empty: only its `close` and `maxClients` look into it, which are not used here.
    this.#open.add(connection);
    connection.once('closed', () => this.#open.delete(connection));
    connection.on('error', (error) => this.#options.log.debug({ err: error }, 'connection failed'));
    connection.init();
    if (this.#isShutDown) connection.stop();
  }

  async shutDown(closeMs: number): Promise<void> {
    this.#isShutDown = true;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.#unnamed) socket.destroy();
    for (const connection of this.#open) connection.stop();
    const bound = setTimeout(() => {
      for (const connection of this.#open) connection.destroy();
    }, closeMs);
    await closed;
    await Promise.all([...this.#open].map((connection) => once(connection, 'closed')));
    clearTimeout(bound);
  }
}
