import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeDirectoryAccount } from '../../../src/cmdlets/directory-account-record.ts';
import { getDirectoryAccount } from '../../../src/cmdlets/get-directory-account.ts';
import { newDirectoryAccount } from '../../../src/cmdlets/new-directory-account.ts';
import { removeDirectoryAccount } from '../../../src/cmdlets/remove-directory-account.ts';
import { parseConfig } from '../../../src/config.ts';
import type { ActiveDirectory } from '../../../src/directory/active-directory.ts';
import { verifyPassword } from '../../../src/directory/password-verifier.ts';
import type { Certificate } from '../../../src/tls/certificate.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { edgeFixture, fixtureOf, hubFixture, type OrganizationFixture, valuesOf } from './organization-context.ts';

let certificate: Certificate;
beforeAll(async () => {
  const pair = await createSelfSigned({ netbiosName: 'HUB02', fqdn: 'hub02.test', notBefore: new Date('2026-01-01') });
  ({ certificate } = pair);
});

let hub: OrganizationFixture<ActiveDirectory>;
beforeEach(async () => {
  hub = await hubFixture();
});

describe('New-DirectoryAccount', () => {
  it('puts the password into the file alone, as it is to be used, for its owner alone', async () => {
    const {
      files = [],
      records,
      notices,
    } = await hub.run(newDirectoryAccount, { Name: 'monitoring', PasswordFile: 'p' });
    const [written] = files;
    expect(written).toMatchObject({ parameter: 'PasswordFile', mode: 0o600 });
    const password = written?.content.toString() ?? '';
    expect(password).toMatch(/^[\w-]{43}$/);
    expect(JSON.stringify([records, notices])).not.toContain(password);
    const [account] = hub.snapshot().directoryAccounts;
    expect(account).toMatchObject({ name: 'monitoring', kind: 'Reader' });
    expect(await verifyPassword(password, account?.passwordVerifier)).toBe(true);
    expect(notices).toEqual([
      'It binds as CN=monitoring,CN=Directory Accounts,CN=Services,CN=Configuration,DC=contoso,DC=test.',
      'Nobody can come in yet: /etc/test.yaml has no listen.ldaps; add it and start the Hub again.',
    ]);
  });

  it.each([
    ['PEM', () => certificate.pem],
    ['DER', () => certificate.der],
  ])('takes a certificate in %s instead', async (_form, content) => {
    const typed = { Name: 'HUB02', Kind: 'hub', CertificateFile: 'hub02.crt' };
    const made = await hub.run(newDirectoryAccount, typed, { CertificateFile: Buffer.from(content()) });
    expect(made.files).toEqual([]);
    expect(made.records).toMatchObject([
      { Name: 'HUB02', Kind: 'Hub', HasPassword: false, CertificateThumbprint: certificate.thumbprint },
    ]);
  });

  it.each<[string, Record<string, string>, string]>([
    ['that could not prove itself', { Name: 'a' }, 'no-credential'],
    ["of EdgeSync's name", { Name: 'esra.EDGE01', PasswordFile: 'p' }, 'bad-value'],
    ['without a name', { Name: ' ', PasswordFile: 'p' }, 'bad-value'],
    ['with a name that is more than one', { Name: 'a,CN=b', PasswordFile: 'p' }, 'bad-value'],
    ['whose name is taken', { Name: 'TAKEN', PasswordFile: 'p' }, 'already-exists'],
  ])('makes no account %s', async (_what, typed, code) => {
    await hub.run(newDirectoryAccount, { Name: 'taken', PasswordFile: 'p' });
    await expect(hub.run(newDirectoryAccount, typed)).rejects.toMatchObject({ code });
    expect(hub.snapshot().directoryAccounts).toHaveLength(1);
  });

  it('makes readers on an Edge, and no hubs', async () => {
    const edge = await edgeFixture();
    await edge.run(newDirectoryAccount, { Name: 'monitoring', PasswordFile: 'p' });
    await expect(
      edge.run(newDirectoryAccount, { Name: 'HUB02', Kind: 'Hub', PasswordFile: 'p' }),
    ).rejects.toMatchObject({ code: 'bad-value' });
    expect(edge.snapshot().directoryAccounts).toHaveLength(1);
  });
});

it("a hub that joined another's AD speaks of no door of its own, and knows who has a password without its verifier", async () => {
  const ldap =
    'backend: ldap, url: "ldaps://hub01.test:636", certificate: c, bind: { method: simple, user: CN=HUB02, passwordFile: p }';
  const config = parseConfig(`{ role: hub, fqdn: hub02.test, directory: { ${ldap} } }`, '/etc/test.yaml');
  const joined = fixtureOf(hub.directory, 'hub', { hub: { activeDirectory: hub.directory }, config });
  const { notices } = await joined.run(newDirectoryAccount, { Name: 'monitoring', PasswordFile: 'p' });
  expect(notices).toEqual([expect.stringMatching(/^It binds as CN=monitoring,/)]);
  const [made] = joined.snapshot().directoryAccounts;
  if (!made) throw new Error('it was made');
  expect(describeDirectoryAccount({ ...made, passwordVerifier: undefined })).toMatchObject({ HasPassword: true });
});

describe('Get- and Remove-DirectoryAccount', () => {
  it('show and take away, by name in any letter case', async () => {
    await hub.run(newDirectoryAccount, { Name: 'b', PasswordFile: 'p' });
    await hub.run(newDirectoryAccount, { Name: 'a', PasswordFile: 'p' });
    const shown = await hub.run(getDirectoryAccount);
    expect(valuesOf(shown, 'Name')).toEqual(['a', 'b']);
    expect(JSON.stringify(shown.records)).not.toContain('SCRYPT');
    await hub.run(removeDirectoryAccount, { Identity: 'A' });
    expect(valuesOf(await hub.run(getDirectoryAccount), 'Name')).toEqual(['b']);
    await expect(hub.run(removeDirectoryAccount, { Identity: 'a' })).rejects.toMatchObject({ code: 'not-found' });
  });
});
