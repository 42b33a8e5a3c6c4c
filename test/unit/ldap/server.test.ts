import type { ConnectionOptions } from 'node:tls';
import { Client as LdaptsClient } from 'ldapts';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectLdap, type LdapClient } from '../../../src/ldap/client.ts';
import { Oid } from '../../../src/ldap/control.ts';
import { getText, getValues, type LdapEntry, toAttributes } from '../../../src/ldap/entry.ts';
import { type LdapLimits, LdapListener } from '../../../src/ldap/server.ts';
import { silentLog } from '../../../src/log.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import type { TlsSession } from '../../../src/tls/tls-session.ts';
import { add, person } from '../../helpers/ldap-server-contract.ts';
import { ADMIN, MemoryLdapHandler, PASSWORD } from '../../helpers/memory-ldap-handler.ts';
import { RawLdapPeer } from '../../helpers/raw-ldap-peer.ts';

const openEnd: (() => unknown)[] = [];

let serverPair: KeyPair;
let clientPair: KeyPair;

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 60_000);
  serverPair = await createSelfSigned({ netbiosName: 'EDGE01', fqdn: 'edge01.test', notBefore });
  clientPair = await createSelfSigned({ netbiosName: 'HUB01', fqdn: 'hub01.test', notBefore });
});

afterEach(async () => {
  for (const close of openEnd.splice(0).toReversed()) await close();
});

/** Opens our client and closes it after the test. */
async function dial(port: number, options: Partial<Parameters<typeof connectLdap>[0]> = {}): Promise<LdapClient> {
  const client = await connectLdap({ host: '127.0.0.1', port, approve: () => undefined, timeoutMs: 5000, ...options });
  openEnd.push(() => client.close());
  return client;
}

async function dialRaw(port: number, options: ConnectionOptions = {}): Promise<RawLdapPeer> {
  const peer = await RawLdapPeer.connect(port, options);
  openEnd.push(() => peer.close());
  return peer;
}

describe('the LDAP server', () => {
  let handler: MemoryLdapHandler;
  let listener: LdapListener;
  let pair: KeyPair;

  beforeEach(() => {
    pair = serverPair;
    handler = new MemoryLdapHandler();
  });

  async function listen(limits: Partial<LdapLimits> = {}): Promise<number> {
    const security = { kind: 'tls', keyPair: () => pair } as const;
    listener = await LdapListener.open({ host: '127.0.0.1', port: 0, security, handler, log: silentLog(), limits });
    openEnd.push(() => listener.close());
    return listener.address.port;
  }

  async function dialBound(port: number): Promise<LdapClient> {
    const client = await dial(port);
    await client.bindSimple(ADMIN, PASSWORD);
    return client;
  }

  it('is on IPv6 too, and calls who came by IPv4 by that address', async () => {
    const seen: string[] = [];
    const bind = handler.bind.bind(handler);
    handler.bind = (connection, credentials) => {
      seen.push(connection.remoteAddress);
      return bind(connection, credentials);
    };
    const security = { kind: 'tls', keyPair: () => pair } as const;
    listener = await LdapListener.open({ host: '::', port: 0, security, handler, log: silentLog() });
    openEnd.push(() => listener.close());
    for (const host of ['127.0.0.1', '::1']) {
      await (await dial(listener.address.port, { host })).bindSimple(ADMIN, PASSWORD);
    }
    expect(seen).toEqual(['127.0.0.1', '::1']);
  });

  it('takes a client certificate for SASL EXTERNAL', async () => {
    const client = await dial(await listen(), { clientCertificate: clientPair });
    await client.bindExternal();
    expect(await client.whoAmI()).toBe('dn:CN=HUB01');
    expect(handler.binds).toEqual([{ kind: 'external' }]);
    await client.bindExternal('dn:cn=other').catch(() => undefined);
    expect(handler.binds.at(-1)).toEqual({ kind: 'external', authzId: 'dn:cn=other' });
  });

  it('refuses EXTERNAL to a peer without a certificate', async () => {
    const client = await dial(await listen());
    await expect(client.bindExternal()).rejects.toMatchObject({ code: 'ldap-inappropriate-authentication' });
  });

  it('shows only the root DSE before a bind, with what it can do', async () => {
    const client = await dial(await listen(), { clientCertificate: clientPair });
    const [rootDse] = await client.search({ base: '', scope: 'base', attributes: ['*', '+'] });
    expect(getValues(rootDse as LdapEntry, 'supportedExtension').map(String)).toContain(Oid.startTransaction);
    expect(getText(rootDse as LdapEntry, 'supportedSASLMechanisms')).toBe('EXTERNAL');
    expect(getText(rootDse as LdapEntry, 'namingContexts')).toBe('dc=test');
    await expect(client.search({ base: 'dc=test', scope: 'sub' })).rejects.toMatchObject({ resultCode: 50 });
    await expect(client.apply([person('a', 'dc=test')])).rejects.toMatchObject({ resultCode: 50 });
    await expect(client.apply([person('a', 'dc=test'), person('b', 'dc=test')])).rejects.toMatchObject({
      resultCode: 50,
    });
    expect(handler.applied).toEqual([]);
  });

  it('serves a renewed certificate at the next handshake and leaves the open connection alone', async () => {
    const port = await listen();
    const shown: (string | undefined)[] = [];
    const approve = (session: TlsSession): undefined => void shown.push(session.peerCertificate?.thumbprint);
    const first = await dial(port, { approve });
    pair = clientPair;
    await dial(port, { approve });
    expect(shown).toEqual([serverPair.certificate.thumbprint, clientPair.certificate.thumbprint]);
    expect(await first.whoAmI()).toBe('');
  });

  it('resumes no TLS session', async () => {
    const port = await listen();
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const first = await dialRaw(port, { maxVersion });
      await first.ask(1, { kind: 'extended', oid: Oid.whoAmI });
      const second = await dialRaw(port, { maxVersion, session: first.socket.getSession() });
      expect(second.socket.isSessionReused()).toBe(false);
    }
  });

  it('takes nothing older than TLS 1.2', async () => {
    const port = await listen();
    const old = RawLdapPeer.connect(port, {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    await expect(old).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_SSL/) });
  });

  it('says no to a bind that is none and hides the reason of a fault of its own', async () => {
    const client = await dial(await listen());
    const broken = client.bindSimple('cn=broken,dc=test', PASSWORD);
    await expect(broken).rejects.toMatchObject({ code: 'ldap-other', message: expect.not.stringContaining('secret') });
    await expect(client.bindSimple('cn=a', '')).rejects.toMatchObject({ code: 'ldap-unwilling-to-perform' });
    expect(handler.binds).toHaveLength(1);
  });

  it('forgets who was bound when a later bind fails', async () => {
    const client = await dialBound(await listen());
    await client.bindSimple(ADMIN, 'wrong').catch(() => undefined);
    await expect(client.search({ base: 'dc=test', scope: 'base' })).rejects.toMatchObject({ resultCode: 50 });
  });

  it('takes a value of several megabytes from a bound peer and gives it back', async () => {
    const client = await dialBound(await listen());
    const big = Buffer.alloc(4 * 1024 * 1024, 7);
    await client.apply([add('cn=big,dc=test', { objectClass: 'person', cn: 'big', jpegPhoto: big })]);
    const [entry] = await client.search({ base: 'cn=big,dc=test', scope: 'base' });
    expect(getValues(entry as LdapEntry, 'jpegPhoto')[0]?.equals(big)).toBe(true);
  });

  it('spoils a transaction that grows over its limit, whole', async () => {
    const client = await dialBound(await listen({ transaction: { maxOperations: 2, maxBytes: 10_000 } }));
    const three = ['a', 'b', 'c'].map((name) => person(name, 'dc=test'));
    await expect(client.apply(three)).rejects.toMatchObject({ code: 'ldap-admin-limit-exceeded', failedOperation: 2 });
    const large = add('cn=l,dc=test', { cn: 'l', sn: 'x'.repeat(11_000) });
    await expect(client.apply([person('a', 'dc=test'), large])).rejects.toMatchObject({
      resultCode: 11,
      failedOperation: 1,
    });
    expect(handler.applied).toEqual([]);
    await client.apply(three.slice(0, 2));
    expect(handler.applied).toEqual([2]);
  });

  it.each([
    ['that may take them in any order', 'another'],
    ['that takes them in theirs, without a wait for each answer', 'relaypair'],
  ])('gets a long transaction from our client as a server %s', async (_what, vendorName) => {
    handler.rootDse = () => ({ dn: '', attributes: toAttributes({ namingContexts: 'dc=test', vendorName }) });
    const many = Array.from({ length: 300 }, (_none, index) => person(`p${index}`, 'dc=test'));
    const inside = person('inside', 'cn=p0,dc=test');
    const client = await dialBound(await listen({ transaction: { maxOperations: 302, maxBytes: 1_000_000 } }));
    await expect(client.apply([...many, person('p7', 'dc=test'), inside])).rejects.toMatchObject({
      code: 'ldap-entry-already-exists',
      failedOperation: 300,
    });
    await expect(client.apply([...many, ...many])).rejects.toMatchObject({
      code: 'ldap-admin-limit-exceeded',
      failedOperation: 302,
    });
    await client.apply([...many, inside]);
    expect(handler.applied).toEqual([302, 301]);
    expect(handler.get('cn=inside,cn=p0,dc=test')).toBeDefined();
  });

  it('finishes the request it works on, then says why it goes, when it is closed', async () => {
    const client = await dialBound(await listen());
    let release: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      handler.hold = () => {
        resolve();
        return new Promise((free) => void (release = free));
      };
    });
    const search = client.search({ base: 'dc=test', scope: 'base' });
    await started;
    const closed = listener.close();
    release();
    await expect(search).resolves.toHaveLength(1);
    await closed;
    await client.closed;
    await expect(client.whoAmI()).rejects.toMatchObject({ code: 'ldap-peer-refused' });
    expect(handler.closedIds).toHaveLength(1);
  });

  it('closes in its time although a request is never done', async () => {
    const client = await dialBound(await listen({ closeTimeoutMs: 100 }));
    const started = new Promise<void>((resolve) => {
      handler.hold = () => {
        resolve();
        return new Promise(() => undefined);
      };
    });
    const search = client.search({ base: 'dc=test', scope: 'base' }).catch((error: unknown) => error);
    await started;
    await listener.close();
    expect(await search).toMatchObject({ code: 'ldap-unreachable' });
  });

  describe('without TLS', () => {
    it('serves loopback when it is told to', async () => {
      const plain = { host: '127.0.0.1', port: 0, security: { kind: 'plain' }, handler, log: silentLog() } as const;
      const server = await LdapListener.open(plain);
      openEnd.push(() => server.close());
      const client = new LdaptsClient({ url: `ldap://127.0.0.1:${server.address.port}` });
      await client.bind(ADMIN, PASSWORD);
      expect((await client.search('dc=test', { scope: 'base' })).searchEntries).toHaveLength(1);
      await client.unbind();
    });

    it('refuses to listen anywhere else', async () => {
      const plain = { host: '0.0.0.0', port: 0, security: { kind: 'plain' }, handler, log: silentLog() } as const;
      await expect(LdapListener.open(plain)).rejects.toMatchObject({ code: 'ldap-plain-refused' });
    });
  });
});
