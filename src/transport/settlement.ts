// Turns what became of recipients into spool state, and writes the records of it: card, tracking, events. What happened and
// the report that tells the sender of it (reporter.ts) are stored in one synced step, so that a crash between them can neither
// lose nor double the report.

import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { isProblem, messageOf } from '../problem.ts';
import { freshState } from '../spool/delivery-state.ts';
import type {
  DamagedMessage,
  NewMessage,
  Settlement as SpoolSettlement,
  Spool,
  SpooledMessage,
} from '../spool/spool.ts';
import type { Reason } from '../trust/reasons.ts';
import type { Attempt } from './attempt.ts';
import type { Delivery } from './delivery.ts';
import type { Hop, HopFacts, RecipientOutcome } from './hop.ts';
import type { Organisation } from './organisation.ts';
import type { Records } from './records.ts';
import type { ReportAction } from './report.ts';
import { awaitingDelayNotice, explainExpiry, explainRefusal, explainTrust, type News, Reporter } from './reporter.ts';

export interface SettlementOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
  readonly organisation: () => Organisation;
  readonly records: Records;
  readonly expirationMs: number;
}

const SETTLE_AGAIN_MS = 1000;

/** What is known of a message that waits. */
export interface Waiting {
  readonly lastError: string | undefined;
  /** Why trust makes it wait, as `trustReasonOf` has it. */
  readonly reason?: Reason | undefined;
  readonly lastAttemptAt?: Date | undefined;
  readonly hop: Hop;
  readonly signal?: AbortSignal;
}

/** A removal by hand. */
export interface Removal {
  /** One sentence for the sender; without it nobody is told. */
  readonly reason: string | undefined;
  readonly hop: Hop;
  readonly signal?: AbortSignal;
}

/** The end of a message without an attempt. */
interface End {
  readonly reply: string;
  readonly source: 'QUEUE' | 'ADMIN';
  readonly isReported: boolean;
  readonly hop: Hop;
  readonly why: string;
  readonly lastAttemptAt?: Date | undefined;
  readonly signal?: AbortSignal;
}

interface Step {
  readonly id: number;
  readonly settlement: SpoolSettlement;
  readonly reports: readonly NewMessage[];
  readonly signal: AbortSignal | undefined;
  /** Only that it waits: if the disk does not take that, nothing is lost by trying the message again. */
  readonly isOnlyWaiting?: boolean;
}

export class Settlement {
  readonly #options: SettlementOptions;
  readonly #reporter: Reporter;

  constructor(options: SettlementOptions) {
    this.#options = options;
    this.#reporter = new Reporter(options);
  }

  /**
   * Records one attempt; resolves to the message while some recipient is still pending. Rejects when `signal` aborts before
   * the spool could take it.
   */
  async record(attempt: Attempt, signal?: AbortSignal): Promise<SpooledMessage | undefined> {
    const { delivery, nextAttemptAt } = attempt;
    const { message } = delivery;
    const { outcomes, reports } = await this.#withReports(message, attempt);
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
      reports,
      signal,
      isOnlyWaiting: reports.length === 0 && outcomes.every(({ status }) => status === 'deferred'),
    });
    this.#note(() => this.#options.records.attempt({ ...attempt, outcomes }, reports));
    return rest;
  }

  /** Returns a message whose time is up. Rejects as `record` does. */
  async expire(delivery: Delivery, { lastError, reason, ...waiting }: Waiting): Promise<void> {
    const why = explainExpiry(reason, lastError);
    const reply = `550 4.4.7 QUEUE.Expired; message expired${lastError === undefined ? '' : ` (${lastError})`}`;
    await this.#giveUp(delivery, { ...waiting, why, reply, source: 'QUEUE', isReported: true });
  }

  /**
   * Removes a message on an administrator's word; with a `reason`, one sentence, its sender is told of it. Rejects as
   * `record` does.
   */
  async remove(delivery: Delivery, { reason, ...removal }: Removal): Promise<void> {
    const why = `An administrator has removed the message${reason === undefined ? '.' : `: ${reason}`}`;
    const reply = `550 5.3.2 QUEUE.Admin; message deleted by administrative action${reason === undefined ? '' : ` (${reason})`}`;
    await this.#giveUp(delivery, { ...removal, why, reply, source: 'ADMIN', isReported: reason !== undefined });
  }

  /**
   * Removes a message that the spool has set aside as damaged. Its sender is told where `remove` would tell, if the envelope can be
   * believed; that first: a crash between the two leaves the message to be removed again. False when it is gone. Problem
   * `spool-unavailable`.
   */
  async removeDamaged(
    { id, reason: damage, envelope, recipients }: DamagedMessage,
    removal: Removal,
  ): Promise<boolean> {
    const { spool, records } = this.#options;
    if (!envelope || !recipients) return spool.discardDamaged(id);
    const message = {
      ...freshState(envelope),
      id,
      envelope,
      recipients,
      traceFields: Buffer.alloc(0),
      bodySizeBytes: 0,
    };
    const reply = `550 5.3.0 QUEUE.Damaged; message damaged on the disk of this server (${damage})`;
    const outcomes = recipients.flatMap(({ status }, index): RecipientOutcome[] =>
      status === 'pending' ? [{ index, status: 'failed', reply, isLocal: true }] : [],
    );
    const why = 'The message was damaged on the disk of this server, and an administrator has removed it.';
    const isReported = removal.reason !== undefined;
    const reports = isReported ? await this.#reportsOn(message, [{ action: 'failed', outcomes, why }]) : [];
    for (const { body, envelope: own, traceFields } of reports) {
      const writer = spool.receive();
      await writer.write(body);
      await writer.commit(own, traceFields);
    }
    if (!(await spool.discardDamaged(id))) return false;
    this.#note(() => records.gaveUp(message, outcomes, { hop: removal.hop, source: 'ADMIN', reports }));
    return true;
  }

  /**
   * Tells the sender that a message waits, once for each recipient: the notice is stored in the same synced step as the mark.
   * Resolves to the message as it is then; undefined when it is gone. Does nothing for whom `awaitingDelayNotice` does not
   * name. Only for recipients that nobody is delivering to at the time. Rejects as `record` does.
   */
  async delay(delivery: Delivery, waiting: Waiting): Promise<SpooledMessage | undefined> {
    const { message } = delivery;
    const indexes = awaitingDelayNotice(message, delivery.indexes);
    if (indexes.length === 0) return message;
    const { lastError, reason, lastAttemptAt, signal } = waiting;
    const outcomes = indexes.map((index) => ({ index, reply: lastError ?? '', isLocal: true }));
    const reports = await this.#reportsOn(message, [
      { action: 'delayed', outcomes, why: explainTrust(reason), lastAttemptAt },
    ]);
    const recipients = indexes.map((index) => ({ index, status: 'pending' as const, delayNotified: true }));
    const rest = await this.#settle({ id: message.id, settlement: { recipients }, reports, signal });
    this.#note(() => this.#options.records.reported(message, reports));
    return rest;
  }

  async #giveUp(delivery: Delivery, end: End): Promise<void> {
    const { message, indexes } = delivery;
    const { reply, why, lastAttemptAt, signal } = end;
    const outcomes = indexes.map((index): RecipientOutcome => ({ index, status: 'failed', reply, isLocal: true }));
    const news: News = { action: 'failed', outcomes, why, lastAttemptAt };
    const reports = end.isReported ? await this.#reportsOn(message, [news]) : [];
    const recipients = outcomes.map(({ index }) => ({ index, status: 'failed' as const, lastError: reply }));
    await this.#settle({ id: message.id, settlement: { recipients }, reports, signal });
    this.#note(() => this.#options.records.gaveUp(message, outcomes, { ...end, reports }));
  }

  /** Who delivered must be recorded as delivered, even if the report on the others cannot be made: those then wait. */
  async #withReports(
    message: SpooledMessage,
    { outcomes, facts }: Attempt,
  ): Promise<{ outcomes: readonly RecipientOutcome[]; reports: readonly NewMessage[] }> {
    try {
      return { outcomes, reports: await this.#reportsOn(message, newsOf(outcomes, facts, this.#options.clock.now())) };
    } catch (error) {
      this.#options.log.error(
        { internalMessageId: message.id, error: messageOf(error) },
        'a report could not be made; recipients that have failed wait',
      );
      const wait = ({ index, reply }: RecipientOutcome): RecipientOutcome => ({ index, status: 'deferred', reply });
      return { outcomes: outcomes.map((each) => (each.status === 'failed' ? wait(each) : each)), reports: [] };
    }
  }

  async #reportsOn(message: SpooledMessage, news: readonly News[]): Promise<readonly NewMessage[]> {
    const reports: NewMessage[] = [];
    for (const each of news) {
      const report = await this.#reporter.report(message, each);
      if (report) reports.push(report);
    }
    return reports;
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
  async #settle({ id, settlement, reports, signal, isOnlyWaiting = false }: Step): Promise<SpooledMessage | undefined> {
    for (;;) {
      try {
        return await this.#options.spool.settle(id, settlement, reports);
      } catch (error) {
        if (!isProblem(error, 'spool-unavailable') || isOnlyWaiting) throw error;
        this.#options.log.error(
          { internalMessageId: id, error: messageOf(error) },
          'the result of a delivery cannot be recorded; trying again',
        );
        await wait(SETTLE_AGAIN_MS, undefined, signal && { signal });
      }
    }
  }
}

/** What an attempt has to tell: failures, and the successes that nobody else will report (RFC 3461 §5.2). */
function newsOf(outcomes: readonly RecipientOutcome[], facts: HopFacts, lastAttemptAt: Date): News[] {
  const about = (action: ReportAction, isMeant: (outcome: RecipientOutcome) => boolean): News[] => {
    const meant = outcomes.filter(isMeant);
    const why = action === 'failed' ? explainRefusal(facts) : undefined;
    return meant.length === 0 ? [] : [{ action, outcomes: meant, facts, why, lastAttemptAt }];
  };
  return [
    ...about('failed', ({ status }) => status === 'failed'),
    ...about('delivered', ({ successAction }) => successAction === 'delivered'),
    ...about('relayed', ({ successAction }) => successAction === 'relayed'),
  ];
}
