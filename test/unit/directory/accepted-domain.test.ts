import { describe, expect, it } from 'vitest';
import {
  type AcceptedDomain,
  findAcceptedDomain,
  formatAcceptedDomainName,
  parseAcceptedDomainName,
  settleDefaultDomain,
  validateAcceptedDomains,
} from '../../../src/directory/accepted-domain.ts';

function domain(text: string, given: Partial<AcceptedDomain> = {}): AcceptedDomain {
  return { name: text, ...parseAcceptedDomainName(text), domainType: 'Authoritative', default: false, ...given };
}

describe('accepted domain', () => {
  it.each([
    ['Contoso.COM', 'contoso.com'],
    ['*.Contoso.com', '*.contoso.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['*.BÜCHER.example', '*.xn--bcher-kva.example'],
    ['contoso.com.', 'contoso.com'],
    ['localdomain', 'localdomain'],
  ])('reads %s as %s', (text, expected) => {
    expect(formatAcceptedDomainName(parseAcceptedDomainName(text))).toBe(expected);
  });

  it.each([
    '',
    '*',
    '*contoso.com',
    'con toso.com',
    'a@b',
    '192.0.2.1',
    '-a.com',
    'a..b',
    `${'a'.repeat(64)}.com`,
    'a%2eb',
    'x:y',
  ])('refuses %j', (text) => {
    expect(() => parseAcceptedDomainName(text)).toThrow(expect.objectContaining({ code: 'bad-domain' }));
  });

  const domains = [
    domain('contoso.com'),
    domain('*.fabrikam.com'),
    domain('*.eu.fabrikam.com'),
    domain('lab.eu.fabrikam.com'),
    domain('com.example'),
  ];

  it.each([
    ['contoso.com', 'contoso.com'],
    ['CONTOSO.com', 'contoso.com'],
    ['sub.contoso.com', undefined],
    ['notcontoso.com', undefined],
    ['fabrikam.com', '*.fabrikam.com'],
    ['mail.fabrikam.com', '*.fabrikam.com'],
    ['mail.eu.fabrikam.com', '*.eu.fabrikam.com'],
    ['lab.eu.fabrikam.com', 'lab.eu.fabrikam.com'],
    ['xfabrikam.com', undefined],
    ['com', undefined],
    ['', undefined],
    ['[192.0.2.1]', undefined],
  ])('finds for %j: %s', (recipientDomain, expected) => {
    expect(findAcceptedDomain(domains, recipientDomain)?.name).toBe(expected);
  });

  it('refuses two entries for one name', () => {
    const twice = [domain('contoso.com'), domain('*.contoso.com')];
    expect(() => validateAcceptedDomains(twice)).toThrow(expect.objectContaining({ code: 'domain-twice' }));
  });

  it('keeps exactly one default', () => {
    const [a, b] = [domain('a.test'), domain('b.test')];
    const defaults = (list: AcceptedDomain[]) => list.filter((entry) => entry.default).map(({ name }) => name);
    expect(defaults(settleDefaultDomain([a], {}))).toEqual(['a.test']);
    expect(defaults(settleDefaultDomain([{ ...a, default: true }, b], { preferred: b }))).toEqual(['a.test']);
    const preferred = { ...b, default: true };
    expect(defaults(settleDefaultDomain([{ ...a, default: true }, preferred], { preferred }))).toEqual(['b.test']);
    expect(() => settleDefaultDomain([b], { removed: { ...a, default: true } })).toThrow(
      expect.objectContaining({ code: 'default-domain' }),
    );
    expect(settleDefaultDomain([], { removed: { ...a, default: true } })).toEqual([]);
  });
});
