import { describe, expect, it } from 'vitest';
import { getRecipient } from '../../../src/cmdlets/get-recipient.ts';
import { importRecipient } from '../../../src/cmdlets/import-recipient.ts';
import { newMailUser } from '../../../src/cmdlets/new-mail-user.ts';
import { removeMailUser } from '../../../src/cmdlets/remove-mail-user.ts';
import { setMailUser } from '../../../src/cmdlets/set-mail-user.ts';
import { LdapListener } from '../../../src/ldap/server.ts';
import { silentLog } from '../../../src/log.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { MemoryLdapHandler, PASSWORD } from '../../helpers/memory-ldap-handler.ts';
import { column } from '../../helpers/cmdlet-context.ts';
import { closeLater } from '../directory/fixtures.ts';
import { hubFixture } from './organization-context.ts';

const ED = { Name: 'Ed', PrimarySmtpAddress: 'ed@contoso.com', EmailAddresses: ['meadows@contoso.com'] };

describe('mail users', () => {
  it('are made with their addresses, and shown', async () => {
    const hub = await hubFixture();
    const { records } = await hub.run(newMailUser, ED);
    expect(records[0]).toMatchObject({
      Name: 'Ed',
      DisplayName: 'Ed',
      PrimarySmtpAddress: 'ed@contoso.com',
      EmailAddresses: ['SMTP:ed@contoso.com', 'smtp:meadows@contoso.com'],
      RequireSenderAuthenticationEnabled: false,
    });
    expect((await hub.run(getRecipient, { Identity: 'meadows@contoso.com' })).records).toEqual(records);
    await expect(hub.run(newMailUser, { ...ED, Name: 'Jo' })).rejects.toMatchObject({ code: 'address-in-use' });
  });

  it('get a password, keep it through other changes, and lose it', async () => {
    const hub = await hubFixture();
    const verifier = async () => (await hub.directory.recipients.find('ed')).passwordVerifier;
    const { records } = await hub.run(newMailUser, { ...ED, Password: 'correct horse' });
    expect(records[0]).toMatchObject({ LoginEnabled: true });
    expect(JSON.stringify(records)).not.toMatch(/SCRYPT|correct/);
    const first = await verifier();
    expect(first).toMatch(/^\{SCRYPT\}/);
    await hub.run(setMailUser, { Identity: 'ed', PrimarySmtpAddress: 'e@contoso.com' });
    expect(await verifier()).toBe(first);
    expect((await hub.run(setMailUser, { Identity: 'ed', Password: 'another horse' })).warnings).toEqual([]);
    expect(await verifier()).not.toBe(first);
    const both = hub.run(setMailUser, { Identity: 'ed', Password: 'another horse', RemovePassword: 'true' });
    await expect(both).rejects.toMatchObject({ code: 'bad-value' });
    await hub.run(setMailUser, { Identity: 'ed', RemovePassword: 'true' });
    expect((await hub.run(getRecipient)).records[0]).toMatchObject({ LoginEnabled: false });
    expect(await verifier()).toBeUndefined();
  });

  it.each([
    [
      'a new primary address, and keep the old one',
      { PrimarySmtpAddress: 'e@contoso.com' },
      ['SMTP:e@contoso.com', 'smtp:ed@contoso.com', 'smtp:meadows@contoso.com'],
    ],
    [
      'another of their addresses as the primary one',
      { PrimarySmtpAddress: 'meadows@contoso.com' },
      ['SMTP:meadows@contoso.com', 'smtp:ed@contoso.com'],
    ],
    [
      'all their addresses anew',
      { EmailAddresses: ['x@contoso.com', 'SMTP:y@contoso.com'] },
      ['SMTP:y@contoso.com', 'smtp:x@contoso.com'],
    ],
    ['no further address', { EmailAddresses: '$null' }, ['SMTP:ed@contoso.com']],
    [
      'other names, and keep their addresses',
      { Name: 'Edward', DisplayName: 'E. M.' },
      ['SMTP:ed@contoso.com', 'smtp:meadows@contoso.com'],
    ],
  ])('get %s', async (_what, changes, addresses) => {
    const hub = await hubFixture();
    await hub.run(newMailUser, ED);
    expect((await hub.run(setMailUser, { Identity: 'ed', ...changes })).warnings).toEqual([]);
    const { records } = await hub.run(getRecipient);
    expect(records[0]?.['EmailAddresses']).toEqual(addresses);
  });

  it('are left alone when nothing or two primary addresses are given', async () => {
    const hub = await hubFixture();
    await hub.run(newMailUser, ED);
    expect((await hub.run(setMailUser, { Identity: 'Ed' })).warnings).toHaveLength(1);
    const two = hub.run(setMailUser, { Identity: 'Ed', EmailAddresses: ['SMTP:a@contoso.com', 'SMTP:b@contoso.com'] });
    await expect(two).rejects.toMatchObject({ code: 'bad-address' });
  });

  it('are removed', async () => {
    const hub = await hubFixture();
    await hub.run(newMailUser, ED);
    await hub.run(removeMailUser, { Identity: 'meadows@contoso.com' });
    expect((await hub.run(getRecipient)).records).toEqual([]);
    await expect(hub.run(removeMailUser, { Identity: 'Ed' })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('are shown up to the size that is asked for', async () => {
    const hub = await hubFixture();
    for (const name of ['a', 'b', 'c'])
      await hub.run(newMailUser, { Name: name, PrimarySmtpAddress: `${name}@contoso.com` });
    const { records, warnings } = await hub.run(getRecipient, { ResultSize: '2' });
    expect([records.length, warnings?.length]).toEqual([2, 1]);
  });
});

describe('an import of recipients', () => {
  const FILE = Buffer.from('PrimarySmtpAddress,DisplayName\ned@contoso.com,Ed\njo@contoso.com,Jo\n');

  it('comes from a file, is tried first with -WhatIf, and then done', async () => {
    const hub = await hubFixture();
    const typed = { FileName: 'people.csv' };
    const tried = await hub.run(importRecipient, { ...typed, WhatIf: 'true' }, { FileName: FILE });
    expect([tried.records, (await hub.run(getRecipient)).records]).toEqual([
      [{ Added: 2, Updated: 0, Unchanged: 0 }],
      [],
    ]);
    expect((await hub.run(importRecipient, typed, { FileName: FILE })).records).toEqual(tried.records);
    expect(column((await hub.run(getRecipient)).records, 'DisplayName')).toEqual(['Ed', 'Jo']);
  });

  it('comes from another directory, whose certificate is the one in the file', async () => {
    const hub = await hubFixture();
    const pair = await createSelfSigned({ netbiosName: 'DC01', fqdn: 'dc01.contoso.test', notBefore: new Date() });
    const other = await createSelfSigned({ netbiosName: 'DC02', fqdn: 'dc02.contoso.test', notBefore: new Date() });
    const handler = new MemoryLdapHandler();
    handler.put('cn=ed,ou=people,dc=test', { objectClass: 'person', cn: 'Ed', mail: 'ed@contoso.com' });
    handler.put('cn=printer,ou=people,dc=test', { objectClass: 'device', cn: 'printer' });
    handler.put('cn=jo,ou=people,dc=test', {
      objectClass: 'person',
      proxyAddresses: ['SMTP:jo@contoso.com', 'smtp:j@contoso.com'],
    });
    const security = { kind: 'tls', keyPair: () => pair } as const;
    const listener = await LdapListener.open({ host: '127.0.0.1', port: 0, security, handler, log: silentLog() });
    closeLater({ close: () => void listener.close() });
    const typed = {
      Server: `ldaps://127.0.0.1:${listener.address.port}`,
      BaseDN: 'ou=people,dc=test',
      CertificateFile: 'dc01.pem',
      UserName: 'cn=admin,dc=test',
      Password: PASSWORD,
    };
    const { records } = await hub.run(importRecipient, typed, { CertificateFile: pair.certificate.der });
    expect(records).toEqual([{ Added: 2, Updated: 0, Unchanged: 0 }]);
    expect(column((await hub.run(getRecipient)).records, 'PrimarySmtpAddress')).toEqual([
      'ed@contoso.com',
      'jo@contoso.com',
    ]);
    const impostor = hub.run(importRecipient, typed, { CertificateFile: other.certificate.der });
    await expect(impostor).rejects.toMatchObject({ code: 'direct-trust-failed' });
    expect(handler.binds).toHaveLength(1);
  });

  it.each([
    [{}, 'bad-value'],
    [{ FileName: 'x', Server: 'ldaps://x' }, 'bad-value'],
    [{ Server: 'ldap://dc01' }, 'bad-value'],
    [{ Server: 'ldaps://dc01' }, 'missing-parameter'],
  ])('is refused with %j', async (typed, code) => {
    const hub = await hubFixture();
    const files = 'FileName' in typed ? { FileName: FILE } : {};
    await expect(hub.run(importRecipient, typed, files)).rejects.toMatchObject({ code });
  });
});
