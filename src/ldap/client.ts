// The LDAP client: LDAPS to a peer that `approve` judges by its certificate before one octet of LDAP, and so before any
// password, is sent; then binds, searches and updates. Attribute values are octets, always. Judges nothing itself.

import { randomUUID } from 'node:crypto';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type OpenTap, type Tap, watchHandshake } from '../capture/tap.ts';
import { tapSocket } from '../capture/tapped-socket.ts';
import { Problem } from '../problem.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import { clientTlsOptions } from '../tls/secure-context.ts';
import { describeTlsSession, type TlsSession } from '../tls/tls-session.ts';
import { refuseFaults } from './client-answer.ts';
import { ClientConnection, describeBreak } from './client-connection.ts';
import { type LdapQuery, makeSearchRequest } from './client-query.ts';
import { applyAsTransaction } from './client-transaction.ts';
import { Oid } from './control.ts';
import type { LdapEntry, LdapOperation, LdapOperations } from './entry.ts';
import { readPages, searchByPages } from './paged-search.ts';
import { LdapFault, ResultCode } from './result.ts';

export interface LdapClientOptions {
  host: string;
  port: number;
  /** Sent as SNI; `host` when absent and no address. */
  servername?: string;
  clientCertificate?: KeyPair;
  /** Judges the peer by its handshake; a Problem that it gives is thrown by connectLdap, and nothing is sent. */
  approve: (session: TlsSession) => Problem | undefined | Promise<Problem | undefined>;
  /** Longest wait for the connection and for each answer; real time. 10 s when absent. */
  timeoutMs?: number;
  /** Who may want to watch the connection. */
  tap?: OpenTap | undefined;
}

/** Connects and has the peer approved. Throws approve's Problem, `ldap-unreachable` or `ldap-peer-refused`. */
export async function connectLdap(options: LdapClientOptions): Promise<LdapClient> {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const peer = `${options.servername ?? options.host}:${options.port}`;
  const carrier = options.tap && (await openCarrier(options, options.tap, { peer, timeoutMs }));
  const socket = openSocket(options, carrier);
  try {
    const session = await withinTime(shakeHands(socket, options, peer), timeoutMs, peer);
    return new LdapClient(new ClientConnection(socket, peer, timeoutMs), session);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** A TCP connection for TLS to go over, and who watches it. */
interface Carrier {
  readonly socket: Socket;
  readonly tap: Tap | undefined;
}

/** Apart from TLS, where somebody may want to watch: the connection's own address is known only when it is there. */
async function openCarrier(
  { host, port }: LdapClientOptions,
  openTap: OpenTap,
  { peer, timeoutMs }: { peer: string; timeoutMs: number },
): Promise<Carrier> {
  const socket = connectPlain({ host, port });
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.on('error', (error) => reject(describeBreak(error, peer)));
  });
  try {
    await withinTime(connected, timeoutMs, peer);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket;
  const tap = openTap({
    protocol: 'ldap',
    role: 'client',
    id: randomUUID(),
    local: { host: localAddress, port: localPort },
    remote: { host: remoteAddress, port: remotePort },
  });
  return { socket: tap ? tapSocket(socket, tap) : socket, tap };
}

function openSocket(options: LdapClientOptions, carrier?: Carrier): TLSSocket {
  const { host, port, clientCertificate } = options;
  const servername = options.servername ?? (isIP(host) === 0 ? host : undefined);
  const tls = clientTlsOptions({
    ...(servername === undefined ? {} : { servername }),
    ...(clientCertificate === undefined ? {} : { pair: clientCertificate }),
  });
  // Whatever comes at whatever time is heard; the places that wait have listeners of their own.
  carrier?.tap?.handshakeBegins();
  const socket = connectTls({ ...tls, ...(carrier ? { socket: carrier.socket } : { host, port }) });
  if (carrier?.tap) watchHandshake(socket, carrier.tap);
  return socket.on('error', () => undefined);
}

async function shakeHands(socket: TLSSocket, options: LdapClientOptions, peer: string): Promise<TlsSession> {
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', (error) => reject(describeBreak(error, peer)));
    socket.once('close', () => reject(new Problem('ldap-unreachable', `${peer} closed the connection`)));
  });
  const session = describeTlsSession(socket, options.clientCertificate?.certificate);
  const problem = await options.approve(session);
  if (problem) throw problem;
  return session;
}

async function withinTime<T>(work: Promise<T>, timeoutMs: number, peer: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const alarm = new Promise<never>((_resolve, reject) => {
    const sentence = `${peer} did not take an LDAP connection within ${timeoutMs} ms`;
    timer = setTimeout(() => reject(new Problem('ldap-unreachable', sentence)), timeoutMs);
  });
  return Promise.race([work, alarm]).finally(() => clearTimeout(timer));
}

/** An approved connection. Operations throw LdapFault when refused, `ldap-unreachable` or `ldap-peer-refused` when it breaks. */
export class LdapClient {
  readonly session: TlsSession;
  readonly #connection: ClientConnection;

  constructor(connection: ClientConnection, session: TlsSession) {
    this.#connection = connection;
    this.session = session;
  }

  /** False once either side has ended it; it does not come back. */
  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  /** Resolves when the connection is over, whoever ended it. */
  get closed(): Promise<void> {
    return this.#connection.closed;
  }

  /** Binds by name and password. An empty one of them is refused here: it would be an anonymous bind that looks like success. */
  async bindSimple(dn: string, password: string | Buffer): Promise<void> {
    const octets = Buffer.from(password);
    if (dn === '' || octets.length === 0) {
      throw new LdapFault(ResultCode.unwillingToPerform, 'a bind needs a name and a password');
    }
    await this.#bind(dn, { kind: 'simple', password: octets });
  }

  /** Binds by the client certificate (SASL EXTERNAL, RFC 4422 Appendix A), as the identity the server derives from it by default. */
  async bindExternal(authzId = ''): Promise<void> {
    await this.#bind('', { kind: 'sasl', mechanism: 'EXTERNAL', credentials: Buffer.from(authzId) });
  }

  async #bind(
    dn: string,
    authentication: { kind: 'simple'; password: Buffer } | { kind: 'sasl'; mechanism: string; credentials: Buffer },
  ): Promise<void> {
    refuseFaults(await this.#connection.request({ kind: 'bind', version: 3, dn, authentication }));
  }

  /** Entries below `base`, fetched page by page where the server offers it (RFC 2696). Throws Problem `bad-filter`. */
  async search(query: LdapQuery): Promise<LdapEntry[]> {
    return searchByPages(this.#connection, makeSearchRequest(query));
  }

  /** The same, for more than one would hold in memory: a page is fetched when it is asked for. */
  searchPages(query: LdapQuery): AsyncGenerator<readonly LdapEntry[]> {
    return readPages(this.#connection, makeSearchRequest(query));
  }

  /** One operation as it is; several as an RFC 5805 transaction, all or nothing; `failedOperation` tells which one failed. */
  async apply(operations: LdapOperations): Promise<void> {
    if (operations.length > 1) return this.applyTogether(operations);
    for (const operation of operations) refuseFaults(await this.#connection.request({ kind: 'update', operation }), 0);
  }

  /** As a transaction, however many they are; they may be made on the way. */
  applyTogether(operations: Iterable<LdapOperation> | AsyncIterable<LdapOperation>): Promise<void> {
    return applyAsTransaction(this.#connection, operations);
  }

  /** Whether the entry has this value. */
  async compare(dn: string, attribute: string, value: string | Buffer): Promise<boolean> {
    const answer = await this.#connection.request({ kind: 'compare', dn, attribute, value: Buffer.from(value) });
    refuseFaults(answer);
    return answer.result.resultCode === ResultCode.compareTrue;
  }

  /** Who the server takes us for: `dn:…`, `u:…`, or '' for anonymous (RFC 4532). */
  async whoAmI(): Promise<string> {
    const answer = await this.#connection.request({ kind: 'extended', oid: Oid.whoAmI });
    refuseFaults(answer);
    return answer.result.responseValue?.toString('utf8') ?? '';
  }

  /** Unbinds and waits for the end; never rejects. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}
