import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FailedRecipient, formatReport, type ReportFacts } from '../../../src/transport/dsn.ts';
import { readGroups, readPart, readParts } from './mime.ts';

const ORIGINAL = 'Received: from a by b\r\nSubject: hello\r\n\r\nbody\r\n';

const FAILED: FailedRecipient = {
  address: 'nobody@example.com',
  originalRecipient: 'rfc822; first@example.com',
  status: '5.1.1',
  diagnostic: '550 5.1.1 User unknown',
  remoteHost: 'mx.example.com',
};

function makeFacts(changes: Partial<ReportFacts> = {}): ReportFacts {
  return {
    reportingServer: 'hub01.contoso.test',
    postmaster: 'postmaster@contoso.test',
    sender: 'anna@contoso.test',
    failed: [FAILED],
    envelopeId: 'QQ314159',
    arrivedAt: new Date('2026-01-01T00:00:00Z'),
    now: new Date('2026-01-01T00:00:05Z'),
    subject: 'hello',
    id: '0f6f2d6e-0000-4000-8000-000000000001',
    returned: Buffer.from(ORIGINAL),
    isWhole: true,
    smtpUtf8: false,
    ...changes,
  };
}

function read(changes: Partial<ReportFacts> = {}) {
  const octets = formatReport(makeFacts(changes));
  const report = readPart(octets.toString('latin1'));
  const [human, status, returned] = readParts(report);
  if (!human || !status || !returned) throw new Error('a part is missing');
  return { octets, report, human, status, returned, groups: readGroups(status.content) };
}

describe('formatReport', () => {
  it('is a multipart/report that nobody answers automatically', () => {
    const { fields } = read().report;
    expect(Object.fromEntries(fields)).toEqual({
      from: '<postmaster@contoso.test>',
      to: '<anna@contoso.test>',
      subject: 'Undeliverable: hello',
      date: 'Thu, 01 Jan 2026 00:00:05 +0000',
      'message-id': '<0f6f2d6e-0000-4000-8000-000000000001@hub01.contoso.test>',
      'auto-submitted': 'auto-replied',
      'mime-version': '1.0',
      'content-type':
        'multipart/report; report-type=delivery-status; boundary="=_0f6f2d6e-0000-4000-8000-000000000001"',
    });
  });

  it('tells people who did not get it, and why', () => {
    const { human } = read();
    expect(human.fields.get('content-type')).toBe('text/plain; charset=us-ascii');
    expect(human.content).toContain('Delivery has failed to these recipients or groups:');
    expect(human.content).toContain('  nobody@example.com\r\n    550 5.1.1 User unknown\r\n');
    expect(human.content).toContain('Generating server: hub01.contoso.test');
  });

  it('tells programs the same, a group for the message and one for each recipient', () => {
    const { status, groups } = read({
      failed: [FAILED, { address: 'b@example.org', status: '4.4.7', diagnostic: '550 4.4.7 late' }],
    });
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
      },
      {
        'final-recipient': 'rfc822; b@example.org',
        action: 'failed',
        status: '4.4.7',
        'diagnostic-code': 'smtp; 550 4.4.7 late',
      },
    ]);
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

  it('labels 8-bit octets of the returned message, and only then', () => {
    const returned = Buffer.from('Subject: Größe\r\n\r\n');
    const labelled = read({ returned });
    expect(labelled.report.fields.get('content-transfer-encoding')).toBe('8bit');
    expect(labelled.returned.fields.get('content-transfer-encoding')).toBe('8bit');
    const plain = read();
    expect(plain.report.fields.has('content-transfer-encoding')).toBe(false);
    expect(plain.returned.fields.has('content-transfer-encoding')).toBe(false);
  });

  it('is 7-bit although a peer speaks German, so that every next hop can take it', () => {
    const { octets, human, groups } = read({ failed: [{ ...FAILED, diagnostic: '550 5.1.1 Empfänger unbekannt' }] });
    expect(octets.every((octet) => octet < 0x80)).toBe(true);
    expect(human.fields.get('content-transfer-encoding')).toBe('base64');
    expect(Buffer.from(human.content, 'base64').toString()).toContain('Empfänger unbekannt');
    expect(groups[1]?.get('diagnostic-code')).toBe('smtp; 550 5.1.1 Empf?nger unbekannt');
  });

  it('names an internationalised address as RFC 6533 does', () => {
    const { status, groups } = read({ failed: [{ ...FAILED, address: 'größe@example.com' }] });
    expect(status.fields.get('content-type')).toBe('message/global-delivery-status');
    expect(Buffer.from(groups[1]?.get('final-recipient') ?? '', 'latin1').toString()).toBe('utf-8; größe@example.com');
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
        '%s',
      ),
    );
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (subject, diagnostic, address, envelopeId) => {
        const { octets, groups, report, human, returned } = read({
          subject,
          envelopeId,
          sender: address,
          failed: [{ ...FAILED, address, diagnostic, remoteHost: diagnostic, originalRecipient: `rfc822; ${address}` }],
        });
        const text = octets.toString('latin1');
        expect(Math.max(...text.split('\r\n').map(({ length }) => length))).toBeLessThanOrEqual(998);
        expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/);
        expect([report.fields.size, groups.length, groups[1]?.size]).toEqual([
          report.fields.has('content-transfer-encoding') ? 9 : 8,
          2,
          6,
        ]);
        expect([human.fields.get('content-type')?.startsWith('text/plain'), returned.content]).toEqual([
          true,
          ORIGINAL,
        ]);
      }),
    );
  });
});
