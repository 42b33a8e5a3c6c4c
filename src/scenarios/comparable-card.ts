// Decision cards without what differs each time although the same happened: ids, ports, times, thumbprints. Two playings of one
// scenario must be equal in all the rest. Pure but for the asking.

import type { LabServer } from '../lab/lab-server.ts';
import type { Sent } from '../lab/letter.ts';
import type { Pair } from '../lab/pair.ts';
import type { DecisionCard } from '../tracking/decision-card.ts';

/** A card as plain data, with the letter that it is about and the server that wrote it. */
export interface ComparableCard {
  readonly letter: string;
  readonly server: string;
  readonly card: Readonly<Record<string, unknown>>;
}

/** Those of the letters, letter by letter in the order of handing in; of each, server by server and oldest first. */
export async function comparableCards(
  pair: Pair,
  others: ReadonlyMap<string, LabServer>,
  letters: ReadonlyMap<string, Sent>,
): Promise<readonly ComparableCard[]> {
  const found: ComparableCard[] = [];
  for (const [letter, { id }] of letters) {
    for (const server of [pair.hub, ...others.values(), pair.edge]) {
      if (!server.isRunning) continue;
      for (const { Card: card } of await server.ask('Get-DecisionCard', { MessageId: id })) {
        addUnlessRepeated(found, { letter, server: server.name, card: comparable(card as unknown as DecisionCard) });
      }
    }
  }
  return found;
}

/** How often a message that waits was tried in vain is a matter of time. */
function addUnlessRepeated(found: ComparableCard[], next: ComparableCard): void {
  if (next.card['outcome'] === 'deferred' && JSON.stringify(found.at(-1)) === JSON.stringify(next)) return;
  found.push(next);
}

/** What is left of a card that another playing of the same must have too. */
export function comparable(card: DecisionCard): Readonly<Record<string, unknown>> {
  const {
    id: _,
    time: __,
    clockOffset: ___,
    internalMessageId: ____,
    messageId: _____,
    networkMessageId: ______,
    ...rest
  } = card;
  return withoutVariables(rest) as Readonly<Record<string, unknown>>;
}

/** Properties that say when, or which of several that are alike. */
const VARIABLE = new Set([
  'port',
  'localThumbprint',
  'peerThumbprint',
  'localNotAfter',
  'peerNotBefore',
  'peerNotAfter',
]);

function withoutVariables(value: unknown): unknown {
  if (typeof value === 'string') return withoutNumbers(value);
  if (Array.isArray(value)) return value.map(withoutVariables);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, VARIABLE.has(name) ? '*' : withoutVariables(item)]),
  );
}

/** Replies name the message by its ids, and say how long and how fast. */
function withoutNumbers(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, '*')
    .replaceAll(/\b[0-9A-F]{40}(?:[0-9A-F]{24})?\b/g, '*')
    .replaceAll(/\b\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, '*')
    .replaceAll(/(?<=127\.0\.0\.1:)\d+/g, '*')
    .replaceAll(/(?<=[Ii]nternal ?[Ii]d=)\d+/g, '*');
}

/** Where two playings first differ, in words; undefined when they do not. */
export function firstDifference(a: readonly ComparableCard[], b: readonly ComparableCard[]): string | undefined {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [left, right] = [JSON.stringify(a[index]), JSON.stringify(b[index])];
    if (left !== right) return `card ${index + 1} was ${left ?? 'not there'} and is ${right ?? 'not there'}`;
  }
  return undefined;
}
