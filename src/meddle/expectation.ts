// What a scenario expects of the client, and whether it held. Pure: observations in, sentences out.

import { z } from 'zod';
import { duration } from '../config-values.ts';
import { REASONS } from '../trust/reasons.ts';
import type { Observation } from './observation.ts';

const verbs = z.array(z.string().min(1).toUpperCase());

/** Of one connection, in the order in which they come; what is not said is not looked at. */
const expectedConnection = z.strictObject({
  starttls: z.enum(['not-offered', 'not-used', 'refused', 'broken', 'established']).optional(),
  mail: z.enum(['none', 'in-clear', 'in-tls', 'unseen']).optional(),
  version: z.enum(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']).optional(),
  /** Every command that could be read, in order. */
  verbs: verbs.optional(),
  /** Commands of which none may be read. */
  never: verbs.optional(),
  endedBy: z.enum(['client', 'server', 'box']).optional(),
});

/** Of the sender's decision card of the last attempt. */
const expectedCard = z.strictObject({
  reason: z.enum(Object.keys(REASONS) as [string, ...string[]], 'not a reason; docs/trust.md lists them').optional(),
  channel: z.enum(['tls', 'plaintext', 'none']).optional(),
  outcome: z.enum(['delivered', 'deferred', 'failed']).optional(),
});

export const expectationSchema = z.strictObject({
  /** Real time for all of it. */
  within: duration.default(60_000),
  connections: z.array(expectedConnection).min(1),
  card: expectedCard.optional(),
});

export type Expectation = z.output<typeof expectationSchema>;
export type ExpectedCard = NonNullable<Expectation['card']>;
type ExpectedConnection = Expectation['connections'][number];

/** A sentence for each expectation that did not hold; none: all did. */
export function findBroken(expected: Expectation, observations: readonly Observation[]): readonly string[] {
  const broken = expected.connections.flatMap((each, index) => {
    const seen = observations[index];
    const name = `connection ${index + 1}`;
    return seen ? compare(name, each, seen) : [`${name}: it never came`];
  });
  const surplus = observations.length - expected.connections.length;
  return surplus > 0
    ? [...broken, `${expected.connections.length} connections were expected, and ${observations.length} came`]
    : broken;
}

function compare(name: string, expected: ExpectedConnection, seen: Observation): readonly string[] {
  const pairs = [
    ['starttls', expected.starttls, seen.startTls],
    ['mail', expected.mail, seen.mail],
    ['version', expected.version, seen.version ?? 'none'],
    ['verbs', expected.verbs?.join(' '), seen.verbs.join(' ')],
    ['endedBy', expected.endedBy, seen.endedBy ?? 'nobody'],
  ] as const;
  const differing = pairs.filter(([, wanted, found]) => wanted !== undefined && wanted !== found);
  const forbidden = (expected.never ?? []).filter((verb) => seen.verbs.includes(verb));
  return [
    ...differing.map(([key, wanted, found]) => `${name}: ${key} should be ${wanted} and was ${found}`),
    ...forbidden.map((verb) => `${name}: the client said ${verb}, which it never should`),
  ];
}

/** The same for a decision card, or for none. */
export function findBrokenCard(
  expected: ExpectedCard,
  card: Readonly<Record<string, unknown>> | undefined,
): readonly string[] {
  if (!card) return ['the sender wrote no decision card'];
  return Object.entries(expected)
    .filter(([key, wanted]) => wanted !== undefined && card[key] !== wanted)
    .map(([key, wanted]) => `the card's ${key} should be ${wanted} and was ${String(card[key])}`);
}
