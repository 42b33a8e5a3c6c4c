// The decision card: one record for each delivery attempt and each accepted message. It holds what was offered, answered and
// negotiated, who proved to be whom and how, which rule decided, and one reason of trust's closed list. The sender's and
// the receiver's cards of one hop join by network message id.

import type { Reason } from '../trust/reasons.ts';
import type { TlsSession } from '../tls/tls-session.ts';

export interface DecisionCard {
  readonly id: string;
  /** ISO 8601, by the server's clock. */
  readonly time: string;
  /** How far that clock was moved ("+400d"); absent outside the lab. */
  readonly clockOffset?: string;
  readonly side: 'sender' | 'receiver';
  readonly server: string;
  readonly connector: string;
  readonly peer: {
    readonly name?: string;
    readonly address: string;
    readonly port: number;
    /** Whose word that is: the server at this address said so, by the PROXY protocol or by XCLIENT. */
    readonly via?: { readonly protocol: string; readonly address: string };
  };
  readonly internalMessageId?: number;
  readonly messageId: string;
  readonly networkMessageId: string;
  readonly policy: string;
  readonly rule: string;
  readonly reason: Reason;
  readonly startTls: StartTlsFacts;
  readonly tls?: TlsFacts;
  readonly authentication:
    | { readonly mechanism: string; readonly identity?: string; readonly result: string }
    | undefined;
  readonly channel: 'tls' | 'plaintext' | 'none';
  readonly protection: Protection;
  readonly outcome: 'delivered' | 'deferred' | 'failed' | 'accepted' | 'refused';
  /** The reply that settled it, for people. */
  readonly detail?: string;
  readonly events: readonly number[];
  /** Where a hop has several servers: those tried before `peer` that could not be used, and why. */
  readonly passedOver?: readonly { readonly peer: string; readonly reason: Reason; readonly detail: string }[];
  /** Files of what went over the wire, secrets included; in a laboratory that captures. */
  readonly captures?: readonly string[];
}

/** Of the verb that led into TLS, or would have. */
export interface StartTlsFacts {
  readonly offered: boolean | undefined;
  /** STARTTLS, or Exchange's X-ANONYMOUSTLS. */
  readonly verb?: string;
  /** The verb that the connector wanted and the peer did not offer. */
  readonly notOffered?: string;
  readonly attempted: boolean;
  /** The reply code when it was refused. */
  readonly answer?: number;
  readonly failure?: string;
}

export interface TlsFacts {
  readonly version: string;
  readonly cipher: string;
  readonly localThumbprint?: string;
  readonly localNotAfter?: string;
  readonly peerThumbprint?: string;
  readonly peerNotBefore?: string;
  readonly peerNotAfter?: string;
}

/** What the hop was worth. Without TLS an authentication holds against a stranger off the path, not against one on it. */
export type Protection =
  | 'authenticated-and-protected'
  | 'protected-not-authenticated'
  | 'authenticated-not-protected'
  | 'none';

export function protectionOf(isTls: boolean, isAuthenticated: boolean): Protection {
  if (isTls) return isAuthenticated ? 'authenticated-and-protected' : 'protected-not-authenticated';
  return isAuthenticated ? 'authenticated-not-protected' : 'none';
}

/** The handshake's facts as the card keeps them. */
export function describeTls(session: TlsSession): TlsFacts {
  const { localCertificate: local, peerCertificate: peer } = session;
  return {
    version: session.protocol,
    cipher: session.cipher,
    ...(local && { localThumbprint: local.thumbprint, localNotAfter: local.notAfter.toISOString() }),
    ...(peer && {
      peerThumbprint: peer.thumbprint,
      peerNotBefore: peer.notBefore.toISOString(),
      peerNotAfter: peer.notAfter.toISOString(),
    }),
  };
}
