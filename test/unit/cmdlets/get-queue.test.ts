import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { getQueue } from '../../../src/cmdlets/get-queue.ts';
import { CHRISTMAS, rows, runCmdlet } from '../../helpers/cmdlet-context.ts';
import {
  contextOf,
  makeTicket,
  makeMessage,
  makeQueue,
  NOWHERE,
  TO_EDGE,
  TO_MAILBOX,
} from '../../helpers/queue-fixtures.ts';

const first = makeMessage(1);
const second = makeMessage(2);
const third = makeMessage(3);
const fourth = makeMessage(4);

function makeQueues() {
  const unreachable = makeQueue(1, NOWHERE, makeTicket(third));
  const edge = makeQueue(3, TO_EDGE, makeTicket(first), makeTicket(second));
  edge.failures = 2;
  edge.retryAtMs = 1;
  edge.lastError = '451 4.4.0 no route';
  edge.lastRetryTime = CHRISTMAS;
  edge.nextRetryTime = new Date(CHRISTMAS.getTime() + 60_000);
  // The first message has a recipient here, too.
  const mailbox = makeQueue(2, TO_MAILBOX);
  mailbox.active.add(makeTicket(first, { indexes: [1] }));
  mailbox.connections = 1;
  return [unreachable, edge, mailbox];
}

const context = contextOf(makeQueues(), [fourth]);

async function identities(typed: Record<string, string>): Promise<unknown[]> {
  const { records } = await runCmdlet(getQueue, context, typed);
  return records.map((record) => record['Identity']);
}

describe('Get-Queue', () => {
  it('is declared soundly', () => {
    expect(faultsOf(getQueue)).toEqual([]);
  });

  it('lists the queues by number, then Unreachable and Submission', async () => {
    const { records } = await runCmdlet(getQueue, context);
    expect(rows(records, 'Identity', 'DeliveryType', 'Status', 'MessageCount', 'NextHopDomain')).toEqual([
      'HUB01\\2 | SmtpDeliveryToMailbox | Active | 1 | 127.0.0.1:2527',
      'HUB01\\3 | SmtpRelayWithinAdSiteToEdge | Retry | 2 | EdgeSync - Site to Internet',
      'HUB01\\Unreachable | Unreachable | Ready | 1 | Unreachable Domain',
      'HUB01\\Submission | Undefined | Ready | 1 | Submission',
    ]);
  });

  it("shows Exchange's properties in Exchange's order, and its own", async () => {
    const { records } = await runCmdlet(getQueue, context, { Identity: '3' });
    expect(Object.entries(records[0] ?? {})).toEqual([
      ['Identity', 'HUB01\\3'],
      ['DeliveryType', 'SmtpRelayWithinAdSiteToEdge'],
      ['NextHopDomain', 'EdgeSync - Site to Internet'],
      ['TlsDomain', null],
      ['TlsDemand', null],
      ['NextHopConnector', 'Intra-Organization SMTP Send Connector'],
      ['Status', 'Retry'],
      ['MessageCount', 2],
      ['LastError', '451 4.4.0 no route'],
      ['LastRetryTime', CHRISTMAS],
      ['NextRetryTime', new Date(CHRISTMAS.getTime() + 60_000)],
      ['DeferredMessageCount', 0],
      ['RetryCount', 2],
      ['NextHopCategory', 'Internal'],
      ['Connections', 0],
    ]);
  });

  it('says why Unreachable waits before anything was tried', async () => {
    const { records } = await runCmdlet(getQueue, context, { Identity: 'Unreachable' });
    expect(records[0]?.['LastError']).toBe(NOWHERE.kind === 'unreachable' ? NOWHERE.lastError : '');
  });

  it('shows Submission when there is nothing at all', async () => {
    const { records } = await runCmdlet(getQueue, contextOf([]));
    expect(records).toMatchObject([{ Identity: 'HUB01\\Submission', MessageCount: 0 }]);
  });

  it.each([
    ['HUB01\\3', ['HUB01\\3']],
    ['hub01.contoso.test\\3', ['HUB01\\3']],
    ['3', ['HUB01\\3']],
    ['edgesync - site to internet', ['HUB01\\3']],
    ['hub01\\submission', ['HUB01\\Submission']],
    ['Unreachable Domain', ['HUB01\\Unreachable']],
  ])('finds the queue that -Identity names: %s', async (identity, expected) => {
    expect(await identities({ Identity: identity })).toEqual(expected);
  });

  it.each(['9', 'EDGE01\\3', 'HUB01\\', ''])('refuses an -Identity that names no queue: "%s"', async (identity) => {
    await expect(runCmdlet(getQueue, context, { Identity: identity })).rejects.toMatchObject({
      code: 'queue-not-found',
      message: `there is no queue "${identity}" on HUB01; Get-Queue lists them`,
    });
  });

  it.each([
    [`Status -eq 'Retry' -and MessageCount -gt 1`, ['HUB01\\3']],
    [`NextRetryTime -gt '2007-12-24 20:00'`, ['HUB01\\3']],
    [`LastError -like '*connector*'`, ['HUB01\\Unreachable']],
    [`DeliveryType -eq 'DnsConnectorDelivery'`, []],
  ])('keeps what -Filter describes: %s', async (filter, expected) => {
    expect(await identities({ Filter: filter })).toEqual(expected);
  });

  it('stops at -ResultSize and says that there are more', async () => {
    const { records, warnings } = await runCmdlet(getQueue, context, { ResultSize: '1' });
    expect(records).toHaveLength(1);
    expect(warnings?.[0]).toMatch(/more results than the 1 shown/);
    expect((await runCmdlet(getQueue, context, { ResultSize: '4' })).warnings).toBeUndefined();
    expect((await runCmdlet(getQueue, context, { ResultSize: 'unlimited' })).records).toHaveLength(4);
  });

  it('is asked of this server only', async () => {
    expect(await identities({ Server: 'hub01' })).toHaveLength(4);
    await expect(runCmdlet(getQueue, context, { Server: 'EDGE01' })).rejects.toMatchObject({
      code: 'not-found',
      message: 'this is HUB01, not "EDGE01"',
    });
  });

  it('counts what waits because an attempt has failed', async () => {
    const queue = makeQueue(7, TO_EDGE, makeTicket(first, { hasWaited: true }), makeTicket(second));
    const { records } = await runCmdlet(getQueue, contextOf([queue]), { Identity: '7' });
    expect(records).toMatchObject([{ MessageCount: 2, DeferredMessageCount: 1 }]);
  });

  it('shows Poison once something is in it, or when it is asked for', async () => {
    const damaged = { id: 9, reason: 'the checksum of its body is wrong', foundAt: CHRISTMAS };
    const { records } = await runCmdlet(getQueue, contextOf([], [], [damaged]));
    expect(rows(records, 'Identity', 'Status', 'MessageCount', 'NextHopDomain')).toEqual([
      'HUB01\\Submission | Ready | 0 | Submission',
      'HUB01\\Poison | Suspended | 1 | Poison Message',
    ]);
    const { records: empty } = await runCmdlet(getQueue, context, { Identity: 'poison' });
    expect(empty).toMatchObject([{ Identity: 'HUB01\\Poison', MessageCount: 0 }]);
  });

  it('includes and excludes kinds of queues', async () => {
    expect(await identities({ Include: 'unreachable,Undefined' })).toEqual(['HUB01\\Unreachable', 'HUB01\\Submission']);
    expect(await identities({ Exclude: 'Internal' })).toEqual([]);
    const empty = contextOf([makeQueue(8, TO_EDGE)], [fourth]);
    const { records } = await runCmdlet(getQueue, empty, { Exclude: 'Empty' });
    expect(rows(records, 'Identity')).toEqual(['HUB01\\Submission']);
  });

  it('sorts by what it is told, and refuses what is no property', async () => {
    expect(await identities({ SortOrder: '-messagecount,+Identity' })).toEqual([
      'HUB01\\3',
      'HUB01\\2',
      'HUB01\\Submission',
      'HUB01\\Unreachable',
    ]);
    await expect(identities({ SortOrder: '+Stats' })).rejects.toMatchObject({
      code: 'bad-value',
      message: expect.stringMatching(/^-SortOrder: "Stats" is not one of the properties .*; did you mean Status\?$/),
    });
  });
});
