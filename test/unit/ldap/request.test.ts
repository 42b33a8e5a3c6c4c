import * as fc from 'fast-check';
import { AddRequest, Attribute, BerWriter, BindRequest, DeleteRequest, ModifyDNRequest } from 'ldapts';
import { describe, expect, it } from 'vitest';
import { encode, encodeInteger, encodeOctets, SEQUENCE, SET } from '../../../src/ldap/ber.ts';
import { MalformedPdu } from '../../../src/ldap/ber-guard.ts';
import type { Control } from '../../../src/ldap/control.ts';
import { parseFilter } from '../../../src/ldap/filter.ts';
import { decodeMessage, encodeMessage, Tag } from '../../../src/ldap/message.ts';
import { decodeRequest, encodeRequest, type LdapRequest } from '../../../src/ldap/request.ts';
import { decodeEntry, decodeResult, encodeEntry, encodeResult } from '../../../src/ldap/response.ts';
import { outcomeOf } from '../../../src/ldap/result.ts';

type Sent = Exclude<LdapRequest, { kind: 'abandon' }>;

const octets = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
const name = fc.constantFrom('cn', 'objectClass', 'userCertificate;binary');
const dn = fc.constantFrom('', 'cn=a,dc=b', String.raw`cn=a\2cb`);
const attributes = fc
  .uniqueArray(fc.tuple(name, fc.array(octets, { maxLength: 3 })), { selector: ([key]) => key })
  .map((pairs) => new Map(pairs));

const operation = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), dn, attributes }),
  fc.record({ kind: fc.constant('delete' as const), dn }),
  fc.record({
    kind: fc.constant('modify' as const),
    dn,
    changes: fc.array(
      fc.record({
        operation: fc.constantFrom('add' as const, 'delete' as const, 'replace' as const),
        attribute: name,
        values: fc.array(octets, { maxLength: 3 }),
      }),
      { maxLength: 3 },
    ),
  }),
  fc.record(
    {
      kind: fc.constant('rename' as const),
      dn,
      newRdn: fc.constant('cn=x'),
      deleteOldRdn: fc.boolean(),
      newSuperior: dn,
    },
    { requiredKeys: ['kind', 'dn', 'newRdn', 'deleteOldRdn'] },
  ),
);

const anyRequest: fc.Arbitrary<Sent> = fc.oneof(
  fc.constant({ kind: 'unbind' as const }),
  operation.map((value) => ({ kind: 'update' as const, operation: value })),
  fc.record({ kind: fc.constant('compare' as const), dn, attribute: name, value: octets }),
  fc.record(
    { kind: fc.constant('extended' as const), oid: fc.constant('1.2.3'), value: octets },
    { requiredKeys: ['kind', 'oid'] },
  ),
  fc.record({
    kind: fc.constant('bind' as const),
    version: fc.constant(3),
    dn,
    authentication: fc.oneof(
      fc.record({ kind: fc.constant('simple' as const), password: octets }),
      fc.record(
        { kind: fc.constant('sasl' as const), mechanism: fc.constant('EXTERNAL'), credentials: octets },
        { requiredKeys: ['kind', 'mechanism'] },
      ),
    ),
  }),
  fc.record({
    kind: fc.constant('search' as const),
    base: dn,
    scope: fc.constantFrom('base' as const, 'one' as const, 'sub' as const),
    sizeLimit: fc.nat(),
    timeLimitSeconds: fc.nat(),
    typesOnly: fc.boolean(),
    filter: fc.constantFrom(parseFilter('(cn=*)'), parseFilter('(&(cn=a*)(!(n>=1)))')),
    attributes: fc.array(fc.constantFrom('*', '+', 'cn')),
  }),
);

const anyControls: fc.Arbitrary<Control[]> = fc.array(
  fc.record(
    { oid: fc.constant('1.2.3.4'), critical: fc.boolean(), value: octets },
    { requiredKeys: ['oid', 'critical'] },
  ),
  { maxLength: 2 },
);

describe('requests', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), anyRequest, anyControls, (messageId, request, controls) => {
        const message = decodeMessage(encodeMessage(messageId, encodeRequest(request), controls));
        expect(message.messageId).toBe(messageId);
        expect(message.controls).toEqual(controls);
        expect(decodeRequest(message)).toEqual(request);
      }),
    );
  });

  it('are the ones that ldapts writes', () => {
    const add = new AddRequest({
      messageId: 1,
      dn: 'cn=a,dc=b',
      attributes: [new Attribute({ type: 'cn', values: ['a'] })],
    });
    expect(decodeRequest(decodeMessage(add.write()))).toEqual({
      kind: 'update',
      operation: { kind: 'add', dn: 'cn=a,dc=b', attributes: new Map([['cn', [Buffer.from('a')]]]) },
    });
    const remove = new DeleteRequest({ messageId: 2, dn: 'cn=a' });
    expect(encodeMessage(2, encodeRequest({ kind: 'update', operation: { kind: 'delete', dn: 'cn=a' } }))).toEqual(
      remove.write(),
    );
    const rename = new ModifyDNRequest({
      messageId: 3,
      dn: 'cn=a,dc=b',
      newRdn: 'cn=c',
      deleteOldRdn: true,
      newSuperior: 'dc=d',
    });
    expect(decodeRequest(decodeMessage(rename.write()))).toMatchObject({
      operation: { kind: 'rename', newRdn: 'cn=c', deleteOldRdn: true, newSuperior: 'dc=d' },
    });
    const bind = new BindRequest({ messageId: 4, dn: '', mechanism: 'EXTERNAL' });
    expect(decodeRequest(decodeMessage(bind.write()))).toMatchObject({ authentication: { mechanism: 'EXTERNAL' } });
  });

  it.each([
    [
      'a name that is none',
      encodeRequest({ kind: 'update', operation: { kind: 'delete', dn: 'nonsense' } }),
      'ldap-invalid-dn-syntax',
    ],
    [
      'a new name of two parts',
      encodeRequest({
        kind: 'update',
        operation: { kind: 'rename', dn: 'cn=a', newRdn: 'cn=b,cn=c', deleteOldRdn: true },
      }),
      'ldap-invalid-dn-syntax',
    ],
    ['a limit below nothing', encodeRequest(search({ sizeLimit: -1 })), 'ldap-protocol-error'],
  ])('with %s are answered, not broken off', (_what, request, code) => {
    expect(() => decodeRequest(decodeMessage(encodeMessage(1, request)))).toThrow(expect.objectContaining({ code }));
  });

  it('that name one attribute twice in an add are refused', () => {
    const attribute = encode(SEQUENCE, encodeOctets('cn'), encode(SET));
    const add = encode(Tag.addRequest, encodeOctets('cn=a'), encode(SEQUENCE, attribute, attribute));
    expect(() => decodeRequest(decodeMessage(encodeMessage(1, add)))).toThrow(
      expect.objectContaining({ code: 'ldap-attribute-or-value-exists' }),
    );
  });

  it('are malformed when their message id is negative or their operation is none of LDAP', () => {
    const unbind = encodeRequest({ kind: 'unbind' });
    expect(() => decodeMessage(encodeMessage(-1, unbind))).toThrow(MalformedPdu);
    expect(() => decodeMessage(encodeMessage(1, encodeOctets('x')))).toThrow(MalformedPdu);
  });
});

function search(changes: Partial<Extract<LdapRequest, { kind: 'search' }>>): Sent {
  const filter = parseFilter('(cn=*)');
  const limits = { sizeLimit: 0, timeLimitSeconds: 0, typesOnly: false };
  return { kind: 'search', base: '', scope: 'base', ...limits, filter, attributes: [], ...changes };
}

describe('responses', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.nat(200), dn, fc.string(), octets, (resultCode, matchedDn, diagnosticMessage, responseValue) => {
        const outcome = { resultCode, matchedDn, diagnosticMessage };
        const details = { responseName: '1.2.3', responseValue };
        const message = decodeMessage(encodeMessage(7, encodeResult(0x78, outcome, details)));
        expect(decodeResult(message)).toEqual({ ...outcome, ...details, referrals: [] });
      }),
    );
  });

  it('carry entries whose values are any octets', () => {
    fc.assert(
      fc.property(dn, attributes, (entryDn, values) => {
        const entry = { dn: entryDn, attributes: values };
        expect(decodeEntry(decodeMessage(encodeMessage(1, encodeEntry(entry))))).toEqual(entry);
      }),
    );
  });

  it('say where an operation may be tried, and may hold what is not wanted here: SASL credentials', () => {
    const referral = [0xa3, 6, 4, 1, 0x61, 4, 1, 0x62, 0x87, 1, 0];
    const content = [encodeInteger(10, 0x0a), encodeOctets(''), encodeOctets(''), Buffer.from(referral)];
    const done = Buffer.concat([Buffer.from([0x65, Buffer.concat(content).length]), ...content]);
    const result = decodeResult(decodeMessage(encodeMessage(1, done)));
    expect(result).toMatchObject({ resultCode: 10, referrals: ['a', 'b'] });
  });
});

describe('numbers', () => {
  it('are written in as few octets as ldapts takes', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        const writer = new BerWriter();
        writer.writeInt(value);
        expect(encodeInteger(value)).toEqual(writer.buffer);
      }),
    );
  });

  it('of results are those of RFC 4511', () => {
    expect(outcomeOf('unavailableCriticalExtension').resultCode).toBe(12);
  });
});
