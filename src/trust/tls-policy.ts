// The kind: what a TLS policy is. A policy answers two questions and knows nothing else: what is required, asked before
// the peer has said a word so that it cannot talk us down, and what the outcome of the handshake means. Both are pure: no
// socket, no file, and the time is an argument. tls/ reports, trust/ judges, transport/ and edgesync/ obey.

import type { Certificate } from '../tls/certificate.ts';
import type { CertificateAside } from '../tls/on-record.ts';
import type { TlsSession } from '../tls/tls-session.ts';
import type { Reason } from './reasons.ts';

/** A connector's switches, turned once into a value that cannot contradict itself. `domain-secure`: for the domain at hand. */
export type StartTlsStance = 'ignore' | 'opportunistic' | 'require' | 'domain-secure';

/**
 * What the sender of a message asks of every hop (RFC 8689): `requiretls` in MAIL, the report on such a message, or the header
 * field TLS-Required: No.
 */
export type TlsDemand = 'requiretls' | 'requiretls-report' | 'tls-optional';

/** Everything known before dialling. */
export interface TrustQuestion {
  readonly purpose: 'mail' | 'edgesync';
  readonly stance: StartTlsStance;
  readonly demand?: TlsDemand | undefined;
  /** Whom a stranger's certificate must name where it is verified: the recipient's domain, or hosts that an administrator named. */
  readonly names?: readonly string[] | undefined;
  /** What the directory holds for a member of the pair; undefined for a stranger (a smart host, a mailbox server). */
  readonly peer: TrustedPeer | undefined;
  /** The certificate this server would show. */
  readonly own: Certificate | undefined;
  readonly settings: TrustSettings;
}

export interface TrustedPeer {
  readonly fqdn: string;
  /** The current certificate on record (msExchServerInternalTLSCert). */
  readonly certificate: Certificate;
  /** On record beside it: the next one, the previous one until its grace period is over. */
  readonly others?: readonly CertificateAside[] | undefined;
}

/** The two organisation-wide settings of Set-TransportConfig. */
export interface TrustSettings {
  readonly expiredCertificate: 'Plaintext' | 'KeepTls' | 'Defer';
  readonly untrustedCertificate: 'Defer' | 'Encrypt';
}

/** What is demanded of the next connection. Made before dialling and not changed by anything the peer does. */
export type Requirement = RequirementBase &
  (
    | { readonly startTls: 'attempt' }
    /** STARTTLS stays untried, for a reason known beforehand. */
    | { readonly startTls: 'never'; readonly reason: Reason }
    /** Nothing is dialled at all. */
    | { readonly startTls: 'hold'; readonly reason: Reason }
  );

interface RequirementBase {
  readonly policy: PolicyName;
  readonly question: TrustQuestion;
  /** On the pair the sender always proves who it is before MAIL FROM. */
  readonly authenticate: boolean;
}

/** What happened to STARTTLS on one connection. */
export type Outcome =
  | { readonly kind: 'not-attempted' }
  | { readonly kind: 'not-offered' }
  | { readonly kind: 'refused'; readonly reply?: { readonly code: number } }
  | { readonly kind: 'failed'; readonly cause: 'alert' | 'protocol' | 'reset' | 'closed' | 'timeout' }
  | {
      readonly kind: 'established';
      readonly session: TlsSession;
      /** Whether the peer offered REQUIRETLS inside TLS (RFC 8689 §2). */
      readonly offersRequireTls?: boolean;
    };

/** When and for which message it is judged. */
export interface Moment {
  readonly now: Date;
  /** True once the message has waited for a retry: weak evidence (a reset) may then be believed. */
  readonly hasWaited: boolean;
}

export type Mechanism = 'EXTERNAL' | 'SCRAM-SHA-256';

/** What to do now. */
export type Verdict = {
  readonly reason: Reason;
  /** The rule that decided, for the card: a policy's name and what in it. */
  readonly rule: string;
  /** Exchange event ids to raise. */
  readonly events: readonly number[];
} & (
  | { readonly action: 'proceed'; readonly channel: 'tls' | 'plaintext'; readonly mechanism: Mechanism | undefined }
  /** Leave this connection and come back on a new one without STARTTLS. */
  | { readonly action: 'reconnect-in-clear' }
  | { readonly action: 'defer' }
  /** This server will not do for the message, now or later (RFC 8689 §4.2.1 has the codes). */
  | { readonly action: 'refuse'; readonly status: RefusalStatus }
);

/** 5.7.10: no TLS that is good enough. 5.7.30: no REQUIRETLS. */
export type RefusalStatus = '5.7.10' | '5.7.30';

export type PolicyName =
  | 'ignore-starttls'
  | 'edge-sync'
  | 'direct-trust'
  | 'require-tls'
  | 'sender-requires-tls'
  | 'domain-secure'
  | 'opportunistic';

export interface TlsPolicy {
  readonly name: PolicyName;
  /** Whether this rung of the ladder answers the question. */
  answers(question: TrustQuestion): boolean;
  require(question: TrustQuestion, now: Date): Requirement;
  judge(requirement: Requirement, outcome: Outcome, moment: Moment): Verdict;
}

/** How far a clock may be off before "not yet valid" counts, in milliseconds (5 minutes, as Kerberos allows). */
export const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** Exchange's events that judgements raise (tracking/events.ts has the texts). */
export const EVENT = {
  tlsRequiredFailed: 2015,
  sendAuthenticationFailed: 2017,
  sendDirectTrustFailed: 2018,
  receiveDirectTrustFailed: 1036,
  ownCertificateExpired: 12015,
  remoteCertificateExpired: 12019,
  edgeSyncDirectTrustFailed: 10104,
  downgradeSuspected: 30001,
} as const;

/** What the next connection is to do about STARTTLS, without the reason. */
export function proceedInClear(
  reason: Reason,
  rule: string,
  mechanism?: Mechanism,
  events: readonly number[] = [],
): Verdict {
  return { action: 'proceed', channel: 'plaintext', mechanism, reason, rule, events };
}

export function proceedInTls(
  reason: Reason,
  rule: string,
  mechanism?: Mechanism,
  events: readonly number[] = [],
): Verdict {
  return { action: 'proceed', channel: 'tls', mechanism, reason, rule, events };
}

export function defer(reason: Reason, rule: string, events: readonly number[] = []): Verdict {
  return { action: 'defer', reason, rule, events };
}

export function reconnectInClear(reason: Reason, rule: string, events: readonly number[] = []): Verdict {
  return { action: 'reconnect-in-clear', reason, rule, events };
}

export function refuse(reason: Reason, rule: string, status: RefusalStatus, events: readonly number[] = []): Verdict {
  return { action: 'refuse', status, reason, rule, events };
}
