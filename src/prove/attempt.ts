// One cell with a sender of our own: faults are set, a letter is handed in, and what its decision card says is the finding.

import type { Role } from '../config.ts';
import type { Meddler } from '../meddle/meddler.ts';
import { type Cell, type Finding, type Outcome, textOf } from './matrix.ts';
import { type Card, handIn, type Letter, lookFor, type ProvingGround } from './proving-ground.ts';
import type { WireEvent } from './wire-events.ts';

export interface Attempt {
  readonly ground: ProvingGround;
  readonly box: Meddler;
  readonly sender: Role;
  /** Where letters are handed in. */
  readonly port: number;
  /** Ours too; undefined for a stranger. */
  readonly receiver: Role | undefined;
  readonly letter: Letter;
  readonly wire: Pick<WireEvent, 'faults' | 'hasWaited'>;
}

const CARD_LIMIT_MS = 120_000;
const CLOSING_LIMIT_MS = 2000;

/** What came of it; the letter is nowhere any more when this resolves. */
export async function tryOnce(attempt: Attempt): Promise<Omit<Cell, 'event' | 'policy' | 'expected'>> {
  const { ground, box, sender, wire, port, letter } = attempt;
  box.setFaults(wire.faults);
  const messageId = await handIn(port, letter);
  const card = await awaitCard(attempt, messageId);
  await untilEnded(attempt, 1);
  const connections = box.observations();
  await ground.forget(sender, messageId);
  // A connection that was opened for it meanwhile would take the next letter, with the faults of this one.
  await untilEnded(attempt, box.observations().length);
  box.setFaults([]);
  const received = await cardOfReceiver(attempt, card, messageId);
  return {
    ...(card ? findingOf(card) : { outcome: 'waits', reason: 'no decision card was written in time' }),
    remarks: remarksOn(card, connections.length),
    cards: [...(card ? [card] : []), ...(received ? [received] : [])],
    connections,
    captures: [
      ...(card ? ground.keepCaptures(sender, card) : []),
      ...(received && attempt.receiver ? ground.keepCaptures(attempt.receiver, received) : []),
    ],
  };
}

async function untilEnded({ ground, box }: Attempt, count: number): Promise<void> {
  await box.waitForEnded(count, AbortSignal.any([ground.signal, AbortSignal.timeout(CLOSING_LIMIT_MS)]));
}

/** That of the first attempt, or of the second where the message is to have waited; what was not deferred is not tried again. */
function awaitCard({ ground, sender, wire }: Attempt, messageId: string): Promise<Card | undefined> {
  const look = async (): Promise<Card | undefined> => {
    const [first, second] = (await ground.cards(sender, messageId)).filter((card) => card['side'] === 'sender');
    return wire.hasWaited === true && first?.['outcome'] === 'deferred' ? second : first;
  };
  return lookFor(look, { ms: CARD_LIMIT_MS, signal: ground.signal });
}

/** A card is written after the answer, so that it may come a moment later than the sender's. */
async function cardOfReceiver(
  { ground, receiver }: Attempt,
  sent: Card | undefined,
  messageId: string,
): Promise<Card | undefined> {
  if (receiver === undefined || sent?.['outcome'] !== 'delivered') return undefined;
  return lookFor(async () => (await ground.cards(receiver, messageId)).find((card) => card['side'] === 'receiver'), {
    ms: CLOSING_LIMIT_MS,
    signal: ground.signal,
  });
}

/** A sender's card in two words. */
function findingOf(card: Card): Finding {
  const outcomes: Readonly<Record<string, Outcome>> = { deferred: 'waits', failed: 'bounced' };
  const way: Outcome = card['channel'] === 'tls' ? 'tls' : 'clear';
  return { outcome: outcomes[textOf(card, 'outcome')] ?? way, reason: textOf(card, 'reason') };
}

function remarksOn(card: Card | undefined, connections: number): string[] {
  const remarks: string[] = [];
  if (card?.['protection'] !== undefined && card['outcome'] === 'delivered')
    remarks.push(`protection: ${textOf(card, 'protection')}`);
  if (connections === 0) remarks.push('nothing was dialled');
  if (connections > 1) remarks.push(`${connections} connections`);
  return remarks;
}
