// Delivery status notifications with Postfix before and behind the pair: it hands in what its sender wishes to be told, and it
// takes over a wish that the Edge hands on.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readReport } from '../helpers/mime.ts';
import { Pair } from '../helpers/pair.ts';
import { requirePeer, requireRoot } from '../helpers/peers.ts';
import { Postfix } from '../helpers/postfix.ts';
import { Sink, type SunkMessage } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';

const hasPostfix = [requirePeer('postfix'), requireRoot()].every(Boolean);

const WITHOUT_DSN = ['PIPELINING', '8BITMIME', 'SIZE 104857600'];
const INSIDER = 'inside@contoso.test';
const START_LIMIT_MS = 180_000;

let internet: Sink;
let mailboxes: Sink;
beforeAll(async () => {
  const onMessage = ({ reversePath, content }: SunkMessage): string | undefined =>
    reversePath !== '' && content.includes('Subject: bad') ? '554 5.6.0 Not that' : undefined;
  [internet, mailboxes] = await Promise.all([Sink.open({ keywords: WITHOUT_DSN, onMessage }), Sink.open()]);
});
afterAll(() => Promise.all([internet.close(), mailboxes.close()]));

/** The first report to this address on the message with this subject, waited for. */
async function awaitReport(sink: Sink, recipient: string, subject: string): Promise<SunkMessage> {
  const find = (): SunkMessage | undefined =>
    sink.messages.find(
      ({ recipients, content }) =>
        recipients.includes(recipient) &&
        content.includes('report-type=delivery-status') &&
        content.includes(`Subject: ${subject}\r\n`),
    );
  await sink.waitFor(() => find() !== undefined);
  const report = find();
  if (!report) throw new Error('waitFor has lied');
  return report;
}

describe.skipIf(!hasPostfix)('Postfix before the pair', () => {
  let giver: Postfix;
  let pair: Pair;
  beforeAll(async () => {
    pair = await Pair.up({ smartHostPort: internet.port, deliver: `smtp:127.0.0.1:${mailboxes.port}` });
    giver = await Postfix.open({ name: 'giver', transports: { '*': pair.hubPort } });
  }, START_LIMIT_MS);
  afterAll(async () => {
    await Promise.all([giver?.close(), pair?.[Symbol.asyncDispose]()]);
  }, START_LIMIT_MS);

  it.each([
    ['good', 'relayed', '2.6.0'],
    ['bad', 'failed', '5.6.0'],
  ])('leaves a message that is %s to the Edge, which says that it was %s', async (kind, action, status) => {
    const subject = `${kind} by Postfix`;
    await giver.sendmail('anna@origin.test', 'bob@elsewhere.test', `Subject: ${subject}\n\nhello\n`, [
      '-N',
      'success,failure',
      '-V',
      'envelope+1',
      '-R',
      'full',
    ]);
    const { content, reversePath } = await awaitReport(internet, 'anna@origin.test', subject);
    expect(reversePath).toBe('');
    const { groups, returned } = readReport(content);
    expect(groups.map((group) => Object.fromEntries(group))).toMatchObject([
      { 'reporting-mta': 'dns; edge01.perimeter.test', 'original-envelope-id': 'envelope+1' },
      {
        'original-recipient': 'rfc822; bob@elsewhere.test',
        'final-recipient': 'rfc822; bob@elsewhere.test',
        action,
        status,
      },
    ]);
    expect(returned.fields.get('content-type')).toBe(action === 'failed' ? 'message/rfc822' : 'text/rfc822-headers');
    // Postfix handed the wish over and says nothing itself.
    expect(giver.log()).not.toMatch(/sender delivery status notification|sender non-delivery notification/);
  });
});

describe.skipIf(!hasPostfix)('Postfix behind the pair', () => {
  let taker: Postfix;
  let pair: Pair;
  beforeAll(async () => {
    taker = await Postfix.open({ name: 'taker', transports: { 'contoso.test': mailboxes.port, '*': internet.port } });
    pair = await Pair.up({ smartHostPort: taker.port, deliver: `smtp:127.0.0.1:${mailboxes.port}` });
  }, START_LIMIT_MS);
  afterAll(async () => {
    await Promise.all([taker?.close(), pair?.[Symbol.asyncDispose]()]);
  }, START_LIMIT_MS);

  it.each([
    ['good', 'relayed'],
    ['bad', 'failed'],
  ])('takes the wish with a message that is %s, and itself says that it was %s', async (kind, action) => {
    const subject = `${kind} to Postfix`;
    const { reply, isAccepted } = await submit({
      port: pair.hubPort,
      from: INSIDER,
      to: ['bob@elsewhere.test'],
      mailParameters: 'ENVID=envelope+2B2 RET=HDRS',
      recipientParameters: 'NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first@elsewhere.test',
      content: Buffer.from(`Subject: ${subject}\r\n\r\nhello\r\n`),
    });
    expect([isAccepted, reply]).toEqual([true, expect.any(String)]);
    const { content } = await awaitReport(mailboxes, INSIDER, subject);
    const text = content.toString();
    expect(text).toMatch(/Reporting-MTA: dns; taker\.test/);
    // Postfix repeats an envelope id as it came, in xtext.
    expect(text).toMatch(/Original-Envelope-Id: envelope\+(?:2B)?2/);
    expect(text).toMatch(/Original-Recipient: rfc822;first@elsewhere\.test/);
    expect(text).toMatch(new RegExp(`Action: ${action}`));
    expect(await pair.cmdlet('edge', 'Get-MessageTrackingLog', '-EventId', 'DSN')).toEqual([]);
  });
});
