import { describe, expect, it } from 'vitest';
import { getText, getValues, selectAttributes, toAttributes } from '../../../src/ldap/entry.ts';

const entry = {
  dn: 'cn=a',
  attributes: toAttributes({ cn: 'a', 'cn;lang-en': 'a', sn: ['b', 'c'], entryUUID: 'u', createTimestamp: 't' }),
};

describe('selectAttributes', () => {
  it.each([
    [[], ['cn', 'cn;lang-en', 'sn']],
    [['*'], ['cn', 'cn;lang-en', 'sn']],
    [['+'], ['entryUUID', 'createTimestamp']],
    [
      ['*', '+'],
      ['cn', 'cn;lang-en', 'sn', 'entryUUID', 'createTimestamp'],
    ],
    [['1.1'], []],
    [['1.1', 'sn'], ['sn']],
    [['CN'], ['cn', 'cn;lang-en']],
    [['cn;LANG-EN'], ['cn;lang-en']],
    [
      ['*', 'entryuuid'],
      ['cn', 'cn;lang-en', 'sn', 'entryUUID'],
    ],
    [['mail'], []],
  ])('of %j gives %j', (attributes, expected) => {
    const selected = selectAttributes(entry, { attributes, typesOnly: false });
    expect([...selected.attributes.keys()]).toEqual(expected);
  });

  it('leaves the values out when only types are wanted', () => {
    const selected = selectAttributes(entry, { attributes: ['sn'], typesOnly: true });
    expect([...selected.attributes]).toEqual([['sn', []]]);
  });

  it('asks the schema which attributes are operational', () => {
    const selected = selectAttributes(entry, { attributes: [], typesOnly: false }, (name) => name === 'sn');
    expect([...selected.attributes.keys()]).not.toContain('sn');
  });
});

describe('getValues', () => {
  it('knows no case', () => {
    expect(getValues(entry, 'SN').map(String)).toEqual(['b', 'c']);
    expect(getText(entry, 'ENTRYuuid')).toBe('u');
    expect(getText(entry, 'mail')).toBeUndefined();
  });
});
