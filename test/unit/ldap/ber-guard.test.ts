import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode, encodeInteger, encodeOctets, SEQUENCE } from '../../../src/ldap/ber.ts';
import { MalformedPdu, PduCutter, scanBer } from '../../../src/ldap/ber-guard.ts';
import { decodeMessage } from '../../../src/ldap/message.ts';
import { decodeRequest } from '../../../src/ldap/request.ts';
import { decodeEntry, decodeResult } from '../../../src/ldap/response.ts';
import { LdapFault } from '../../../src/ldap/result.ts';
import { decodeEndTransaction, decodeFailedMessage } from '../../../src/ldap/transaction.ts';

const LIMIT = 1000;

function cut(...chunks: Buffer[]): Buffer[] {
  const cutter = new PduCutter(LIMIT);
  return chunks.flatMap((chunk) => [...cutter.push(chunk)]);
}

function nest(depth: number): Buffer {
  let inner: Buffer = Buffer.alloc(0);
  for (let level = 0; level < depth; level += 1) inner = encode(SEQUENCE, inner);
  return inner;
}

describe('PduCutter', () => {
  it('gives the same messages however the stream is cut', () => {
    const message = fc
      .uint8Array({ maxLength: 300 })
      .map((bytes) => encode(SEQUENCE, encodeOctets(Buffer.from(bytes))));
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.nat(1500)), (messages, places) => {
        const stream = Buffer.concat(messages);
        const cuts = [0, ...places.filter((place) => place < stream.length).toSorted((a, b) => a - b), stream.length];
        const chunks = cuts.slice(1).map((end, index) => stream.subarray(cuts[index], end));
        expect(cut(...chunks)).toEqual(messages);
      }),
    );
  });

  it('takes a length that is written longer than it need be, as Windows does', () => {
    const pdu = Buffer.from([0x30, 0x84, 0, 0, 0, 3, 0x02, 0x01, 0x05]);
    expect(cut(pdu.subarray(0, 4), pdu.subarray(4))).toEqual([pdu]);
  });

  it.each([
    ['a byte that begins no message', [0x16, 3, 1, 0, 0]],
    ['text', [...Buffer.from('GET / HTTP/1.1\r\n')]],
    ['an indefinite length', [0x30, 0x80, 0, 0]],
    ['a length of minus one', [0x30, 0x84, 0xff, 0xff, 0xff, 0xff]],
    ['a length of five octets', [0x30, 0x85, 0, 0, 0, 0, 1]],
    ['the reserved length', [0x30, 0xff, 0]],
    ['a length over the limit', [0x30, 0x82, 0x03, 0xe5]],
    ['an inner length of minus one', [0x30, 0x06, 0x04, 0x84, 0xff, 0xff, 0xff, 0xff]],
    ['an inner element that is longer than the outer one', [0x30, 0x04, 0x30, 0x03, 0x04, 0x05]],
    ['an inner element without a length', [0x30, 0x01, 0x04]],
    ['a tag of several octets', [0x30, 0x03, 0x1f, 0x81, 0x00]],
  ])('refuses %s', (_what, bytes) => {
    expect(() => cut(Buffer.from(bytes))).toThrow(MalformedPdu);
  });

  it('refuses a huge length before any of the content has come, and keeps no room for it', () => {
    const cutter = new PduCutter(LIMIT);
    expect(() => [...cutter.push(Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]))]).toThrow(MalformedPdu);
    expect(cutter.pendingBytes).toBeLessThan(10);
  });

  it('holds the limit to the byte, and a raised one for the next message of the same chunk', () => {
    const exact = encode(SEQUENCE, encodeOctets(Buffer.alloc(LIMIT - 8)));
    expect(exact.length).toBe(LIMIT);
    expect(cut(exact)).toEqual([exact]);
    const longer = encode(SEQUENCE, encodeOctets(Buffer.alloc(LIMIT - 7)));
    expect(() => cut(longer)).toThrow(MalformedPdu);
    const cutter = new PduCutter(LIMIT);
    const both = cutter.push(Buffer.concat([exact, longer]));
    expect(both.next().value).toEqual(exact);
    cutter.limitBytes = LIMIT + 1;
    expect(both.next().value).toEqual(longer);
  });

  it('takes a message of five megabytes that comes byte after byte without joining it anew each time', () => {
    const cutter = new PduCutter(5 * 1024 * 1024);
    const pdu = encode(SEQUENCE, encodeOctets(Buffer.alloc(5 * 1024 * 1024 - 10)));
    const found: Buffer[] = [];
    for (let offset = 0; offset < pdu.length; offset += 16)
      found.push(...cutter.push(pdu.subarray(offset, offset + 16)));
    expect(found).toHaveLength(1);
    expect(found[0]?.equals(pdu)).toBe(true);
    expect(cutter.pendingBytes).toBe(0);
  });
});

describe('scanBer', () => {
  it('refuses deep nesting and bears the deepest there can be', () => {
    expect(() => scanBer(nest(110))).not.toThrow();
    expect(() => scanBer(nest(112))).toThrow(MalformedPdu);
    expect(() => scanBer(nest(50_000))).toThrow(MalformedPdu);
  });

  it('refuses more elements than memory could hold decoded', () => {
    expect(() => scanBer(encode(SEQUENCE, Buffer.alloc(2 * 150_000, Buffer.from([4, 0]))))).not.toThrow();
    expect(() => scanBer(encode(SEQUENCE, Buffer.alloc(2 * 250_000, Buffer.from([4, 0]))))).toThrow(MalformedPdu);
  });
});

describe('hostile bytes', () => {
  /** Everything that reads what a peer sent. */
  const readers = [decodeRequest, decodeResult, decodeEntry];

  function readAll(bytes: Buffer): void {
    const cutter = new PduCutter(65_536);
    for (const pdu of cutter.push(bytes)) {
      const message = decodeMessage(pdu);
      for (const read of readers) expectOnly(() => read(message));
    }
  }

  function expectOnly(read: () => unknown): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof MalformedPdu) && !(error instanceof LdapFault)) throw error;
    }
  }

  it('never throw anything but MalformedPdu or LdapFault when they are random', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const content = Buffer.from(bytes);
        expectOnly(() => readAll(content));
        expectOnly(() => readAll(encode(SEQUENCE, content)));
        expectOnly(() => decodeEndTransaction(content));
        expectOnly(() => decodeFailedMessage(content));
      }),
      { numRuns: 1000 },
    );
  });

  it('never throw anything else when they are real requests with some bytes changed', () => {
    const tags = [0x60, 0x42, 0x63, 0x66, 0x68, 0x4a, 0x6c, 0x6e, 0x50, 0x77, 0x65, 0x64, 0x78];
    const leaf = fc.oneof(
      fc.uint8Array({ maxLength: 8 }).map((bytes) => encodeOctets(Buffer.from(bytes))),
      fc.integer({ min: -5, max: 300 }).map((value) => encodeInteger(value)),
      fc.integer({ min: 0, max: 4 }).map((value) => encodeInteger(value, 0x0a)),
      fc.constant(Buffer.from([1, 1, 0xff])),
      fc.constant(encodeOctets('cn=a,dc=b')),
    );
    const tree: fc.Arbitrary<Buffer> = fc.letrec<{ node: Buffer }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc
          .tuple(
            fc.constantFrom(0x30, 0x31, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa9),
            fc.array(tie('node'), { maxLength: 4 }),
          )
          .map(([tag, parts]) => encode(tag, ...parts)),
      ),
    })).node;
    const message = fc
      .tuple(fc.constantFrom(...tags), fc.array(tree, { maxLength: 8 }), fc.array(tree, { maxLength: 2 }))
      .map(([tag, parts, tail]) => encode(SEQUENCE, encodeInteger(1), encode(tag, ...parts), ...tail));
    const change = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(message, change, (pdu, changes) => {
        const bytes = Buffer.from(pdu);
        for (const [place, value] of changes) if (place < bytes.length) bytes[place] = value;
        expectOnly(() => readAll(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});
