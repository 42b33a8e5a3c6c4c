// What any LDAP server must do for our client: the same promises are kept by our own server and by OpenLDAP's.

import { expect, it } from 'vitest';
import type { LdapClient } from '../../src/ldap/client.ts';
import { getText, getValues, type LdapEntry, type LdapOperation, toAttributes } from '../../src/ldap/entry.ts';

const BINARY = Buffer.from([0xef, 0xbb, 0xbf, 0x00, 0xff, 0x80, 0x41]);

export function add(dn: string, values: Parameters<typeof toAttributes>[0]): LdapOperation {
  return { kind: 'add', dn, attributes: toAttributes(values) };
}

export function person(name: string, base: string): LdapOperation {
  return add(`cn=${name},${base}`, { objectClass: ['person'], cn: name, sn: name });
}

/**
 * Empties a base. slapd 2.5.13 answers `other` to a transaction that deletes the last child of an entry, so that one goes alone.
 */
async function clear(client: LdapClient, base: string): Promise<void> {
  const children = await client.search({ base, scope: 'one', attributes: ['1.1'] });
  const deletions = children.map(({ dn }): LdapOperation => ({ kind: 'delete', dn }));
  await client.apply(deletions.slice(1));
  await client.apply(deletions.slice(0, 1));
}

/** What any server must do for our client. `open` gives a bound client and a base that exists. */
export function describeLdapServer(open: () => Promise<{ client: LdapClient; base: string; admin: string }>): void {
  const start = async (): ReturnType<typeof open> => {
    const opened = await open();
    await clear(opened.client, opened.base);
    return opened;
  };

  it('adds, finds, changes, renames and deletes an entry', async () => {
    const { client, base } = await start();
    const dn = `cn=Smith\\, J.,${base}`;
    await client.apply([add(dn, { objectClass: ['inetOrgPerson'], cn: 'Smith, J.', sn: 'Smith', jpegPhoto: BINARY })]);
    const found = await client.search({ base, scope: 'one', filter: '(&(sn=smith)(cn=smith*))' });
    expect(found).toHaveLength(1);
    expect(getText(found[0] as LdapEntry, 'CN')).toBe('Smith, J.');
    expect(getValues(found[0] as LdapEntry, 'jpegPhoto')).toEqual([BINARY]);
    const changes = [
      { operation: 'replace', attribute: 'sn', values: [Buffer.from('Miller')] },
      { operation: 'add', attribute: 'description', values: [Buffer.from('one'), Buffer.from('two')] },
      { operation: 'delete', attribute: 'jpegPhoto', values: [] },
    ] as const;
    await client.apply([{ kind: 'modify', dn, changes }]);
    const [changed] = await client.search({ base: dn, scope: 'base', attributes: ['sn', 'description', 'jpegPhoto'] });
    expect(getText(changed as LdapEntry, 'sn')).toBe('Miller');
    expect(getValues(changed as LdapEntry, 'description').map(String)).toEqual(['one', 'two']);
    expect(getValues(changed as LdapEntry, 'jpegPhoto')).toEqual([]);
    await client.apply([{ kind: 'rename', dn, newRdn: 'cn=Miller', deleteOldRdn: true }]);
    await client.apply([{ kind: 'delete', dn: `cn=Miller,${base}` }]);
    expect(await client.search({ base, scope: 'one' })).toEqual([]);
  });

  it('answers a name that is not there with noSuchObject and the nearest that is', async () => {
    const { client, base } = await start();
    const search = client.search({ base: `cn=nobody,${base}`, scope: 'base' });
    await expect(search).rejects.toMatchObject({ code: 'ldap-no-such-object', resultCode: 32 });
    await expect(client.apply([{ kind: 'delete', dn: `cn=nobody,${base}` }])).rejects.toMatchObject({
      matchedDn: expect.stringMatching(/dc=/),
      failedOperation: 0,
    });
  });

  it('carries out a transaction as one', async () => {
    const { client, base } = await start();
    await client.apply([
      person('a', base),
      person('b', base),
      { kind: 'delete', dn: `cn=a,${base}` },
      person('c', base),
    ]);
    const found = await client.search({ base, scope: 'one' });
    expect(new Set(found.map((entry) => getText(entry, 'cn')))).toEqual(new Set(['b', 'c']));
  });

  it('rolls a transaction back when one operation fails, tells which one, and stays usable', async () => {
    const { client, base } = await start();
    await client.apply([person('old', base)]);
    const batch = [
      person('new', base),
      { kind: 'delete', dn: `cn=old,${base}` } as const,
      person('new', base),
      person('more', base),
    ];
    await expect(client.apply(batch)).rejects.toMatchObject({ code: 'ldap-entry-already-exists', failedOperation: 2 });
    const found = await client.search({ base, scope: 'one' });
    expect(found.map((entry) => getText(entry, 'cn'))).toEqual(['old']);
  });

  it('compares', async () => {
    const { client, base } = await start();
    await client.apply([person('x', base)]);
    expect(await client.compare(`cn=x,${base}`, 'sn', 'X')).toBe(true);
    expect(await client.compare(`cn=x,${base}`, 'sn', 'y')).toBe(false);
    await expect(client.compare(`cn=z,${base}`, 'sn', 'y')).rejects.toMatchObject({ code: 'ldap-no-such-object' });
  });

  it('tells the client who it is', async () => {
    const { client, admin } = await start();
    expect(await client.whoAmI()).toBe(`dn:${admin}`);
  });

  it('gives up to the size limit that the client asks for, and all of many entries without one', async () => {
    const { client, base } = await start();
    const people = Array.from({ length: 1100 }, (_none, index) => person(`p${index}`, base));
    await client.apply(people);
    expect(await client.search({ base, scope: 'one', sizeLimit: 3 })).toHaveLength(3);
    expect(await client.search({ base, scope: 'one', attributes: ['1.1'] })).toHaveLength(1100);
  });

  it('refuses a wrong password and lets the same connection try again', async () => {
    const { client, admin } = await start();
    await expect(client.bindSimple(admin, 'wrong')).rejects.toMatchObject({ code: 'ldap-invalid-credentials' });
    expect(await client.whoAmI()).toBe('');
  });
}
