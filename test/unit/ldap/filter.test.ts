import * as fc from 'fast-check';
import { FilterParser } from 'ldapts';
import { describe, expect, it } from 'vitest';
import { BerCursor } from '../../../src/ldap/ber.ts';
import { toAttributes } from '../../../src/ldap/entry.ts';
import {
  caseIgnoreRules,
  escapeFilterValue,
  type Filter,
  formatFilter,
  type MatchingRules,
  matchFilter,
  parseFilter,
} from '../../../src/ldap/filter.ts';
import { decodeFilter, encodeFilter } from '../../../src/ldap/filter-ber.ts';
import { MAX_FILTER_DEPTH } from '../../../src/ldap/filter-tree.ts';

const attribute = fc.constantFrom('cn', 'objectClass', '1.2.3.4', 'cn;lang-en', 'msExchEdgeSyncCookie');
const octets = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes));
const someOctets = fc.uint8Array({ minLength: 1, maxLength: 6 }).map((bytes) => Buffer.from(bytes));

const substring = fc
  .record({
    attribute,
    any: fc.array(someOctets, { maxLength: 3 }),
    initial: fc.option(someOctets),
    final: fc.option(someOctets),
  })
  .filter(({ any, initial, final }) => any.length > 0 || initial !== null || final !== null)
  .map(
    ({ attribute, any, initial, final }): Filter => ({
      kind: 'substring',
      attribute,
      any,
      ...(initial ? { initial } : {}),
      ...(final ? { final } : {}),
    }),
  );

const extensible = fc
  .record({
    attribute: fc.option(fc.constant('cn')),
    rule: fc.option(fc.constant('2.5.13.2')),
    dnAttributes: fc.boolean(),
    value: octets,
  })
  .filter(({ attribute, rule }) => attribute !== null || rule !== null)
  .map(
    ({ attribute, rule, dnAttributes, value }): Filter => ({
      kind: 'extensible',
      dnAttributes,
      value,
      ...(attribute ? { attribute } : {}),
      ...(rule ? { rule } : {}),
    }),
  );

const anyFilter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4 },
    fc.record({
      kind: fc.constantFrom(
        'equal' as const,
        'approximate' as const,
        'greater-or-equal' as const,
        'less-or-equal' as const,
      ),
      attribute,
      value: octets,
    }),
    fc.record({ kind: fc.constant('present' as const), attribute }),
    substring,
    extensible,
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      filters: fc.array(tie('filter'), { maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), filter: tie('filter') }),
  ),
})).filter;

function nest(depth: number): Filter {
  let filter: Filter = { kind: 'present', attribute: 'cn' };
  for (let level = 0; level < depth; level += 1) filter = { kind: 'not', filter };
  return filter;
}

describe('parseFilter', () => {
  it.each([
    ['(cn=Babs Jensen)', { kind: 'equal', attribute: 'cn', value: Buffer.from('Babs Jensen') }],
    ['(cn=*)', { kind: 'present', attribute: 'cn' }],
    ['(cn=)', { kind: 'equal', attribute: 'cn', value: Buffer.alloc(0) }],
    ['(bin=\\00\\00\\00\\04)', { kind: 'equal', attribute: 'bin', value: Buffer.from([0, 0, 0, 4]) }],
    [
      '(o=univ*of*mich*)',
      {
        kind: 'substring',
        attribute: 'o',
        initial: Buffer.from('univ'),
        any: [Buffer.from('of'), Buffer.from('mich')],
      },
    ],
    ['(cn=*a)', { kind: 'substring', attribute: 'cn', any: [], final: Buffer.from('a') }],
    ['(seeAlso=)', { kind: 'equal', attribute: 'seeAlso', value: Buffer.alloc(0) }],
    ['(n>=5)', { kind: 'greater-or-equal', attribute: 'n', value: Buffer.from('5') }],
    ['(n<=5)', { kind: 'less-or-equal', attribute: 'n', value: Buffer.from('5') }],
    ['(n~=5)', { kind: 'approximate', attribute: 'n', value: Buffer.from('5') }],
    ['(&)', { kind: 'and', filters: [] }],
    [
      '(cn:dn:2.4.6.8.10:=Dino)',
      { kind: 'extensible', attribute: 'cn', rule: '2.4.6.8.10', dnAttributes: true, value: Buffer.from('Dino') },
    ],
    ['(:2.4.6:=a)', { kind: 'extensible', rule: '2.4.6', dnAttributes: false, value: Buffer.from('a') }],
    ['(cn:=a)', { kind: 'extensible', attribute: 'cn', dnAttributes: false, value: Buffer.from('a') }],
    [
      ' (&(a=1)(!(b=2))) ',
      {
        kind: 'and',
        filters: [
          { kind: 'equal', attribute: 'a', value: Buffer.from('1') },
          { kind: 'not', filter: { kind: 'equal', attribute: 'b', value: Buffer.from('2') } },
        ],
      },
    ],
  ])('reads %s', (text, expected) => {
    expect(parseFilter(text)).toEqual(expected);
  });

  it.each([
    '',
    'cn=a',
    '(cn=a',
    '(cn=a))',
    '(cn=a)(cn=b)',
    '(=a)',
    '(cn)',
    '(cn=\\2)',
    '(cn=a(b)',
    '(cn=a**b)',
    '(n>=a*)',
    '(!)',
    '(!(a=1)(b=2))',
    '(:=a)',
    '(:dn:=a)',
    '(c n=a)',
  ])('refuses %j', (text) => {
    expect(() => parseFilter(text)).toThrow(expect.objectContaining({ code: 'bad-filter' }));
  });

  it('refuses a filter that nests deeper than the bound, and one so deep that recursion would end the stack', () => {
    expect(parseFilter(formatFilter(nest(MAX_FILTER_DEPTH)))).toEqual(nest(MAX_FILTER_DEPTH));
    for (const depth of [MAX_FILTER_DEPTH + 1, 200_000]) {
      const text = `${'(!'.repeat(depth)}(cn=*)${')'.repeat(depth)}`;
      expect(() => parseFilter(text)).toThrow(expect.objectContaining({ code: 'bad-filter' }));
    }
  });

  it('reads back whatever formatFilter writes', () => {
    fc.assert(
      fc.property(anyFilter, (filter) => {
        expect(parseFilter(formatFilter(filter))).toEqual(filter);
      }),
    );
  });

  it('takes any octets that were escaped for a value', () => {
    fc.assert(
      fc.property(octets, (value) => {
        expect(parseFilter(`(cn=${escapeFilterValue(value)})`)).toEqual({ kind: 'equal', attribute: 'cn', value });
      }),
    );
  });
});

describe('the BER form', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(anyFilter, (filter) => {
        expect(decodeFilter(new BerCursor(encodeFilter(filter)))).toEqual(filter);
      }),
    );
  });

  it.each(['(cn=a)', '(&(a=1)(|(b>=2)(c<=3)))', '(!(cn~=x))', '(cn=*)', '(cn=a*b*c)', '(cn:dn:2.5.13.2:=v)'])(
    'of %s is the one that ldapts writes',
    (text) => {
      const reader = new BerCursor(encodeFilter(parseFilter(text)));
      const theirs = FilterParser.parseString(text);
      expect(decodeFilter(reader)).toEqual(parseFilter(theirs.toString()));
    },
  );

  it('is refused with adminLimitExceeded when it nests too deep', () => {
    expect(decodeFilter(new BerCursor(encodeFilter(nest(MAX_FILTER_DEPTH))))).toEqual(nest(MAX_FILTER_DEPTH));
    expect(() => decodeFilter(new BerCursor(encodeFilter(nest(MAX_FILTER_DEPTH + 1))))).toThrow(
      expect.objectContaining({ code: 'ldap-admin-limit-exceeded' }),
    );
  });

  it('is refused with protocolError when its kind is unknown', () => {
    expect(() => decodeFilter(new BerCursor(Buffer.from([0xaa, 0])))).toThrow(
      expect.objectContaining({ code: 'ldap-protocol-error' }),
    );
  });
});

describe('matchFilter', () => {
  const entry = {
    dn: 'cn=Babs Jensen,dc=test',
    attributes: toAttributes({
      objectClass: ['top', 'person'],
      cn: 'Babs  Jensen',
      n: '5',
      bin: Buffer.from([0, 0xff, 1]),
    }),
  };

  it.each([
    ['(CN=babs jensen)', true],
    ['(cn=babs)', false],
    ['(objectclass=PERSON)', true],
    ['(cn=*)', true],
    ['(mail=*)', false],
    ['(mail=a)', false],
    ['(!(mail=a))', true],
    ['(cn=b*jen*n)', true],
    ['(cn=babs*ens*sen)', false],
    ['(cn=*)', true],
    ['(bin=\\00\\ff\\01)', true],
    ['(bin=\\00*\\01)', true],
    ['(bin=\\00\\ff\\02)', false],
    ['(n>=4)', true],
    ['(n>=6)', false],
    ['(n<=5)', true],
    ['(cn~=BABS JENSEN)', true],
    ['(&)', true],
    ['(|)', false],
    ['(&(cn=*)(n=5))', true],
    ['(&(cn=*)(n=6))', false],
    ['(|(cn=x)(n=5))', true],
    ['(cn:caseExactMatch:=a)', false],
    ['(!(cn:caseExactMatch:=a))', false],
    ['(|(cn:caseExactMatch:=a)(n=5))', true],
    ['(&(cn:caseExactMatch:=a)(n=5))', false],
  ])('answers %s with %s', (text, expected) => {
    expect(matchFilter(parseFilter(text), entry)).toBe(expected);
  });

  it('finds neither an unknown attribute nor its negation', () => {
    const rules: MatchingRules = { ...caseIgnoreRules, knows: (name) => name.toLowerCase() !== 'mystery' };
    expect(matchFilter(parseFilter('(mystery=*)'), entry, rules)).toBe(false);
    expect(matchFilter(parseFilter('(!(mystery=*))'), entry, rules)).toBe(false);
    expect(matchFilter(parseFilter('(!(&(mystery=1)(n=6)))'), entry, rules)).toBe(true);
  });
});
