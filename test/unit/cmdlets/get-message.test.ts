import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { getMessage } from '../../../src/cmdlets/get-message.ts';
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
import { makeEnvelope } from '../../helpers/spool-fixtures.ts';

const HOSTILE = '\u001b[2Jfree \u202emoney';
const FOUR_HOURS_MS = 4 * 3_600_000;
const both = makeMessage(17, {
  envelope: makeEnvelope({
    messageId: '<17@example.com>',
    subject: 'number 17',
    receivedAt: new Date(CHRISTMAS.getTime() - FOUR_HOURS_MS),
  }),
});
const report = makeMessage(18, {
  envelope: makeEnvelope({ reversePath: '', source: 'DSN', subject: HOSTILE, sourceAddress: '192.0.2.9' }),
});
const edge = makeQueue(
  3,
  TO_EDGE,
  makeTicket(both, { hasWaited: true, lastError: '451 4.4.0 no route', attempts: 2 }),
  makeTicket(report),
);
const mailbox = makeQueue(4, TO_MAILBOX);
mailbox.active.add(makeTicket(both, { indexes: [1] }));
const nowhere = makeQueue(5, NOWHERE, makeTicket(makeMessage(20)));
const unclaimed = [makeMessage(19), makeMessage(21, { suspended: true })];
const context = contextOf([edge, mailbox, nowhere], unclaimed);

async function identities(typed: Record<string, string>): Promise<unknown[]> {
  const { records } = await runCmdlet(getMessage, context, typed);
  return records.map((record) => record['Identity']);
}

describe('Get-Message', () => {
  it('is declared soundly', () => {
    expect(faultsOf(getMessage)).toEqual([]);
  });

  it('lists a message in every queue it waits in, and what is in no queue yet', async () => {
    const { records } = await runCmdlet(getMessage, context);
    expect(rows(records, 'Identity', 'FromAddress', 'Status', 'Queue')).toEqual([
      'HUB01\\3\\17 | sender@example.com | Retry | HUB01\\3',
      'HUB01\\3\\18 | <> | Ready | HUB01\\3',
      'HUB01\\4\\17 | sender@example.com | Active | HUB01\\4',
      'HUB01\\Unreachable\\20 | sender@example.com | Ready | HUB01\\Unreachable',
      'HUB01\\Submission\\19 | sender@example.com | Ready | HUB01\\Submission',
      'HUB01\\Submission\\21 | sender@example.com | Suspended | HUB01\\Submission',
    ]);
  });

  it("shows Exchange's properties in Exchange's order", async () => {
    const { records } = await runCmdlet(getMessage, context, { Identity: 'HUB01\\3\\17' });
    expect(Object.entries(records[0] ?? {})).toEqual([
      ['Identity', 'HUB01\\3\\17'],
      ['Subject', 'number 17'],
      ['InternetMessageId', '<17@example.com>'],
      ['FromAddress', 'sender@example.com'],
      ['Status', 'Retry'],
      ['Size', { $size: 1017 }],
      ['MessageSourceName', 'SMTP:Default HUB01'],
      ['SourceIP', null],
      ['DateReceived', both.envelope.receivedAt],
      ['ExpirationTime', both.envelope.expiresAt],
      ['LastError', '451 4.4.0 no route'],
      ['Queue', 'HUB01\\3'],
      ['Recipients', ['anna@contoso.test']],
      ['RetryCount', 2],
      ['MessageLatency', { $timeSpan: FOUR_HOURS_MS }],
      ['NetworkMessageId', both.envelope.networkMessageId],
    ]);
  });

  it('tells each recipient apart when asked to', async () => {
    const typed = { Identity: '3\\17', IncludeRecipientInfo: 'true' };
    const { records } = await runCmdlet(getMessage, context, typed);
    expect(records[0]?.['Recipients']).toEqual([
      { Address: 'anna@contoso.test', Status: 'Retry', LastError: '451 4.4.0 no route' },
    ]);
  });

  it("gives the queue's reason to a message that has none of its own", async () => {
    const { records } = await runCmdlet(getMessage, context, { Queue: 'Unreachable' });
    expect(records).toMatchObject([{ LastError: expect.stringMatching(/matching connector/) }]);
  });

  it('leaves a hostile subject as it is, for the door to make harmless', async () => {
    const { records } = await runCmdlet(getMessage, context, { Identity: '18' });
    expect(records).toMatchObject([{ Subject: HOSTILE, SourceIP: '192.0.2.9', MessageSourceName: 'DSN' }]);
  });

  it.each([
    ['HUB01\\3\\17', ['HUB01\\3\\17']],
    ['hub01\\EdgeSync - Site to Internet\\17', ['HUB01\\3\\17']],
    ['3\\17', ['HUB01\\3\\17']],
    ['17', ['HUB01\\3\\17', 'HUB01\\4\\17']],
    ['HUB01\\*\\17', ['HUB01\\3\\17', 'HUB01\\4\\17']],
    ['Submission\\19', ['HUB01\\Submission\\19']],
  ])('finds the message that -Identity names: %s', async (identity, expected) => {
    expect(await identities({ Identity: identity })).toEqual(expected);
  });

  it.each(['99', '3\\19', 'EDGE01\\3\\17', ''])(
    'refuses an -Identity that names no message: "%s"',
    async (identity) => {
      await expect(runCmdlet(getMessage, context, { Identity: identity })).rejects.toMatchObject({
        code: 'message-not-found',
        message: `there is no message "${identity}" in the queues of HUB01`,
      });
    },
  );

  it('keeps to the queue that -Queue names', async () => {
    expect(await identities({ Queue: 'HUB01\\4' })).toEqual(['HUB01\\4\\17']);
    expect(await identities({ Queue: 'submission' })).toEqual(['HUB01\\Submission\\19', 'HUB01\\Submission\\21']);
    await expect(runCmdlet(getMessage, context, { Queue: '9' })).rejects.toMatchObject({ code: 'queue-not-found' });
  });

  it.each([
    [`Status -eq 'Retry'`, ['HUB01\\3\\17']],
    [`FromAddress -eq '<>'`, ['HUB01\\3\\18']],
    [`Size -gt 1020 -and Subject -like 'NUMBER*'`, ['HUB01\\Submission\\21']],
    [`RetryCount -ge 2`, ['HUB01\\3\\17']],
    [`MessageLatency -ge 4h -and Status -ne 'Active'`, ['HUB01\\3\\17']],
  ])('keeps what -Filter describes: %s', async (filter, expected) => {
    expect(await identities({ Filter: filter })).toEqual(expected);
  });

  it('shows a thousand unless asked for more, and says so', async () => {
    const many = contextOf(
      [],
      Array.from({ length: 1203 }, (_, index) => makeMessage(index + 1)),
    );
    const { records, warnings } = await runCmdlet(getMessage, many);
    expect([records.length, warnings?.length]).toEqual([1000, 1]);
    const all = await runCmdlet(getMessage, many, { ResultSize: 'unlimited' });
    expect([all.records.length, all.warnings]).toEqual([1203, undefined]);
  });

  it('shows what the spool has set aside as Poison, with the reason and whatever is known of it', async () => {
    const reason = 'the checksum of its envelope is wrong';
    const foundAt = CHRISTMAS;
    const known = makeEnvelope({ subject: 'still legible' });
    const damaged = [
      { id: 30, reason, foundAt },
      { id: 31, reason, foundAt, envelope: known },
    ];
    const { records } = await runCmdlet(getMessage, contextOf([], [], damaged), { Queue: 'Poison' });
    expect(rows(records, 'Identity', 'Status', 'LastError', 'Subject')).toEqual([
      `HUB01\\Poison\\30 | Suspended | Set aside as damaged: ${reason} | `,
      `HUB01\\Poison\\31 | Suspended | Set aside as damaged: ${reason} | still legible`,
    ]);
  });

  it('leaves out what has left the spool meanwhile', async () => {
    const gone = contextOf([makeQueue(3, TO_EDGE, makeTicket(both))]);
    const spool = { ...gone.spool, get: () => Promise.resolve(undefined) };
    const { records } = await runCmdlet(getMessage, { ...gone, spool });
    expect(records).toEqual([]);
  });

  it('sorts, and goes on where the page before it ended', async () => {
    const page = (index: string): Promise<unknown[]> =>
      identities({ SortOrder: '-Size,+Queue', ResultSize: '2', BookmarkIndex: index });
    expect(await page('1')).toEqual(['HUB01\\Submission\\21', 'HUB01\\Unreachable\\20']);
    expect(await page('3')).toEqual(['HUB01\\Submission\\19', 'HUB01\\3\\18']);
    expect(await page('5')).toEqual(['HUB01\\3\\17', 'HUB01\\4\\17']);
    expect(await page('7')).toEqual([]);
    const { notices } = await runCmdlet(getMessage, context, { BookmarkIndex: '5', ReturnPageInfo: '$true' });
    expect(notices).toEqual(['Results 5 to 6 of 6.']);
  });

  it('reads no more of a large spool than it shows', async () => {
    const waiting = Array.from({ length: 5000 }, (_, index) => makeTicket(makeMessage(index + 1)));
    const large = contextOf([makeQueue(3, TO_EDGE, ...waiting)]);
    let reads = 0;
    const get = (id: number) => {
      reads += 1;
      return large.spool.get(id);
    };
    const spool = { ...large.spool, get };
    const { records } = await runCmdlet(getMessage, { ...large, spool }, { ResultSize: '10' });
    expect([records.length, reads]).toEqual([10, 11]);
  });
});
