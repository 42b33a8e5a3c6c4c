// What the listener asks of whoever runs it, and what it tells them about a session. The listener knows the protocol and no
// policy: whom to serve, what to offer and what to do with a message is answered here, by transport/.

import type { SecureContext } from 'node:tls';
import type { CapturedSession } from '../capture/tap.ts';
import type { Service } from '../config.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { TlsSession } from '../tls/tls-session.ts';
import type { TlsVersion } from '../tls/tls-terms.ts';
import type { Mailbox } from './address.ts';
import type { LimitChanges } from './listener-limits.ts';
import type { CommonExtension, MailParameters, RecipientParameters } from './parameters.ts';
import type { Reply } from './reply.ts';
import type { SaslServer } from './sasl.ts';
import type { TlsVerb } from './tls-verb.ts';

/** Who the client proved to be by AUTH. */
export interface Authentication {
  readonly mechanism: string;
  readonly identity: string;
}

/** A server that spoke for the client and said who that is: by the PROXY protocol, or by Postfix's XCLIENT. */
export interface Intermediary {
  readonly protocol: 'PROXY' | 'XCLIENT';
  /** Where the connection really came from. */
  readonly address: string;
}

/** One connection. The same object from `connect` to `closed`; its facts change as the conversation goes on. */
export interface SmtpSession {
  readonly id: string;
  /** IPv4-mapped addresses are written as IPv4. With `via`: what that server claims. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Whose word the remote address is; undefined where the connection itself shows it. */
  readonly via: Intermediary | undefined;
  /** What the address that it came in at is for. */
  readonly service: Service;
  /** The argument of EHLO or HELO as written; forgotten by STARTTLS. */
  readonly helo: string | undefined;
  /** True after EHLO, false before it and after HELO. */
  readonly extended: boolean;
  readonly tls: TlsSession | undefined;
  /** What led into TLS; undefined in clear, and where TLS came first. */
  readonly tlsVerb?: TlsVerb | undefined;
  /** Forgotten by STARTTLS. */
  readonly authentication: Authentication | undefined;
  /** Whether the last EHLO in clear was answered with a verb for TLS. Kept after the handshake. */
  readonly startTlsOffered: boolean;
  /** Where the connection is being recorded, secrets of its TLS included. */
  readonly capture?: CapturedSession | undefined;
}

/** What EHLO says beside the common extensions. */
export interface Offer {
  /** Ignored once the session is in TLS. */
  readonly startTls: boolean;
  /** X-ANONYMOUSTLS, beside STARTTLS or without it; ignored likewise. */
  readonly anonymousTls?: boolean;
  /** SASL mechanisms in the order of preference; empty hides and refuses AUTH. */
  readonly mechanisms: readonly string[];
  /** Mechanisms that are offered under TLS alone: asked for in clear they are refused as such (538, RFC 4954 §6). */
  readonly mechanismsUnderTls?: readonly string[];
  /** SIZE in octets; undefined means no fixed limit. */
  readonly sizeLimitBytes: number | undefined;
  /** CHUNKING (RFC 3030 §2). */
  readonly chunking?: boolean;
  /** BINARYMIME (RFC 3030 §3); needs `chunking`. */
  readonly binaryMime?: boolean;
  /** REQUIRETLS (RFC 8689); said inside TLS alone. */
  readonly requireTls?: boolean;
  /** Common extensions that are not offered: their parameters are refused, and replies carry no enhanced codes. */
  readonly withheld?: readonly CommonExtension[];
  /** SIZE is offered without its value; the limit holds all the same. */
  readonly hidesSizeLimit?: boolean;
  /** Further keywords, each a whole EHLO line. */
  readonly keywords?: readonly string[];
}

/** MAIL as it was understood. `reversePath` undefined is <>. */
export interface MailCommand extends MailParameters {
  readonly reversePath: Mailbox | undefined;
}

/** RCPT as it was understood. The bare <Postmaster> has an empty domain. */
export interface RecipientCommand extends RecipientParameters {
  readonly mailbox: Mailbox;
}

/** The transaction so far. A recipient named twice stands once, with the later parameters. */
export interface Transaction {
  readonly mail: MailCommand;
  readonly recipients: readonly RecipientCommand[];
}

/** What a handshake shows the client: a context that holds chain and key, and the certificate in it. */
export interface ServerIdentity {
  readonly context: SecureContext;
  readonly certificate: Certificate;
  /** The lowest version that counts; TLS 1.2 when absent. */
  readonly minimumVersion?: TlsVersion;
  /** False: the client is not asked for a certificate. */
  readonly asksForCertificate?: boolean;
}

/**
 * The questions, in the order of a session. Whatever throws is logged and answered 451 4.3.0 (421 on connect, 454 for AUTH).
 * Contexts must know no tickets and nothing below `minimumVersion`, as those of tls/secure-context.ts: a handshake that went
 * another way is cut off.
 */
export interface SessionPolicy {
  /**
   * A reply refuses the client instead of the greeting (554 or 421). `end` ends the session at any later time with a reply, and
   * gives its descriptor back at once. Asked again, after `closed`, when XCLIENT says that the client is somebody else.
   */
  connect(session: SmtpSession, end: (reply: Reply) => void): Promise<Reply | undefined> | Reply | undefined;
  /** What a session that was let in is allowed beyond or below the listener's limits. */
  limits(session: SmtpSession): LimitChanges;
  /** Asked when the session has lasted as long as its limits allow: true lets a transaction that is open come to its end. */
  mayFinish(session: SmtpSession): boolean;
  /** The text after "220 ". */
  banner(session: SmtpSession): string;
  /** Asked at every EHLO and again at STARTTLS and AUTH. */
  offer(session: SmtpSession): Offer;
  /**
   * Asked for each handshake: once for the default (`servername` undefined), again when the client names a server. `verb` is
   * what leads into it, STARTTLS where TLS comes first. Undefined for the default means 454; undefined for a name means the
   * default.
   */
  secureContext(session: SmtpSession, servername: string | undefined, verb: TlsVerb): ServerIdentity | undefined;
  /** The handshake is done and `session.tls` is set; nothing the client said before counts any more. */
  secured(session: SmtpSession): void;
  /**
   * The handshake failed; the connection is closed. `code` is OpenSSL's or the system's (ERR_SSL_…, ECONNRESET, ETIMEDOUT), or
   * `protocol-below-minimum`, `session-resumed` for a handshake that succeeded and is not wanted.
   */
  handshakeFailed(session: SmtpSession, error: { code: string }): void;
  /** A fresh exchange for a mechanism that was offered; undefined answers 504. */
  sasl(session: SmtpSession, mechanism: string): SaslServer | undefined;
  /** Undefined is the standard 250; a reply of 2xx accepts, any other refuses. */
  mail(session: SmtpSession, command: MailCommand): Promise<Reply | undefined> | Reply | undefined;
  /** As `mail`; `transaction` does not hold this recipient yet. */
  recipient(
    session: SmtpSession,
    transaction: Transaction,
    command: RecipientCommand,
  ): Promise<Reply | undefined> | Reply | undefined;
  /**
   * The message. `body` gives the exact octets (dot-unstuffed; CRLF line ends unless MAIL said BODY=BINARYMIME) and errors with a BodyFault, which may be
   * rethrown. The reply is sent when the promise resolves. A 2xx before the end of `body` is a bug and is not sent.
   */
  data(session: SmtpSession, transaction: Transaction, body: AsyncIterable<Buffer>): Promise<Reply>;
  /** The connection is gone. Called once for every `connect`. */
  closed(session: SmtpSession): void;
}
