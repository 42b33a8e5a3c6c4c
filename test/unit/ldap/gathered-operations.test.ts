import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LdapOperation, toAttributes } from '../../../src/ldap/entry.ts';
import { GatheredOperations } from '../../../src/ldap/gathered-operations.ts';
import { decodeMessage, encodeMessage } from '../../../src/ldap/message.ts';
import { encodeUpdate } from '../../../src/ldap/update-request.ts';

function gather(operations: readonly LdapOperation[]): GatheredOperations {
  const gathered = new GatheredOperations();
  for (const operation of operations) {
    const { tag, content } = decodeMessage(encodeMessage(1, encodeUpdate(operation)));
    gathered.push(tag, content);
  }
  return gathered;
}

/** A deletion, or an update whose value has so many octets; the block that operations gather in has 262,144. */
function makeOperation([kind, size]: [LdapOperation['kind'], number]): LdapOperation {
  const dn = `cn=${size},dc=test`;
  const photo = Buffer.alloc(size, size);
  if (kind === 'add') return { kind, dn, attributes: toAttributes({ objectClass: 'x', photo }) };
  if (kind === 'modify') return { kind, dn, changes: [{ operation: 'add', attribute: 'photo', values: [photo] }] };
  return { kind: 'delete', dn };
}

describe('gathered operations', () => {
  it('come back as they were, in their order and as often as they are read', () => {
    const kind = fc.constantFrom('add' as const, 'modify' as const, 'delete' as const);
    const size = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 300_000 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, size), { maxLength: 8 }), (plan) => {
        const operations = plan.map(makeOperation);
        const gathered = gather(operations);
        expect(gathered.length).toBe(operations.length);
        const octets = Buffer.concat(operations.map(encodeUpdate));
        for (const _time of [1, 2]) expect(Buffer.concat(Array.from(gathered, encodeUpdate)).equals(octets)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('hold a hundred thousand in little more room than their octets take', () => {
    const update = encodeUpdate({ kind: 'delete', dn: 'cn=somebody,dc=test' });
    const { tag, content } = decodeMessage(encodeMessage(1, update));
    const before = process.memoryUsage();
    const gathered = new GatheredOperations();
    for (let count = 0; count < 100_000; count += 1) gathered.push(tag, content);
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(2 * 100_000 * (content.length + 5));
    expect(gathered.length).toBe(100_000);
  });
});
