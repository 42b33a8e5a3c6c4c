// Reports of every kind, and with what hostile peers put into them, read back by Python's email package.

import { describe, expect, it } from 'vitest';
import { formatReport } from '../../src/transport/dsn.ts';
import type { ReportAction, ReportFacts } from '../../src/transport/report.ts';
import { hasReportParser, parseReport } from '../helpers/report-parser.ts';

const RETURNED = 'Received: from a by b\r\nMessage-ID: <1@a.test>\r\nSubject: hello\r\n\r\nbody\r\n';

function makeReport(changes: Partial<ReportFacts> = {}): Buffer {
  return formatReport({
    action: 'failed',
    reportingServer: 'hub01.contoso.test',
    postmaster: 'postmaster@contoso.test',
    sender: 'anna@contoso.test',
    recipients: [
      { address: 'a@example.com', status: '5.1.1', diagnostic: '550 5.1.1 Who?', remoteHost: 'mx.example.com' },
      { address: 'b@example.com', originalRecipient: 'rfc822;c@a.test', status: '5.2.2', diagnostic: '552 5.2.2 Full' },
    ],
    envelopeId: 'QQ314159',
    arrivedAt: new Date('2026-01-01T00:00:00Z'),
    lastAttemptAt: new Date('2026-01-01T00:00:04Z'),
    retryUntil: new Date('2026-01-02T19:10:05Z'),
    now: new Date('2026-01-01T00:00:05Z'),
    subject: 'Grüße 😀',
    messageId: '<1@a.test>',
    id: '0f6f2d6e-0000-4000-8000-000000000001',
    returned: Buffer.from(RETURNED),
    isWhole: true,
    smtpUtf8: false,
    ...changes,
  });
}

describe.skipIf(!hasReportParser)("Python's email package", () => {
  it.each<[ReportAction, string]>([
    ['failed', 'Undeliverable: Grüße 😀'],
    ['delayed', 'Delivery delayed: Grüße 😀'],
    ['delivered', 'Delivered: Grüße 😀'],
    ['relayed', 'Relayed: Grüße 😀'],
  ])('finds a report of what is %s as it was meant', async (action, subject) => {
    const parsed = await parseReport(makeReport({ action }));
    expect(parsed).toMatchObject({
      types: [
        'multipart/report',
        'multipart/alternative',
        'text/plain',
        'text/html',
        'message/delivery-status',
        'text/plain',
        'text/plain',
        'text/plain',
        'message/rfc822',
        'text/plain',
      ],
      defects: [],
      reportType: 'delivery-status',
      header: { subject, 'in-reply-to': '<1@a.test>', 'auto-submitted': 'auto-replied' },
      groups: [
        { 'reporting-mta': 'dns; hub01.contoso.test', 'original-envelope-id': 'QQ314159' },
        { 'final-recipient': 'rfc822; a@example.com', action, status: '5.1.1', 'remote-mta': 'dns; mx.example.com' },
        { 'final-recipient': 'rfc822; b@example.com', 'original-recipient': 'rfc822; c@a.test', action },
      ],
      returned: { 'message-id': '<1@a.test>', subject: 'hello' },
    });
    expect(parsed.text).toContain('552 5.2.2 Full');
    expect(parsed.html).toContain('Grüße 😀');
  });

  it('reads header fields that had to be encoded', async () => {
    const returned = Buffer.from('Message-ID: <1@a.test>\r\nSubject: Größe\r\n');
    const parsed = await parseReport(makeReport({ returned, isWhole: false }));
    expect(parsed.defects).toEqual([]);
    expect(parsed.types.at(-1)).toBe('text/rfc822-headers');
    expect(parsed.returned).toMatchObject({ 'message-id': '<1@a.test>' });
  });

  it.each([
    ['a field', 'x\r\nBcc: victim@example.com\r\n\r\n--=_0f6f2d6e-0000-4000-8000-000000000001--'],
    ['a part', '\r\n--=_words_0f6f2d6e-0000-4000-8000-000000000001\r\nContent-Type: text/html\r\n\r\n<script>'],
    ['a program', '<script>alert(1)</script>'.repeat(200)],
    ['a character', '\0\u0007\u2028\u202e \ud800 ü😀'],
  ])('finds nothing that a stranger smuggled in: %s', async (_, hostile) => {
    const recipient = { address: hostile, originalRecipient: hostile, diagnostic: hostile, remoteHost: hostile };
    const parsed = await parseReport(
      makeReport({
        subject: hostile,
        envelopeId: hostile,
        messageId: hostile,
        why: hostile,
        recipients: [{ ...recipient, status: '5.0.0' }],
      }),
    );
    expect(parsed.defects).toEqual([]);
    expect(parsed.types.slice(0, 5)).toEqual([
      'multipart/report',
      'multipart/alternative',
      'text/plain',
      'text/html',
      'message/delivery-status',
    ]);
    expect(Object.keys(parsed.header).toSorted()).toEqual([
      'auto-submitted',
      'content-type',
      'date',
      'from',
      'message-id',
      'mime-version',
      'subject',
      'to',
    ]);
    expect(parsed.groups).toHaveLength(2);
    expect(parsed.html).not.toContain('<script');
  });
});
