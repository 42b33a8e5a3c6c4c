import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { childDn, formatDn, isWithinDn, normalizeDn, parentDn, parseDn, rdnOf } from '../../../src/ldap/dn.ts';

describe('parseDn', () => {
  it.each([
    ['', []],
    [
      'UID=jsmith,DC=example',
      [
        ['UID', 'jsmith'],
        ['DC', 'example'],
      ],
    ],
    [
      'CN = EDGE01 , OU=MSExchangeGateway',
      [
        ['CN', 'EDGE01'],
        ['OU', 'MSExchangeGateway'],
      ],
    ],
    [
      String.raw`CN=James \"Jim\" Smith\, III,DC=net`,
      [
        ['CN', 'James "Jim" Smith, III'],
        ['DC', 'net'],
      ],
    ],
    [String.raw`CN=Before\0dAfter`, [['CN', 'Before\rAfter']]],
    [String.raw`CN=Lu\C4\8Di\C4\87`, [['CN', 'Lučić']]],
    [
      String.raw`CN=a\ ,O=b`,
      [
        ['CN', 'a '],
        ['O', 'b'],
      ],
    ],
    [String.raw`CN=\ a\\ `, [['CN', ' a\\']]],
    ['CN=a=b', [['CN', 'a=b']]],
    ['CN=', [['CN', '']]],
  ])('reads %j', (text, expected) => {
    expect(parseDn(text).map((rdn) => [rdn[0]?.type, rdn[0]?.value])).toEqual(expected);
  });

  it('reads a part of several values and a value in its BER form', () => {
    expect(parseDn('OU=Sales+CN=J,1.3.6.1.4.1.1466.0=#04024869')).toEqual([
      [
        { type: 'OU', value: 'Sales', encoded: false },
        { type: 'CN', value: 'J', encoded: false },
      ],
      [{ type: '1.3.6.1.4.1.1466.0', value: '04024869', encoded: true }],
    ]);
  });

  it.each([
    'EDGE01',
    'CN=a,',
    ',CN=a',
    'CN=a+',
    'CN=a;O=b',
    'CN="a"',
    'CN=a<b',
    String.raw`CN=a\x`,
    String.raw`CN=\ff`,
    'CN=#0',
    'CN=#0402 x',
    '1.=a',
    `CN=${'a'.repeat(20_000)}`,
  ])('refuses %j', (text) => {
    expect(() => parseDn(text)).toThrow(expect.objectContaining({ code: 'bad-dn' }));
  });

  it('reads back whatever formatDn writes', () => {
    const value = fc.record({
      type: fc.constantFrom('CN', 'ou', '2.5.4.3'),
      value: fc.string({ unit: 'grapheme' }),
      encoded: fc.constant(false),
    });
    fc.assert(
      fc.property(fc.array(fc.array(value, { minLength: 1, maxLength: 3 }), { maxLength: 4 }), (rdns) => {
        expect(parseDn(formatDn(rdns))).toEqual(rdns);
      }),
    );
  });

  it('never throws anything but bad-dn', () => {
    const pieces = fc.constantFrom('CN', '=', ',', '+', '\\', '"', ' ', '#', '2c', 'ff', 'é', '\0', ';', '1.2');
    fc.assert(
      fc.property(
        fc.array(pieces).map((list) => list.join('')),
        (text) => {
          try {
            parseDn(text);
          } catch (error) {
            expect(error).toMatchObject({ code: 'bad-dn' });
          }
        },
      ),
    );
  });
});

describe('normalizeDn', () => {
  it.each([
    ['CN=Edge01,OU=A', 'cn = EDGE01,ou=a'],
    ['2.5.4.3=x', 'CN=X'],
    ['OU=b+CN=a', 'cn=A+ou=B'],
    ['CN=a  b', 'CN=A B'],
    [String.raw`CN=a\,b`, String.raw`CN=A\2CB`],
    ['CN=ﬁ', 'CN=fi'],
  ])('takes %j and %j for the same name', (a, b) => {
    expect(normalizeDn(a)).toBe(normalizeDn(b));
  });

  it('is the same when done twice', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 3 }), (values) => {
        const key = normalizeDn(values.reduce((parent, value) => childDn('CN', value, parent), ''));
        expect(normalizeDn(key)).toBe(key);
      }),
    );
  });
});

describe('the family of a name', () => {
  it('tells parent, first part and child', () => {
    expect(parentDn('CN=a,OU=b,DC=c')).toBe('OU=b,DC=c');
    expect(parentDn('DC=c')).toBe('');
    expect(parentDn('')).toBeUndefined();
    expect(rdnOf(String.raw`CN=a\,b,OU=c`)).toBe(String.raw`CN=a\,b`);
    expect(childDn('CN', '#1, Smith ', 'OU=b')).toBe(String.raw`CN=\#1\, Smith\ ,OU=b`);
    expect(childDn('CN', ' ', '')).toBe(String.raw`CN=\ `);
  });

  it('finds what lies within a base and is not fooled by an escaped comma', () => {
    expect(isWithinDn('CN=a,OU=B,DC=c', 'ou=b,dc=C')).toBe(true);
    expect(isWithinDn('OU=b,DC=c', 'OU=b,DC=c')).toBe(true);
    expect(isWithinDn('OU=b', '')).toBe(true);
    expect(isWithinDn('DC=c', 'OU=b,DC=c')).toBe(false);
    expect(isWithinDn(String.raw`CN=a\,OU=b`, 'OU=b')).toBe(false);
  });
});
