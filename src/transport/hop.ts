// Where a message goes next, as a value, and what every way of getting there has in common. route.ts chooses a hop,
// deliver.ts opens it, queue.ts keeps one queue for each key.

import type { CapturedSession } from '../capture/tap.ts';
import type { DeliveryTarget } from '../config.ts';
import type { TlsSettings } from '../directory/tls-settings.ts';
import type { Reply } from '../smtp/reply.ts';
import type { Envelope, SpooledMessage } from '../spool/spool.ts';
import type { Protection, StartTlsFacts, TlsFacts } from '../tracking/decision-card.ts';
import type { Reason } from '../trust/reasons.ts';
import type { StartTlsStance, TlsDemand } from '../trust/tls-policy.ts';
import type { Peer } from './organisation.ts';

/** Exchange's names for the ways a queue is emptied. */
export type DeliveryType =
  | 'SmtpRelayWithinAdSiteToEdge'
  | 'SmartHostConnectorDelivery'
  | 'DnsConnectorDelivery'
  | 'SmtpDeliveryToMailbox'
  | 'Unreachable'
  /** None of Exchange's: mail of Test-Failover. */
  | 'FailoverTest';

export type Hop = {
  /** One queue for each key. */
  readonly key: string;
  readonly deliveryType: DeliveryType;
  readonly nextHopDomain: string;
  readonly connector: string;
  /** SmtpMaxMessagesPerConnection; absent: as many as come. */
  readonly maxMessagesPerConnection?: number;
  /** What the senders of its messages ask of it beyond what its connector does. */
  readonly demand?: TlsDemand;
  /** What the connector says about TLS; the defaults where there is none. */
  readonly tls?: TlsSettings;
  /** SourceIPAddress: where its connections come from; absent: as the system chooses. */
  readonly sourceAddress?: string;
  /** Messages go by BDAT to whoever offers CHUNKING. */
  readonly chunking?: boolean;
} & (
  | { readonly kind: 'pair'; readonly peers: readonly Peer[]; readonly stance: StartTlsStance; readonly port: number }
  | {
      readonly kind: 'smart-host';
      readonly hosts: readonly string[];
      readonly stance: StartTlsStance;
      readonly port: number;
      readonly name: string;
    }
  /** Wherever DNS says that this domain takes its mail. */
  | {
      readonly kind: 'dns';
      /** As A-labels, or an address literal in brackets. */
      readonly domain: string;
      readonly stance: StartTlsStance;
      readonly port: number;
      readonly name: string;
    }
  | { readonly kind: 'mailbox'; readonly target: DeliveryTarget }
  /** Nothing to dial; the text is the queue's LastError. */
  | { readonly kind: 'unreachable'; readonly lastError: string }
  /** Mail of a failover on purpose, which is counted and sent nowhere. */
  | { readonly kind: 'drill' }
);

type EnvelopeDemand = Pick<Envelope, 'requireTls' | 'tlsOptional' | 'reversePath'>;

/** What one connection, or the attempt to get it, was: the part of a decision card that its messages share. */
export interface HopFacts {
  readonly connector: string;
  readonly peer: { readonly name?: string; readonly address: string; readonly port: number };
  readonly policy: string;
  readonly rule: string;
  readonly reason: Reason;
  readonly startTls: StartTlsFacts;
  readonly tls?: TlsFacts;
  readonly authentication?: { readonly mechanism: string; readonly identity?: string; readonly result: string };
  readonly channel: 'tls' | 'plaintext' | 'none';
  readonly protection: Protection;
  readonly events: readonly number[];
  /** Other servers of the hop that were tried for this one connection and could not be used. */
  readonly passedOver?: readonly PassedOver[];
  /** What was recorded of the wire, one for each connection that was tried with this server. */
  readonly captures?: readonly CapturedSession[];
}

/** A server of a hop that could not be used, and what it or trust said. */
export interface PassedOver {
  readonly facts: HopFacts;
  readonly reply: string;
}

/** What became of one recipient. `reply` is a whole SMTP reply text: "250 2.1.5 Recipient OK". */
export interface RecipientOutcome {
  readonly index: number;
  readonly status: 'delivered' | 'deferred' | 'failed';
  readonly reply: string;
  /** True when the reply is this server's own and no peer's. */
  readonly isLocal?: boolean;
  /** What a success is called where only this server can report it (RFC 3461 §5.2); absent where the hop took that over. */
  readonly successAction?: 'delivered' | 'relayed';
}

/** An open way to a hop: messages can be handed over, one after the other. */
export interface HopConnection {
  readonly facts: HopFacts;
  /** False once nothing more can be sent over it. */
  readonly alive: boolean;
  deliver(parcel: Parcel): Promise<readonly RecipientOutcome[]>;
  /** Takes leave in good order. */
  close(): Promise<void>;
  /** Cuts it off; a delivery under way ends as deferred. */
  destroy(): void;
}

/** A message with the recipients that go to this hop. */
export interface Parcel {
  readonly message: SpooledMessage;
  readonly indexes: readonly number[];
  readonly openBody: () => AsyncIterable<Buffer>;
}

export type OpenedHop =
  | { readonly kind: 'ready'; readonly connection: HopConnection }
  | { readonly kind: 'deferred'; readonly facts: HopFacts; readonly reply: string };

/** The facts of an attempt that found nobody to talk to. */
export function factsWithoutPeer({ connector }: Pick<Hop, 'connector'>, name?: string): HopFacts {
  return {
    connector,
    peer: { ...(name !== undefined && { name }), address: '', port: 0 },
    policy: 'none',
    rule: 'none',
    reason: 'connection-failed',
    startTls: { offered: undefined, attempted: false },
    channel: 'none',
    protection: 'none',
    events: [],
  };
}

/** The same way for messages whose senders demand something: a queue of its own, since other servers may do, or none. */
export function underDemand(hop: Hop, demand: TlsDemand | undefined): Hop {
  const isWithoutWire =
    hop.kind === 'unreachable' || hop.kind === 'drill' || (hop.kind === 'mailbox' && hop.target.kind === 'maildir');
  return demand === undefined || isWithoutWire ? hop : { ...hop, demand, key: `${hop.key} ${demand}` };
}

/** What a message's sender demands of every hop (RFC 8689 §4.1: the parameter of MAIL outdoes the header field). */
export function demandOf({ requireTls, tlsOptional, reversePath }: EnvelopeDemand): TlsDemand | undefined {
  if (requireTls === true) return reversePath === '' ? 'requiretls-report' : 'requiretls';
  return tlsOptional === true ? 'tls-optional' : undefined;
}

/** Nothing to dial; `lastError` says why. */
export function unreachableHop(lastError: string): Hop {
  const common = { deliveryType: 'Unreachable', nextHopDomain: 'Unreachable Domain', connector: '' } as const;
  return { ...common, kind: 'unreachable', key: 'unreachable', lastError };
}

/** A reply in one line, for records and reports. */
export function formatReply({ code, enhanced, text }: Reply): string {
  return [String(code), enhanced, text]
    .filter((part) => part !== '')
    .join(' ')
    .replaceAll(/\s*[\r\n]+\s*/g, ' ');
}
