import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatReport } from '../../../src/transport/dsn.ts';
import type { ReportedRecipient, ReportFacts } from '../../../src/transport/report.ts';
import { decode, readReport } from '../../helpers/mime.ts';

const ORIGINAL = 'Received: from a by b\r\nSubject: hello\r\n\r\nbody\r\n';

const FAILED: ReportedRecipient = {
  address: 'nobody@example.com',
  originalRecipient: 'rfc822;first@example.com',
  status: '5.1.1',
  diagnostic: '550 5.1.1 User unknown',
  remoteHost: 'mx.example.com',
};

function makeFacts(changes: Partial<ReportFacts> = {}): ReportFacts {
  return {
    action: 'failed',
    reportingServer: 'hub01.contoso.test',
    postmaster: 'postmaster@contoso.test',
    sender: 'anna@contoso.test',
    recipients: [FAILED],
    envelopeId: 'QQ314159',
    arrivedAt: new Date('2026-01-01T00:00:00Z'),
    lastAttemptAt: new Date('2026-01-01T00:00:04Z'),
    retryUntil: new Date('2026-01-02T19:10:05Z'),
    now: new Date('2026-01-01T00:00:05Z'),
    subject: 'hello',
    messageId: '<1@contoso.test>',
    id: '0f6f2d6e-0000-4000-8000-000000000001',
    returned: Buffer.from(ORIGINAL),
    isWhole: true,
    smtpUtf8: false,
    ...changes,
  };
}

function unquote(text: string): Buffer {
  const octets = text
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(octets, 'latin1');
}

function read(changes: Partial<ReportFacts> = {}) {
  const octets = formatReport(makeFacts(changes));
  return { octets, ...readReport(octets) };
}

describe('formatReport', () => {
  it('is a multipart/report that nobody answers automatically', () => {
    const { fields } = read().report;
    expect(Object.fromEntries(fields)).toEqual({
      from: '"Mail Delivery System" <postmaster@contoso.test>',
      to: '<anna@contoso.test>',
      subject: 'Undeliverable: hello',
      date: 'Thu, 01 Jan 2026 00:00:05 +0000',
      'message-id': '<0f6f2d6e-0000-4000-8000-000000000001@hub01.contoso.test>',
      'in-reply-to': '<1@contoso.test>',
      references: '<1@contoso.test>',
      'auto-submitted': 'auto-replied',
      'mime-version': '1.0',
      'content-type':
        'multipart/report; report-type=delivery-status; boundary="=_0f6f2d6e-0000-4000-8000-000000000001"',
    });
  });

  it('names no message that has no proper Message-ID', () => {
    for (const messageId of ['', 'x', '<a b@c>', '<a@b>\r\nBcc: <c@d>', '<größe@b>', '<a@b><c@d>']) {
      const { fields } = read({ messageId }).report;
      expect([fields.has('in-reply-to'), fields.has('references'), fields.has('bcc')]).toEqual([false, false, false]);
    }
  });

  it('tells people who did not get it, why, and what to do', () => {
    const { text, html } = read();
    expect(text).toBe(
      [
        'Delivery has failed to these recipients or groups:',
        '',
        '  nobody@example.com',
        '    There is no mailbox with this address.',
        '    Check the address for a typing mistake, or ask the recipient for it, and',
        '    send the message again.',
        '    mx.example.com answered: 550 5.1.1 User unknown',
        '',
        'The message was not delivered to them and will not be tried again.',
        '',
        'Your message:',
        '  Subject: hello',
        '  Received by this server: 2026-01-01 00:00 UTC',
        '  Message-ID: <1@contoso.test>',
        '',
        'Diagnostic information for administrators:',
        '  Generating server: hub01.contoso.test',
        '  Last attempt: 2026-01-01 00:00 UTC',
        '  Envelope id: QQ314159',
        '  nobody@example.com: 5.1.1',
        '',
      ].join('\r\n'),
    );
    for (const words of ['nobody@example.com', 'There is no mailbox with this address.', '550 5.1.1 User unknown'])
      expect(html).toContain(`>${words}</`.replace('>550', '>mx.example.com answered: 550'));
  });

  it.each<[string, Partial<ReportFacts>, string, RegExp]>([
    [
      'a delay',
      { action: 'delayed', recipients: [{ ...FAILED, status: '4.4.1', hearsOfFailure: true }] },
      'Delivery delayed: hello',
      /could not be reached[^]*need not send it again\.[^]*tried again for 1 day 19 hours, until 2026-01-02 19:10 UTC\.[^]*You will be told if/,
    ],
    ['a delivery', { action: 'delivered' }, 'Delivered: hello', /has been delivered to[^]*It is in the mailbox\./],
    ['a relay', { action: 'relayed' }, 'Relayed: hello', /handed on[^]*sends no notices of delivery/],
  ])('has other words for %s', (_, changes, subject, words) => {
    const { report, text, html } = read(changes);
    expect(report.fields.get('subject')).toBe(subject);
    expect(text.replaceAll('\r\n', ' ')).toMatch(words);
    expect(html.replaceAll(/<[^>]*>/g, '')).toMatch(words);
    expect(text).not.toContain('Check the address');
  });

  it('promises no word of a failure to somebody who does not want one', () => {
    const { text } = read({ action: 'delayed', recipients: [{ ...FAILED, hearsOfFailure: false }] });
    expect(text).not.toContain('You will be told');
  });

  it('says why where that is known better than by the status', () => {
    const why = "The two could not agree: the peer's certificate, the one on record, has expired.";
    const { text, html } = read({ why });
    expect(text.replaceAll(/\r\n */g, ' ')).toContain(why);
    expect(text).not.toContain('Check the address');
    expect(text).toContain('Show this notice to your mail administrator.');
    expect(html).toContain('the peer&#39;s certificate');
  });

  it('tells programs the same, a group for the message and one for each recipient', () => {
    const late = { address: 'b@example.org', status: '4.4.7', diagnostic: '550 4.4.7 late' };
    const { status, groups } = read({ recipients: [FAILED, late] });
    expect(status.fields.get('content-type')).toBe('message/delivery-status');
    expect(groups.map((group) => Object.fromEntries(group))).toEqual([
      {
        'reporting-mta': 'dns; hub01.contoso.test',
        'original-envelope-id': 'QQ314159',
        'arrival-date': 'Thu, 01 Jan 2026 00:00:00 +0000',
      },
      {
        'original-recipient': 'rfc822; first@example.com',
        'final-recipient': 'rfc822; nobody@example.com',
        action: 'failed',
        status: '5.1.1',
        'remote-mta': 'dns; mx.example.com',
        'diagnostic-code': 'smtp; 550 5.1.1 User unknown',
        'last-attempt-date': 'Thu, 01 Jan 2026 00:00:04 +0000',
      },
      {
        'final-recipient': 'rfc822; b@example.org',
        action: 'failed',
        status: '4.4.7',
        'diagnostic-code': 'x-relaypair; 550 4.4.7 late',
        'last-attempt-date': 'Thu, 01 Jan 2026 00:00:04 +0000',
      },
    ]);
  });

  it('says until when a delayed message is tried, and of no other', () => {
    expect(read({ action: 'delayed' }).groups[1]?.get('will-retry-until')).toBe('Fri, 02 Jan 2026 19:10:05 +0000');
    expect(read({ action: 'delivered' }).groups[1]?.has('will-retry-until')).toBe(false);
  });

  it.each([
    [{ isWhole: true }, 'message/rfc822'],
    [{ isWhole: false }, 'text/rfc822-headers'],
    [{ isWhole: true, smtpUtf8: true }, 'message/global'],
    [{ isWhole: false, smtpUtf8: true }, 'message/global-headers'],
  ])('returns the message octet by octet: %j', (changes, type) => {
    const { returned } = read(changes);
    expect([returned.fields.get('content-type'), returned.content]).toEqual([type, ORIGINAL]);
  });

  it('labels 8-bit octets of a message that is returned whole, and only then', () => {
    const returned = Buffer.from('Subject: x\r\n\r\nGröße\r\n');
    const labelled = read({ returned });
    expect(labelled.report.fields.get('content-transfer-encoding')).toBe('8bit');
    expect(labelled.returned.fields.get('content-transfer-encoding')).toBe('8bit');
    expect(labelled.returned.content).toBe(returned.toString('latin1'));
    const plain = read();
    expect(plain.report.fields.has('content-transfer-encoding')).toBe(false);
    expect(plain.returned.fields.has('content-transfer-encoding')).toBe(false);
  });

  it.each(['Subject: Größe\r\n', `X: ${'long '.repeat(300)}\r\n`, 'X: bare\nline \r\n', 'X: nul\0\r\n'])(
    'returns a header that is not 7-bit in quoted-printable: %j',
    (header) => {
      const { octets, returned } = read({ returned: Buffer.from(header), isWhole: false });
      expect(returned.fields.get('content-transfer-encoding')).toBe('quoted-printable');
      expect(decode(returned)).toBe(header);
      expect(octets.every((octet) => octet < 0x80 && octet > 0)).toBe(true);
      expect(returned.content.split('\r\n').every((line) => line.length <= 76)).toBe(true);
    },
  );

  it('is 7-bit although a peer speaks German, so that every next hop can take it', () => {
    const { octets, text, html, groups } = read({
      recipients: [{ ...FAILED, diagnostic: '550 5.1.1 Empfänger unbekannt' }],
    });
    expect(octets.every((octet) => octet < 0x80)).toBe(true);
    expect(text).toContain('Empfänger unbekannt');
    expect(html).toContain('Empfänger unbekannt');
    expect(groups[1]?.get('diagnostic-code')).toBe('smtp; 550 5.1.1 Empf?nger unbekannt');
  });

  it('names an internationalised address as RFC 6533 does, in UTF-8 where the sender reads it and in ASCII where not', () => {
    const recipients = [
      { ...FAILED, address: 'größe@example.com', originalRecipient: 'utf-8;gr\\x{F6}\\x{DF}e@a.test' },
    ];
    const global = read({ recipients, smtpUtf8: true });
    expect(global.status.fields.get('content-type')).toBe('message/global-delivery-status');
    const named = (name: string): string => Buffer.from(global.groups[1]?.get(name) ?? '', 'latin1').toString();
    expect(named('final-recipient')).toBe('utf-8; größe@example.com');
    expect(named('original-recipient')).toBe('utf-8; größe@a.test');

    const plain = read({ recipients });
    expect(plain.status.fields.get('content-type')).toBe('message/delivery-status');
    expect(plain.groups[1]?.get('final-recipient')).toBe('utf-8; gr\\x{F6}\\x{DF}e@example.com');
    expect(plain.groups[1]?.get('original-recipient')).toBe('utf-8; gr\\x{F6}\\x{DF}e@a.test');
  });

  it('encodes a subject that is not plain', () => {
    const subject =
      read({ subject: 'Größenänderung für alle 😀 und noch einiges mehr' }).report.fields.get('subject') ?? '';
    const words = subject
      .split(' ')
      .map((word) => /^=\?utf-8\?B\?([^?]{1,60})\?=$/.exec(word)?.[1] ?? 'no encoded word');
    expect(words.map((word) => Buffer.from(word, 'base64').toString()).join('')).toBe(
      'Undeliverable: Größenänderung für alle 😀 und noch einiges mehr',
    );
  });

  it('returns any header so that every next hop takes it and every reader gets it back', () => {
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(fc.constantFrom('X: a', '=', ' ', '\t', '\r', '\n', '\r\n', '\0', 'ü', '.', 'x'.repeat(75)), {
        maxLength: 40,
      }),
    );
    fc.assert(
      fc.property(octets, (given) => {
        const returned = Buffer.from(Array.isArray(given) ? given.join('') : given);
        const { octets: wire, returned: part } = read({ returned, isWhole: false });
        expect(wire.every((octet) => octet < 0x80 && octet > 0)).toBe(true);
        expect(wire.toString('latin1').replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
        const isQuoted = part.fields.get('content-transfer-encoding') === 'quoted-printable';
        const content = isQuoted ? unquote(part.content) : Buffer.from(part.content, 'latin1');
        expect(content.equals(returned)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('lets nobody write on its page', () => {
    const script = '<img src=x onerror="alert(1)">\u202e&amp;';
    const { html, text } = read({
      subject: script,
      messageId: script,
      envelopeId: script,
      recipients: [{ ...FAILED, address: script, diagnostic: script, remoteHost: script }],
    });
    expect(html).not.toContain('<img');
    expect(html.match(/&#60;img src=x onerror=&#34;alert\(1\)&#34;&#62;/g)?.length).toBeGreaterThan(5);
    expect(`${html}${text}`).not.toContain('\u202e');
  });

  it('keeps its form whatever peers write into it', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 2000 }),
      fc.constantFrom(
        '\r\n\r\n--=_x',
        'a\r\nBcc: all@example.com',
        '\u2028x',
        '\ud800',
        'x'.repeat(5000),
        'ü'.repeat(5000),
        '<b>'.repeat(500),
        '%s',
      ),
    );
    const texts = fc.record({
      subject: hostile,
      envelopeId: hostile,
      sender: hostile,
      messageId: hostile,
      why: hostile,
    });
    const recipient = fc.record({
      address: hostile,
      originalRecipient: hostile,
      diagnostic: hostile,
      remoteHost: hostile,
      status: fc.constantFrom('5.1.1', '4.4.7', '5.0.0'),
    });
    fc.assert(
      fc.property(
        texts,
        fc.array(recipient, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('failed', 'delayed', 'delivered', 'relayed'),
        fc.boolean(),
        (given, recipients, action, smtpUtf8) => {
          const { octets, groups, report, returned, text, html } = read({ ...given, recipients, action, smtpUtf8 });
          const wire = octets.toString('latin1');
          expect(Math.max(...wire.split('\r\n').map(({ length }) => length))).toBeLessThanOrEqual(998);
          expect(wire.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/);
          const isAscii = octets.every((octet) => octet < 0x80);
          expect(isAscii || smtpUtf8 || /[^\p{ASCII}]/u.test(given.sender)).toBe(true);
          expect(report.fields.has('bcc')).toBe(false);
          expect(groups.length).toBe(1 + recipients.length);
          expect(groups.slice(1).map((group) => group.get('action'))).toEqual(recipients.map(() => action));
          expect([...groups.slice(1)].every((group) => group.size === (action === 'delayed' ? 8 : 7))).toBe(true);
          expect(returned.content).toBe(ORIGINAL);
          expect(text).toContain('Diagnostic information for administrators:');
          expect(html.trimEnd().endsWith('</html>')).toBe(true);
          expect(html).not.toContain('<b><b>');
        },
      ),
    );
  });
});
