import { describe, expect, it } from 'vitest';
import { normalizeDomainName } from '../../../src/directory/domain-name.ts';

describe('normalizeDomainName', () => {
  it.each([
    ['Contoso.Test.', 'contoso.test'],
    ['bücher.test', 'xn--bcher-kva.test'],
    ['_dmarc.contoso.test', '_dmarc.contoso.test'],
  ])('keeps %s as %s', (text, expected) => {
    expect(normalizeDomainName(text)).toBe(expected);
  });

  it.each(['', '.', 'a..test', '-a.test', '192.0.2.1', '[192.0.2.1]', 'a b.test', 'a%2e.test'])(
    'refuses %j',
    (text) => {
      expect(normalizeDomainName(text)).toBeUndefined();
    },
  );

  it.each(['a\\b.test', 'a?b.test', 'a#b.test', 'a/b.test'])('does not cut %j off where a URL would end', (text) => {
    expect(normalizeDomainName(text)).toBeUndefined();
  });
});
