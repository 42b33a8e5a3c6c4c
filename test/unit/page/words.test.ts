// What cmdlets say, in words for people.

import { describe, expect, it } from 'vitest';
import { describeCard, describeStartTls } from '../../../src/page/card-words.ts';
import { mergeEvents } from '../../../src/page/event-list.ts';
import { describeNextHop, describeStatus, isSameReply } from '../../../src/page/queue-words.ts';
import { toneOf } from '../../../src/page/tones.ts';
import { readTranscript } from '../../../src/page/transcript-lines.ts';
import { PAGE_SIZE, pageOf, searchParameters } from '../../../src/page/tracking-search.ts';
import type { DecisionCard } from '../../../src/tracking/decision-card.ts';
import { REASONS } from '../../../src/trust/reasons.ts';

describe('a queue', () => {
  const NOW = Date.parse('2026-11-26T12:00:00.000Z');

  it.each([
    [{ DeliveryType: 'SmtpRelayWithinAdSiteToEdge', NextHopDomain: 'x' }, 'to the Edge'],
    [{ DeliveryType: 'SmtpDeliveryToMailbox', NextHopDomain: '/mail' }, 'to the mailboxes'],
    [{ DeliveryType: 'SmartHostConnectorDelivery', NextHopDomain: 'relay.test' }, 'to relay.test'],
    [{ DeliveryType: 'Undefined', NextHopDomain: 'Poison Message' }, 'held back after crashes'],
  ])('goes %o', (queue, said) => {
    expect(describeNextHop(queue)).toBe(said);
  });

  it.each([
    [{ Status: 'Retry', NextRetryTime: '2026-11-26T12:05:00.000Z' }, 'is tried again in 5 min'],
    [{ Status: 'Retry', NextRetryTime: '2026-11-26T11:05:00.000Z' }, 'is tried again now'],
    [{ Status: 'Retry', NextRetryTime: null }, 'waits to be tried again'],
    [{ Status: 'Suspended' }, 'suspended by an administrator'],
    [{ Status: 'Ready', MessageCount: 0 }, 'empty'],
    [{ Status: 'Ready', MessageCount: 2, DeferredMessageCount: 1 }, 'some wait to be tried again'],
  ])('of %o says so', (queue, said) => {
    expect(describeStatus(queue, NOW)).toBe(said);
  });
});

it.each([
  ['421 4.4.1 greeting: ECONNRESET', '421 4.4.1 connect: ECONNRESET', true],
  ['450 4.7.1 later', '450 4.2.1 later', false],
  ['450 later', '450 full', false],
  ['', '', true],
])('the replies %o and %o are one: %o', (a, b, isOne) => {
  expect(isSameReply(a, b)).toBe(isOne);
});

describe('a tone', () => {
  it('is one of a stranger, or one that alarms, for everything that went in clear', () => {
    const tones = Object.keys(REASONS).map((reason) => toneOf('plaintext', reason));
    expect(new Set(tones)).toEqual(new Set(['clear', 'alarm', 'local']));
    expect(toneOf('plaintext', 'certificate-expired')).toBe('alarm');
    expect(toneOf('plaintext', 'a reason of a later version')).toBe('alarm');
    expect(toneOf('tls', 'direct-trust')).toBe('trusted');
    expect(toneOf('tls', 'expired-tls-kept')).toBe('sealed');
    expect(toneOf('none', 'connection-failed')).toBe('stopped');
  });
});

const CARD: DecisionCard = {
  id: '1',
  time: '2028-01-05T00:00:00.000Z',
  clockOffset: '+400d',
  side: 'sender',
  server: 'hub01.corp.test',
  connector: 'Intra-Organization',
  peer: { name: 'edge01.perimeter.test', address: '127.0.0.1', port: 2526 },
  messageId: '<1@a>',
  networkMessageId: 'x',
  policy: 'direct-trust',
  rule: 'direct-trust',
  reason: 'expired-tls-kept',
  startTls: { offered: true, attempted: true, verb: 'STARTTLS' },
  tls: {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    peerThumbprint: 'AB',
    peerNotBefore: '2026-01-01T00:00:00.000Z',
    peerNotAfter: '2028-01-01T00:00:00.000Z',
  },
  authentication: undefined,
  channel: 'tls',
  protection: 'protected-not-authenticated',
  outcome: 'delivered',
  events: [12_015],
};

describe('a card', () => {
  it('says when a certificate had expired, and marks that', () => {
    const lines = describeCard(CARD);
    expect(lines.find(({ isBad }) => isBad)?.says).toBe('expired 2028-01-01 00:00:00, 4 d before');
    expect(lines.map(({ says }) => says)).toContain('edge01.perimeter.test (127.0.0.1, 2526)');
    expect(lines[0]?.says).toContain('+400d');
  });

  it.each([
    [{ offered: true, attempted: true }, 'tls', 'STARTTLS was offered and used'],
    [{ offered: true, attempted: false }, 'plaintext', 'STARTTLS was offered and not used'],
    [{ offered: false, attempted: false }, 'plaintext', 'STARTTLS was not offered'],
    [{ offered: true, attempted: true, answer: 454 }, 'plaintext', 'STARTTLS was offered and refused with 454'],
    [{ offered: undefined, attempted: false }, 'none', 'not asked for: there was no SMTP conversation'],
    [{ offered: true, attempted: true, failure: 'cut' }, 'none', 'STARTTLS was tried and the handshake failed: cut'],
  ] as const)('of STARTTLS %o', (facts, channel, said) => {
    expect(describeStartTls(facts, channel)).toBe(said);
  });
});

describe('the search of message tracking', () => {
  it('asks for what was filled in, with times as UTC', () => {
    expect(searchParameters({ Sender: ' a@b ', EventId: '', Start: '2027-12-24T20:00' })).toEqual({
      Sender: 'a@b',
      Start: '2027-12-24T20:00:00.000Z',
      Newest: PAGE_SIZE + 1,
    });
    // The end of a search is no part of it.
    expect(searchParameters({ End: '2029-01-01T00:00' }, '2028-01-01T00:00:00.000Z')['End']).toBe(
      '2028-01-01T00:00:00.001Z',
    );
  });

  it('turns pages without losing a record or showing one twice', () => {
    const all = Array.from({ length: 2.5 * PAGE_SIZE }, (_, index) => ({
      // Three of each second, so that a page ends in the middle of one.
      Timestamp: new Date(Math.floor(index / 3) * 1000).toISOString(),
      EventId: 'SEND',
      InternalMessageId: String(index),
    }));
    const newest = all.toReversed();
    const seen: string[] = [];
    let before: readonly Record<string, unknown>[] = [];
    let until: string | undefined = newest[0]?.Timestamp;
    while (until !== undefined) {
      const found = newest.filter(({ Timestamp }) => Timestamp <= (until ?? '')).slice(0, PAGE_SIZE + 1);
      const page = pageOf(found, before);
      seen.push(...page.shown.map((record) => String(record['InternalMessageId'])));
      before = page.shown;
      until = page.next;
    }
    expect(seen).toEqual(newest.map(({ InternalMessageId }) => InternalMessageId));
  });
});

describe('events of two servers', () => {
  it('are one list, the newest first, that can be narrowed', () => {
    const lists = [
      { server: 'HUB01', events: [{ Time: '2', EntryType: 'Error' }] },
      {
        server: 'EDGE01',
        events: [
          { Time: '3', EntryType: 'Warning' },
          { Time: '1', EntryType: 'Error' },
        ],
      },
    ];
    const timesOf = (kind: string, server: string): unknown[] =>
      mergeEvents(lists, { kind, server }).map(({ Time, Server }) => `${String(Time)} ${String(Server)}`);
    expect(timesOf('', '')).toEqual(['3 EDGE01', '2 HUB01', '1 EDGE01']);
    expect(timesOf('Error', 'EDGE01')).toEqual(['1 EDGE01']);
  });
});

describe('a transcript', () => {
  it('is lines of who said what, in TLS or not', () => {
    const text = '12:00:00.123 C  STARTTLS\n12:00:00.124    (TLS, X)\n12:00:00.125 S# 250 a: b\nnonsense\n';
    expect(readTranscript(text)).toEqual([
      { at: '12:00:00.123', who: 'client', isEncrypted: false, says: 'STARTTLS' },
      { at: '12:00:00.124', who: 'remark', isEncrypted: false, says: '(TLS, X)' },
      { at: '12:00:00.125', who: 'server', isEncrypted: true, says: '250 a: b' },
    ]);
  });
});
