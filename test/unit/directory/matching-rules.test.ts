import { describe, expect, it } from 'vitest';
import { findMatchingRule, MATCHING_RULES } from '../../../src/directory/matching-rules.ts';
import { rulesWithout } from '../../../src/directory/door-rights.ts';
import { schemaRules } from '../../../src/directory/schema-rules.ts';
import { makeSubschema } from '../../../src/directory/subschema.ts';
import { SYNTAXES } from '../../../src/directory/syntax.ts';
import { getValues, toAttributes } from '../../../src/ldap/entry.ts';
import { matchFilter, parseFilter } from '../../../src/ldap/filter.ts';

const ENTRY = {
  dn: 'CN=Inside,OU=Connectors,DC=test',
  attributes: toAttributes({
    objectClass: 'msExchRoutingSMTPConnector',
    cn: 'Inside',
    description: ['Hub  to Edge', 'Straße'],
    msExchSmtpSendPort: '25',
    msExchEdgeSyncCredential: '{"User":"a b"}',
    msExchServerInternalTLSCert: Buffer.from([0xff, 0x00]),
    msExchEdgeSubscriptionEffective: '20260131120000Z',
    userPassword: 'secret',
  }),
};

const matches = (filter: string, rules = schemaRules): boolean => matchFilter(parseFilter(filter), ENTRY, rules);
/** True, false, or undefined when neither the filter nor its opposite matches. */
const answer = (filter: string): boolean | undefined => {
  const [is, isNot] = [matches(filter), matches(`(!${filter})`)];
  return is === isNot ? undefined : is;
};

describe('a filter by the schema', () => {
  it.each<[string, boolean | undefined]>([
    ['(cn=inside)', true],
    ['(2.5.4.3=INSIDE)', true],
    ['(description=hub to edge)', true],
    ['(description=Hub*edge)', true],
    ['(description=STRASSE)', false],
    ['(description=straße)', true],
    ['(description= hub*)', true],
    ['(description=*to edge )', true],
    ['(msExchEdgeSyncCredential=*user*)', false],
    ['(msExchEdgeSyncCredential=*User*)', true],
    ['(msExchSmtpSendPort>=9)', true],
    ['(msExchSmtpSendPort>=100)', false],
    ['(msExchSmtpSendPort=x)', undefined],
    ['(msExchSmtpSendPort=2*)', undefined],
    ['(cn>=a)', undefined],
    ['(adminDescription=)', undefined],
    ['(msExchSmtpSendEnabled>=TRUE)', undefined],
    ['(msExchEdgeSubscriptionEffective=20260131130000+0100)', true],
    ['(msExchEdgeSubscriptionEffective<=20260131115959.9Z)', false],
    ['(objectClass=top)', true],
    ['(objectClass=2.5.6.0)', true],
    ['(objectClass=msExchContainer)', false],
    ['(objectClass=nosuch)', undefined],
    ['(nosuch=a)', undefined],
    ['(&)', true],
    ['(|)', false],
  ])('%s is %s', (filter, expected) => {
    expect(answer(filter)).toBe(expected);
  });

  it.each<[string, boolean | undefined]>([
    ['(cn:=inside)', true],
    ['(cn:caseExactMatch:=inside)', false],
    ['(cn:2.5.13.5:=Inside)', true],
    ['(msExchEdgeSyncCredential:caseIgnoreMatch:={"user":"A B"})', true],
    [String.raw`(description:caseIgnoreSubstringsMatch:=hub\2aedge)`, true],
    [String.raw`(description:caseIgnoreSubstringsMatch:=edge\2ahub)`, false],
    ['(description:caseIgnoreSubstringsMatch:=hub)', undefined],
    ['(msExchSmtpSendPort:integerOrderingMatch:=26)', true],
    ['(msExchSmtpSendPort:integerOrderingMatch:=25)', false],
    ['(msExchSmtpSendPort:1.2.840.113556.1.4.803:=17)', true],
    ['(msExchSmtpSendPort:1.2.840.113556.1.4.803:=3)', false],
    ['(msExchSmtpSendPort:integerBitOrMatch:=3)', true],
    ['(msExchServerInternalTLSCert:octetStringMatch:=\\ff\\00)', true],
    ['(cn:integerMatch:=25)', undefined],
    ['(cn:nosuchMatch:=Inside)', undefined],
    ['(:caseExactMatch:=Inside)', true],
    ['(:integerMatch:=25)', true],
    ['(:integerMatch:=26)', false],
    ['(:booleanMatch:=TRUE)', false],
    ['(cn:dn:=inside)', true],
    ['(ou:dn:=Connectors)', undefined],
    ['(cn:dn:=Connectors)', false],
  ])('with a rule, %s is %s', (filter, expected) => {
    expect(answer(filter)).toBe(expected);
  });

  it('learns nothing of what is hidden, whichever way it asks', () => {
    const rules = rulesWithout(new Set(['userPassword']));
    for (const filter of [
      '(userPassword=secret)',
      '(2.5.4.35=*)',
      '(:octetStringMatch:=secret)',
      '(userPassword:octetStringMatch:=secret)',
      '(:2.5.13.17:=secret)',
    ]) {
      expect([filter, matches(filter, rules)]).toEqual([filter, false]);
    }
    expect(matches('(:octetStringMatch:=secret)')).toBe(true);
    expect(matches('(cn=inside)', rules)).toBe(true);
  });
});

describe('the subschema', () => {
  const described = (name: string): string[] => getValues(makeSubschema(), name).map(String);

  it('describes every rule that an attribute type or a syntax names, and every syntax', () => {
    const rules = described('matchingRules').join('\n');
    const syntaxes = described('ldapSyntaxes').join('\n');
    for (const { oid, equality, ordering, substrings } of Object.values(SYNTAXES)) {
      expect(syntaxes).toContain(`( ${oid} DESC '`);
      for (const name of [equality, ordering, substrings]) {
        if (name !== undefined) expect([name, findMatchingRule(name)?.name]).toEqual([name, name]);
        if (name !== undefined) expect(rules).toContain(`NAME '${name}'`);
      }
    }
    for (const { assertionSyntax } of MATCHING_RULES) expect(syntaxes).toContain(`( ${assertionSyntax} `);
  });

  it('says of attributes that clients cannot write them', () => {
    const types = described('attributeTypes');
    expect(types.find((text) => text.includes("'entryUUID'"))).toMatch(
      /NO-USER-MODIFICATION USAGE directoryOperation \)$/,
    );
    expect(types.find((text) => text.includes("'cn'"))).not.toContain('ORDERING');
    expect(described('objectClasses').join('\n')).toMatch(/NAME 'top' ABSTRACT MUST objectClass \)/);
  });
});
