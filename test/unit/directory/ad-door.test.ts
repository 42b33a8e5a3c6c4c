import { X509Certificate } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../../src/clock.ts';
import { makeAdDoor } from '../../../src/directory/ad-door.ts';
import { makeAdamDoor } from '../../../src/directory/adam-door.ts';
import type { DirectoryAccount } from '../../../src/directory/directory-account.ts';
import { DirectoryDoor, type DirectoryDoorOptions } from '../../../src/directory/directory-door.ts';
import { formatEdgeSyncCredential } from '../../../src/directory/edge-sync-credential.ts';
import { derivePasswordVerifier } from '../../../src/directory/password-verifier.ts';
import { childDn } from '../../../src/ldap/dn.ts';
import { connectLdap, type LdapClient } from '../../../src/ldap/client.ts';
import { getText, toAttributes, type LdapOperation } from '../../../src/ldap/entry.ts';
import { LdapListener } from '../../../src/ldap/server.ts';
import { silentLog } from '../../../src/log.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { AD_CONTEXT, ADAM_CONTEXT, HUB, openEdge, openHub, type OpenHub } from './fixtures.ts';

const PASSWORD = 'a password of the test';
const DENIED = { code: 'ldap-insufficient-access-rights' };

let own: KeyPair;
let other: KeyPair;
let stranger: KeyPair;
let verifier: string;
beforeAll(async () => {
  const make = (netbiosName: string, notBefore = new Date(Date.now() - 60_000)) =>
    createSelfSigned({ netbiosName, fqdn: `${netbiosName.toLowerCase()}.contoso.test`, notBefore });
  [own, other, stranger] = await Promise.all([make('HUB01'), make('HUB02'), make('EVIL')]);
  verifier = await derivePasswordVerifier(PASSWORD);
});

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

type Connect = (clientCertificate?: KeyPair) => Promise<LdapClient>;

async function serve(options: Omit<DirectoryDoorOptions, 'log'>): Promise<Connect> {
  const handler = new DirectoryDoor({ ...options, log: silentLog() });
  const security = { kind: 'tls', keyPair: () => own } as const;
  const listener = await LdapListener.open({ host: '127.0.0.1', port: 0, security, handler, log: silentLog() });
  ends.push(() => listener.close());
  return async (clientCertificate) => {
    const client = await connectLdap({
      host: '127.0.0.1',
      port: listener.address.port,
      approve: () => undefined,
      ...(clientCertificate && { clientCertificate }),
    });
    ends.push(() => client.close());
    return client;
  };
}

interface OpenDoor extends OpenHub {
  readonly clock: SystemClock;
  readonly connect: Connect;
  readonly enter: (name: string) => Promise<LdapClient>;
}

async function openDoor(...accounts: DirectoryAccount[]): Promise<OpenDoor> {
  const hub = await openHub();
  const clock = new SystemClock();
  const connect = await serve({ door: makeAdDoor(hub.ad), directory: hub.directory, clock });
  for (const account of accounts) await hub.ad.addDirectoryAccount(account);
  const enter = async (name: string) => {
    const client = await connect();
    await client.bindSimple(`CN=${name}`, PASSWORD);
    return client;
  };
  return { ...hub, clock, connect, enter };
}

const reader = (given: Partial<DirectoryAccount> = {}): DirectoryAccount => ({
  name: 'monitoring',
  kind: 'Reader',
  passwordVerifier: verifier,
  ...given,
});
const joining = (given: Partial<DirectoryAccount> = {}): DirectoryAccount => ({
  name: 'HUB02',
  kind: 'Hub',
  passwordVerifier: verifier,
  ...given,
});

describe('the door of AD', () => {
  it('shows a stranger the root DSE and nothing else', async () => {
    const { connect } = await openDoor();
    const client = await connect();
    const [root] = await client.search({ base: '', scope: 'base', attributes: ['*', '+'] });
    expect(root && getText(root, 'namingContexts')).toBe(AD_CONTEXT);
    await expect(client.search({ base: AD_CONTEXT, scope: 'base' })).rejects.toMatchObject(DENIED);
    await expect(client.apply([{ kind: 'delete', dn: AD_CONTEXT }])).rejects.toMatchObject(DENIED);
  });

  it('lets a reader read everything but secrets, and change nothing', async () => {
    const { enter, ad } = await openDoor(reader());
    const effective = new Date();
    const expiration = new Date(effective.getTime() + 1000);
    const credential = {
      targetServerFqdn: 'a.test',
      sourceServerFqdn: 'b.test',
      userName: 'u',
      purpose: 'SMTP',
    } as const;
    await ad.publishServer({ credentials: [{ ...credential, effective, expiration, verifier: 'secret' }] });
    const client = await enter('monitoring');
    const entries = await client.search({ base: AD_CONTEXT, scope: 'sub', attributes: ['*', '+', 'userPassword'] });
    expect(entries.map((entry) => getText(entry, 'cn'))).toEqual(expect.arrayContaining([HUB.name, 'monitoring']));
    const shown = new Set(entries.flatMap((entry) => [...entry.attributes.keys()]));
    expect(shown.has('msExchDirectoryAccountKind')).toBe(true);
    expect(shown.has('userPassword')).toBe(false);
    expect(shown.has('msExchEdgeSyncCredential')).toBe(false);
    const guess = { base: AD_CONTEXT, scope: 'sub', filter: '(msExchEdgeSyncCredential=*secret*)' } as const;
    await expect(client.search(guess)).rejects.toMatchObject(DENIED);
    const dn = ad.snapshot().self.record.dn;
    await expect(client.compare(dn, 'msExchEdgeSyncCredential', 'x')).rejects.toMatchObject(DENIED);
    await expect(client.apply([{ kind: 'delete', dn }])).rejects.toMatchObject(DENIED);
  });

  it('gives a reader no transaction, in which it could make the server hold what it will never do', async () => {
    const { enter } = await openDoor(reader());
    const client = await enter('monitoring');
    let asked = 0;
    const operations = {
      *[Symbol.iterator](): Generator<LdapOperation> {
        asked += 1;
        yield { kind: 'delete', dn: AD_CONTEXT };
      },
    };
    await expect(client.applyTogether(operations)).rejects.toMatchObject(DENIED);
    expect(asked).toBe(0);
  });

  it('lets a joining hub read and write everything, and read no password verifier', async () => {
    const { enter, ad, directory } = await openDoor(joining(), reader());
    const client = await enter('HUB02');
    const dn = childDn('CN', 'HUB02', ad.layout.servers);
    const server: LdapOperation = {
      kind: 'add',
      dn,
      attributes: toAttributes({
        objectClass: 'msExchExchangeServer',
        dNSHostName: 'hub02.contoso.test',
        msExchCurrentServerRoles: '32',
        msExchEdgeSyncCredential: formatEdgeSyncCredential({
          targetServerFqdn: 'edge.test',
          sourceServerFqdn: 'hub02.contoso.test',
          effective: new Date(0),
          expiration: new Date(1000),
          userName: 'u',
          purpose: 'SMTP',
          sealedPassword: Buffer.from('sealed'),
        }),
      }),
    };
    const container: LdapOperation = {
      kind: 'add',
      dn: childDn('CN', 'Protocols', dn),
      attributes: toAttributes({ objectClass: 'msExchContainer' }),
    };
    await client.apply([server, container]);
    expect(ad.snapshot().hubs.map(({ name }) => name)).toEqual(['HUB01', 'HUB02']);
    const [stored] = await directory.search({ base: dn, scope: 'base', attributes: ['creatorsName'] });
    expect(stored && getText(stored, 'creatorsName')).toBe(childDn('CN', 'HUB02', ad.layout.directoryAccounts));
    const entries = await client.search({ base: AD_CONTEXT, scope: 'sub', attributes: ['*', 'userPassword'] });
    const shown = new Set(entries.flatMap((entry) => [...entry.attributes.keys()]));
    expect([shown.has('msExchEdgeSyncCredential'), shown.has('userPassword')]).toEqual([true, false]);
    await expect(client.search({ base: AD_CONTEXT, scope: 'sub', filter: '(userPassword=*)' })).rejects.toMatchObject(
      DENIED,
    );
  });

  it('changes nothing when one of several changes fails, and says which', async () => {
    const { enter, ad } = await openDoor(joining());
    const client = await enter('HUB02');
    const add = (dn: string): LdapOperation => ({
      kind: 'add',
      dn,
      attributes: toAttributes({ objectClass: 'msExchContainer' }),
    });
    const batch = [add(`CN=a,${ad.layout.sites}`), add(`CN=b,CN=nowhere,${ad.layout.sites}`)];
    await expect(client.apply(batch)).rejects.toMatchObject({ code: 'ldap-no-such-object', failedOperation: 1 });
    expect(await client.search({ base: ad.layout.sites, scope: 'sub', filter: '(cn=a)' })).toEqual([]);
  });

  it('is closed to an account that was removed, on open connections too', async () => {
    const { enter, ad } = await openDoor(reader());
    const client = await enter('monitoring');
    await ad.removeDirectoryAccount('MONITORING');
    await expect(client.search({ base: AD_CONTEXT, scope: 'base' })).rejects.toMatchObject(DENIED);
    await expect(enter('monitoring')).rejects.toMatchObject({ code: 'ldap-invalid-credentials' });
  });
});

describe('a bind by certificate', () => {
  it('makes whoever proves the key the account that has the certificate', async () => {
    const { connect, ad } = await openDoor(joining({ passwordVerifier: undefined, certificate: other.certificate }));
    const client = await connect(other);
    await client.bindExternal();
    const dn = childDn('CN', 'HUB02', ad.layout.directoryAccounts);
    expect(await client.whoAmI()).toBe(`dn:${dn}`);
    await client.bindExternal(`dn:${dn.toLowerCase()}`);
    await client.bindExternal('u:hub02');
    expect(await client.search({ base: AD_CONTEXT, scope: 'base' })).toHaveLength(1);
  });

  it('works at the door of ADAM too', async () => {
    const edge = await openEdge();
    const connect = await serve({ door: makeAdamDoor(edge), directory: edge.directory, clock: edge.clock });
    await edge.adam.addDirectoryAccount(reader({ certificate: other.certificate }));
    const client = await connect(other);
    await client.bindExternal();
    expect(await client.search({ base: ADAM_CONTEXT, scope: 'base' })).toHaveLength(1);
    // An Edge that ends its subscription keeps the readers that its administrator made.
    await edge.adam.exportSubscription(1000);
    await edge.adam.removeSubscription();
    expect(await client.search({ base: ADAM_CONTEXT, scope: 'base' })).toHaveLength(1);
  });

  it.each<[string, () => KeyPair | undefined, string]>([
    ['without a certificate', () => undefined, ''],
    ['with a certificate that no account has', () => stranger, ''],
    ['for another account', () => other, 'u:monitoring'],
    ['for something that is no identity', () => other, 'monitoring'],
    ['for something that is no name', () => other, 'dn:nobody'],
  ])('is refused %s, and the connection is nobody', async (_how, pair, authzId) => {
    const { connect } = await openDoor(joining({ certificate: other.certificate }), reader());
    const client = await connect(pair());
    await expect(client.bindExternal(authzId)).rejects.toMatchObject({ code: 'ldap-invalid-credentials' });
    await expect(client.search({ base: AD_CONTEXT, scope: 'base' })).rejects.toMatchObject(DENIED);
  });

  it('goes on with a certificate that is on record and has expired, as EdgeSync does', async () => {
    const { connect, clock } = await openDoor(joining({ certificate: other.certificate }));
    const { validTo } = new X509Certificate(other.certificate.pem);
    clock.move(Date.parse(validTo) - Date.now() + 86_400_000);
    const client = await connect(other);
    await client.bindExternal();
    expect(await client.search({ base: AD_CONTEXT, scope: 'base' })).toHaveLength(1);
  });

  it('proves nothing by a password that an account has not', async () => {
    const { enter } = await openDoor(joining({ passwordVerifier: undefined, certificate: other.certificate }));
    await expect(enter('HUB02')).rejects.toMatchObject({ code: 'ldap-invalid-credentials' });
  });
});

describe('directory accounts', () => {
  it('have a name and a certificate each', async () => {
    const { ad } = await openDoor(reader({ certificate: other.certificate }));
    await expect(ad.addDirectoryAccount(reader({ name: 'Monitoring' }))).rejects.toMatchObject({
      code: 'already-exists',
    });
    await expect(ad.addDirectoryAccount(joining({ certificate: other.certificate }))).rejects.toMatchObject({
      code: 'certificate-on-two-accounts',
    });
    await expect(ad.removeDirectoryAccount('nobody')).rejects.toMatchObject({ code: 'not-found' });
  });
});
