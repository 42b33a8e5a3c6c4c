// Turns what became of recipients into spool state, and writes the records of it: card, tracking, events. A failure and the
// report that tells the sender of it are stored in one synced step, so that a crash between them can neither lose nor
// double the report.

import { isAscii } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { isProblem, messageOf } from '../problem.ts';
import type {
  NewMessage,
  RecipientState,
  Settlement as SpoolSettlement,
  Spool,
  SpooledMessage,
} from '../spool/spool.ts';
import { type FailedRecipient, formatReport } from './dsn.ts';
import type { Attempt } from './attempt.ts';
import type { Hop, HopFacts, RecipientOutcome } from './hop.ts';
import type { Delivery } from './delivery.ts';
import { type Organisation, postmasterDomain } from './organisation.ts';
import type { Records } from './records.ts';

export interface SettlementOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
  readonly organisation: () => Organisation;
  readonly records: Records;
  readonly expirationMs: number;
}

/** Of a returned message at most so much is sent back (headers only beyond it). */
const RETURN_LIMIT_BYTES = 1024 * 1024;
const HEADER_LIMIT_BYTES = 64 * 1024;

const SETTLE_AGAIN_MS = 1000;

/** What is known of a message that ran out of time. */
export interface Expiry {
  readonly lastError: string | undefined;
  readonly hop: Hop;
  readonly signal?: AbortSignal;
}

interface Step {
  readonly id: number;
  readonly settlement: SpoolSettlement;
  readonly report: NewMessage | undefined;
  readonly signal: AbortSignal | undefined;
}

export class Settlement {
  readonly #options: SettlementOptions;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /**
   * Records one attempt; resolves to the message while some recipient is still pending. Rejects when `signal` aborts before
   * the spool could take it.
   */
  async record(attempt: Attempt, signal?: AbortSignal): Promise<SpooledMessage | undefined> {
    const { delivery, nextAttemptAt } = attempt;
    const { message } = delivery;
    const { outcomes, report } = await this.#withReport(message, attempt);
    const rest = await this.#settle({
      id: message.id,
      settlement: {
        recipients: outcomes.map(({ index, status, reply }) => ({
          index,
          status: status === 'deferred' ? 'pending' : status,
          lastError: reply,
        })),
        attempts: delivery.attempts + 1,
        nextAttemptAt,
      },
      report,
      signal,
    });
    this.#note(() => this.#options.records.attempt({ ...attempt, outcomes }, report));
    return rest;
  }

  /** Returns a message whose time is up. Rejects as `record` does. */
  async expire(delivery: Delivery, { lastError, hop, signal }: Expiry): Promise<void> {
    const { message, indexes } = delivery;
    const reply = `550 4.4.7 QUEUE.Expired; message expired${lastError === undefined ? '' : ` (${lastError})`}`;
    const outcomes = indexes.map((index): RecipientOutcome => ({ index, status: 'failed', reply }));
    const report = await this.#reportOn(message, outcomes, undefined);
    const recipients = outcomes.map(({ index }) => ({ index, status: 'failed' as const, lastError: reply }));
    await this.#settle({ id: message.id, settlement: { recipients }, report, signal });
    this.#note(() => this.#options.records.expired(message, outcomes, { hop, report }));
  }

  /** These recipients have waited for as long as their sender may go without a word. */
  async delay({ message, indexes }: Delivery, { lastError, hop }: Expiry): Promise<void> {
    const recipients = indexes.map((index) => message.recipients[index]?.address);
    const facts = { internalMessageId: message.id, recipients, hop: hop.nextHopDomain, lastError };
    this.#options.log.warn(facts, 'a message has been waiting for long');
  }

  /** Who delivered must be recorded as delivered, even if the report on the others cannot be made: those then wait. */
  async #withReport(
    message: SpooledMessage,
    { outcomes, facts }: Attempt,
  ): Promise<{ outcomes: readonly RecipientOutcome[]; report: NewMessage | undefined }> {
    const failed = outcomes.filter(({ status }) => status === 'failed');
    try {
      return { outcomes, report: await this.#reportOn(message, failed, facts) };
    } catch (error) {
      this.#options.log.error(
        { internalMessageId: message.id, error: messageOf(error) },
        'a report on a failure could not be made; its recipients wait',
      );
      const wait = ({ index, reply }: RecipientOutcome): RecipientOutcome => ({ index, status: 'deferred', reply });
      return { outcomes: outcomes.map((each) => (each.status === 'failed' ? wait(each) : each)), report: undefined };
    }
  }

  /** What is recorded beside the spool must not undo what the spool has. */
  #note(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#options.log.error({ error: messageOf(error) }, 'a delivery could not be written into the records');
    }
  }

  /** A delivery that happened must be recorded, or it happens again: a failing disk is asked until it answers. */
  async #settle({ id, settlement, report, signal }: Step): Promise<SpooledMessage | undefined> {
    for (;;) {
      try {
        return await this.#options.spool.settle(id, settlement, report ? [report] : []);
      } catch (error) {
        if (!isProblem(error, 'spool-unavailable')) throw error;
        this.#options.log.error(
          { internalMessageId: id, error: messageOf(error) },
          'the result of a delivery cannot be recorded; trying again',
        );
        await wait(SETTLE_AGAIN_MS, undefined, signal && { signal });
      }
    }
  }

  /** The report for those recipients whose sender wants one; none to the null reverse-path (RFC 5321 §6.1). */
  async #reportOn(
    message: SpooledMessage,
    outcomes: readonly RecipientOutcome[],
    facts: HopFacts | undefined,
  ): Promise<NewMessage | undefined> {
    const { envelope } = message;
    const wanted = outcomes.filter(({ index }) => wantsFailureReport(message.recipients[index]));
    if (envelope.reversePath === '' || wanted.length === 0) return undefined;
    const organisation = this.#options.organisation();
    const id = randomUUID();
    const body = formatReport({
      reportingServer: organisation.fqdn,
      postmaster: `postmaster@${postmasterDomain(organisation)}`,
      sender: envelope.reversePath,
      failed: wanted.map((outcome) => describeFailure(message, outcome, facts)),
      ...(envelope.envelopeId !== undefined && { envelopeId: envelope.envelopeId }),
      arrivedAt: envelope.receivedAt,
      now: this.#options.clock.now(),
      subject: envelope.subject,
      id,
      smtpUtf8: envelope.smtpUtf8,
      ...(await this.#readReturned(message)),
    });
    return {
      traceFields: Buffer.alloc(0),
      body,
      envelope: this.#reportEnvelope(message, `<${id}@${organisation.fqdn}>`, body),
    };
  }

  #reportEnvelope({ envelope }: SpooledMessage, messageId: string, body: Buffer): NewMessage['envelope'] {
    const now = this.#options.clock.now();
    return {
      reversePath: '',
      recipients: [{ address: envelope.reversePath }],
      eightBit: !isAscii(body),
      smtpUtf8: /[^\p{ASCII}]/u.test(envelope.reversePath),
      messageId,
      networkMessageId: randomUUID(),
      subject: `Undeliverable: ${envelope.subject}`.slice(0, 300),
      source: 'DSN',
      receivedAt: now,
      expiresAt: new Date(now.getTime() + this.#options.expirationMs),
      hopCount: 0,
    };
  }

  /** RET=FULL and small enough: all of it. Otherwise the header block. */
  async #readReturned(message: SpooledMessage): Promise<{ returned: Buffer; isWhole: boolean }> {
    const isWhole = message.envelope.ret === 'FULL' && message.bodySizeBytes <= RETURN_LIMIT_BYTES;
    const chunks: Buffer[] = [message.traceFields];
    let size = 0;
    try {
      for await (const chunk of this.#options.spool.openBody(message)) {
        chunks.push(chunk as Buffer);
        size += (chunk as Buffer).length;
        if (!isWhole && size >= HEADER_LIMIT_BYTES) break;
      }
    } catch (error) {
      this.#options.log.warn(
        { internalMessageId: message.id, error: messageOf(error) },
        'the returned part of a report cannot be read',
      );
    }
    const content = Buffer.concat(chunks);
    return isWhole ? { returned: content, isWhole } : { returned: headerBlock(content), isWhole };
  }
}

function headerBlock(content: Buffer): Buffer {
  const end = content.indexOf('\r\n\r\n');
  return content.subarray(0, end < 0 ? HEADER_LIMIT_BYTES : end + 2);
}

function wantsFailureReport(recipient: RecipientState | undefined): boolean {
  return recipient?.notify === undefined || recipient.notify.includes('FAILURE');
}

function describeFailure(
  message: SpooledMessage,
  { index, reply }: RecipientOutcome,
  facts: HopFacts | undefined,
): FailedRecipient {
  const recipient = message.recipients[index];
  const original = recipient?.originalRecipient;
  return {
    address: recipient?.address ?? '',
    ...(original !== undefined && { originalRecipient: original.replace(';', '; ') }),
    status: failureStatusOf(reply),
    diagnostic: reply,
    ...(facts?.peer.name !== undefined && { remoteHost: facts.peer.name }),
  };
}

/** The enhanced code at the front of a reply, raised to class 5 (RFC 3463): the report's Action is "failed". */
export function failureStatusOf(reply: string): string {
  const [, code, detail] = /^\d{3}[ -]([245]\.(\d{1,3}\.\d{1,3}))(?![\d.])/.exec(reply) ?? [];
  // 4.4.7 is the one class 4 code of a failure: it ran out of time.
  return code === '4.4.7' ? code : `5.${detail ?? '0.0'}`;
}
