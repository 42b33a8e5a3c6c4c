// The LDAP door: listens with TLS, counts connections, and gives each one to a Session. The client's certificate is asked for
// and never judged here: the handler does that, with what the handshake showed (RFC 4511 §4.14, RFC 4513 §5.2.3).
// The key pair is asked for at each connection, so that a renewed certificate serves the next handshake.

import { randomUUID } from 'node:crypto';
import { createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import type { OpenTap, Tap } from '../capture/tap.ts';
import { isLoopback } from '../ip-range.ts';
import { tapSocket } from '../capture/tapped-socket.ts';
import { formatEndpoint } from '../config.ts';
import type { Log } from '../log.ts';
import { listenProblem, messageOf, Problem } from '../problem.ts';
import { parseCertificate } from '../tls/certificate.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import { serverContextOptions } from '../tls/secure-context.ts';
import { describeTlsSession, type TlsSession } from '../tls/tls-session.ts';
import type { LdapConnection, LdapRequestHandler } from './handler.ts';
import { ServerChannel } from './server-channel.ts';
import { Session } from './session.ts';
import type { TransactionLimits } from './session-transaction.ts';

export interface LdapLimits {
  readonly maxConnections: number;
  /** So that no single peer keeps the others out. */
  readonly maxConnectionsPerAddress: number;
  /** Real time. */
  readonly handshakeTimeoutMs: number;
  /** Longest wait for a whole request, and for a peer to read its answer; real time. */
  readonly idleTimeoutMs: number;
  /** The same for a peer that has not bound. */
  readonly anonymousIdleTimeoutMs: number;
  /** Longest wait of `close` for requests being worked on; real time. */
  readonly closeTimeoutMs: number;
  /** Longest time of one search, or of one page of it; real time. */
  readonly maxSearchMs: number;
  readonly maxMessageBytes: { readonly anonymous: number; readonly bound: number };
  readonly transaction: TransactionLimits;
}

const DEFAULT_LIMITS: LdapLimits = {
  maxConnections: 100,
  maxConnectionsPerAddress: 50,
  handshakeTimeoutMs: 10_000,
  idleTimeoutMs: 300_000,
  anonymousIdleTimeoutMs: 30_000,
  closeTimeoutMs: 5000,
  maxSearchMs: 3_600_000,
  maxMessageBytes: { anonymous: 65_536, bound: 5 * 1024 * 1024 },
  // A first synchronization brings every recipient at once, some 300 octets each.
  transaction: { maxOperations: 1_000_000, maxBytes: 256 * 1024 * 1024 },
};

export interface LdapListenerOptions {
  host: string;
  /** 0 for any free one. */
  port: number;
  /** Asked at each connection; until there is a pair no handshake succeeds. `plain` is for loopback alone and has none. */
  security: { kind: 'tls'; keyPair: () => KeyPair | undefined } | { kind: 'plain' };
  handler: LdapRequestHandler;
  log: Log;
  limits?: Partial<LdapLimits>;
  /** Who may want to watch a connection; asked for each. */
  tap?: OpenTap | undefined;
}

/** A listening LDAP server; owns its sockets. */
export class LdapListener {
  readonly #options: LdapListenerOptions;
  readonly #limits: LdapLimits;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Map<Session, Promise<void>>();
  /** Fingerprint of the certificate that handshakes now get. */
  #served = '';
  #connectionCount = 0;

  /** Listens. Throws Problem `ldap-plain-refused` for a plain listener beyond loopback, or `listen-failed`. */
  static async open(options: LdapListenerOptions): Promise<LdapListener> {
    if (options.security.kind === 'plain' && !isLoopback(options.host)) {
      throw new Problem(
        'ldap-plain-refused',
        `LDAP without TLS is for loopback alone, not for ${options.host}; use LDAPS`,
      );
    }
    const listener = new LdapListener(options);
    await listener.#listen();
    return listener;
  }

  private constructor(options: LdapListenerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#server = options.security.kind === 'tls' ? this.#createTls(options.security.keyPair) : this.#createPlain();
    this.#server.maxConnections = this.#limits.maxConnections;
    this.#server.on('drop', (data) =>
      this.#options.log.warn({ remote: data?.remoteAddress }, 'too many LDAP connections'),
    );
  }

  get address(): { address: string; port: number } {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the LDAP server listens on no port');
    return { address: address.address, port: address.port };
  }

  /** Stops listening; requests being worked on are answered first, every peer gets a notice. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => void (timer = setTimeout(resolve, this.#limits.closeTimeoutMs)));
    await Promise.race([this.#stopSessions(), tooLong]);
    clearTimeout(timer);
    // What is left never came through its handshake, does not read, or is worked on for too long.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #stopSessions(): Promise<void> {
    await Promise.all([...this.#sessions].flatMap(([session, done]) => [session.stop(), done]));
  }

  #createPlain(): Server {
    const server = createPlainServer();
    return server.on('connection', (socket: Socket) => {
      if (this.#admit(socket)) this.#serve(socket, undefined);
    });
  }

  /** Connections come to a plain server and go on to TLS, each captured one to a TLS server of its own. */
  #createTls(keyPair: () => KeyPair | undefined): Server {
    const shared = this.#createTlsServer((socket) => this.#serve(socket, describe(socket)));
    const server = createPlainServer();
    return server.on('connection', (socket: Socket) => {
      if (!this.#admit(socket)) return;
      const tap = this.#openTap(socket);
      if (tap) return this.#serveTapped(socket, tap, keyPair);
      this.#served = this.#setContext(shared, keyPair, this.#served);
      shared.emit('connection', socket);
    });
  }

  #createTlsServer(serve: (socket: TLSSocket) => void): TlsServer {
    const server = createTlsServer({
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: this.#limits.handshakeTimeoutMs,
    });
    server.on('secureConnection', serve);
    return server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      this.#options.log.info({ code: error.code, remote: addressOf(socket) }, 'LDAPS handshake failed');
      // Node only reports a handshake that takes too long.
      socket.destroy();
    });
  }

  /** Only a server of its own tells the secrets of one connection. */
  #serveTapped(socket: Socket, tap: Tap, keyPair: () => KeyPair | undefined): void {
    const own = this.#createTlsServer((secured) => {
      tap.handshakeEnds();
      this.#serve(secured, describe(secured), addressOf(socket));
    });
    own.on('keylog', (line: Buffer) => tap.secret(line));
    this.#setContext(own, keyPair, '');
    tap.handshakeBegins();
    own.emit('connection', tapSocket(socket, tap));
  }

  #openTap(socket: Socket): Tap | undefined {
    const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket;
    return this.#options.tap?.({
      protocol: 'ldap',
      role: 'server',
      id: randomUUID(),
      local: { host: localAddress, port: localPort },
      remote: { host: remoteAddress, port: remotePort },
    });
  }

  /** `served` is the fingerprint that the server shows now; returns the one that it shows from here on. */
  #setContext(server: TlsServer, keyPair: () => KeyPair | undefined, served: string): string {
    try {
      const pair = keyPair();
      if (!pair || pair.certificate.sha256 === served) return served;
      server.setSecureContext(serverContextOptions(pair));
      return pair.certificate.sha256;
    } catch (error) {
      this.#options.log.error({ reason: messageOf(error) }, 'the key pair for LDAPS cannot be used');
      return served;
    }
  }

  /** False for a peer whose address has its share of the connections already; it is cut off. */
  #admit(socket: Socket): boolean {
    const remoteAddress = addressOf(socket);
    const others = [...this.#sockets].filter((other) => addressOf(other) === remoteAddress).length;
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
    if (others < this.#limits.maxConnectionsPerAddress) return true;
    this.#options.log.warn({ remote: remoteAddress }, 'too many LDAP connections from one address');
    socket.destroy();
    return false;
  }

  #serve(socket: Socket, tls: TlsSession | undefined, remoteAddress = addressOf(socket)): void {
    // Answers are small and wanted one by one.
    socket.setNoDelay(true);
    const { handler, log } = this.#options;
    const { maxMessageBytes, transaction, maxSearchMs } = this.#limits;
    const { idleTimeoutMs: boundMs, anonymousIdleTimeoutMs: anonymousMs } = this.#limits;
    const idleTimeoutMs = { anonymous: Math.min(anonymousMs, boundMs), bound: boundMs };
    this.#connectionCount += 1;
    const connection: LdapConnection = {
      id: `ldap-${this.#connectionCount}`,
      remoteAddress,
      tls,
      boundDn: undefined,
    };
    const ownLog = log.child({ connection: connection.id, remote: connection.remoteAddress });
    const session = new Session({
      connection,
      channel: new ServerChannel(socket, {
        limitBytes: maxMessageBytes.anonymous,
        idleTimeoutMs: idleTimeoutMs.anonymous,
        log: ownLog,
      }),
      handler,
      log: ownLog,
      maxMessageBytes,
      idleTimeoutMs,
      transactionLimits: transaction,
      maxSearchMs,
    });
    this.#sessions.set(
      session,
      session.run().finally(() => this.#sessions.delete(session)),
    );
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const { host, port } = this.#options;
      const fail = (error: Error): void => reject(listenProblem(formatEndpoint({ host, port }), error));
      this.#server.once('error', fail);
      this.#server.listen(port, host, () => {
        this.#server.off('error', fail);
        this.#server.on('error', (error) => this.#options.log.error({ err: error }, 'the LDAP port has a fault'));
        resolve();
      });
    });
  }
}

/** The certificate is read from the socket: the pair may have been renewed while this handshake went on. */
function describe(socket: TLSSocket): TlsSession {
  const own = socket.getX509Certificate();
  return describeTlsSession(socket, own ? parseCertificate(own.raw) : undefined);
}

/** Of who came by IPv4 to a socket that is bound to `::`, as IPv4. */
function addressOf({ remoteAddress = '' }: Socket): string {
  return remoteAddress.replace(/^::ffff:(?=\d+\.)/i, '');
}
