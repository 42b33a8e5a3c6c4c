import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { getMessage } from '../../../src/cmdlets/get-message.ts';
import { rows, runCmdlet } from '../../helpers/cmdlet-context.ts';
import {
  contextOf,
  makeDelivery,
  makeMessage,
  makeQueue,
  NOWHERE,
  TO_EDGE,
  TO_MAILBOX,
} from '../../helpers/queue-fixtures.ts';
import { makeEnvelope } from '../../helpers/spool-fixtures.ts';

const HOSTILE = '\u001b[2Jfree \u202emoney';
const both = makeMessage(17);
const report = makeMessage(18, {
  envelope: makeEnvelope({ reversePath: '', source: 'DSN', subject: HOSTILE, sourceAddress: '192.0.2.9' }),
});
const edge = makeQueue(
  3,
  TO_EDGE,
  makeDelivery(both, { hasWaited: true, lastError: '451 4.4.0 no route', attempts: 2 }),
  makeDelivery(report),
);
const mailbox = makeQueue(4, TO_MAILBOX);
mailbox.active.add(makeDelivery(both, { indexes: [1] }));
const nowhere = makeQueue(5, NOWHERE, makeDelivery(makeMessage(20)));
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
});
