import { createCipheriv, createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginChecksum, checksumLike, checksumWhole, hasChecksum } from '../../../src/spool/body-checksum.ts';

function sum(pieces: readonly Uint8Array[], checksum = beginChecksum()): Buffer {
  for (const piece of pieces) checksum.update(piece);
  return checksum.end();
}

describe('the checksum of a large body', () => {
  it('is the same wherever the pieces are cut', () => {
    const body = Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 7) % 256));
    fc.assert(
      fc.property(fc.array(fc.nat(body.length), { maxLength: 8 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), body.length];
        const pieces = places.slice(1).map((end, index) => body.subarray(places[index], end));
        expect(sum(pieces).equals(sum([body]))).toBe(true);
      }),
    );
  });

  it('changes with any one bit, and with the length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), fc.nat(), (octets, place) => {
        const at = place % octets.length;
        const flipped = Uint8Array.from(octets, (octet, index) => (index === at ? octet ^ (1 << (place % 8)) : octet));
        const whole = sum([octets]);
        expect(sum([flipped]).equals(whole)).toBe(false);
        expect(sum([octets, Buffer.alloc(1)]).equals(whole)).toBe(false);
        expect(sum([octets.subarray(1)]).equals(whole)).toBe(false);
      }),
    );
  });

  it('is the tag of AES-GCM over the body as data that is not encrypted', () => {
    const cipher = createCipheriv('aes-128-gcm', 'relaypair body 1', Buffer.alloc(12));
    cipher.setAAD(Buffer.from('one body\r\n'));
    cipher.final();
    expect(sum([Buffer.from('one '), Buffer.from('body\r\n')])).toEqual(cipher.getAuthTag());
  });

  it('is compared in the kind that is on record', () => {
    const body = Buffer.from('a body');
    const old = createHash('sha256').update(body).digest();
    expect(sum([body], checksumLike(old))).toEqual(old);
    expect(sum([body], checksumLike(sum([body])))).toEqual(sum([body]));
  });
});

describe('the checksum of a body that is there as a whole', () => {
  const sha256 = (body: Uint8Array): Buffer => createHash('sha256').update(body).digest();

  it('is SHA-256 below 48 KiB, and the tag from there on', () => {
    const [small, large] = [Buffer.alloc(48 * 1024 - 1, 'x'), Buffer.alloc(48 * 1024, 'x')];
    expect(checksumWhole(small)).toEqual(sha256(small));
    expect(checksumWhole(large)).toEqual(sum([large]));
  });

  it('is compared in the kind that is on record, whatever the size', () => {
    for (const body of [Buffer.from('a body'), Buffer.alloc(100 * 1024, 'x')]) {
      const flipped = Buffer.from(body);
      flipped[3] = (flipped[3] ?? 0) ^ 1;
      for (const recorded of [sha256(body), sum([body])]) {
        expect(hasChecksum(body, recorded)).toBe(true);
        expect(hasChecksum(flipped, recorded)).toBe(false);
        expect(hasChecksum(body, recorded.subarray(1))).toBe(false);
      }
    }
  });
});
