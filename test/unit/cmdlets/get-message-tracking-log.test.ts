import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { getMessageTrackingLog } from '../../../src/cmdlets/get-message-tracking-log.ts';
import type { ServerContext } from '../../../src/cmdlets/server-context.ts';
import { silentLog } from '../../../src/log.ts';
import { MessageTracking } from '../../../src/tracking/message-tracking.ts';
import { CHRISTMAS, column, makeContext, runCmdlet, StillClock } from '../../helpers/cmdlet-context.ts';

const MINUTE_MS = 60_000;
const HOSTILE = '\u001b[2Jinvoice; "paid"\u202e';
const SUMMARY = JSON.stringify({
  card: 'c-1',
  channel: 'tls',
  reason: 'direct-trust',
  protection: 'authenticated-and-protected',
  version: 'TLSv1.3',
});

describe('Get-MessageTrackingLog', () => {
  let folder: string;
  let tracking: MessageTracking;
  let context: ServerContext;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-tracking-'));
    const clock = new StillClock();
    tracking = new MessageTracking({ folder, clock, log: silentLog(), version: '0.1.0' });
    context = makeContext({ clock, tracking });
    tracking.record({
      eventId: 'RECEIVE',
      source: 'SMTP',
      clientIp: '192.0.2.1',
      connectorId: 'Default HUB01',
      internalMessageId: 7,
      messageId: '<one@contoso.test>',
      networkMessageId: 'N-1',
      recipients: ['anna@contoso.test', 'bob@contoso.test'],
      recipientStatus: ['250 2.1.5 Recipient OK', '250 2.1.5 Recipient OK'],
      totalBytes: 1234,
      messageSubject: HOSTILE,
      sender: 'olaf@outside.test',
      returnPath: 'olaf@outside.test',
      customData: JSON.stringify({ channel: 'plaintext', reason: 'certificate-expired' }),
    });
    clock.nowMs += MINUTE_MS;
    tracking.record({
      eventId: 'SEND',
      source: 'SMTP',
      internalMessageId: 7,
      messageId: '<one@contoso.test>',
      recipients: ['bob@contoso.test'],
      sender: 'olaf@outside.test',
      customData: SUMMARY,
    });
    clock.nowMs += MINUTE_MS;
    tracking.record({
      eventId: 'DSN',
      source: 'DSN',
      messageId: '<report@hub01.contoso.test>',
      recipients: ['olaf@outside.test'],
      reference: ['<one@contoso.test>'],
    });
  });

  afterEach(() => {
    tracking.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function found(typed: Record<string, string>): Promise<string> {
    const { records } = await runCmdlet(getMessageTrackingLog, context, typed);
    return column(records, 'EventId').join(' ');
  }

  it('is declared soundly', () => {
    expect(faultsOf(getMessageTrackingLog)).toEqual([]);
  });

  it("shows the log's columns under Exchange's names, then what the decision card says", async () => {
    const { records } = await runCmdlet(getMessageTrackingLog, context, { EventId: 'send' });
    expect(Object.keys(records[0] ?? {}).join(' ')).toBe(
      'Timestamp ClientIp ClientHostname ServerIp ServerHostname SourceContext ConnectorId Source EventId InternalMessageId MessageId NetworkMessageId Recipients RecipientStatus TotalBytes RecipientCount RelatedRecipientAddress Reference MessageSubject Sender ReturnPath MessageInfo CustomData Channel Reason Protection TlsVersion',
    );
    expect(records).toMatchObject([
      {
        Timestamp: new Date(CHRISTMAS.getTime() + MINUTE_MS),
        Recipients: ['bob@contoso.test'],
        CustomData: SUMMARY,
        Channel: 'TLS',
        Reason: 'direct-trust',
        Protection: 'authenticated-and-protected',
        TlsVersion: 'TLSv1.3',
      },
    ]);
  });

  it('leaves empty what is not known', async () => {
    const { records } = await runCmdlet(getMessageTrackingLog, context);
    const facts = records.map(({ Channel, Reason, TlsVersion, TotalBytes }) => [
      Channel,
      Reason,
      TlsVersion,
      TotalBytes,
    ]);
    expect(facts).toEqual([
      ['plaintext', 'certificate-expired', null, 1234],
      ['TLS', 'direct-trust', 'TLSv1.3', null],
      [null, null, null, null],
    ]);
  });

  it.each(['not JSON', 'null', '[]', '7', '{"channel":{"$date":1},"reason":5}'])(
    'reads nothing out of custom data that is no summary: %s',
    async (customData) => {
      tracking.record({ eventId: 'FAIL', source: 'QUEUE', customData });
      const { records } = await runCmdlet(getMessageTrackingLog, context, { EventId: 'FAIL' });
      expect(records).toMatchObject([{ CustomData: customData, Channel: null, Reason: null, Protection: null }]);
    },
  );

  it('leaves a hostile subject as it is, for the door to make harmless', async () => {
    const { records } = await runCmdlet(getMessageTrackingLog, context, { MessageSubject: 'INVOICE' });
    expect(records).toMatchObject([{ EventId: 'RECEIVE', MessageSubject: HOSTILE }]);
  });

  it.each<[Record<string, string>, string]>([
    [{}, 'RECEIVE SEND DSN'],
    [{ Start: '2007-12-24 20:01' }, 'SEND DSN'],
    [{ End: '2007-12-24 20:01' }, 'RECEIVE'],
    [{ Start: '2007-12-24 20:01', End: '2007-12-24 20:02' }, 'SEND'],
    [{ Source: 'dsn' }, 'DSN'],
    [{ Sender: 'OLAF@outside.test' }, 'RECEIVE SEND'],
    [{ Recipients: 'anna@contoso.test,nobody@contoso.test' }, 'RECEIVE'],
    [{ MessageId: 'one@contoso.test' }, 'RECEIVE SEND'],
    [{ InternalMessageId: '7' }, 'RECEIVE SEND'],
    [{ NetworkMessageId: 'n-1' }, 'RECEIVE'],
    [{ Reference: 'ONE@contoso.test' }, 'DSN'],
    [{ Reference: '<two@contoso.test>' }, ''],
    [{ Reference: '<one@contoso.test>', EventId: 'SEND' }, ''],
    [{ Server: 'HUB01' }, 'RECEIVE SEND DSN'],
    [{ Newest: '2' }, 'DSN SEND'],
    [{ Newest: '2', End: '2007-12-24 20:02' }, 'SEND RECEIVE'],
    [{ Newest: '1', Reference: 'ONE@contoso.test' }, 'DSN'],
  ])('finds by %j: %s', async (typed, expected) => {
    expect(await found(typed)).toBe(expected);
  });

  it('stops at -ResultSize and says that there are more', async () => {
    const { records, warnings } = await runCmdlet(getMessageTrackingLog, context, { ResultSize: '2' });
    expect([records.length, warnings?.length]).toEqual([2, 1]);
    expect((await runCmdlet(getMessageTrackingLog, context, { ResultSize: '3' })).warnings).toBeUndefined();
    expect((await runCmdlet(getMessageTrackingLog, context, { ResultSize: '2', Newest: '3' })).warnings).toHaveLength(
      1,
    );
  });

  it.each<[Record<string, string>, RegExp]>([
    [{ Server: 'EDGE01' }, /^this is HUB01, not "EDGE01"$/],
    [{ EventId: 'EXPLODE' }, /is not one of RECEIVE, SEND/],
    [{ Start: '2007-12-25', End: '2007-12-24' }, /^-Start is not before -End/],
  ])('refuses %j', async (typed, sentence) => {
    await expect(found(typed)).rejects.toThrow(sentence);
  });
});
