import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MessageFacts, MessageScan } from '../../../src/transport/message-scan.ts';

function scan(message: string | Buffer, sizes: readonly number[] = []): MessageFacts {
  const octets = Buffer.isBuffer(message) ? message : Buffer.from(message);
  const reader = new MessageScan();
  let from = 0;
  for (const size of sizes) {
    reader.push(octets.subarray(from, from + size));
    from += size;
  }
  reader.push(octets.subarray(from));
  return reader.facts();
}

describe('MessageScan', () => {
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
    ['no body', 'Subject: one\r\n', { subject: 'one' }],
    ['no header', '\r\nSubject: one\r\n\r\nReceived: x\r\n', { subject: '', receivedCount: 0 }],
    ['nothing', '', { messageId: undefined, subject: '', receivedCount: 0, hasEightBit: false }],
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
    expect(reader.facts().subject).toBe('before');
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
