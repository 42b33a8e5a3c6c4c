import { describe, expect, it } from 'vitest';
import { accountView } from '../../../src/directory/account.ts';
import { acceptedDomainView } from '../../../src/directory/accepted-domain.ts';
import type { Field } from '../../../src/directory/attribute-field.ts';
import { edgeSubscriptionView } from '../../../src/directory/edge-subscription.ts';
import { receiveConnectorView } from '../../../src/directory/receive-connector.ts';
import { findAttributeType, findObjectClass, OBJECT_CLASSES } from '../../../src/directory/schema.ts';
import { ATTRIBUTE_TYPES } from '../../../src/directory/schema-attributes.ts';
import { schemaRules } from '../../../src/directory/schema-rules.ts';
import { sendConnectorView } from '../../../src/directory/send-connector.ts';
import {
  formatGeneralizedTime,
  parseGeneralizedTime,
  SYNTAXES,
  type SyntaxName,
} from '../../../src/directory/syntax.ts';
import { transportConfigView } from '../../../src/directory/transport-config.ts';
import { transportServerView } from '../../../src/directory/transport-server.ts';

const VIEWS = [
  accountView,
  acceptedDomainView,
  edgeSubscriptionView,
  receiveConnectorView,
  sendConnectorView,
  transportConfigView,
  transportServerView,
];

describe('schema', () => {
  it('gives no name and no identifier twice', () => {
    for (const items of [ATTRIBUTE_TYPES, OBJECT_CLASSES]) {
      for (const key of ['name', 'oid'] as const) {
        const all = items.map((item) => item[key].toLowerCase());
        expect(all.filter((value, index) => all.indexOf(value) !== index)).toEqual([]);
      }
    }
  });

  it('knows every attribute that a class names', () => {
    const named = OBJECT_CLASSES.flatMap(({ must, may }) => [...must, ...may]);
    expect(named.filter((name) => findAttributeType(name)?.name !== name)).toEqual([]);
  });

  it.each(VIEWS)('has each attribute of the view "$noun" in its class, with its syntax', ({ objectClass, fields }) => {
    const found = findObjectClass(objectClass);
    const allowed = [...(found?.must ?? []), ...(found?.may ?? [])];
    const wrong = (Object.values(fields) as Pick<Field<unknown>, 'attribute' | 'syntax' | 'isList'>[]).filter(
      ({ attribute, syntax, isList }) => {
        const type = findAttributeType(attribute);
        return !allowed.includes(attribute) || type?.syntax !== syntax || (isList && type.isSingle);
      },
    );
    expect(wrong.map(({ attribute }) => attribute)).toEqual([]);
  });

  it('finds by identifier and in any letter case', () => {
    expect(findAttributeType('2.5.4.3')?.name).toBe('cn');
    expect(findAttributeType('MSEXCHSERVERINTERNALTLSCERT')?.name).toBe('msExchServerInternalTLSCert');
    expect(findObjectClass('MSEXCHCONTAINER')?.name).toBe('msExchContainer');
    expect(findAttributeType('cn;lang-en')).toBeUndefined();
  });
});

describe('syntaxes', () => {
  it.each<[SyntaxName, string, boolean]>([
    ['text', 'Grüße', true],
    ['text', '', false],
    ['integer', '0', true],
    ['integer', '-12', true],
    ['integer', '007', false],
    ['integer', '1.5', false],
    ['boolean', 'TRUE', true],
    ['boolean', 'true', false],
    ['time', '20260131120000Z', true],
    ['time', '20260131120000.123Z', true],
    ['time', '20260231120000Z', false],
    ['time', '20260131120000', false],
    ['time', '2026013125Z', false],
    ['dn', 'CN=a,DC=b', true],
    ['dn', 'nothing', false],
    ['uuid', '0f6f2d6e-0000-4000-8000-0000000000ad', true],
    ['uuid', '{0f6f2d6e}', false],
    ['class', 'msExchContainer', true],
    ['class', 'two words', false],
    ['octets', '', true],
  ])('%s %j: %s', (name, text, isAccepted) => {
    expect(SYNTAXES[name].accepts(Buffer.from(text))).toBe(isAccepted);
  });

  it('takes text that is no UTF-8 for no text', () => {
    expect(SYNTAXES.text.accepts(Buffer.from([0xff, 0xfe]))).toBe(false);
  });

  it('writes a time to the millisecond and reads it back', () => {
    const date = new Date('2026-02-28T23:59:59.007Z');
    expect(formatGeneralizedTime(date)).toBe('20260228235959.007Z');
    expect(parseGeneralizedTime(formatGeneralizedTime(date))).toEqual(date);
    expect(() => parseGeneralizedTime('yesterday')).toThrow(RangeError);
  });
});

describe('schema rules', () => {
  const octets = (text: string) => Buffer.from(text);

  it.each([
    ['cn', ' Hub  01 ', 'HUB 01', true],
    ['msExchEdgeSyncCredential', '{"A":1}', '{"a":1}', false],
    ['msExchEdgeSubscriptionEffective', '20260101000000Z', '20260101000000.000Z', true],
    ['creatorsName', 'CN=a, DC=b', 'cn=A,dc=B', true],
    ['msExchServerInternalTLSCert', 'a', 'A', false],
    ['msExchSmtpSendPort', '25', 'x', undefined],
    ['nosuch', 'a', 'a', undefined],
  ])('%s: %j and %j equal: %s', (attribute, a, b, expected) => {
    expect(schemaRules.equals(attribute, octets(a), octets(b))).toBe(expected);
  });

  it('orders numbers as numbers, times as times, and truth values not at all', () => {
    expect(schemaRules.order('msExchSmtpSendPort', octets('9'), octets('25'))).toBeLessThan(0);
    expect(schemaRules.order('createTimestamp', octets('20260101000000Z'), octets('20251231235959Z'))).toBeGreaterThan(
      0,
    );
    expect(schemaRules.order('msExchSmtpSendEnabled', octets('TRUE'), octets('FALSE'))).toBeUndefined();
  });

  it('looks into texts and not into octets', () => {
    const pattern = { any: [octets('B0')] };
    expect(schemaRules.substring('cn', octets('HUB01'), pattern)).toBe(true);
    expect(schemaRules.substring('msExchEdgeSyncCredential', octets('hub01'), pattern)).toBe(false);
    expect(schemaRules.substring('msExchServerInternalTLSCert', octets('HUB01'), pattern)).toBeUndefined();
  });
});
