// Who is to be told what about a message, and the message that tells it (RFC 3461 §5.2, §6). Makes reports and stores none:
// settlement.ts stores each in the same synced step as what it is about.

import { isAscii } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import type { NewMessage, NotifyCondition, RecipientState, Spool, SpooledMessage } from '../spool/spool.ts';
import { explainReason, type Reason } from '../trust/reasons.ts';
import { formatReport, isReturnable } from './dsn.ts';
import { publicBody } from './header-firewall.ts';
import type { HopFacts, RecipientOutcome } from './hop.ts';
import { type Organisation, postmasterDomain } from './organisation.ts';
import { type ReportAction, type ReportedRecipient, subjectOf } from './report.ts';
import { decodeWords } from './report-text.ts';
import { explainStatus } from './status-words.ts';

export interface ReporterOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
  readonly organisation: () => Organisation;
  readonly expirationMs: number;
}

/** Something that happened to recipients of a message, of which its sender may want to hear. */
export interface News {
  readonly action: ReportAction;
  readonly outcomes: readonly Pick<RecipientOutcome, 'index' | 'reply' | 'isLocal'>[];
  /** The peer, where one was there. */
  readonly facts?: HopFacts | undefined;
  /** Why, in whole sentences, where that is known better than the status can say. */
  readonly why?: string | undefined;
  readonly lastAttemptAt?: Date | undefined;
}

/** Of a returned message at most so much is sent back (headers only beyond it). */
const RETURN_LIMIT_BYTES = 1024 * 1024;
const HEADER_LIMIT_BYTES = 64 * 1024;

const CONDITIONS: Readonly<Record<ReportAction, NotifyCondition>> = {
  failed: 'FAILURE',
  delayed: 'DELAY',
  delivered: 'SUCCESS',
  relayed: 'SUCCESS',
};

/** Unless a sender says otherwise it hears of failures and delays, not of successes (RFC 3461 §4.1, §5.2.5). */
function isWanted(recipient: RecipientState | undefined, action: ReportAction): boolean {
  const condition = CONDITIONS[action];
  return recipient?.notify?.includes(condition) ?? condition !== 'SUCCESS';
}

/** Those of the recipients of whose delay the sender is still to be told. */
export function awaitingDelayNotice(message: SpooledMessage, indexes: readonly number[]): readonly number[] {
  if (message.envelope.reversePath === '') return [];
  return indexes.filter((index) => {
    const recipient = message.recipients[index];
    return recipient?.status === 'pending' && !recipient.delayNotified && isWanted(recipient, 'delayed');
  });
}

/** The reason by which trust kept a message from being sent; undefined when trust had no hand in it. */
export function trustReasonOf({ channel, reason }: HopFacts): Reason | undefined {
  return channel === 'none' && reason !== 'connection-failed' && reason !== 'local-delivery' ? reason : undefined;
}

/** The same in words for the sender; undefined without a reason. */
export function explainTrust(reason: Reason | undefined): string | undefined {
  return reason && `The two mail servers could not agree on how to trust each other: ${explainReason(reason)}.`;
}

/** Why trust has refused a message for good; undefined when trust had no hand in it. */
export function explainRefusal(facts: HopFacts): string | undefined {
  const reason = trustReasonOf(facts);
  if (reason === undefined || facts.policy !== 'sender-requires-tls') return explainTrust(reason);
  return `The message was sent with REQUIRETLS: it must not travel without verified TLS all the way, and the next mail server cannot give that: ${explainReason(reason)}. It was not sent on, neither in clear nor otherwise.`;
}

/** Why a message ran out of time: what it waited for all the while. */
export function explainExpiry(reason: Reason | undefined, lastError: string | undefined): string {
  const wait =
    explainTrust(reason) ?? (lastError === undefined ? '' : explainStatus(statusOf('delayed', lastError)).why);
  return `${explainStatus('4.4.7').why} ${wait}`.trimEnd();
}

export class Reporter {
  readonly #options: ReporterOptions;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** The report for those recipients whose sender wants one; none to the null reverse-path (RFC 5321 §6.1). */
  async report(message: SpooledMessage, news: News): Promise<NewMessage | undefined> {
    const { action } = news;
    const wanted = news.outcomes.filter(({ index }) => isWanted(message.recipients[index], action));
    if (message.envelope.reversePath === '' || wanted.length === 0) return undefined;
    const id = randomUUID();
    const body = await this.#format(message, { ...news, outcomes: wanted }, id);
    const { fqdn } = this.#options.organisation();
    return {
      traceFields: Buffer.alloc(0),
      body,
      envelope: this.#envelope(message, action, { messageId: `<${id}@${fqdn}>`, body }),
    };
  }

  async #format(message: SpooledMessage, news: News, id: string): Promise<Buffer> {
    const { envelope } = message;
    const { action, why, lastAttemptAt } = news;
    const organisation = this.#options.organisation();
    const recipients = news.outcomes.map((outcome) => describeRecipient(message, outcome, news));
    return formatReport({
      action,
      reportingServer: organisation.fqdn,
      postmaster: postmasterAddress(organisation),
      sender: envelope.reversePath,
      recipients,
      ...(why !== undefined && { why }),
      ...(envelope.envelopeId !== undefined && { envelopeId: envelope.envelopeId }),
      arrivedAt: envelope.receivedAt,
      ...(lastAttemptAt && { lastAttemptAt }),
      retryUntil: envelope.expiresAt,
      now: this.#options.clock.now(),
      subject: decodeWords(envelope.subject),
      messageId: envelope.messageId,
      id,
      smtpUtf8: envelope.smtpUtf8,
      ...(await this.#readReturned(message, action)),
    });
  }

  /** RFC 3461 §6.1: from the null reverse-path, without RET, and NOTIFY=NEVER. */
  #envelope(
    { envelope }: SpooledMessage,
    action: ReportAction,
    { messageId, body }: { readonly messageId: string; readonly body: Buffer },
  ): NewMessage['envelope'] {
    const now = this.#options.clock.now();
    return {
      reversePath: '',
      recipients: [{ address: envelope.reversePath, notify: ['NEVER'] }],
      eightBit: !isAscii(body),
      smtpUtf8: /[^\p{ASCII}]/u.test(envelope.reversePath),
      // RFC 8689 §5: it is protected as the message is that it tells of.
      ...(envelope.requireTls === true && { requireTls: true }),
      messageId,
      networkMessageId: randomUUID(),
      subject: subjectOf(action, envelope.subject).slice(0, 300),
      source: 'DSN',
      receivedAt: now,
      expiresAt: new Date(now.getTime() + this.#options.expirationMs),
      hopCount: 0,
    };
  }

  /**
   * A failure with RET=FULL of what is small enough: all of it (RFC 3461 §4.3). Otherwise the header block, and nothing else of
   * a message with REQUIRETLS (RFC 8689 §5).
   */
  async #readReturned(message: SpooledMessage, action: ReportAction): Promise<{ returned: Buffer; isWhole: boolean }> {
    const { ret, requireTls } = message.envelope;
    const isAsked = action === 'failed' && ret === 'FULL' && requireTls !== true;
    const content = await this.#read(message, isAsked && message.bodySizeBytes <= RETURN_LIMIT_BYTES);
    const isWhole = content.isWhole && isReturnable(content.octets);
    return { returned: isWhole ? content.octets : headerBlock(content.octets), isWhole };
  }

  async #read(message: SpooledMessage, isAll: boolean): Promise<{ octets: Buffer; isWhole: boolean }> {
    // The report may go anywhere, and from here on it is a body.
    const { openBody } = publicBody(message, () => this.#options.spool.openBody(message));
    const chunks: Buffer[] = [message.traceFields];
    let size = 0;
    try {
      for await (const chunk of openBody()) {
        chunks.push(chunk);
        size += chunk.length;
        if (!isAll && size >= HEADER_LIMIT_BYTES) break;
      }
      return { octets: Buffer.concat(chunks), isWhole: isAll };
    } catch (error) {
      this.#options.log.warn(
        { internalMessageId: message.id, error: messageOf(error) },
        'the returned part of a report cannot be read',
      );
      return { octets: Buffer.concat(chunks), isWhole: false };
    }
  }
}

/** The header fields, whole lines of them: of a header without end as many as fit. */
function headerBlock(content: Buffer): Buffer {
  const end = content.indexOf('\r\n\r\n');
  if (end >= 0 && end + 2 <= HEADER_LIMIT_BYTES) return content.subarray(0, end + 2);
  const fitting = content.subarray(0, HEADER_LIMIT_BYTES);
  const last = fitting.lastIndexOf('\r\n');
  return last < 0 ? fitting : fitting.subarray(0, last + 2);
}

/** Whom reports come from: ExternalPostmasterAddress, or postmaster of the default accepted domain. */
function postmasterAddress(organisation: Organisation): string {
  return organisation.transportConfig.externalPostmasterAddress ?? `postmaster@${postmasterDomain(organisation)}`;
}

function describeRecipient(
  message: SpooledMessage,
  { index, reply, isLocal }: News['outcomes'][number],
  { action, facts }: News,
): ReportedRecipient {
  const recipient = message.recipients[index];
  const original = recipient?.originalRecipient;
  const remoteHost = isLocal === true ? undefined : facts?.peer.name;
  return {
    address: recipient?.address ?? '',
    ...(original !== undefined && { originalRecipient: original }),
    status: statusOf(action, reply),
    ...(reply !== '' && { diagnostic: reply }),
    ...(remoteHost !== undefined && { remoteHost }),
    hearsOfFailure: isWanted(recipient, 'failed'),
  };
}

const CLASSES: Readonly<Record<ReportAction, string>> = { failed: '5', delayed: '4', delivered: '2', relayed: '2' };

/** The enhanced code at the front of a reply, put into the class that the action asks for (RFC 3463 §2). */
export function statusOf(action: ReportAction, reply: string): string {
  const [, code, detail] = /^\d{3}[ -]([245]\.(\d{1,3}\.\d{1,3}))(?![\d.])/.exec(reply) ?? [];
  // The one class 4 code of a failure: it ran out of time.
  if (action === 'failed' && code === '4.4.7') return code;
  return `${CLASSES[action]}.${detail ?? '0.0'}`;
}
