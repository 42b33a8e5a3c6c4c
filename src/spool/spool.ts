// The kind: accepted mail, durable before the 250. A spool remembers; when to try, where to and how often is decided in
// transport/. Everything is asynchronous and messages are claimed under a lease, so that one process on a file and many
// machines on one database keep the same promise. RFC 5321 §4.5.4.1 and §6.1: who answered 250 must not lose the message.

import type { Readable } from 'node:stream';
import type { Cancel, Clock } from '../clock.ts';
import type { PostgresSpoolConfig } from '../config-spool.ts';
import type { Log } from '../log.ts';
import type { SpoolNodes } from './spool-nodes.ts';

/** RFC 3461 §4.1: when the sender of the message wants a notification about a recipient. */
export type NotifyCondition = 'NEVER' | 'SUCCESS' | 'FAILURE' | 'DELAY';

export interface EnvelopeRecipient {
  readonly address: string;
  readonly notify?: readonly NotifyCondition[];
  /** ORCPT as received, address type included: `rfc822;joe@example.com`. */
  readonly originalRecipient?: string;
}

/** What was agreed with the sender and what we noted on the way in. Never changes once the message is stored. */
export interface Envelope {
  /** Empty for the null reverse-path `<>`. */
  readonly reversePath: string;
  readonly recipients: readonly EnvelopeRecipient[];
  readonly eightBit: boolean;
  /** True for a message that came with BODY=BINARYMIME: its octets need not be lines (RFC 3030 §3). */
  readonly binaryMime?: boolean;
  readonly smtpUtf8: boolean;
  /** MAIL had REQUIRETLS (RFC 8689), or that of the message which this is a report on. */
  readonly requireTls?: boolean;
  /** The header has TLS-Required: No (RFC 8689 §3). */
  readonly tlsOptional?: boolean;
  readonly ret?: 'FULL' | 'HDRS';
  readonly envelopeId?: string;
  /** The Message-ID field, or one that we made for tracking. */
  readonly messageId: string;
  /** GUID that joins the records of both hops. */
  readonly networkMessageId: string;
  readonly subject: string;
  /** Who put it here: `SMTP:Default HUB01`, `DSN`. */
  readonly source: string;
  readonly sourceAddress?: string;
  readonly receivedAt: Date;
  readonly expiresAt: Date;
  readonly authenticatedAs?: string;
  /** Received fields found on arrival. */
  readonly hopCount: number;
  /** Octets of the body that are header fields for the organisation alone; absent where there are none. */
  readonly internalFieldsBytes?: number;
}

export type RecipientStatus = 'pending' | 'delivered' | 'relayed' | 'failed';

/** A recipient and how far its delivery has come. */
export interface RecipientState extends EnvelopeRecipient {
  readonly status: RecipientStatus;
  readonly lastError?: string;
  readonly delayNotified: boolean;
}

export interface SpooledMessage {
  /** InternalMessageId: rises, and is never used again, not even after a crash. */
  readonly id: number;
  readonly envelope: Envelope;
  /** Header fields to be sent in front of the body (Received, ...), each ended by CRLF. */
  readonly traceFields: Buffer;
  /** Octets of the body as it was received, without `traceFields`. */
  readonly bodySizeBytes: number;
  readonly recipients: readonly RecipientState[];
  readonly attempts: number;
  /** `envelope.receivedAt` until a settlement says otherwise. */
  readonly nextAttemptAt: Date;
  readonly suspended: boolean;
  /** The server crashed at work on it too often; suspended as well, until somebody resumes it. */
  readonly poison: boolean;
}

/** What sorts a message into a queue; a SpooledMessage is one. */
export interface MessageHead extends Pick<SpooledMessage, 'id' | 'attempts' | 'nextAttemptAt' | 'suspended'> {
  readonly envelope: Pick<Envelope, 'receivedAt' | 'expiresAt' | 'reversePath' | 'requireTls' | 'tlsOptional'>;
  readonly recipients: readonly Pick<RecipientState, 'address' | 'status' | 'delayNotified'>[];
}

/** Takes in one message. Wait for each call before the next; end it with `commit` or `abort`. */
export interface SpoolWriter {
  /** Takes the next octets and copies what it keeps; memory stays bounded. Problem `spool-unavailable` as in `commit`. */
  write(chunk: Buffer): Promise<void>;
  /**
   * Resolves once everything has been synced: the 250 may be sent. Problem `spool-unavailable` (disk full, read-only or
   * failing: answer 452 or 451) or `spool-closed`: then nothing is kept, and the spool stays usable.
   */
  commit(envelope: Envelope, traceFields: Buffer): Promise<SpooledMessage>;
  /** Forgets what was written; after `commit` or a second time it does nothing. */
  abort(): Promise<void>;
}

/** A message that the settlement of another one brings forth: a DSN. */
export interface NewMessage {
  readonly envelope: Envelope;
  readonly traceFields: Buffer;
  readonly body: Buffer;
}

export interface RecipientChange {
  /** Position in `recipients`. */
  readonly index: number;
  readonly status: RecipientStatus;
  readonly lastError?: string;
  readonly delayNotified?: boolean;
}

/** What an attempt, or an administrator, changed; what is absent stays as it is. */
export interface Settlement {
  readonly recipients?: readonly RecipientChange[];
  readonly attempts?: number;
  readonly nextAttemptAt?: Date;
  /** False ends `poison` too. */
  readonly suspended?: boolean;
  /** Suspends the message as well. */
  readonly poison?: true;
}

export interface ClaimOptions {
  /** Names who works on the messages; unique among living processes. */
  readonly owner: string;
  readonly limit: number;
  /** How long a claim outlives its owner. Where the owner's death shows at once, the claim ends with it. */
  readonly leaseMs: number;
  /** Leaves messages whose next attempt is later than this where they are. */
  readonly dueBefore?: Date;
  /** Latest next attempt first. Who claims from both ends by turns lets nobody wait behind all the others. */
  readonly latestFirst?: boolean;
  /** Suspended messages too, to be held and shown, not to be sent; poison is never claimed. */
  readonly withSuspended?: boolean;
}

export interface ListOptions {
  /** Only ids greater than this one: the page after it. */
  readonly afterId?: number;
  readonly limit: number;
  /** Leaves out what other servers on the same spool hold. */
  readonly notElsewhere?: boolean;
}

export interface SpoolCount {
  /** Good messages; claimed, suspended and poison ones included. */
  readonly messages: number;
  /** Octets of their bodies. */
  readonly bytes: number;
  /** Messages set aside. */
  readonly damaged: number;
  /** Good messages that are poison. */
  readonly poison: number;
  /** Good messages that other servers on the same spool hold; absent where there can be none. */
  readonly elsewhere?: number;
}

/** A message set aside because what was stored is not what was accepted; it is kept, and never sent. */
export interface DamagedMessage {
  readonly id: number;
  readonly reason: string;
  readonly foundAt: Date;
  /** Absent when the envelope itself cannot be trusted. */
  readonly envelope?: Envelope;
  /** What became of its recipients; absent when that cannot be trusted. */
  readonly recipients?: readonly RecipientState[];
}

/** What can be read of a damaged message, unchecked. */
export interface SalvagedMessage {
  readonly traceFields: Buffer;
  /** Ends where no more can be read. */
  readonly body: Readable;
}

/** What a look at a whole spool has read so far: good messages. */
export interface CheckedSpool {
  readonly messages: number;
  /** Octets of their bodies. */
  readonly bytes: number;
}

export interface CheckWatch {
  /** Aborted: nobody waits for the result. */
  readonly signal?: AbortSignal;
  /** Called now and then with what was read so far. */
  readonly onProgress?: (checked: CheckedSpool) => void;
}

/** What it found. */
export interface SpoolReport extends CheckedSpool {
  readonly findings: readonly SpoolFinding[];
}

export interface SpoolFinding {
  /** A message's id, or a file. */
  readonly entry: string;
  /** `orphan`: a body that belongs to no message. `foreign`: a file that is none of the spool's. `journal`: a damaged one that is kept. */
  readonly kind: 'database' | 'message' | 'orphan' | 'foreign' | 'journal';
  readonly reason: string;
  /** What was done about it; absent: nothing. */
  readonly action?: string;
}

export interface Spool {
  /** Its name in the table of backends. */
  readonly backend: string;

  /** Those who share it; absent where nobody can. */
  readonly nodes?: SpoolNodes;

  /** Begins to take in a message. */
  receive(): SpoolWriter;

  /**
   * Up to `limit` messages that nobody living has claimed and that are not suspended, earliest next attempt first unless
   * `options` say otherwise. They stay claimed until they are gone, released, or the lease runs out unrenewed.
   */
  claim(options: ClaimOptions): Promise<SpooledMessage[]>;

  /**
   * Claims as `claim` does, in a fraction of the time: what it returns is not checked for damage. Whoever works on one of
   * them reads it by `get`, which checks it.
   */
  claimHeads(options: ClaimOptions): Promise<MessageHead[]>;

  /** Calls `listener` when there may be something to claim: a message arrived (perhaps not synced yet), was released or resumed. */
  onArrival(listener: () => void): Cancel;

  /**
   * Calls `listener` with messages that were claimed here and are others' by now, before any of them can be claimed again; it must not
   * throw. Absent where that cannot happen.
   */
  onLoss?(listener: (ids: readonly number[]) => void): Cancel;

  /**
   * The body as received, in chunks, checked as it goes; nothing of it is handed out before the message is synced. What was damaged ends
   * in Problem `spool-damaged` before the last chunk is handed out, so it can never pass for whole; the message is set aside. Problem
   * `message-gone`, `spool-unavailable`.
   */
  openBody(message: SpooledMessage): AsyncIterable<Buffer>;

  /**
   * Records what became of recipients, and stores `newMessages`, in one synced step: both or neither. A recipient that is
   * no longer pending keeps its status. The message goes when no recipient is pending; otherwise its claim stays.
   * Undefined: the message is gone, by this call or before it. If it was gone before, or none of the recipients named was
   * still pending, the caller came too late and `newMessages` are not stored. Problem `spool-unavailable`: nothing was
   * changed, call again.
   */
  settle(id: number, settlement: Settlement, newMessages?: readonly NewMessage[]): Promise<SpooledMessage | undefined>;

  /** Gives messages back for anybody to claim; those that `owner` does not hold are left alone. */
  release(ids: readonly number[], owner: string): Promise<void>;

  /** Extends the lease; returns the ids that `owner` still holds. The others must not be worked on any more. */
  renew(ids: readonly number[], owner: string, leaseMs: number): Promise<readonly number[]>;

  count(): Promise<SpoolCount>;

  /** Undefined when it is gone or was set aside. */
  get(id: number): Promise<SpooledMessage | undefined>;

  /** A page of good messages in the order of their ids. */
  list(options: ListOptions): Promise<SpooledMessage[]>;

  listDamaged(): Promise<DamagedMessage[]>;

  /** Drops a message that was set aside, for good; false when it is not there. Problem `spool-unavailable`. */
  discardDamaged(id: number): Promise<boolean>;

  /** For a person to look at, never to be sent. Undefined when nothing is left. */
  salvage(id: number): Promise<SalvagedMessage | undefined>;

  /** Good messages that are poison. */
  listPoison(): Promise<SpooledMessage[]>;

  /** Files that belong to no message, or are damaged; of what is being received nothing is reported. Changes nothing. */
  inspectFiles(): Promise<SpoolFinding[]>;

  /** Finishes settlements and commits under way and lets go of everything; a second time it does nothing. */
  close(): Promise<void>;
}

export interface SpoolOptions {
  /** The spool's own folder; made when absent, private to its owner. */
  readonly folder: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Hears of each message that this server sets aside while it has the spool open; must not throw. */
  readonly onSetAside?: (message: Pick<DamagedMessage, 'id' | 'reason'>) => void;
  /** How this server is called where several share a spool; the machine's name when absent. */
  readonly name?: string;
  /** Where the backend `postgres` finds its database. */
  readonly postgres?: PostgresSpoolConfig;
  /** Opened for a copy, which an unfinished one does not stand in the way of. */
  readonly isCopying?: boolean;
}

/** A member of the table in backends.ts. */
export interface SpoolBackend {
  readonly name: string;
  /** Opens or makes the spool; Problem `in-use`, `format-too-new`, `database-unreadable` or `spool-unavailable`. */
  open(options: SpoolOptions): Promise<Spool>;
  /**
   * Looks at a spool that no server has open; with `repair` damaged messages are set aside, orphans removed and a damaged
   * database rebuilt. Can be killed and done again. Problem `in-use`, `spool-missing` or `spool-unavailable`.
   */
  examine(options: SpoolOptions & CheckWatch & { readonly repair: boolean }): Promise<SpoolReport>;
}
