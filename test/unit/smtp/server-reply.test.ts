import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCapabilities, readReply } from '../../../src/smtp/server-reply.ts';

describe("a server's reply", () => {
  it.each([
    ['250 Ok', { code: 250, enhanced: '', text: 'Ok' }],
    ['250', { code: 250, enhanced: '', text: '' }],
    ['250 2.1.5', { code: 250, enhanced: '2.1.5', text: '' }],
    ['550 5.7.1 No\tway', { code: 550, enhanced: '5.7.1', text: 'No?way' }],
    ['550-5.7.1 One\n550 5.7.1 two', { code: 550, enhanced: '5.7.1', text: 'One\ntwo' }],
    ['550-5.7.1 One\n550 two', { code: 550, enhanced: '5.7.1', text: 'One\ntwo' }],
    ['550 4.7.1 Another class', { code: 550, enhanced: '', text: '4.7.1 Another class' }],
    ['250 2.1.5x', { code: 250, enhanced: '', text: '2.1.5x' }],
    ['334 dGVzdA==', { code: 334, enhanced: '', text: 'dGVzdA==' }],
  ])('is read: %j', (raw, reply) => {
    expect(readReply(raw)).toMatchObject(reply);
  });

  it.each([
    '',
    'Ok',
    '25 Ok',
    '2500',
    '250Ok',
    '199 x',
    '650 x',
    '250-Ok',
    '250 Ok\n250 Ok',
    '250-a\n251 b',
    '250-a\n\n250 b',
    '250 \0',
    `${'250-x\n'.repeat(500)}250 x`,
  ])('is none: %j', (raw) => {
    expect(readReply(raw)).toBeUndefined();
  });

  it('is bounded and printable, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('250', '450', '550'),
        fc.string({ unit: 'binary', maxLength: 9000 }),
        (code, text) => {
          const reply = readReply(`${code} ${text.replaceAll(/[\0\n]/g, ' ')}`);
          expect(reply?.text.length).toBeLessThanOrEqual(2048);
          expect(reply?.text).not.toMatch(/\p{Cc}/u);
        },
      ),
    );
  });
});

describe('the capabilities of an EHLO reply', () => {
  it('are the keywords after the first line, in upper case, a repeated one joined', () => {
    const reply = readReply(
      '250-STARTTLS.test\n250-size 10\n250-AUTH A\n250-auth B C\n250-AUTH=D\n250-?\n250 8bitmime ',
    );
    expect(reply && [...readCapabilities(reply)]).toEqual([
      ['SIZE', '10'],
      ['AUTH', 'A B C'],
      ['8BITMIME', ''],
    ]);
  });
});
