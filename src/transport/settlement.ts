// Turns what became of recipients into spool state, and writes the records of it: card, tracking, events. A failure and the
// report that tells the sender of it are stored in one synced step, so that a crash between them can neither lose nor
// double the report.

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
import { explainReason } from '../trust/reasons.ts';
import { type FailedRecipient, formatReport } from './dsn.ts';
import type { Attempt } from './attempt.ts';
import type { Hop, HopFacts, RecipientOutcome } from './hop.ts';
import type { Delivery } from './hop-queue.ts';
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

export class Settlement {
  readonly #options: SettlementOptions;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /** Records one attempt; resolves to the message while some recipient is still pending. */
  async record(attempt: Attempt): Promise<SpooledMessage | undefined> {
    const { delivery, outcomes, nextAttemptAt } = attempt;
    const { message } = delivery;
    const failed = outcomes.filter((outcome) => outcome.status === 'failed');
    const report = failed.length > 0 ? await this.#reportOn(message, failed, attempt.facts) : undefined;
    const rest = await this.#settle(
      message.id,
      {
        recipients: outcomes.map(({ index, status, reply }) => ({
          index,
          status: status === 'deferred' ? 'pending' : status,
          lastError: reply,
        })),
        attempts: delivery.attempts + 1,
        nextAttemptAt,
      },
      report ? [report] : [],
    );
    this.#options.records.attempt(attempt, report);
    return rest;
  }

  /** Returns a message whose time is up. */
  async expire(delivery: Delivery, lastError: string | undefined, hop: Hop): Promise<void> {
    const { message, indexes } = delivery;
    const reply = `550 4.4.7 QUEUE.Expired; message expired${lastError === undefined ? '' : ` (${lastError})`}`;
    const outcomes = indexes.map((index) => ({ index, status: 'failed' as const, reply }));
    const report = await this.#reportOn(message, outcomes, undefined);
    await this.#settle(
      message.id,
      { recipients: outcomes.map(({ index }) => ({ index, status: 'failed' as const, lastError: reply })) },
      report ? [report] : [],
    );
    this.#options.records.expired(message, outcomes, hop, report);
  }

  /** A delivery that happened must be recorded, or it happens again: a failing disk is asked until it answers. */
  async #settle(
    id: number,
    settlement: SpoolSettlement,
    reports: readonly NewMessage[],
  ): Promise<SpooledMessage | undefined> {
    for (;;) {
      try {
        return await this.#options.spool.settle(id, settlement, reports);
      } catch (error) {
        if (!isProblem(error, 'spool-unavailable')) throw error;
        this.#options.log.error(
          { internalMessageId: id, error: messageOf(error) },
          'the result of a delivery cannot be recorded; trying again',
        );
        await wait(1000);
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
    const now = this.#options.clock.now();
    const returned = await this.#readReturned(message);
    const body = formatReport({
      reportingServer: organisation.fqdn,
      postmaster: `postmaster@${postmasterDomain(organisation)}`,
      sender: envelope.reversePath,
      failed: wanted.map((outcome) => describeFailure(message, outcome, facts)),
      ...(envelope.envelopeId !== undefined && { envelopeId: envelope.envelopeId }),
      arrivedAt: envelope.receivedAt,
      now,
      subject: envelope.subject,
      id,
      ...returned,
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
      eightBit: body.some((octet) => octet > 0x7f),
      smtpUtf8: envelope.smtpUtf8 && /[^\p{ASCII}]/u.test(envelope.reversePath),
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
  outcome: RecipientOutcome,
  facts: HopFacts | undefined,
): FailedRecipient {
  const recipient = message.recipients[outcome.index];
  return {
    address: recipient?.address ?? '',
    ...(recipient?.originalRecipient !== undefined && {
      originalRecipient: recipient.originalRecipient.replace(';', '; '),
    }),
    status: enhancedStatusOf(outcome.reply),
    diagnostic: outcome.reply,
    ...(facts?.peer.name !== undefined && { remoteHost: facts.peer.name }),
    ...(facts && facts.channel !== 'tls' && { explanation: `${facts.reason}: ${explainReason(facts.reason)}` }),
  };
}

/** The enhanced code inside a reply, raised to class 5 (RFC 3463): the report's Action is "failed". */
function enhancedStatusOf(reply: string): string {
  const [, , detail] = /\b([245])\.(\d{1,3}\.\d{1,3})\b/.exec(reply) ?? [];
  // 4.4.7 is the one class 4 code of a failure: it ran out of time.
  if (detail === '4.7') return '4.4.7';
  return `5.${detail ?? '0.0'}`;
}
