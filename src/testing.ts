// The door for test runners, published as `relaypair/testing`: a whole pair in the test's own process, and what can be claimed of a
// message that went through it. Any runner: the assertions throw AssertionError, the matchers are plain functions for expect.extend.
// How it is used: docs/testing.md. What it is made of: lab/.

import { AssertionError } from 'node:assert';
import {
  type Check,
  checkFellBack,
  checkTravelledEncrypted,
  checkUnaltered,
  checkWaits,
} from './lab/message-checks.ts';
import { Pair, type PairOptions } from './lab/pair.ts';
import type { TracedMessage } from './lab/traced-message.ts';
import type { Reason } from './trust/reasons.ts';

export { HUB_WITH_DOOR } from './lab/joined-hub.ts';
export type { LabServer } from './lab/lab-server.ts';
export type { LabTime } from './lab/lab-time.ts';
export type { LetterOptions, Sent } from './lab/letter.ts';
export type { Pair, PairOptions } from './lab/pair.ts';
export type { Direction, MessageState, TracedHop, TracedMessage } from './lab/traced-message.ts';
export type { WitnessedConnection } from './lab/witness.ts';
export type { DecisionCard } from './tracking/decision-card.ts';
export type { Reason } from './trust/reasons.ts';

/** Starts a Hub and an Edge that are subscribed to each other; ends with `close()`, or with the block of an `await using`. */
export function createPair(options: PairOptions = {}): Promise<Pair> {
  return Pair.open(options);
}

/** It came across in TLS by both servers' cards, and nobody on the path could read it. */
export function assertTravelledEncrypted(message: TracedMessage, reason?: Reason): void {
  insist(checkTravelledEncrypted(message, reason));
}

/** It came across in clear by both servers' cards, for this reason, and on the path it could be read. */
export function assertFellBack(message: TracedMessage, reason?: Reason): void {
  insist(checkFellBack(message, reason));
}

/** It waits on the server that it came to first, for this reason. */
export function assertWaits(message: TracedMessage, reason?: Reason): void {
  insist(checkWaits(message, reason));
}

/** It arrived once and octet for octet. */
export function assertUnaltered(message: TracedMessage): void {
  insist(checkUnaltered(message));
}

function insist({ holds, sentence }: Check): void {
  if (!holds) throw new AssertionError({ message: sentence, operator: 'relaypair' });
}

/** What expect.extend takes; `relaypair/testing/vitest` does it, with the types. */
export const pairMatchers = {
  toHaveTravelledEncrypted: (message: TracedMessage, reason?: Reason) =>
    matcherResult(checkTravelledEncrypted(message, reason)),
  toHaveFallenBack: (message: TracedMessage, reason?: Reason) => matcherResult(checkFellBack(message, reason)),
  toBeWaiting: (message: TracedMessage, reason?: Reason) => matcherResult(checkWaits(message, reason)),
  toHaveArrivedUnaltered: (message: TracedMessage) => matcherResult(checkUnaltered(message)),
};

function matcherResult({ holds, sentence }: Check): { readonly pass: boolean; readonly message: () => string } {
  return { pass: holds, message: () => sentence };
}
