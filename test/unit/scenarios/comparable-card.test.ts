import { expect, it } from 'vitest';
import { comparable, type ComparableCard, firstDifference } from '../../../src/scenarios/comparable-card.ts';
import type { DecisionCard } from '../../../src/tracking/decision-card.ts';

const CARD: DecisionCard = {
  id: '0f6f2d6e-0000-4000-8000-000000000001',
  time: '2026-01-01T00:00:00.000Z',
  clockOffset: '+400d',
  side: 'sender',
  server: 'hub01.corp.test',
  connector: 'Intra-Organization SMTP Send Connector',
  peer: { name: 'edge01.perimeter.test', address: '127.0.0.1', port: 40_001 },
  internalMessageId: 1,
  messageId: '<1@lab.test>',
  networkMessageId: '0f6f2d6e-0000-4000-8000-000000000002',
  policy: 'direct-trust',
  rule: 'direct-trust',
  reason: 'direct-trust',
  startTls: { offered: true, attempted: true },
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', peerThumbprint: 'A'.repeat(40) },
  authentication: { mechanism: 'EXTERNAL', result: 'recognised' },
  channel: 'tls',
  protection: 'authenticated-and-protected',
  outcome: 'delivered',
  detail: '250 2.6.0 <0f6f2d6e-0000-4000-8000-000000000003@lab.test> [InternalId=7, Hostname=edge01] Queued',
  events: [],
};

/** The same another time. */
const AGAIN: DecisionCard = {
  ...CARD,
  id: '1f6f2d6e-0000-4000-8000-000000000001',
  time: '2027-01-01T00:00:00.000Z',
  clockOffset: '+765d',
  peer: { ...CARD.peer, port: 50_002 },
  internalMessageId: 9,
  messageId: '<2@lab.test>',
  networkMessageId: '1f6f2d6e-0000-4000-8000-000000000002',
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', peerThumbprint: 'B'.repeat(40) },
  detail: '250 2.6.0 <1f6f2d6e-0000-4000-8000-000000000003@lab.test> [InternalId=12, Hostname=edge01] Queued',
};

function listOf(card: DecisionCard): ComparableCard[] {
  return [{ letter: 'out', server: 'hub01', card: comparable(card) }];
}

it('is the same when ids, port, times and thumbprints differ', () => {
  expect(comparable(AGAIN)).toEqual(comparable(CARD));
  expect(firstDifference(listOf(CARD), listOf(AGAIN))).toBeUndefined();
});

it.each([
  ['the reason', { reason: 'certificate-expired' }],
  ['the channel', { channel: 'plaintext' }],
  ['the outcome', { outcome: 'deferred' }],
  ['the version of TLS', { tls: { version: 'TLSv1.2', cipher: 'TLS_AES_256_GCM_SHA384' } }],
  ['the reply', { detail: '451 4.4.2 gone' }],
  ['an event', { events: [1036] }],
] as const)('is another when %s differs', (_what, changes) => {
  const other = { ...AGAIN, ...changes } as DecisionCard;
  expect(firstDifference(listOf(CARD), listOf(other))).toMatch(/^card 1 was \{.*\} and is \{/);
});

it('is missed when it is not there', () => {
  expect(firstDifference(listOf(CARD), [])).toMatch(/ and is not there$/);
});
