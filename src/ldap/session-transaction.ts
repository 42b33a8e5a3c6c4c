// The transaction of one peer on the server's side (RFC 5805): updates only gather here; the directory gets them all at once at
// the commit. States: none → open → (limit passed) spoilt; open and spoilt end by commit, by being given up, or by a bind.
// A spoilt one keeps no updates and can only fail.

import { randomUUID } from 'node:crypto';
import type { Control } from './control.ts';
import type { LdapOperations } from './entry.ts';
import { GatheredOperations } from './gathered-operations.ts';
import type { LdapMessage } from './message.ts';
import type { ExtendedDetails } from './response.ts';
import { fault, LdapFault, type LdapOutcome, outcomeOf, outcomeOfFault, ResultCode, SUCCESS } from './result.ts';
import { decodeEndTransaction, encodeFailedMessage } from './transaction.ts';

export interface TransactionLimits {
  readonly maxOperations: number;
  /** Of the requests as they came. */
  readonly maxBytes: number;
}

/** What has gathered since the start. */
class OpenTransaction {
  readonly id: string;
  readonly #limits: TransactionLimits;
  readonly #messageIds: number[] = [];
  #operations = new GatheredOperations();
  #sizeBytes = 0;
  #failure: { outcome: LdapOutcome; messageId: number } | undefined;

  constructor(id: string, limits: TransactionLimits) {
    this.id = id;
    this.#limits = limits;
  }

  /** The first thing that went wrong: the commit can only answer this. */
  get failure(): { outcome: LdapOutcome; messageId: number } | undefined {
    return this.#failure;
  }

  get operations(): LdapOperations {
    return this.#operations;
  }

  /** Takes the message of an update that was found sound; success means that it waits, not that it can be done. */
  add({ tag, content, messageId, sizeBytes }: LdapMessage): LdapOutcome {
    if (this.#failure) return this.#failure.outcome;
    this.#sizeBytes += sizeBytes;
    if (this.#operations.length >= this.#limits.maxOperations || this.#sizeBytes > this.#limits.maxBytes) {
      const outcome = outcomeOf('adminLimitExceeded', { diagnosticMessage: 'the transaction is too large' });
      this.fail(outcome, messageId);
      return outcome;
    }
    this.#operations.push(tag, content);
    this.#messageIds.push(messageId);
    return SUCCESS;
  }

  /** Spoils the transaction and lets go of what it held; the first failure is the one that counts. */
  fail(outcome: LdapOutcome, messageId: number): void {
    this.#failure ??= { outcome, messageId };
    this.#operations = new GatheredOperations();
  }

  /** The message that brought the operation at this place; undefined when there is none such. */
  messageIdOf(place: number | undefined): number | undefined {
    return place === undefined ? undefined : this.#messageIds[place];
  }
}

/** An outcome with what a response says besides. */
export interface Answer extends ExtendedDetails {
  readonly outcome: LdapOutcome;
  readonly controls?: readonly Control[];
}

/** At most one transaction at a time. What it throws are LdapFaults for the peer. */
export class SessionTransaction {
  readonly #limits: TransactionLimits;
  #open: OpenTransaction | undefined;

  constructor(limits: TransactionLimits) {
    this.#limits = limits;
  }

  /** Forgets what is open, without a word. */
  drop(): void {
    this.#open = undefined;
  }

  start(): Answer {
    if (this.#open) throw fault('busy', 'one transaction at a time');
    this.#open = new OpenTransaction(randomUUID(), this.#limits);
    return { outcome: SUCCESS, responseValue: Buffer.from(this.#open.id) };
  }

  /** The open transaction, if this is its identifier. */
  find(id: Buffer): OpenTransaction {
    if (this.#open?.id === id.toString('latin1')) return this.#open;
    throw fault('operationsError', 'no transaction of this identifier is open');
  }

  /** Ends it as `value`, the request's, says; `apply` carries all of it out or nothing. */
  async end(value: Buffer | undefined, apply: Apply): Promise<Answer> {
    const { commit, id } = decodeEndTransaction(value);
    const transaction = this.find(id);
    this.#open = undefined;
    const { failure, operations } = transaction;
    if (!commit) return { outcome: SUCCESS };
    if (failure) return failAt(failure.outcome, failure.messageId);
    if (operations.length === 0) return { outcome: SUCCESS };
    const outcome = await catchFault(() => apply(operations));
    if (outcome.resultCode === ResultCode.success) return { outcome };
    const onlyPlace = operations.length === 1 ? 0 : undefined;
    return failAt(outcome, transaction.messageIdOf(outcome.failedOperation ?? onlyPlace));
  }
}

type Apply = (operations: LdapOperations) => Promise<LdapOutcome>;

/** A thrown fault is turned here, since only here its place is still known by a message id. */
async function catchFault(apply: () => Promise<LdapOutcome>): Promise<LdapOutcome> {
  try {
    return await apply();
  } catch (error) {
    if (error instanceof LdapFault) return outcomeOfFault(error);
    throw error;
  }
}

function failAt(outcome: LdapOutcome, messageId: number | undefined): Answer {
  return { outcome, ...(messageId === undefined ? {} : { responseValue: encodeFailedMessage(messageId) }) };
}
