import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { MessageTracking, type TrackingEntry, type TrackingQuery } from '../../../src/tracking/message-tracking.ts';
import {
  completeEntry,
  formatTrackingRecord,
  parseTrackingRecord,
  TRACKING_EVENT_IDS,
  TRACKING_SOURCES,
} from '../../../src/tracking/tracking-record.ts';

const CHRISTMAS = Date.parse('2007-12-24T20:00:00Z');
let folder: string;
let nowMs: number;
const clock: Clock = {
  now: () => new Date(nowMs),
  elapsedMs: () => nowMs,
  offsetMs: 0,
  speed: 1,
  schedule: () => () => undefined,
};
let tracking: MessageTracking;

function openTracking(): MessageTracking {
  return new MessageTracking({ folder, clock, log: silentLog(), version: '0.1.0' });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-tracking-'));
  nowMs = CHRISTMAS;
  tracking = openTracking();
});

afterEach(() => {
  tracking.close();
  rmSync(folder, { recursive: true, force: true });
});

const FILE = 'MSGTRK20071224-0001.log';
const RECEIVED: TrackingEntry = {
  eventId: 'RECEIVE',
  source: 'SMTP',
  clientIp: '192.0.2.1',
  clientHostname: 'outside.example',
  serverIp: '192.0.2.2',
  serverHostname: 'EDGE01',
  sourceContext: '08D6A8D416004F77',
  connectorId: 'EDGE01\\Default internal receive connector',
  internalMessageId: 7,
  messageId: '<one@outside.example>',
  recipients: ['anna@contoso.test', 'bob@contoso.test'],
  recipientStatus: ['250 2.1.5 Recipient OK', '550 4.4.7 QUEUE.Expired;'],
  totalBytes: 1234,
  messageSubject: 'Say "hello", world',
  sender: 'sender@outside.example',
  returnPath: 'sender@outside.example',
  networkMessageId: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
  customData: '{"reason":"direct-trust"}',
};

describe('the file', () => {
  it("has Exchange's header and columns, one line a record", async () => {
    tracking.record(RECEIVED);
    await nextTurn();
    const lines = readFileSync(join(folder, FILE), 'utf8').split('\n');
    expect(lines).toEqual([
      '#Software: relaypair',
      '#Version: 0.1.0',
      '#Log-Type: Message Tracking Log',
      '#Date: 2007-12-24T20:00:00.000Z',
      '#Fields: date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,internal-message-id,message-id,recipient-address,recipient-status,total-bytes,recipient-count,related-recipient-address,reference,message-subject,sender-address,return-path,message-info,network-message-id,custom-data',
      '2007-12-24T20:00:00.000Z,192.0.2.1,outside.example,192.0.2.2,EDGE01,08D6A8D416004F77,EDGE01\\Default internal receive connector,SMTP,RECEIVE,7,<one@outside.example>,anna@contoso.test;bob@contoso.test,250 2.1.5 Recipient OK;550 4.4.7 QUEUE.Expired\\u003b,1234,2,,,"Say ""hello"", world",sender@outside.example,sender@outside.example,,3f2504e0-4f89-41d3-9a0c-0305e82c3301,"{""reason"":""direct-trust""}"',
      '',
    ]);
  });

  it('keeps a subject with line breaks and terminal codes on one line', async () => {
    const subject = 'a\r\n2007-12-24T20:00:00.000Z,forged\u001b[2J\u2028';
    tracking.record({ ...RECEIVED, messageSubject: subject });
    await nextTurn();
    expect(readFileSync(join(folder, FILE), 'utf8').split('\n')).toHaveLength(7);
    expect(await tracking.find()).toMatchObject([{ messageSubject: subject }]);
  });

  it('cuts a subject that is endless and keeps custom data whole', async () => {
    tracking.record({ ...RECEIVED, messageSubject: 's'.repeat(100_000), customData: 'c'.repeat(100_000) });
    const [record] = await tracking.find();
    expect(record?.messageSubject).toHaveLength(4096);
    expect(record?.customData).toHaveLength(100_000);
  });

  it('goes on after a restart and passes over lines that are no records', async () => {
    tracking.record(RECEIVED);
    tracking.close();
    writeFileSync(
      join(folder, FILE),
      'nonsense\n"\n2007-12-24T20:00:00.000Z,,,,,,,SMTP,HACKED\nnodate,,,,,,,SMTP,SEND\n',
      { flag: 'a' },
    );
    tracking = openTracking();
    tracking.record({ eventId: 'SEND', source: 'SMTP' });
    expect((await tracking.find()).map((record) => record.eventId)).toEqual(['RECEIVE', 'SEND']);
    expect(readdirSync(folder)).toEqual([FILE]);
  });
});

describe('records', () => {
  it('come back as they went in, with empty values for what was not known', () => {
    const timestamp = new Date(CHRISTMAS);
    const record = completeEntry({ eventId: 'DSN', source: 'DSN', sender: undefined }, timestamp);
    expect(record).toMatchObject({ sender: '', recipients: [], recipientCount: 0, totalBytes: undefined, timestamp });
    expect(parseTrackingRecord(formatTrackingRecord(record))).toEqual(record);
  });

  it('come back whatever the texts are', () => {
    const text = fc
      .string({ unit: 'binary' })
      .chain((calm) =>
        fc
          .constantFrom('', '\ud800', '\r\n', '\u001b[0m', '"', '\\u000a', ';', ',', ' ')
          .map((hostile) => `${hostile}${calm}${hostile}`),
      );
    const texts = fc.array(text, { maxLength: 4 }).filter((list) => !(list.length === 1 && list[0] === ''));
    const entry = fc.record({
      eventId: fc.constantFrom(...TRACKING_EVENT_IDS),
      source: fc.constantFrom(...TRACKING_SOURCES),
      sourceContext: text,
      internalMessageId: text,
      messageId: text,
      recipients: texts,
      recipientStatus: texts,
      reference: texts,
      totalBytes: fc.option(fc.nat(), { nil: undefined }),
      messageSubject: text,
      sender: text,
      customData: text,
    });
    fc.assert(
      fc.property(entry, fc.date({ noInvalidDate: true }), (values, timestamp) => {
        const record = completeEntry(values, timestamp);
        const line = formatTrackingRecord(record);
        expect(line).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(parseTrackingRecord(Buffer.from(line).toString())).toEqual(record);
      }),
    );
  });
});

describe('find', () => {
  const SENT: TrackingEntry = {
    ...RECEIVED,
    eventId: 'SEND',
    internalMessageId: 8,
    messageId: '<two@contoso.test>',
    networkMessageId: '9f2504e0-4f89-41d3-9a0c-0305e82c3302',
    recipients: ['Carol@Outside.Example'],
    sender: 'anna@contoso.test',
    messageSubject: 'Fwd: Invoice',
  };

  const cases: readonly [string, TrackingQuery, readonly string[]][] = [
    ['nothing in particular', {}, ['RECEIVE', 'SEND', 'FAIL']],
    ['an event id in any case', { eventId: 'send' }, ['SEND']],
    ['a source', { source: 'QUEUE' }, ['FAIL']],
    ['a sender in any case', { sender: 'ANNA@contoso.test' }, ['SEND']],
    ['any of several recipients', { recipients: ['nobody@x.test', 'carol@outside.example'] }, ['SEND']],
    ['a message id', { messageId: '<two@contoso.test>' }, ['SEND']],
    ['a message id without brackets', { messageId: 'two@contoso.test' }, ['SEND']],
    ['an internal message id', { internalMessageId: 7 }, ['RECEIVE']],
    ['a network message id', { networkMessageId: '9F2504E0-4F89-41D3-9A0C-0305E82C3302' }, ['SEND']],
    ['a part of the subject', { messageSubject: 'INVOICE' }, ['SEND']],
    ['several conditions at once', { messageSubject: 'invoice', sender: 'nobody@x.test' }, []],
    ['a start', { start: new Date(CHRISTMAS + 1000) }, ['SEND', 'FAIL']],
    ['an end', { end: new Date(CHRISTMAS + 1000) }, ['RECEIVE', 'SEND']],
    ['a result size', { resultSize: 2 }, ['RECEIVE', 'SEND']],
    ['a result size, newest first', { resultSize: 2, newestFirst: true }, ['FAIL', 'SEND']],
    ['no results at all', { resultSize: 0 }, []],
  ];

  it.each(cases)('finds by %s', async (_, query, eventIds) => {
    tracking.record(RECEIVED);
    nowMs += 1000;
    tracking.record(SENT);
    nowMs += 86_400_000;
    tracking.record({ eventId: 'FAIL', source: 'QUEUE' });
    expect((await tracking.find(query)).map((record) => record.eventId)).toEqual(eventIds);
  });
});
