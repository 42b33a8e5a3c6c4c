// What message tracking of both servers says, as the way of each message.

import { describe, expect, it } from 'vitest';
import {
  addRecords,
  type Journey,
  type Journeys,
  MAX_JOURNEYS,
  readStep,
  type Teller,
} from '../../../src/page/journeys.ts';

const names = new Map([
  ['hub01.corp.test', 'hub'],
  ['edge01.perimeter.test', 'edge'],
] as const);
const EDGE: Teller = { fqdn: 'edge01.perimeter.test', role: 'edge', names };
const HUB: Teller = { fqdn: 'hub01.corp.test', role: 'hub', names };
const ID = 'fe95915c-9f2b-44b7-82bb-80a188d7f3ef';

function record(second: number, EventId: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    Timestamp: `2026-11-26T11:39:${String(second).padStart(2, '0')}.000Z`,
    EventId,
    NetworkMessageId: ID,
    MessageId: '<1@fabrikam.test>',
    MessageSubject: 'Hello',
    Sender: 'sue@fabrikam.test',
    Recipients: ['jo@contoso.test'],
    RecipientStatus: ['250 2.1.5 Recipient OK'],
    Channel: 'TLS',
    Reason: 'direct-trust',
    ...more,
  };
}

const ARRIVAL = record(1, 'RECEIVE', {
  ClientHostname: 'mail.fabrikam.test',
  Channel: 'plaintext',
  Reason: 'starttls-not-used',
});
const SENT = record(2, 'SEND', { ServerHostname: 'hub01.corp.test' });
const RECEIVED = record(2, 'RECEIVE', { ClientHostname: 'edge01.perimeter.test' });
const DELIVERED = record(3, 'DELIVER', { ServerHostname: 'maildir', Channel: 'none', Reason: 'local-delivery' });

function tell(...told: readonly (readonly [Teller, Record<string, unknown>])[]): Journeys {
  return told.reduce<Journeys>((known, [teller, each]) => addRecords(known, [each], teller).journeys, new Map());
}

function ways(journey: Journey | undefined): string[] {
  return (journey?.steps ?? []).map(({ kind, from, to, tone }) => `${kind} ${from}>${to} ${tone}`);
}

describe('addRecords', () => {
  it('keeps where a message came from, however often it is tried in vain', () => {
    const tries = Array.from({ length: 40 }, (_, index) =>
      record(2 + index, 'DEFER', { ServerHostname: 'hub01.corp.test', Channel: 'none', Reason: 'connection-failed' }),
    );
    const journey = tell(
      ...[ARRIVAL, ...tries, record(50, 'SEND', { ServerHostname: 'hub01.corp.test' })].map(
        (told) => [EDGE, told] as const,
      ),
    ).get(ID);
    expect(ways(journey)).toEqual(['moved outside>edge clear', 'waits edge>hub stopped', 'moved edge>hub trusted']);
    expect(journey?.steps[1]?.at).toBe(Date.parse('2026-11-26T11:39:41.000Z'));
  });

  it('tells of a message from outside over both hops into a mailbox, the hop between them once', () => {
    const journey = tell([EDGE, ARRIVAL], [EDGE, SENT], [HUB, RECEIVED], [HUB, DELIVERED]).get(ID);
    expect(ways(journey)).toEqual(['moved outside>edge clear', 'moved edge>hub trusted', 'moved hub>mailboxes local']);
    expect(journey).toMatchObject({ state: 'arrived', subject: 'Hello', recipients: ['jo@contoso.test'] });
  });

  it('tells the same when the other server was heard first', () => {
    const journey = tell([HUB, RECEIVED], [HUB, DELIVERED], [EDGE, ARRIVAL], [EDGE, SENT]).get(ID);
    expect(ways(journey)).toEqual(['moved outside>edge clear', 'moved edge>hub trusted', 'moved hub>mailboxes local']);
  });

  it('knows the hop from one of its ends', () => {
    expect(ways(tell([HUB, RECEIVED]).get(ID))).toEqual(['moved edge>hub trusted']);
  });

  it('says where a message waits and why, and that it failed', () => {
    const deferred = record(4, 'DEFER', {
      ServerHostname: 'hub01.corp.test',
      Channel: 'none',
      Reason: 'connection-failed',
      RecipientStatus: ['451 4.4.1 refused', '451 4.4.1 refused'],
    });
    const waiting = tell([EDGE, ARRIVAL], [EDGE, deferred]).get(ID);
    expect(waiting).toMatchObject({ state: 'waiting' });
    expect(waiting?.steps.at(-1)).toMatchObject({
      from: 'edge',
      to: 'hub',
      tone: 'stopped',
      detail: '451 4.4.1 refused',
    });
    const failed = tell([EDGE, ARRIVAL], [EDGE, deferred], [EDGE, record(5, 'FAIL')]).get(ID);
    expect(failed?.state).toBe('failed');
  });

  it('keeps a message that no connector leads on where it is', () => {
    const nowhere = record(4, 'DEFER', {
      ServerHostname: '',
      ConnectorId: '',
      Channel: 'none',
      Reason: 'connection-failed',
    });
    expect(readStep(nowhere, HUB)).toMatchObject({ kind: 'waits', from: 'hub', to: 'hub' });
    expect(readStep({ ...nowhere, ConnectorId: 'Mailbox delivery' }, HUB)).toMatchObject({ to: 'mailboxes' });
  });

  it('has a report begin where it was made', () => {
    const journey = tell([EDGE, record(6, 'DSN', { Sender: '', Channel: null, Reason: null })]).get(ID);
    expect(journey).toMatchObject({ state: 'moving', steps: [{ kind: 'reported', tone: 'local' }] });
  });

  it('takes what another version may send without falling over', () => {
    const odd = [{}, { NetworkMessageId: 7 }, record(1, 'SOMETHING'), record(1, 'DEFER', { RecipientStatus: null })];
    expect(() => addRecords(new Map(), odd, HUB)).not.toThrow();
    expect(readStep({ EventId: 'SEND' }, EDGE)).toMatchObject({ to: 'outside', at: 0, tone: 'stopped' });
  });

  it('keeps a bounded number, those that moved last', () => {
    const many = Array.from({ length: MAX_JOURNEYS + 50 }, (_, index) =>
      record(1, 'SEND', { NetworkMessageId: `id-${index}` }),
    );
    const first = addRecords(new Map(), many.slice(0, MAX_JOURNEYS), EDGE).journeys;
    const again = record(9, 'DEFER', { NetworkMessageId: 'id-0' });
    const { journeys } = addRecords(first, [again, ...many.slice(MAX_JOURNEYS)], EDGE);
    expect(journeys.size).toBe(MAX_JOURNEYS);
    expect([journeys.has('id-0'), journeys.has('id-1')]).toEqual([true, false]);
  });
});
