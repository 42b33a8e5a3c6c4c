import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MessageFacts, MessageScan } from '../../../src/transport/message-scan.ts';
import { formatReceived } from '../../../src/transport/trace-header.ts';

const OWN = 'hub01.corp.test';

function scan(message: string | Buffer, sizes: readonly number[] = []): MessageFacts {
  const octets = Buffer.isBuffer(message) ? message : Buffer.from(message);
  const reader = new MessageScan();
  let from = 0;
  for (const size of sizes) {
    reader.push(octets.subarray(from, from + size));
    from += size;
  }
  reader.push(octets.subarray(from));
  return reader.facts(OWN);
}

describe('MessageScan', () => {
  it.each<[string, number]>([
    ['A: b\r\n\r\nbody\r\n', 8],
    ['\r\nbody\r\n', 2],
    ['A: b\r\nC: d\r\n', 12],
    [`A: ${'x'.repeat(300 * 1024)}\r\n\r\nbody`, 300 * 1024 + 7],
  ])('measures the header however it is cut, case %#', (message, expected) => {
    for (const size of [1, 2, 3, 5, 7, 4096].filter((one) => one > 100 || message.length < 100)) {
      const reader = new MessageScan();
      const octets = Buffer.from(message);
      for (let from = 0; from < octets.length; from += size) reader.push(octets.subarray(from, from + size));
      expect(reader.headerBytes).toBe(expected);
    }
  });

  it.each<[string, string, Partial<MessageFacts>]>([
    [
      'a usual message',
      'Message-ID: <1@a.test>\r\nSubject: hello\r\n\r\nbody\r\n',
      { messageId: '<1@a.test>', subject: 'hello' },
    ],
    [
      'names in other letter case',
      'MESSAGE-id:<1@a.test>\r\nsubject:hello\r\n\r\n',
      { messageId: '<1@a.test>', subject: 'hello' },
    ],
    [
      'white space before the colon',
      'Message-ID : <1@a.test>\r\nSubject\t: hello\r\n\r\n',
      { messageId: '<1@a.test>', subject: 'hello' },
    ],
    ['a folded field', 'Subject: one\r\n two\r\n\tthree\r\n\r\n', { subject: 'one two\tthree' }],
    ['a folded Message-ID', 'Message-ID:\r\n <1@a.test>\r\n\r\n', { messageId: '<1@a.test>' }],
    ['the first of two', 'Subject: one\r\nSubject: two\r\n\r\n', { subject: 'one' }],
    ['UTF-8', 'Subject: Größe\r\n\r\n', { subject: 'Größe', hasEightBit: true }],
    ['8-bit octets in the body only', 'Subject: x\r\n\r\nGröße', { hasEightBit: true }],
    [
      'fields in the body',
      'Subject: one\r\n\r\nReceived: x\r\nMessage-ID: <2@a.test>\r\n',
      { messageId: undefined, receivedCount: 0 },
    ],
    [
      'its authors, wherever they stand',
      'FROM : Ed\r\n <ed@a.test>\r\nsender:jo@a.test\r\nX-From: x\r\nFrom: ü@a.test\r\n\r\nFrom: body@a.test\r\n',
      { authorFields: [' Ed <ed@a.test>', 'jo@a.test', ' ü@a.test'] },
    ],
    ['an author behind a CR alone', 'Subject: x\rFrom: ed@a.test\r\n\r\n', { authorFields: [' ed@a.test'] }],
    [
      'no author in a header without end',
      `X: ${'x'.repeat(256 * 1024)}\r\nFrom: ed@a.test\r\n\r\n`,
      { authorFields: undefined },
    ],
    ['TLS-Required: No', 'TLS-Required: No\r\n\r\n', { isTlsOptional: true }],
    ['the same in other letters', 'tls-required : NO \r\n\r\n', { isTlsOptional: true }],
    ['another value of it', 'TLS-Required: Nope\r\n\r\n', { isTlsOptional: false }],
    ['TLS-Required in the body', 'Subject: one\r\n\r\nTLS-Required: No\r\n', { isTlsOptional: false }],
    ['no body', 'Subject: one\r\n', { subject: 'one' }],
    ['no header', '\r\nSubject: one\r\n\r\nReceived: x\r\n', { subject: '', receivedCount: 0 }],
    ['nothing', '', { messageId: undefined, subject: '', receivedCount: 0, ownReceivedCount: 0, hasEightBit: false }],
    ['only a line end', '\r\n', { subject: '', receivedCount: 0 }],
    [
      'Received fields',
      'Received: a\r\nReceived : b\r\n more\r\nX-Received: c\r\nreceived:d\r\n\r\n',
      { receivedCount: 3 },
    ],
    ['a Message-ID without brackets', 'Message-ID: 1@a.test\r\n\r\n', { messageId: undefined }],
    ['a Message-ID with control characters', 'Message-ID: <1\x1b[2J@a.test>\r\n\r\n', { messageId: undefined }],
    ['a Message-ID without end', `Message-ID: <${'x'.repeat(600)}@a.test>\r\n\r\n`, { messageId: undefined }],
  ])('reads %s', (_, message, expected) => {
    expect(scan(message)).toMatchObject(expected);
  });

  it.each<[string, string, number]>([
    ['as this server writes it', 'from c.test ([192.0.2.1]) by hub01.corp.test ([192.0.2.25]) with ESMTP id 1;', 1],
    ['folded, in other letter case', 'from c.test\r\n BY\r\n\tHUB01.Corp.TEST\r\n with ESMTP', 1],
    ['without from', 'by hub01.corp.test; Thu, 26 Nov 2026 00:00:00 +0000', 1],
    ['followed at once by the date', 'from c.test by hub01.corp.test; now', 1],
    ['behind comments, nested ones', 'from c.test (a (b) \\) by x) (c) by (d) hub01.corp.test(e)', 1],
    ['after a client that calls itself by', 'from by by hub01.corp.test', 1],
    ['by another server', 'from c.test by edge01.corp.test', 0],
    ['by one whose name begins with ours', 'from c.test by hub01.corp.test.evil.test', 0],
    ['by one whose name ends with ours', 'from c.test by not-hub01.corp.test', 0],
    ['from us, by another', 'from hub01.corp.test by edge01.corp.test', 0],
    ['by us in a comment only', 'from c.test (by hub01.corp.test) by edge01.corp.test', 0],
    ['by us in a comment that does not end', 'from c.test (by hub01.corp.test', 0],
    ['for somebody here', 'from c.test by edge01.corp.test for <by@hub01.corp.test>; now', 0],
    ['by us behind the date', 'from c.test; by hub01.corp.test', 0],
    ['by nobody', 'from hub01.corp.test', 0],
  ])('knows its own Received field: %s', (_, body, expected) => {
    expect(scan(`Received: ${body}\r\n\r\n`)).toMatchObject({ receivedCount: 1, ownReceivedCount: expected });
  });

  it('knows its own Received field as trace-header.ts writes it, whatever the client calls itself', () => {
    const field = (helo: string) =>
      formatReceived({
        helo,
        remoteAddress: '::1',
        fqdn: OWN,
        localAddress: '127.0.0.1',
        isEsmtp: true,
        smtpUtf8: false,
        isAuthenticated: false,
        tls: undefined,
        reason: 'starttls-not-used',
        id: 'x',
        time: new Date(0),
        clockOffset: '+400d',
      });
    fc.assert(
      fc.property(fc.string(), (helo) => {
        expect(scan(`${field(helo)}\r\n`)).toMatchObject({ receivedCount: 1, ownReceivedCount: 1 });
      }),
    );
  });

  it('keeps no subject without end', () => {
    expect(scan(`Subject: ${'😀'.repeat(5000)}\r\n\r\n`).subject).toHaveLength(1000);
  });

  it('looks at no more than the first 256 KiB of a header', () => {
    const filler = `X: ${'x'.repeat(1000)}\r\n`.repeat(300);
    expect(
      scan(`Subject: first\r\n${filler}Message-ID: <late@a.test>\r\n\r\n`, [1000, 100_000, 100_000, 50_000]),
    ).toMatchObject({
      subject: 'first',
      messageId: undefined,
    });
  });

  it('keeps nothing of the buffers that the chunks were cut from', () => {
    const reader = new MessageScan();
    const shared = Buffer.from('Subject: before\r\n\r\n');
    reader.push(shared);
    shared.fill('x');
    expect(reader.facts(OWN).subject).toBe('before');
  });

  it('reads the same, however a message is cut into chunks', () => {
    const piece = fc.constantFrom(
      '\r\n',
      '\r\n',
      'Subject: x',
      'Message-ID: <1@a.test>',
      'Received: a',
      ' folded',
      'ü',
      '\r',
      '\n',
      'x',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat(7), { maxLength: 40 }), (pieces, sizes) => {
        const message = pieces.join('');
        expect(scan(message, sizes)).toEqual(scan(message));
      }),
      { numRuns: 500 },
    );
  });
});
