// An open session with a next hop: recognise, send, leave. It owns its connection and puts messages in a row; what is sent to
// whom, and whether this session is good enough for it, is for transport/ and trust/.

import type { CapturedSession } from '../capture/tap.ts';
import type { TlsSession } from '../tls/tls-session.ts';
import type { FaultCause } from './connection-fault.ts';
import type { Reply } from './reply.ts';
import type { SaslClient } from './sasl.ts';
import { type AuthenticationResult, runAuthentication } from './sender-authentication.ts';
import type { SenderConnection } from './sender-connection.ts';
import type { OutgoingMessage } from './sender-envelope.ts';
import { SenderLimits } from './sender-limits.ts';
import type { SendResult, TransactionChannel } from './sender-transaction.ts';
import type { TlsVerb } from './tls-verb.ts';

/**
 * What became of the verb that leads into TLS (RFC 3207). `failed` includes a client certificate that the server refused after
 * the handshake.
 */
export type TlsAttempt =
  | { readonly kind: 'not-attempted' }
  | { readonly kind: 'not-offered' }
  | { readonly kind: 'refused'; readonly verb: TlsVerb; readonly reply: Reply }
  | { readonly kind: 'failed'; readonly verb: TlsVerb; readonly cause: FaultCause; readonly code: string }
  | { readonly kind: 'established'; readonly verb: TlsVerb; readonly session: TlsSession };

/** What a session can tell about itself. */
export interface SessionFacts {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** The text of the 220. */
  readonly greeting: string;
  readonly tls: TlsAttempt;
  /** Whether the EHLO in clear offered one of the verbs that were wanted. */
  readonly startTlsOffered: boolean;
  /** Keyword in upper case to parameters; of the EHLO inside TLS where there is TLS, empty after HELO. */
  readonly capabilities: ReadonlyMap<string, string>;
  /** Where the connection is being recorded. */
  readonly capture?: CapturedSession;
}

export interface SenderSession extends SessionFacts {
  /** False once the peer has closed, said 421, or broken the protocol, and when it takes no more messages (MAILMAX). */
  readonly alive: boolean;
  /** Tells the server who we are, see `AuthenticationResult`; never while a message is being sent. */
  authenticate(client: SaslClient): Promise<AuthenticationResult>;
  /** Sends one message after the other, in the order of the calls. Never rejects for anything a peer does. */
  send(message: OutgoingMessage): Promise<SendResult>;
  /** Waits for what is being sent, then QUIT, its answer within `quitMs`, close. */
  quit(): Promise<void>;
  /** Closes without a word; whatever waits for an answer has lost its connection. */
  destroy(): void;
}

/** Wraps a connection that is ready. */
export function openSession(channel: TransactionChannel, facts: SessionFacts): SenderSession {
  const { connection, timeouts } = channel;
  const limits = new SenderLimits(channel);
  let last: Promise<unknown> = Promise.resolve();
  // One at a time: a second transaction inside the first would end both.
  const enqueue = <T>(task: () => Promise<T>): Promise<T> => {
    const result = last.then(task);
    last = result.catch(() => undefined);
    return result;
  };
  return {
    ...facts,
    get alive() {
      return connection.isAlive && !limits.isUsedUp;
    },
    authenticate: (client) => enqueue(() => runAuthentication(connection, client, timeouts.authMs)),
    send: (message) => enqueue(() => limits.send(message)),
    quit: () => enqueue(() => leave(connection, timeouts.quitMs)),
    destroy: () => connection.destroy(),
  };
}

async function leave(connection: SenderConnection, timeoutMs: number): Promise<void> {
  if (connection.isAlive) await connection.exchange('QUIT', timeoutMs);
  connection.close();
}
