// The sending side: one call to reach a next hop, one session to recognise it and send through it. It reports what happened at
// each step, TLS above all, and decides nothing: no certificate is judged here, nothing falls back to plaintext, nothing is
// tried twice. What to require and what to do is for trust/ and transport/.

import { randomUUID } from 'node:crypto';
import { connect, isIP, type Socket } from 'node:net';
import type { CapturedSession, OpenTap, Tap } from '../capture/tap.ts';
import { tapSocket } from '../capture/tapped-socket.ts';
import type { Log } from '../log.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import { sharedClientTlsOptions } from '../tls/secure-context.ts';
import type { TlsTerms } from '../tls/tls-terms.ts';
import { describeFault } from './connection-fault.ts';
import type { Reply } from './reply.ts';
import { SenderConnection, type SenderTimeouts } from './sender-connection.ts';
import { openSession, type SenderSession, type TlsAttempt } from './sender-session.ts';
import type { TlsVerb } from './tls-verb.ts';

export type { SenderTimeouts } from './sender-connection.ts';
export type { SenderSession, TlsAttempt } from './sender-session.ts';
export type { OutgoingMessage } from './sender-envelope.ts';
export type { SendResult } from './sender-transaction.ts';

export interface DialOptions {
  /** An IP address: names are resolved above. */
  readonly host: string;
  readonly port: number;
  /** Our own name, for EHLO. */
  readonly name: string;
  /** Asked for by SNI, which names no IP addresses (RFC 6066 §3). It is not compared with the certificate here. */
  readonly servername?: string;
  readonly startTls: 'never' | 'attempt';
  /** Of those that the server offers the first is used; STARTTLS alone when absent. */
  readonly tlsVerbs?: readonly TlsVerb[];
  /** Version and suites; TLS 1.2 and the strong ones when absent. */
  readonly tlsTerms?: TlsTerms;
  /** Shown when the server asks for one. */
  readonly clientCertificate?: KeyPair;
  readonly timeouts?: Partial<SenderTimeouts>;
  readonly log: Log;
  /** LHLO, and a reply for each recipient after the dot (RFC 2033). */
  readonly lmtp?: boolean;
  readonly localAddress?: string;
  /** Who may want to watch the connection. */
  readonly tap?: OpenTap;
}

export type DialResult =
  | { readonly kind: 'connected'; readonly session: SenderSession }
  | {
      readonly kind: 'failed';
      readonly phase: 'connect' | 'greeting' | 'ehlo' | 'starttls';
      readonly tls: TlsAttempt;
      readonly reply?: Reply;
      /** As in `ConnectionFault`, or REPLY_REFUSED where `reply` says all. */
      readonly code: string;
      /** True for a 5xx. */
      readonly permanent: boolean;
      readonly capture?: CapturedSession;
    };

/** RFC 5321 §4.5.3.2; shorter where the RFC leaves it open. */
export const DEFAULT_TIMEOUTS: SenderTimeouts = {
  connectMs: 30_000,
  greetingMs: 300_000,
  ehloMs: 300_000,
  tlsMs: 30_000,
  authMs: 120_000,
  mailMs: 300_000,
  rcptMs: 300_000,
  dataMs: 120_000,
  dataBlockMs: 180_000,
  dataDoneMs: 600_000,
  quitMs: 5000,
};

/** Connects, greets and, where wished and offered, goes over to TLS. Never rejects for anything a peer does. */
export async function dial(options: DialOptions): Promise<DialResult> {
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const socket = await openSocket(options, timeouts.connectMs);
  if (typeof socket === 'string') {
    options.log.debug({ host: options.host, port: options.port, code: socket }, 'no connection to the next hop');
    return { kind: 'failed', phase: 'connect', tls: { kind: 'not-attempted' }, code: socket, permanent: false };
  }
  const endpoints = readEndpoints(socket);
  const lmtp = options.lmtp ?? false;
  const tap = options.tap && watch(endpoints, options.tap);
  const connection = new SenderConnection(tap ? tapSocket(socket, tap) : socket, {
    host: options.host,
    name: options.name,
    servername: isIP(options.servername ?? '') === 0 ? options.servername : undefined,
    startTls: options.startTls,
    tlsVerbs: options.tlsVerbs ?? ['STARTTLS'],
    lmtp,
    tls: sharedClientTlsOptions(options.clientCertificate, options.tlsTerms),
    localCertificate: options.clientCertificate?.certificate,
    timeouts,
    ...(tap && { tap }),
  });
  const isOpen = await connection.open();
  const tls = describeAttempt(connection, options.startTls);
  if (!isOpen || connection.startTlsRefusal?.code === 421) return fail({ connection, tls, tap }, options);
  const { greeting, isStartTlsOffered: startTlsOffered, capabilities } = connection;
  const said = { greeting: greeting?.text ?? '', startTlsOffered, capabilities };
  const facts = { ...endpoints, ...said, tls, ...(tap && { capture: tap }) };
  return { kind: 'connected', session: openSession({ connection, timeouts, lmtp }, facts) };
}

/** A connected socket, or the code of what went wrong. */
function openSocket(options: DialOptions, timeoutMs: number): Promise<Socket | string> {
  const { promise, resolve } = Promise.withResolvers<Socket | string>();
  const { host, port, localAddress } = options;
  const socket = connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
  const timer = setTimeout(() => {
    socket.destroy();
    resolve('ETIMEDOUT');
  }, timeoutMs);
  const onError = (error: Error) => {
    clearTimeout(timer);
    resolve(describeFault(error).code);
  };
  socket.once('error', onError);
  socket.once('connect', () => {
    clearTimeout(timer);
    socket.off('error', onError);
    resolve(socket);
  });
  return promise;
}

function watch({ remoteAddress, remotePort, localAddress, localPort }: Endpoints, tap: OpenTap): Tap | undefined {
  return tap({
    protocol: 'smtp',
    role: 'client',
    id: randomUUID(),
    local: { host: localAddress, port: localPort },
    remote: { host: remoteAddress, port: remotePort },
  });
}

type Endpoints = ReturnType<typeof readEndpoints>;

function readEndpoints(socket: Socket) {
  return {
    remoteAddress: socket.remoteAddress ?? '',
    remotePort: socket.remotePort ?? 0,
    localAddress: socket.localAddress ?? '',
    localPort: socket.localPort ?? 0,
  };
}

function describeAttempt(connection: SenderConnection, startTls: 'never' | 'attempt'): TlsAttempt {
  const { tlsSession, tlsVerb: verb = 'STARTTLS', startTlsRefusal, fault, phase } = connection;
  if (tlsSession) return { kind: 'established', verb, session: tlsSession };
  if (startTlsRefusal) return { kind: 'refused', verb, reply: startTlsRefusal };
  if (phase === 'starttls')
    return { kind: 'failed', verb, cause: fault?.cause ?? 'closed', code: fault?.code ?? 'ECONNCLOSED' };
  // Before an EHLO reply there was nothing to offer it.
  return { kind: phase === 'ready' && startTls === 'attempt' ? 'not-offered' : 'not-attempted' };
}

interface Course {
  readonly connection: SenderConnection;
  readonly tls: TlsAttempt;
  readonly tap: Tap | undefined;
}

function fail({ connection, tls, tap }: Course, options: DialOptions): DialResult {
  connection.destroy();
  const { fault, startTlsRefusal, phase } = connection;
  const reply = fault?.reply ?? startTlsRefusal;
  const failure = {
    kind: 'failed',
    phase: startTlsRefusal || phase === 'ready' ? 'starttls' : phase,
    tls,
    code: reply ? 'REPLY_REFUSED' : (fault?.code ?? 'ECONNCLOSED'),
    permanent: reply !== undefined && reply.code >= 500,
    ...(reply ? { reply } : {}),
    ...(tap ? { capture: tap } : {}),
  } as const;
  options.log.debug(
    { host: options.host, port: options.port, phase: failure.phase, code: failure.code },
    'no session with the next hop',
  );
  return failure;
}
