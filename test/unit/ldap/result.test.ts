import { describe, expect, it } from 'vitest';
import { fault, isNonError, LdapFault, nameResult, outcomeOfFault, ResultCode } from '../../../src/ldap/result.ts';

describe('LdapFault', () => {
  it.each([
    ['noSuchObject', 32, 'ldap-no-such-object'],
    ['invalidDNSyntax', 34, 'ldap-invalid-dn-syntax'],
    ['notAllowedOnRDN', 67, 'ldap-not-allowed-on-rdn'],
    ['affectsMultipleDSAs', 71, 'ldap-affects-multiple-dsas'],
    ['busy', 51, 'ldap-busy'],
  ] as const)('%s has the code %i and is named %s', (name, resultCode, code) => {
    expect(fault(name, 'sentence')).toMatchObject({ resultCode, code });
  });

  it('keeps what a peer shall read', () => {
    const outcome = outcomeOfFault(fault('noSuchObject', 'not there', { matchedDn: 'dc=a', failedOperation: 2 }));
    expect(outcome).toEqual({ resultCode: 32, matchedDn: 'dc=a', diagnosticMessage: 'not there', failedOperation: 2 });
  });

  it('names codes that it does not know by their number', () => {
    expect(nameResult(4711)).toBe('result-4711');
    expect(new LdapFault(4711, 'x').code).toBe('ldap-result-4711');
  });

  it('gives each result a code of its own', () => {
    const codes = Object.values(ResultCode).map((resultCode) => new LdapFault(resultCode, '').code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.every((code) => /^ldap(-[a-z]+)+$/.test(code))).toBe(true);
  });
});

describe('isNonError', () => {
  it('counts both answers of compare as good', () => {
    expect([0, 5, 6].map(isNonError)).toEqual([true, true, true]);
    expect([1, 4, 80].some(isNonError)).toBe(false);
  });
});
