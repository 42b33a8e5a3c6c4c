import { formatCertificateAcknowledgement } from '../../../src/directory/certificate-acknowledgement.ts';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Account, accountView } from '../../../src/directory/account.ts';
import { acceptedDomainView } from '../../../src/directory/accepted-domain.ts';
import type { Adam, BootstrapCredential } from '../../../src/directory/adam.ts';
import { makeAdamDoor } from '../../../src/directory/adam-door.ts';
import { BindAttempts } from '../../../src/directory/bind-attempts.ts';
import { directoryAccountView } from '../../../src/directory/directory-account.ts';
import { DirectoryDoor } from '../../../src/directory/directory-door.ts';
import { findCookie, makeCookieStep, SYNC_TYPE_NAMES } from '../../../src/directory/edge-sync-cookie.ts';
import { toAdd } from '../../../src/directory/entry-diff.ts';
import { receiveConnectorsDn, serverDn } from '../../../src/directory/layout.ts';
import { derivePasswordVerifier } from '../../../src/directory/password-verifier.ts';
import { makeInboundSendConnector, sendConnectorView } from '../../../src/directory/send-connector.ts';
import { transportServerView } from '../../../src/directory/transport-server.ts';
import { SystemClock } from '../../../src/clock.ts';
import { connectLdap, type LdapClient } from '../../../src/ldap/client.ts';
import { type Change, getText, type LdapEntry, type LdapOperation } from '../../../src/ldap/entry.ts';
import type { LdapConnection } from '../../../src/ldap/handler.ts';
import { LdapListener } from '../../../src/ldap/server.ts';
import { silentLog } from '../../../src/log.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { ADAM_CONTEXT, EDGE, makeServer, openEdge, type OpenEdge, SITE } from './fixtures.ts';

const DAY_MS = 86_400_000;
const domain = {
  name: 'contoso.test',
  domainName: 'contoso.test',
  matchSubDomains: false,
  domainType: 'Authoritative',
  default: true,
} as const;

let keyPair: KeyPair;
beforeAll(async () => {
  keyPair = await createSelfSigned({ netbiosName: EDGE.name, fqdn: EDGE.fqdn, notBefore: new Date() });
});

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

interface Door extends OpenEdge {
  readonly bootstrap: BootstrapCredential;
  readonly connect: () => Promise<LdapClient>;
  /** A connection bound by the bootstrap account. */
  readonly enter: () => Promise<LdapClient>;
}

async function openDoor(): Promise<Door> {
  const edge = await openEdge();
  const handler = new DirectoryDoor({ ...edge, door: makeAdamDoor(edge), log: silentLog() });
  const security = { kind: 'tls', keyPair: () => keyPair } as const;
  const listener = await LdapListener.open({ host: '127.0.0.1', port: 0, security, handler, log: silentLog() });
  ends.push(() => listener.close());
  const bootstrap = await edge.adam.exportSubscription(DAY_MS);
  const connect = async () => {
    const client = await connectLdap({ host: '127.0.0.1', port: listener.address.port, approve: () => undefined });
    ends.push(() => client.close());
    return client;
  };
  const enter = async () => {
    const client = await connect();
    await client.bindSimple(bootstrap.userName, bootstrap.password);
    return client;
  };
  return { ...edge, bootstrap, connect, enter };
}

async function makeAccount(given: Partial<Account> = {}): Promise<Account> {
  return {
    name: 'ESRA.EDGE01.HUB01.0',
    kind: 'replication',
    passwordVerifier: await derivePasswordVerifier('replication password'),
    effective: new Date(Date.now() - 1000),
    expiration: new Date(Date.now() + 30 * DAY_MS),
    superseded: false,
    ...given,
  };
}

function modify(
  dn: string,
  attribute: string,
  value: string,
  operation: Change['operation'] = 'replace',
): LdapOperation {
  return { kind: 'modify', dn, changes: [{ operation, attribute, values: [Buffer.from(value)] }] };
}

/** The operations behind a step of the cookie for Configuration, as a round has them. */
function inRound(adam: Adam, ...operations: LdapOperation[]): LdapOperation[] {
  const { self } = adam.snapshot();
  const before = findCookie(self.edgeSyncCookies ?? [], 'Configuration');
  const next = { type: 'Configuration', hub: 'HUB01', source: 'AD', time: new Date() } as const;
  return [makeCookieStep(self.record.dn, before, next), ...operations];
}

function versions(adam: Adam): Record<string, number | undefined> {
  const texts = adam.snapshot().self.edgeSyncCookies ?? [];
  return Object.fromEntries(SYNC_TYPE_NAMES.map((type) => [type, findCookie(texts, type)?.version]));
}

describe('the door of ADAM before a bind', () => {
  it('shows the root DSE and nothing else', async () => {
    const { connect } = await openDoor();
    const client = await connect();
    const [root] = await client.search({ base: '', scope: 'base', attributes: ['*', '+'] });
    expect(root && getText(root, 'namingContexts')).toBe(ADAM_CONTEXT);
    expect(root && getText(root, 'supportedLDAPVersion')).toBe('3');
    expect(root && getText(root, 'vendorName')).toBe('relaypair');
    const denied = { code: 'ldap-insufficient-access-rights' };
    await expect(client.search({ base: ADAM_CONTEXT, scope: 'base' })).rejects.toMatchObject(denied);
    await expect(client.search({ base: 'CN=nowhere', scope: 'base' })).rejects.toMatchObject(denied);
    await expect(client.compare(ADAM_CONTEXT, 'cn', 'Configuration')).rejects.toMatchObject(denied);
    await expect(client.apply([{ kind: 'delete', dn: ADAM_CONTEXT }])).rejects.toMatchObject(denied);
  });
});

describe('a bind to ADAM', () => {
  it('succeeds with the bootstrap account, by its DN or by its own part of it', async () => {
    const { connect, bootstrap } = await openDoor();
    const client = await connect();
    await client.bindSimple(bootstrap.userName.toUpperCase(), bootstrap.password);
    expect(await client.whoAmI()).toBe(`dn:${bootstrap.userName}`);
    await client.bindSimple('CN=ESRA.EDGE01', bootstrap.password);
    expect(await client.search({ base: ADAM_CONTEXT, scope: 'base' })).toHaveLength(1);
  });

  it.each([
    ['a wrong password', { password: 'wrong' }],
    ['an account that is not there', { userName: `CN=ESRA.EDGE02,CN=Services,${ADAM_CONTEXT}` }],
    ['an entry that is no account', { userName: ADAM_CONTEXT }],
  ])('fails with %s, and the connection is nobody again', async (_what, given) => {
    const { enter, bootstrap } = await openDoor();
    const client = await enter();
    const { userName, password } = { ...bootstrap, ...given };
    await expect(client.bindSimple(userName, password)).rejects.toMatchObject({ code: 'ldap-invalid-credentials' });
    await expect(client.search({ base: ADAM_CONTEXT, scope: 'base' })).rejects.toMatchObject({
      code: 'ldap-insufficient-access-rights',
    });
  });

  it('fails once the window is over, and a connection that was bound in it ends being somebody', async () => {
    const { enter, clock } = await openDoor();
    const client = await enter();
    clock.move(DAY_MS + 1000);
    await expect(client.search({ base: ADAM_CONTEXT, scope: 'base' })).rejects.toMatchObject({
      code: 'ldap-insufficient-access-rights',
    });
    await expect(enter()).rejects.toMatchObject({ code: 'ldap-invalid-credentials' });
  });

  it('fails when the window ends while the password is checked', async () => {
    const { adam, directory, clock, bootstrap } = await openDoor();
    const server = new DirectoryDoor({ door: makeAdamDoor({ adam, clock }), directory, clock, log: silentLog() });
    const connection: LdapConnection = { id: '1', remoteAddress: '192.0.2.1', tls: undefined, boundDn: undefined };
    const password = Buffer.from(bootstrap.password);
    const binding = server.bind(connection, { kind: 'simple', dn: bootstrap.userName, password });
    clock.move(DAY_MS + 1000);
    expect(await binding).toMatchObject({ resultCode: 49 });
    expect(connection.boundDn).toBeUndefined();
  });

  it('fails before the window, but for five minutes of clock skew', async () => {
    const { enter, clock } = await openDoor();
    clock.move(-299_000);
    await enter();
    clock.move(-10_000);
    await expect(enter()).rejects.toMatchObject({ code: 'ldap-invalid-credentials' });
  });

  it('by a replication account ends the bootstrap account, on its open connections too', async () => {
    const { enter, connect, adam } = await openDoor();
    const first = await enter();
    await first.apply(inRound(adam, toAdd(accountView.toEntry(await makeAccount(), adam.layout.services))));
    await enter();
    const second = await connect();
    await second.bindSimple('CN=ESRA.EDGE01.HUB01.0', 'replication password');
    expect(await second.search({ base: ADAM_CONTEXT, scope: 'base' })).toHaveLength(1);
    await expect(enter()).rejects.toMatchObject({ code: 'ldap-invalid-credentials' });
    await expect(first.search({ base: ADAM_CONTEXT, scope: 'base' })).rejects.toMatchObject({
      code: 'ldap-insufficient-access-rights',
    });
  });

  it('by an account of the subscription before leaves the new bootstrap account alone', async () => {
    const { enter, connect, adam } = await openDoor();
    const account = toAdd(accountView.toEntry(await makeAccount(), adam.layout.services));
    await (await enter()).apply(inRound(adam, account));
    const fresh = await adam.exportSubscription(DAY_MS);
    const client = await connect();
    await client.bindSimple('CN=ESRA.EDGE01.HUB01.0', 'replication password');
    await client.bindSimple(fresh.userName, fresh.password);
  });

  it('waits after five failures from one address', async () => {
    const { connect, bootstrap, clock } = await openDoor();
    const client = await connect();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await expect(client.bindSimple(bootstrap.userName, 'wrong')).rejects.toMatchObject({
        code: 'ldap-invalid-credentials',
      });
    }
    await expect(client.bindSimple(bootstrap.userName, bootstrap.password)).rejects.toMatchObject({
      code: 'ldap-busy',
    });
    clock.move(30_001);
    await client.bindSimple(bootstrap.userName, bootstrap.password);
  });
});

describe('what an account reads', () => {
  it('is everything but password verifiers, whatever way it asks', async () => {
    const { enter, bootstrap } = await openDoor();
    const client = await enter();
    const [account] = await client.search({
      base: bootstrap.userName,
      scope: 'base',
      attributes: ['*', '+', 'userPassword'],
    });
    expect(account && getText(account, 'cn')).toBe('ESRA.EDGE01');
    expect(account && getText(account, 'creatorsName')).toBeUndefined();
    expect(account?.attributes.has('userPassword')).toBe(false);
    const denied = { code: 'ldap-insufficient-access-rights' };
    for (const filter of [
      '(userPassword=*)',
      '(!(2.5.4.35={SCRYPT}*))',
      '(&(cn=*)(|(USERPASSWORD>=a)))',
      '(userPassword:caseExactMatch:=a)',
    ]) {
      await expect(client.search({ base: ADAM_CONTEXT, scope: 'sub', filter })).rejects.toMatchObject(denied);
    }
    await expect(client.compare(bootstrap.userName, 'userPassword', 'x')).rejects.toMatchObject(denied);
  });

  it('keeps to size limits, and compares by the schema', async () => {
    const { enter, adam } = await openDoor();
    const client = await enter();
    expect(await client.search({ base: ADAM_CONTEXT, scope: 'sub', sizeLimit: 3 })).toHaveLength(3);
    const { dn } = adam.snapshot().self.record;
    expect(await client.compare(dn, 'DNSHOSTNAME', 'EDGE01.perimeter.test')).toBe(true);
    expect(await client.compare(dn, 'dNSHostName', 'other')).toBe(false);
    await expect(client.compare(dn, 'serialNumber', 'x')).rejects.toMatchObject({ code: 'ldap-no-such-attribute' });
    await expect(client.compare(dn, 'favouriteColour', 'red')).rejects.toMatchObject({
      code: 'ldap-undefined-attribute-type',
    });
  });
});

describe('what an account writes', () => {
  it('is what EdgeSync carries, in one transaction that the Edge sees at once', async () => {
    const { enter, adam, directory, bootstrap } = await openDoor();
    const client = await enter();
    const { layout } = adam;
    const own = adam.snapshot().self.record.dn;
    const acknowledgement = { server: 'HUB01', sha256: 'A'.repeat(64), at: new Date(0), effective: new Date(0) };
    await client.apply(
      inRound(
        adam,
        toAdd(transportServerView.toEntry(makeServer({ site: SITE }), layout.servers)),
        toAdd(sendConnectorView.toEntry(makeInboundSendConnector(SITE, EDGE.name), layout.connections)),
        toAdd(acceptedDomainView.toEntry(domain, layout.acceptedDomains)),
        toAdd(accountView.toEntry(await makeAccount(), layout.services)),
        modify(layout.transportSettings, 'msExchTransportExpiredCertificate', 'Defer'),
        modify(own, 'msExchServerSite', SITE),
        modify(own, 'msExchServerTLSCertAcknowledged', formatCertificateAcknowledgement(acknowledgement)),
      ),
    );
    expect(adam.snapshot()).toMatchObject({
      subscriptionState: 'Subscribed',
      site: SITE,
      hubs: [{ name: 'HUB01' }],
      sendConnectors: [{ smartHosts: ['--'] }],
      acceptedDomains: [{ domainName: 'contoso.test' }],
      transportConfig: { expiredCertificate: 'Defer' },
      self: { certificateAcknowledgements: [acknowledgement] },
    });
    const [hub] = await directory.search({
      base: serverDn(layout, 'HUB01'),
      scope: 'base',
      attributes: ['creatorsName'],
    });
    expect(hub && getText(hub, 'creatorsName')).toBe(bootstrap.userName);
    await client.apply(
      inRound(
        adam,
        modify(serverDn(layout, 'HUB01'), 'dNSHostName', 'hub01.fabrikam.test'),
        {
          kind: 'delete',
          dn: sendConnectorView.toEntry(makeInboundSendConnector(SITE, EDGE.name), layout.connections).dn,
        },
        { kind: 'delete', dn: accountView.toEntry(await makeAccount(), layout.services).dn },
      ),
    );
    expect(adam.snapshot()).toMatchObject({
      subscriptionState: 'Exported',
      sendConnectors: [],
      hubs: [{ fqdn: 'hub01.fabrikam.test' }],
    });
  });

  it('is all or nothing when one part is not allowed', async () => {
    const { enter, adam } = await openDoor();
    const client = await enter();
    const allowed = toAdd(acceptedDomainView.toEntry(domain, adam.layout.acceptedDomains));
    const certificate = modify(adam.snapshot().self.record.dn, 'msExchServerInternalTLSCert', 'x');
    const batch = inRound(adam, allowed, certificate);
    await expect(client.apply(batch)).rejects.toMatchObject({
      code: 'ldap-insufficient-access-rights',
      failedOperation: 2,
    });
    expect(adam.snapshot().acceptedDomains).toEqual([]);
  });

  it('is never more than that', async () => {
    const { enter, adam, bootstrap } = await openDoor();
    const client = await enter();
    const { layout } = adam;
    const own = adam.snapshot().self.record.dn;
    const account = await makeAccount();
    const hub = transportServerView.toEntry(makeServer(), layout.servers);
    const at = (entry: LdapEntry, dn: string): LdapOperation => toAdd({ ...entry, dn });
    const [receiveConnector] = adam.snapshot().receiveConnectors;
    await client.apply(inRound(adam, toAdd(hub)));
    const forbidden: [string, LdapOperation][] = [
      ['the certificate of the Edge', modify(own, 'MSEXCHSERVERINTERNALTLSCERT', 'x')],
      [
        'the certificate of the Edge by identifier',
        modify(own, '2.25.169543567006026502937321241344753676821.1.13', 'x'),
      ],
      ['the next certificate of the Edge', modify(own, 'msExchServerNextTLSCert', 'x')],
      ['the previous certificate of the Edge', modify(own, 'msExchServerPreviousTLSCert', 'x')],
      ['the end of its grace period', modify(own, 'msExchServerPreviousTLSCertWithdrawnAt', '20260101000000Z')],
      ['the key of the Edge', modify(own, 'msExchServerEKPKPublicKey', 'x')],
      ['the state of the subscription', modify(own, 'msExchEdgeSubscriptionExportedAt', '20260101000000Z')],
      ['the Edge itself', { kind: 'delete', dn: own }],
      ['the name of the Edge', { kind: 'rename', dn: own, newRdn: 'CN=X', deleteOldRdn: true }],
      [
        'another Edge',
        toAdd(
          transportServerView.toEntry(
            makeServer({ name: 'EDGE02', fqdn: 'e.test', role: 'EdgeTransport' }),
            layout.servers,
          ),
        ),
      ],
      ['the role of a hub', modify(hub.dn, 'msExchCurrentServerRoles', '64')],
      ['the name of a hub', { kind: 'rename', dn: hub.dn, newRdn: 'CN=X', deleteOldRdn: true }],
      ['a Receive connector', { kind: 'delete', dn: receiveConnector?.record.dn ?? '' }],
      [
        'something under its Receive connectors',
        at(
          sendConnectorView.toEntry(makeInboundSendConnector(SITE, EDGE.name), 'CN=x'),
          `CN=x,${receiveConnectorsDn(layout, EDGE.name)}`,
        ),
      ],
      [
        'a container among the Send connectors',
        {
          kind: 'add',
          dn: `CN=x,${layout.connections}`,
          attributes: new Map([['objectClass', [Buffer.from('msExchContainer')]]]),
        },
      ],
      ['an account among the Send connectors', at(accountView.toEntry(account, 'CN=x'), `CN=x,${layout.connections}`)],
      [
        'a Send connector among the servers',
        at(sendConnectorView.toEntry(makeInboundSendConnector(SITE, EDGE.name), 'CN=x'), `CN=x,${layout.servers}`),
      ],
      ['the bootstrap account', { kind: 'delete', dn: bootstrap.userName }],
      [
        'a second bootstrap account',
        toAdd(accountView.toEntry(await makeAccount({ kind: 'bootstrap', name: 'ESRA.EDGE01.X' }), layout.services)),
      ],
      [
        'an account of another name',
        toAdd(accountView.toEntry(await makeAccount({ name: 'administrator' }), layout.services)),
      ],
      [
        'an account without a sound verifier',
        toAdd(accountView.toEntry(await makeAccount({ passwordVerifier: 'secret' }), layout.services)),
      ],
      [
        'an account that ends no bootstrap account',
        toAdd(accountView.toEntry(await makeAccount({ superseded: true }), layout.services)),
      ],
      [
        'the place of a Send connector',
        {
          kind: 'rename',
          dn: `CN=x,${layout.connections}`,
          newRdn: 'CN=x',
          deleteOldRdn: true,
          newSuperior: layout.servers,
        },
      ],
      ['the password of an account', modify(bootstrap.userName, 'userPassword', 'x')],
      ['the window of an account', modify(bootstrap.userName, 'msExchEdgeSyncAccountExpiration', '20990101000000Z')],
      [
        'an account for readers',
        toAdd(directoryAccountView.toEntry({ name: 'spy', kind: 'Reader' }, layout.directoryAccounts)),
      ],
      ['a container', { kind: 'delete', dn: layout.connections }],
      ['the transport settings as a whole', { kind: 'delete', dn: layout.transportSettings }],
      ['the root', { kind: 'delete', dn: ADAM_CONTEXT }],
      ['what lies outside', { kind: 'delete', dn: 'CN=x' }],
    ];
    const allowed: string[] = [];
    for (const [what, operation] of forbidden) {
      const code: unknown = await client.apply(inRound(adam, operation)).then(
        () => 'allowed',
        (error: { code?: string }) => error.code,
      );
      if (code !== 'ldap-insufficient-access-rights') allowed.push(`${what}: ${String(code)}`);
    }
    expect(allowed).toEqual([]);
  });
});

describe('a round', () => {
  const addDomain = (adam: Adam): LdapOperation =>
    toAdd(acceptedDomainView.toEntry(domain, adam.layout.acceptedDomains));
  const denied = { code: 'ldap-insufficient-access-rights' };

  it('moves its cookie by one, from the version 0 of the export on', async () => {
    const { enter, adam } = await openDoor();
    const client = await enter();
    expect(versions(adam)).toEqual({ Configuration: 0, Recipients: 0 });
    await client.apply(inRound(adam, addDomain(adam)));
    await client.apply(inRound(adam));
    expect(versions(adam)).toEqual({ Configuration: 2, Recipients: 0 });
  });

  it('is refused when it is played again, and when it was planned on an older cookie', async () => {
    const { enter, adam } = await openDoor();
    const client = await enter();
    const recorded = inRound(adam, addDomain(adam));
    await client.apply(recorded);
    await client.apply(inRound(adam, { kind: 'delete', dn: addDomain(adam).dn }));
    const gone = { code: 'ldap-no-such-attribute', failedOperation: 0 };
    await expect(client.apply(recorded)).rejects.toMatchObject(gone);
    const [step] = recorded;
    await expect(client.apply(step ? [step] : [])).rejects.toMatchObject(gone);
    expect(adam.snapshot().acceptedDomains).toEqual([]);
    expect(versions(adam)).toEqual({ Configuration: 2, Recipients: 0 });
  });

  it('writes nothing that is replicated without its step, or with one that is none', async () => {
    const { enter, adam } = await openDoor();
    const client = await enter();
    const { dn } = adam.snapshot().self.record;
    const change = (operation: Change['operation'], ...values: string[]): Change => ({
      operation,
      attribute: 'msExchEdgeSyncCookie',
      values: values.map((value) => Buffer.from(value)),
    });
    const [configuration = '', recipients = ''] = adam.snapshot().self.edgeSyncCookies ?? [];
    const next = (version: number) => configuration.replace('"version":0', `"version":${version}`);
    const steps: Record<string, readonly Change[]> = {
      nothing: [],
      'the same version': [change('delete', configuration), change('add', configuration)],
      'two versions on': [change('delete', configuration), change('add', next(2))],
      'the cookie of another type': [change('delete', recipients), change('add', next(1))],
      'a second one of the type': [change('add', next(1))],
      'all cookies': [change('delete'), change('add', next(1))],
      'a replacement': [change('replace', next(1))],
      'no cookie at all': [change('delete', configuration)],
      'what is none': [change('delete', configuration), change('add', '{}')],
    };
    for (const [what, changes] of Object.entries(steps)) {
      const step: readonly LdapOperation[] = changes.length === 0 ? [] : [{ kind: 'modify', dn, changes }];
      await expect(client.apply([...step, addDomain(adam)]), what).rejects.toMatchObject(denied);
    }
    const late = [addDomain(adam), ...inRound(adam)];
    await expect(client.apply(late), 'a step that comes last').rejects.toMatchObject(denied);
    const twice = [...inRound(adam), ...inRound(adam, addDomain(adam))];
    await expect(client.apply(twice), 'two steps').rejects.toMatchObject(denied);
    expect(versions(adam)).toEqual({ Configuration: 0, Recipients: 0 });
    expect(adam.snapshot().acceptedDomains).toEqual([]);
  });

  it('is not needed to take the lease', async () => {
    const { enter, adam } = await openDoor();
    const client = await enter();
    const { dn } = adam.snapshot().self.record;
    await client.apply([modify(dn, 'msExchEdgeSyncLease', '{"holder":"HUB01"}')]);
    expect(adam.snapshot().self.edgeSyncLease).toBe('{"holder":"HUB01"}');
  });
});

describe('bind attempts', () => {
  const limits = { maxFailures: 2, waitMs: 1000, maxConcurrent: 2 };
  const fail = () => Promise.resolve(false);

  it('forgets failures after a success, and never mixes addresses up', async () => {
    const attempts = new BindAttempts(new SystemClock(), limits);
    await attempts.check('a', fail);
    await attempts.check('a', () => Promise.resolve(true));
    await attempts.check('a', fail);
    await attempts.check('b', fail);
    expect([attempts.mayTry('a'), attempts.mayTry('b')]).toEqual([true, true]);
    await attempts.check('a', fail);
    expect([attempts.mayTry('a'), attempts.mayTry('b')]).toEqual([false, true]);
  });

  it('checks no more than a few at a time', async () => {
    const attempts = new BindAttempts(new SystemClock(), limits);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const running = [attempts.check('a', () => promise), attempts.check('b', () => promise)];
    expect(await attempts.check('c', () => Promise.resolve(true))).toBeUndefined();
    resolve(true);
    expect(await Promise.all(running)).toEqual([true, true]);
    expect(await attempts.check('c', () => Promise.resolve(true))).toBe(true);
  });
});
