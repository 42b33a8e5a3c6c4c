// How far the delivery of a message has come: pure. A settlement is applied here, and the state is encoded with its own
// checksum. A fresh message has no stored state at all: most are delivered at the first attempt and never need one.

import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Envelope, RecipientChange, RecipientState, RecipientStatus, Settlement } from './spool.ts';

export interface DeliveryState {
  readonly attempts: number;
  readonly nextAttemptAt: Date;
  readonly suspended: boolean;
  readonly poison: boolean;
  readonly recipients: readonly RecipientState[];
}

/** The state in the columns of a table. */
export interface StoredState {
  readonly attempts: number;
  readonly nextAttemptMs: number;
  /** 0 no, 1 yes, 2 as poison. */
  readonly suspended: number;
  /** JSON: what differs from a fresh message, as [index, status, delayNotified, lastError]. */
  readonly recipients: string;
  readonly checksum: Uint8Array;
}

/** `suspended` of a message that is poison. */
export const POISON = 2;

type StoredRecipient = [index: number, status: RecipientStatus, delayNotified: boolean, lastError: string | null];

/** The state of a message that was just accepted. */
export function freshState(envelope: Envelope): DeliveryState {
  return {
    attempts: 0,
    nextAttemptAt: envelope.receivedAt,
    suspended: false,
    poison: false,
    recipients: envelope.recipients.map((recipient) => ({ ...recipient, status: 'pending', delayNotified: false })),
  };
}

/** True while somebody still waits for the message. */
export function isPending(state: DeliveryState): boolean {
  return state.recipients.some(({ status }) => status === 'pending');
}

/**
 * True when the settlement that makes `after` of `before` has recipients and changes nothing: somebody else was faster, or it is the same once more, since its
 * outcome was not known the first time.
 */
export function isLate(before: DeliveryState, settlement: Settlement, after: DeliveryState): boolean {
  const changes = settlement.recipients ?? [];
  if (changes.length === 0) return false;
  if (changes.every(({ index }) => recipientAt(before, index).status !== 'pending')) return true;
  const { attempts, nextAttemptAt, suspended, poison, recipients } = before;
  return isDeepStrictEqual(after, { attempts, nextAttemptAt, suspended, poison, recipients });
}

/** The state after the settlement; a recipient that is no longer pending keeps its own. RangeError on an unknown index. */
export function settleState(state: DeliveryState, settlement: Settlement): DeliveryState {
  const recipients = [...state.recipients];
  for (const change of settlement.recipients ?? []) {
    const before = recipientAt(state, change.index);
    if (before.status === 'pending') recipients[change.index] = settleRecipient(before, change);
  }
  return {
    attempts: settlement.attempts ?? state.attempts,
    nextAttemptAt: settlement.nextAttemptAt ?? state.nextAttemptAt,
    ...settleSuspension(state, settlement),
    recipients,
  };
}

function settleSuspension(state: DeliveryState, settlement: Settlement): Pick<DeliveryState, 'suspended' | 'poison'> {
  const suspended = settlement.poison ?? settlement.suspended ?? state.suspended;
  return { suspended, poison: suspended && (settlement.poison ?? state.poison) };
}

function recipientAt(state: DeliveryState, index: number): RecipientState {
  const recipient = state.recipients[index];
  if (!recipient) throw new RangeError(`there is no recipient ${index}, the message has ${state.recipients.length}`);
  return recipient;
}

function settleRecipient(before: RecipientState, change: RecipientChange): RecipientState {
  const lastError = change.lastError ?? before.lastError;
  return {
    ...before,
    status: change.status,
    delayNotified: change.delayNotified ?? before.delayNotified,
    ...(lastError === undefined ? {} : { lastError }),
  };
}

/** The state of message `id` for the table. The id takes part in the checksum: no state can pass for another's. */
export function encodeState(id: number, state: DeliveryState): StoredState {
  const changed = state.recipients.flatMap(({ status, delayNotified, lastError }, index): StoredRecipient[] =>
    status === 'pending' && !delayNotified && lastError === undefined
      ? []
      : [[index, status, delayNotified, lastError ?? null]],
  );
  const stored = {
    attempts: state.attempts,
    nextAttemptMs: state.nextAttemptAt.getTime(),
    suspended: encodeSuspension(state),
    recipients: JSON.stringify(changed),
  };
  return { ...stored, checksum: checksumState(id, stored) };
}

function encodeSuspension({ suspended, poison }: DeliveryState): number {
  if (!suspended) return 0;
  return poison ? POISON : 1;
}

/** The inverse of `encodeState`; undefined when the checksum is wrong. */
export function decodeState(id: number, envelope: Envelope, stored: StoredState): DeliveryState | undefined {
  // A flipped bit can make another type of any value.
  const { checksum } = stored;
  if (!(checksum instanceof Uint8Array) || !checksumState(id, stored).equals(checksum)) return undefined;
  const recipients = [...freshState(envelope).recipients];
  for (const [index, status, delayNotified, lastError] of JSON.parse(stored.recipients) as StoredRecipient[]) {
    const fresh = recipients[index];
    if (!fresh) return undefined;
    recipients[index] = { ...fresh, status, delayNotified, ...(lastError === null ? {} : { lastError }) };
  }
  const { attempts, nextAttemptMs, suspended } = stored;
  return {
    attempts,
    nextAttemptAt: new Date(nextAttemptMs),
    suspended: suspended !== 0,
    recipients,
    poison: suspended === POISON,
  };
}

function checksumState(id: number, stored: Omit<StoredState, 'checksum'>): Buffer {
  const { attempts, nextAttemptMs, suspended, recipients } = stored;
  return hash('sha256', JSON.stringify([id, attempts, nextAttemptMs, suspended, recipients]), 'buffer');
}
