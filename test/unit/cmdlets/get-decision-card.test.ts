import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { getDecisionCard } from '../../../src/cmdlets/get-decision-card.ts';
import type { ServerContext } from '../../../src/cmdlets/server-context.ts';
import { silentLog } from '../../../src/log.ts';
import { CardLog } from '../../../src/tracking/card-log.ts';
import type { DecisionCard } from '../../../src/tracking/decision-card.ts';
import { REASONS } from '../../../src/trust/reasons.ts';
import { CHRISTMAS, makeContext, runCmdlet, StillClock } from '../../helpers/cmdlet-context.ts';

const SENT: DecisionCard = {
  id: 'card-1',
  time: CHRISTMAS.toISOString(),
  clockOffset: '+400d',
  side: 'sender',
  server: 'hub01.contoso.test',
  connector: 'Intra-Organization SMTP Send Connector',
  peer: { name: 'edge01.contoso.test', address: '192.0.2.5', port: 25 },
  internalMessageId: 7,
  messageId: '<one@contoso.test>',
  networkMessageId: 'N-1',
  policy: 'direct-trust',
  rule: 'direct trust: on record and in date',
  reason: 'direct-trust',
  startTls: { offered: true, attempted: true, verb: 'X-ANONYMOUSTLS', answer: 220 },
  tls: {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    localThumbprint: 'AA',
    localNotAfter: '2008-12-24T00:00:00.000Z',
    peerThumbprint: 'BB',
    peerNotBefore: '2007-12-01T00:00:00.000Z',
    peerNotAfter: '2008-12-01T00:00:00.000Z',
  },
  authentication: { mechanism: 'EXTERNAL', identity: 'hub01.contoso.test', result: 'recognised' },
  channel: 'tls',
  protection: 'authenticated-and-protected',
  outcome: 'delivered',
  detail: '250 2.6.0 queued',
  events: [12_018],
  passedOver: [
    {
      peer: 'hub02.contoso.test',
      reason: 'connection-failed',
      detail: '421 4.4.1 Cannot use hub02.contoso.test',
    },
  ],
};

const RECEIVED: DecisionCard = {
  id: 'card-2',
  time: CHRISTMAS.toISOString(),
  side: 'receiver',
  server: 'hub01.contoso.test',
  connector: 'Default HUB01',
  peer: { address: '192.0.2.6', port: 40_000 },
  messageId: '<two@contoso.test>',
  networkMessageId: 'N-2',
  policy: 'reception',
  rule: 'reception: STARTTLS offered',
  reason: 'starttls-not-used',
  startTls: { offered: true, attempted: false },
  authentication: undefined,
  channel: 'plaintext',
  protection: 'none',
  outcome: 'accepted',
  events: [],
};

describe('Get-DecisionCard', () => {
  let folder: string;
  let cards: CardLog<DecisionCard>;
  let context: ServerContext;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-cards-'));
    const clock = new StillClock();
    cards = new CardLog({ folder, clock, log: silentLog(), version: '0.1.0' });
    context = makeContext({ clock, cards });
    cards.record(SENT);
    cards.record(RECEIVED);
    cards.record({ ...SENT, id: 'card-3', outcome: 'deferred', internalMessageId: 8 });
  });

  afterEach(() => {
    cards.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function ids(typed: Record<string, string>): Promise<unknown[]> {
    const { records } = await runCmdlet(getDecisionCard, context, typed);
    return records.map((record) => (record['Card'] as unknown as DecisionCard).id);
  }

  it('is declared soundly', () => {
    expect(faultsOf(getDecisionCard)).toEqual([]);
  });

  it('tells a card in reading order, and hands over the whole of it', async () => {
    const { records } = await runCmdlet(getDecisionCard, context, { Newest: '3', Outcome: 'delivered' });
    expect(Object.entries(records[0] ?? {})).toEqual([
      ['Time', CHRISTMAS],
      ['ClockOffset', '+400d'],
      ['Side', 'sender'],
      ['Server', 'hub01.contoso.test'],
      ['Connector', 'Intra-Organization SMTP Send Connector'],
      ['Peer', 'edge01.contoso.test'],
      ['PeerAddress', '192.0.2.5'],
      ['PeerPort', 25],
      ['PeerVia', null],
      ['MessageId', '<one@contoso.test>'],
      ['InternalMessageId', 7],
      ['NetworkMessageId', 'N-1'],
      ['StartTlsOffered', true],
      ['StartTlsAttempted', true],
      ['TlsVerb', 'X-ANONYMOUSTLS'],
      ['TlsVerbNotOffered', null],
      ['StartTlsAnswer', 220],
      ['StartTlsFailure', null],
      ['TlsVersion', 'TLSv1.3'],
      ['TlsCipher', 'TLS_AES_256_GCM_SHA384'],
      ['LocalThumbprint', 'AA'],
      ['PeerThumbprint', 'BB'],
      ['LocalNotAfter', new Date('2008-12-24T00:00:00Z')],
      ['PeerNotBefore', new Date('2007-12-01T00:00:00Z')],
      ['PeerNotAfter', new Date('2008-12-01T00:00:00Z')],
      ['Authentication', 'EXTERNAL'],
      ['AuthenticationIdentity', 'hub01.contoso.test'],
      ['AuthenticationResult', 'recognised'],
      ['Channel', 'TLS'],
      ['Policy', 'direct-trust'],
      ['Rule', 'direct trust: on record and in date'],
      ['Reason', 'direct-trust'],
      ['Explanation', REASONS['direct-trust']],
      ['Protection', 'authenticated-and-protected'],
      ['Events', [12_018]],
      ['Outcome', 'delivered'],
      ['Detail', '250 2.6.0 queued'],
      ['PassedOver', ['hub02.contoso.test: 421 4.4.1 Cannot use hub02.contoso.test']],
      ['Captures', []],
      ['Card', SENT],
    ]);
  });

  it('lists the same properties for a card in clear, empty where there is nothing to tell', async () => {
    const { records } = await runCmdlet(getDecisionCard, context);
    const [sent, received] = records;
    expect(Object.keys(received ?? {})).toEqual(Object.keys(sent ?? {}));
    expect(received).toMatchObject({ Peer: '192.0.2.6', Channel: 'plaintext', TlsVersion: null, PeerNotAfter: null });
  });

  it.each<[Record<string, string>, readonly string[]]>([
    [{}, ['card-1', 'card-2', 'card-3']],
    [{ Newest: '2' }, ['card-3', 'card-2']],
    [{ Newest: '2', ResultSize: 'unlimited' }, ['card-3', 'card-2']],
    [{ MessageId: 'ONE@contoso.test' }, ['card-1', 'card-3']],
    [{ MessageId: '<two@contoso.test>' }, ['card-2']],
    [{ NetworkMessageId: 'n-2' }, ['card-2']],
    [{ InternalMessageId: '8' }, ['card-3']],
    [{ Reason: 'starttls-not-used' }, ['card-2']],
    [{ Outcome: 'Deferred' }, ['card-3']],
    [{ Reason: 'direct-trust', Newest: '1' }, ['card-3']],
    [{ Outcome: 'refused' }, []],
  ])('finds by %j: %j', async (typed, expected) => {
    expect(await ids(typed)).toEqual(expected);
  });

  it('stops at -ResultSize and says that there are more', async () => {
    const { records, warnings } = await runCmdlet(getDecisionCard, context, { ResultSize: '2' });
    expect([records.length, warnings?.length]).toEqual([2, 1]);
    expect((await runCmdlet(getDecisionCard, context, { Newest: '2' })).warnings).toBeUndefined();
  });

  it('refuses a reason that is not on the list', async () => {
    await expect(ids({ Reason: 'bad-luck' })).rejects.toThrow(/-Reason: "bad-luck" is not one of direct-trust/);
  });
});
