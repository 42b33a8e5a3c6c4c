// Delivery status notifications through both servers: what a sender asked for arrives at a next hop that takes it, and where
// none does the last of the pair says what became of the message. One report for each event, and none that nobody wants.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ReadReport, readReport } from '../helpers/mime.ts';
import { INSIDER, OUTSIDER, Relaying, writeLetter } from '../helpers/relaying.ts';
import { hasReportParser, parseReport } from '../helpers/report-parser.ts';
import { openScriptedServer } from '../helpers/scripted-smtp-server.ts';
import { eventually } from '../helpers/servers.ts';
import type { Sink, SunkMessage } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';

const WITHOUT_DSN = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'SIZE 20000', 'ENHANCEDSTATUSCODES'];
const LIMIT = { timeout: 240_000 };

interface Wish {
  readonly mail?: string;
  readonly recipient?: string;
  readonly to?: string;
  readonly body?: string;
}

/** Hands a letter in at the Hub, or at the Edge for the inside; it must be taken. */
async function send(relaying: Relaying, subject: string, wish: Wish, isInbound = false): Promise<string> {
  const letter = writeLetter(subject);
  const { reply, isAccepted } = await submit({
    port: isInbound ? relaying.servers.ports.edge : relaying.servers.ports.hub,
    from: isInbound ? OUTSIDER : INSIDER,
    to: [wish.to ?? (isInbound ? INSIDER : OUTSIDER)],
    content: Buffer.concat([letter.content, Buffer.from(wish.body ?? '')]),
    ...(wish.mail !== undefined && { mailParameters: wish.mail }),
    ...(wish.recipient !== undefined && { recipientParameters: wish.recipient }),
  });
  if (!isAccepted) throw new Error(`"${subject}" was refused: ${reply}`);
  return letter.messageId;
}

function find(sink: Sink, part: string): SunkMessage[] {
  return sink.messages.filter(({ content }) => content.includes(part));
}

/** The reports on a message that have come to a sink. */
function reportsOn(sink: Sink, messageId: string): ReadReport[] {
  return find(sink, `In-Reply-To: ${messageId}`).map(({ content }) => readReport(content));
}

/** `relayed 2.6.0 rfc822; outside@elsewhere.test` for each recipient of each report. */
function newsOf(reports: readonly ReadReport[]): string[] {
  return reports.flatMap(({ groups }) =>
    groups.slice(1).map((group) => `${group.get('action')} ${group.get('status')} ${group.get('final-recipient')}`),
  );
}

/** Waits until the Edge has recorded this of the message. */
function awaitLine(relaying: Relaying, messageId: string, eventId: string): Promise<unknown> {
  return eventually(`${eventId} of ${messageId}`, async () => {
    const lines = await relaying.servers.ask('edge', 'Get-MessageTrackingLog', { MessageId: messageId });
    return lines.some((line) => line['EventId'] === eventId) ? true : undefined;
  });
}

/** Every report that came is one for another reader of reports, too. */
async function expectReadable(sink: Sink): Promise<void> {
  if (!hasReportParser) return;
  for (const { content } of find(sink, 'report-type=delivery-status')) {
    expect(await parseReport(content)).toMatchObject({ defects: [], reportType: 'delivery-status' });
  }
}

describe('a next hop with DSN', () => {
  let relaying: Relaying;
  beforeAll(async () => {
    relaying = await Relaying.start();
  }, 240_000);
  afterAll(() => relaying?.[Symbol.asyncDispose]());

  it.each([
    ['nothing', {}, '', ''],
    ['NEVER', { recipient: 'NOTIFY=NEVER' }, '', 'NOTIFY=NEVER'],
    ['SUCCESS', { recipient: 'NOTIFY=SUCCESS' }, '', 'NOTIFY=SUCCESS'],
    ['FAILURE', { recipient: 'NOTIFY=FAILURE' }, '', 'NOTIFY=FAILURE'],
    ['DELAY', { recipient: 'NOTIFY=DELAY' }, '', 'NOTIFY=DELAY'],
    [
      'everything',
      {
        mail: 'RET=FULL ENVID=QQ+2B31+3D4',
        recipient: 'NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;First+2BLast@Origin.test',
      },
      'RET=FULL ENVID=QQ+2B31+3D4',
      'NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;First+2BLast@Origin.test',
    ],
    [
      'an internationalised ORCPT',
      { mail: 'RET=HDRS', recipient: 'ORCPT=utf-8;gr\\x{F6}\\x{DF}e@origin.test' },
      'RET=HDRS',
      'ORCPT=utf-8;gr\\x{F6}\\x{DF}e@origin.test',
    ],
  ])('gets the wish for %s as it was, and reports itself', LIMIT, async (what, wish, mail, recipient) => {
    for (const isInbound of [false, true]) {
      const messageId = await send(relaying, `wishes for ${what}`, wish, isInbound);
      const sink = isInbound ? relaying.inside : relaying.outside;
      await sink.waitFor(() => find(sink, `Message-ID: ${messageId}`).length > 0);
      const [taken] = find(sink, `Message-ID: ${messageId}`);
      expect(taken?.mailParameters.replace(/^SIZE=\d+ ?/, '')).toBe(mail);
      expect(taken?.recipientParameters).toEqual([recipient]);
    }
    await relaying.awaitEmptyQueues();
    expect(await relaying.reports()).toEqual([]);
  });
});

describe('a next hop without DSN', () => {
  let relaying: Relaying;
  beforeAll(async () => {
    relaying = await Relaying.start({
      outside: {
        keywords: WITHOUT_DSN,
        onMessage: ({ content }) => (content.includes('Subject: bad') ? '554 5.6.0 Not <b>that</b>' : undefined),
      },
    });
  }, 240_000);
  afterAll(() => relaying?.[Symbol.asyncDispose]());

  const RELAYED = [`relayed 2.6.0 rfc822; ${OUTSIDER}`];
  const FAILED = [`failed 5.6.0 rfc822; ${OUTSIDER}`];
  it.each([
    ['nothing', undefined, [], FAILED],
    ['NEVER', 'NEVER', [], []],
    ['SUCCESS', 'SUCCESS', RELAYED, []],
    ['FAILURE', 'FAILURE', [], FAILED],
    ['DELAY', 'DELAY', [], []],
    ['SUCCESS and FAILURE', 'SUCCESS,FAILURE', RELAYED, FAILED],
    ['everything', 'SUCCESS,FAILURE,DELAY', RELAYED, FAILED],
  ])('where %s is wished for', LIMIT, async (what, notify, onSuccess, onFailure) => {
    const wish = notify === undefined ? {} : { recipient: `NOTIFY=${notify}` };
    const good = await send(relaying, `good, ${what}`, wish);
    const bad = await send(relaying, `bad, ${what}`, wish);
    await Promise.all([awaitLine(relaying, good, 'SEND'), awaitLine(relaying, bad, 'FAIL')]);
    const [taken] = find(relaying.outside, `Message-ID: ${good}`);
    expect([taken?.mailParameters.replace(/^SIZE=\d+/, ''), taken?.recipientParameters]).toEqual(['', ['']]);
    for (const [messageId, news] of [
      [good, onSuccess],
      [bad, onFailure],
    ] as const) {
      // A report is on record as soon as what it is about is.
      const made = (await relaying.reports()).filter(({ Reference }) => JSON.stringify(Reference).includes(messageId));
      expect(made).toHaveLength(news.length);
      await relaying.inside.waitFor(() => reportsOn(relaying.inside, messageId).length >= news.length);
      expect(newsOf(reportsOn(relaying.inside, messageId))).toEqual(news);
    }
  });

  it(
    'is told by the Edge, with what the sender wanted to see again, from <> and with NOTIFY=NEVER',
    LIMIT,
    async () => {
      const wish = { mail: 'RET=FULL ENVID=E-1', recipient: 'NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first@origin.test' };
      const good = await send(relaying, 'good and told', wish);
      const bad = await send(relaying, 'bad and told', wish);
      await relaying.inside.waitFor(() => [good, bad].every((id) => reportsOn(relaying.inside, id).length > 0));
      for (const [messageId, type] of [
        [good, 'text/rfc822-headers'],
        [bad, 'message/rfc822'],
      ] as const) {
        const [sunk] = find(relaying.inside, `In-Reply-To: ${messageId}`);
        expect(sunk).toMatchObject({ reversePath: '', recipients: [INSIDER], recipientParameters: ['NOTIFY=NEVER'] });
        expect(sunk?.mailParameters).not.toContain('RET');
        const [report] = reportsOn(relaying.inside, messageId);
        expect(report?.groups[0]?.get('reporting-mta')).toBe('dns; edge01.perimeter.test');
        expect(report?.groups[0]?.get('original-envelope-id')).toBe('E-1');
        expect(report?.groups[1]?.get('original-recipient')).toBe('rfc822; first@origin.test');
        expect(report?.returned.fields.get('content-type')).toBe(type);
        expect(report?.returned.content).toContain(`Message-ID: ${messageId}`);
      }
      const [failure] = reportsOn(relaying.inside, bad);
      expect(failure?.html).toContain('Not &#60;b&#62;that&#60;/b&#62;');
      await expectReadable(relaying.inside);
    },
  );

  it('whose limit a message exceeds is not asked: the Edge says so itself', LIMIT, async () => {
    const messageId = await send(relaying, 'large', { body: 'x'.repeat(70).concat('\r\n').repeat(300) });
    await relaying.inside.waitFor(() => reportsOn(relaying.inside, messageId).length > 0);
    const [report] = reportsOn(relaying.inside, messageId);
    expect(newsOf(report ? [report] : [])).toEqual([`failed 5.3.4 rfc822; ${OUTSIDER}`]);
    expect(report?.groups[1]?.get('diagnostic-code')).toMatch(/^x-relaypair; 552 5\.3\.4 /);
    expect(report?.groups[1]?.has('remote-mta')).toBe(false);
    expect(report?.text).toContain('Make the message smaller');
    expect(find(relaying.outside, `Message-ID: ${messageId}`)).toEqual([]);
  });

  it('for an internationalised address: the report is one of RFC 6533', LIMIT, async () => {
    const messageId = await send(relaying, 'bad for größe', {
      // The conversation is written octet by octet.
      to: Buffer.from('größe@elsewhere.test').toString('latin1'),
      mail: 'SMTPUTF8',
      recipient: 'ORCPT=utf-8;gr\\x{F6}\\x{DF}e@elsewhere.test',
    });
    await relaying.inside.waitFor(() => reportsOn(relaying.inside, messageId).length > 0);
    const [report] = reportsOn(relaying.inside, messageId);
    expect(report?.status.fields.get('content-type')).toBe('message/global-delivery-status');
    expect(report?.returned.fields.get('content-type')).toBe('message/global-headers');
    const read = (name: string): string => Buffer.from(report?.groups[1]?.get(name) ?? '', 'latin1').toString();
    expect(read('final-recipient')).toBe('utf-8; größe@elsewhere.test');
    expect(read('original-recipient')).toBe('utf-8; größe@elsewhere.test');
    expect(report?.text).toContain('Subject: bad for größe');
  });

  it('that refuses what nobody can be told of makes an event of it, whatever was wished for', LIMIT, async () => {
    const letter = writeLetter('bad, from nobody');
    const { isAccepted } = await submit({
      port: relaying.servers.ports.hub,
      from: '',
      to: [OUTSIDER],
      recipientParameters: 'NOTIFY=SUCCESS,FAILURE,DELAY',
      content: letter.content,
    });
    expect(isAccepted).toBe(true);
    const [event] = await eventually('the event', async () => {
      const events = await relaying.servers.ask('edge', 'Get-EventLog', { EventId: '30050' });
      return events.length > 0 ? events : undefined;
    });
    expect(event?.['Message']).toContain(OUTSIDER);
    const made = (await relaying.reports()).filter(({ Reference }) =>
      JSON.stringify(Reference).includes(letter.messageId),
    );
    expect(made).toEqual([]);
    const lines = await relaying.servers.ask('edge', 'Get-MessageTrackingLog', { MessageId: letter.messageId });
    expect(lines.map((line) => line['EventId'])).toEqual(['RECEIVE', 'FAIL', 'BADMAIL']);
  });
});

describe('mailboxes', () => {
  it('in folders: what is delivered is delivered, says the Hub', LIMIT, async () => {
    await using relaying = await Relaying.start({ servers: { deliver: 'maildir:mail' } });
    const messageId = await send(relaying, 'into a folder', { recipient: 'NOTIFY=SUCCESS' }, true);
    await relaying.outside.waitFor(() => reportsOn(relaying.outside, messageId).length > 0);
    const [report] = reportsOn(relaying.outside, messageId);
    expect(newsOf(report ? [report] : [])).toEqual([`delivered 2.1.5 rfc822; ${INSIDER}`]);
    expect(report?.groups[0]?.get('reporting-mta')).toBe('dns; hub01.corp.test');
    expect(report?.text).toContain('It is in the mailbox.');
    await expectReadable(relaying.outside);
  });

  it('behind LMTP: a 250 there is a delivery, says the Hub', LIMIT, async () => {
    const store = await openScriptedServer({ answers: { DOT: '250 2.1.5 In the box' } });
    await using relaying = await Relaying.start({ servers: { deliver: `lmtp:127.0.0.1:${store.port}` } });
    const messageId = await send(relaying, 'by LMTP', { recipient: 'NOTIFY=SUCCESS' }, true);
    await relaying.outside.waitFor(() => reportsOn(relaying.outside, messageId).length > 0);
    await store.close();
    const [report] = reportsOn(relaying.outside, messageId);
    expect(newsOf(report ? [report] : [])).toEqual([`delivered 2.1.5 rfc822; ${INSIDER}`]);
    expect(report?.groups[1]?.get('diagnostic-code')).toBe('smtp; 250 2.1.5 In the box');
    expect(store.commands).toContain(`RCPT TO:<${INSIDER}>`);
  });
});

describe('a message that waits', () => {
  it('for trust: its sender is told once, why in words, and until when', LIMIT, async () => {
    await using relaying = await Relaying.start({ retry: { delayNotification: '2s' } });
    await relaying.servers.cmdlet('edge', 'New-ExchangeCertificate', '-Confirm:false');
    const told = await send(relaying, 'waits for a subscription', {});
    const untold = await send(relaying, 'waits and tells nobody', { recipient: 'NOTIFY=SUCCESS,FAILURE' });
    await relaying.inside.waitFor(() => reportsOn(relaying.inside, told).length > 0);
    await relaying.servers.subscribe();
    for (const messageId of [told, untold]) {
      await relaying.outside.waitFor(() => find(relaying.outside, `Message-ID: ${messageId}`).length > 0);
    }
    await relaying.awaitEmptyQueues();
    const [report, ...others] = reportsOn(relaying.inside, told);
    expect(others).toEqual([]);
    expect(reportsOn(relaying.inside, untold)).toEqual([]);
    expect(newsOf(report ? [report] : [])).toEqual([`delayed 4.7.5 rfc822; ${OUTSIDER}`]);
    expect(report?.groups[0]?.get('reporting-mta')).toBe('dns; hub01.corp.test');
    expect(report?.groups[1]?.get('will-retry-until')).toMatch(/ \+0000$/);
    expect(report?.text.replaceAll(/\r\n */g, ' ')).toMatch(
      /could not agree on how to trust each other: the peer showed a certificate that the directory does not hold/,
    );
    await expectReadable(relaying.inside);
  });
});
