// What a report says, before it is put into words (dsn-words.ts), fields (dsn-fields.ts) and MIME (dsn.ts): RFC 3464.

/** RFC 3464 §2.3.3. One report is about one of them: who reads it gets one piece of news. */
export type ReportAction = 'failed' | 'delayed' | 'delivered' | 'relayed';

export interface ReportedRecipient {
  readonly address: string;
  /** ORCPT with its type: `rfc822;joe@example.com`. */
  readonly originalRecipient?: string;
  /** Enhanced status code, such as 5.1.1. */
  readonly status: string;
  /** The reply or local sentence that settled it. */
  readonly diagnostic?: string;
  /** The server whose words `diagnostic` has; absent when they are this server's own. */
  readonly remoteHost?: string;
  /** Whether its sender will hear of a failure to come: what a delay may promise. */
  readonly hearsOfFailure?: boolean;
}

export interface ReportFacts {
  readonly action: ReportAction;
  readonly reportingServer: string;
  readonly postmaster: string;
  readonly sender: string;
  readonly recipients: readonly ReportedRecipient[];
  /** Why it failed or waits, in whole sentences; what the status means where absent. */
  readonly why?: string;
  readonly envelopeId?: string;
  readonly arrivedAt: Date;
  readonly lastAttemptAt?: Date;
  /** Of a delay: until when it is tried. */
  readonly retryUntil?: Date;
  readonly now: Date;
  readonly subject: string;
  /** Message-ID of the message it is about, angle brackets included. */
  readonly messageId: string;
  /** Unique text for Message-ID and the MIME boundaries. */
  readonly id: string;
  /** What is returned: the message's header block, or all of it. */
  readonly returned: Buffer;
  readonly isWhole: boolean;
  /** The message was sent with SMTPUTF8: its sender reads UTF-8 in fields (RFC 6533). */
  readonly smtpUtf8: boolean;
}

const SUBJECTS: Readonly<Record<ReportAction, string>> = {
  failed: 'Undeliverable',
  delayed: 'Delivery delayed',
  delivered: 'Delivered',
  relayed: 'Relayed',
};

/** The report's subject, in Exchange's words. */
export function subjectOf(action: ReportAction, subject: string): string {
  return `${SUBJECTS[action]}: ${subject}`;
}
