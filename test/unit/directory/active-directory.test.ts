import { describe, expect, it } from 'vitest';
import { ActiveDirectory } from '../../../src/directory/active-directory.ts';
import type { AcceptedDomain } from '../../../src/directory/accepted-domain.ts';
import { parseAddressSpace } from '../../../src/directory/address-space.ts';
import type { EdgeSyncCredential } from '../../../src/directory/edge-sync-credential.ts';
import { makeReceiveConnector } from '../../../src/directory/default-receive-connectors.ts';
import { edgeSubscriptionView } from '../../../src/directory/edge-subscription.ts';
import { makeSendConnector } from '../../../src/directory/send-connector.ts';
import type { SubscriptionRequest } from '../../../src/directory/subscription-plans.ts';
import { transportServerView } from '../../../src/directory/transport-server.ts';
import { silentLog } from '../../../src/log.ts';
import {
  AD_CONTEXT,
  closeLater,
  EDGE,
  HUB,
  makeCertificate,
  makeServer,
  makeSubscription,
  openHub,
  SITE,
} from './fixtures.ts';

const DAY_MS = 86_400_000;
const INBOUND = `EdgeSync - Inbound to ${SITE}`;
const INTERNET = `EdgeSync - ${SITE} to Internet`;

function credential(given: Partial<EdgeSyncCredential> = {}): EdgeSyncCredential {
  return {
    targetServerFqdn: EDGE.fqdn,
    sourceServerFqdn: HUB.fqdn,
    effective: new Date('2026-01-01T00:00:00.000Z'),
    expiration: new Date('2026-04-01T00:00:00.000Z'),
    userName: 'ESRA.EDGE01.HUB01.0',
    purpose: 'LDAP',
    sealedPassword: Buffer.from([1, 2, 3]),
    ...given,
  };
}

function request(given: Partial<SubscriptionRequest> = {}): SubscriptionRequest {
  return {
    subscription: makeSubscription(),
    createInboundSendConnector: true,
    createInternetSendConnector: true,
    credentialsFor: () => [],
    ...given,
  };
}

function domain(name: string, given: Partial<AcceptedDomain> = {}): AcceptedDomain {
  return { name, domainName: name, matchSubDomains: false, domainType: 'Authoritative', default: false, ...given };
}

const outbound = makeSendConnector({
  name: 'out',
  addressSpaces: [parseAddressSpace('*')],
  smartHosts: ['mail.contoso.test'],
});

describe('AD at first start', () => {
  it('has the layout of Exchange, the hub, its Receive connectors and the default settings', async () => {
    const { ad, directory } = await openHub();
    const { self, site, receiveConnectors, transportConfig, edges, sendConnectors } = ad.snapshot();
    expect(self).toMatchObject({ ...HUB, role: 'HubTransport' });
    expect(self.record.dn).toBe(
      `CN=HUB01,CN=Servers,CN=First Organization,CN=Microsoft Exchange,CN=Services,${AD_CONTEXT}`,
    );
    expect(self.record.guid).toMatch(/^[0-9a-f-]{36}$/);
    expect(site).toBe(SITE);
    expect(receiveConnectors.map(({ name }) => name)).toEqual([
      'Client Frontend HUB01',
      'Client HUB01',
      'Default HUB01',
    ]);
    expect(transportConfig).toMatchObject({ expiredCertificate: 'Plaintext', untrustedCertificate: 'Defer' });
    expect([edges, sendConnectors]).toEqual([[], []]);
    expect(await directory.search({ base: `CN=${SITE},CN=Sites,${AD_CONTEXT}`, scope: 'base' })).toHaveLength(1);
  });

  it('is left as it is at the next, but for what the config changed', async () => {
    const { ad, directory } = await openHub();
    await ad.removeReceiveConnector('client hub01');
    await ad.publishServer({ certificate: makeCertificate('hub01') });
    const guid = ad.snapshot().self.record.guid;
    const server = { ...HUB, fqdn: 'hub01.fabrikam.test' };
    const again = closeLater(await ActiveDirectory.open({ directory, server, log: silentLog() }));
    expect(again.snapshot().self).toMatchObject({ fqdn: 'hub01.fabrikam.test', record: { guid } });
    expect(again.snapshot().self.certificate?.subject).toBe('CN=hub01');
    expect(again.snapshot().receiveConnectors.map(({ name }) => name)).toEqual([
      'Client Frontend HUB01',
      'Default HUB01',
    ]);
  });

  it('does not start on an object that cannot be understood, and names it', async () => {
    const { directory, ad } = await openHub();
    const damage = {
      operation: 'replace',
      attribute: 'msExchServerInternalTLSCert',
      values: [Buffer.from('no certificate')],
    } as const;
    await directory.apply([{ kind: 'modify', dn: ad.snapshot().self.record.dn, changes: [damage] }]);
    const start = ActiveDirectory.open({ directory, server: HUB, log: silentLog() });
    await expect(start).rejects.toMatchObject({
      code: 'object-unreadable',
      message: expect.stringMatching(/CN=HUB01.*msExchServerInternalTLSCert/),
    });
  });
});

describe('the snapshot', () => {
  it('follows changes that others make in the directory', async () => {
    const { ad, directory } = await openHub();
    const changed = new Promise<void>((resolve) => ad.onChange(resolve));
    const before = ad.snapshot();
    const entry = transportServerView.toEntry(
      makeServer({ name: 'HUB02', fqdn: 'hub02.contoso.test' }),
      ad.layout.servers,
    );
    await directory.apply([{ kind: 'add', dn: entry.dn, attributes: entry.attributes }]);
    await changed;
    expect(before.hubs.map(({ name }) => name)).toEqual(['HUB01']);
    expect(ad.snapshot().hubs.map(({ name }) => name)).toEqual(['HUB01', 'HUB02']);
  });

  it('stays the last good one while an object cannot be understood, and nothing is written on it', async () => {
    const { ad, directory } = await openHub();
    await ad.addSendConnector(outbound);
    const [connector] = ad.snapshot().sendConnectors;
    const damage = (text: string) =>
      directory.apply([
        {
          kind: 'modify',
          dn: connector?.record.dn ?? '',
          changes: [{ operation: 'replace', attribute: 'routingList', values: [Buffer.from(text)] }],
        },
      ]);
    await damage('SMTP:*rubbish');
    await ad.refresh();
    expect([ad.isStale, ad.snapshot().sendConnectors.length]).toEqual([true, 1]);
    await expect(ad.addAcceptedDomain(domain('contoso.test'))).rejects.toMatchObject({ code: 'object-unreadable' });
    await damage('SMTP:*;5');
    await ad.refresh();
    expect([ad.isStale, ad.snapshot().sendConnectors[0]?.addressSpaces[0]?.cost]).toEqual([false, 5]);
  });

  it('comes out right when many write at once', async () => {
    const { ad } = await openHub();
    const names = Array.from({ length: 20 }, (_none, index) => `d${index}.test`);
    await Promise.all(names.map((name) => ad.addAcceptedDomain(domain(name, { default: true }))));
    const { acceptedDomains } = ad.snapshot();
    expect(acceptedDomains).toHaveLength(20);
    expect(acceptedDomains.filter((entry) => entry.default).map(({ name }) => name)).toEqual(['d19.test']);
  });
});

describe('an Edge Subscription in AD', () => {
  it('is stored with the two connectors and the credentials of the hub, in one step', async () => {
    const { ad, directory } = await openHub();
    let changes = 0;
    directory.onChange(() => (changes += 1));
    const certificate = makeCertificate('edge01');
    await ad.subscribe(
      request({ subscription: makeSubscription({ certificate }), credentialsFor: () => [credential()] }),
    );
    expect(changes).toBe(1);
    const { edges, self, sendConnectors } = ad.snapshot();
    expect(edges).toMatchObject([
      { name: 'EDGE01', site: SITE, adamSslPort: 50_636, certificate: { thumbprint: certificate.thumbprint } },
    ]);
    expect(self.credentials).toEqual([credential()]);
    expect(sendConnectors.map(({ name, sourceTransportServers }) => [name, sourceTransportServers])).toEqual([
      [INTERNET, ['EDGE01']],
      [INBOUND, ['EDGE01']],
    ]);
  });

  it('makes only the connectors that are asked for', async () => {
    const { ad } = await openHub();
    await ad.subscribe(request({ createInternetSendConnector: false }));
    expect(ad.snapshot().sendConnectors.map(({ name }) => name)).toEqual([INBOUND]);
  });

  it('is overwritten by a newer one, and what an administrator set on the connectors stays', async () => {
    const { ad } = await openHub();
    await ad.subscribe(
      request({
        credentialsFor: () => [
          credential({ userName: 'old', purpose: 'LDAP' }),
          credential({ userName: 'old for mail', purpose: 'SMTP' }),
        ],
      }),
    );
    const inbound = ad.snapshot().sendConnectors.find(({ name }) => name === INBOUND);
    if (!inbound) throw new Error('the inbound connector should be there');
    await ad.replaceSendConnector(INBOUND, { ...inbound, requireTls: true });
    const certificate = makeCertificate('edge01');
    const subscriptionEffective = new Date(makeSubscription().subscriptionEffective.getTime() + DAY_MS);
    await ad.subscribe(
      request({
        subscription: makeSubscription({ certificate, subscriptionEffective }),
        credentialsFor: () => [credential({ userName: 'new' })],
      }),
    );
    const { edges, self, sendConnectors } = ad.snapshot();
    expect(edges).toMatchObject([{ subscriptionEffective, certificate: { thumbprint: certificate.thumbprint } }]);
    // Mail goes on with the old one until a synchronization has brought another.
    expect(self.credentials.map(({ userName }) => userName).toSorted()).toEqual(['new', 'old for mail']);
    expect(sendConnectors.find(({ name }) => name === INBOUND)).toMatchObject({
      requireTls: true,
      sourceTransportServers: ['EDGE01'],
      guid: inbound.guid,
    });
  });

  it('lets a second Edge join the connectors, and leaves them to it when the first goes', async () => {
    const { ad } = await openHub();
    await ad.subscribe(request({ credentialsFor: () => [credential()] }));
    const second = { name: 'EDGE02', fqdn: 'edge02.perimeter.test' };
    await ad.subscribe(
      request({
        subscription: makeSubscription(second),
        credentialsFor: () => [credential({ targetServerFqdn: second.fqdn })],
      }),
    );
    expect(ad.snapshot().sendConnectors.map(({ sourceTransportServers }) => sourceTransportServers)).toEqual([
      ['EDGE01', 'EDGE02'],
      ['EDGE01', 'EDGE02'],
    ]);
    await ad.unsubscribe('edge01');
    const { edges, self, sendConnectors } = ad.snapshot();
    expect(edges.map(({ name }) => name)).toEqual(['EDGE02']);
    expect(self.credentials.map(({ targetServerFqdn }) => targetServerFqdn)).toEqual([second.fqdn]);
    expect(sendConnectors.map(({ sourceTransportServers }) => sourceTransportServers)).toEqual([
      ['EDGE02'],
      ['EDGE02'],
    ]);
    await ad.unsubscribe('EDGE02');
    expect(ad.snapshot()).toMatchObject({ edges: [], sendConnectors: [], self: { credentials: [] } });
    await expect(ad.unsubscribe('EDGE02')).rejects.toMatchObject({ code: 'not-found' });
  });

  it.each<[string, Parameters<typeof makeSubscription>[0], string]>([
    ['the file was used before', {}, 'subscription-used-twice'],
    [
      'the file is older than the one on record',
      { subscriptionEffective: new Date('2025-12-31T00:00:00Z') },
      'subscription-outdated',
    ],
    [
      'the Edge belongs to another site',
      { site: 'Elsewhere', subscriptionEffective: new Date('2026-02-01T00:00:00Z') },
      'subscription-other-site',
    ],
    ['the name is that of a hub', { name: 'hub01' }, 'name-in-use'],
    ['the FQDN is that of a hub', { name: 'EDGE09', fqdn: 'HUB01.contoso.test' }, 'name-in-use'],
    ['the FQDN is that of another Edge', { name: 'EDGE09' }, 'name-in-use'],
  ])('stores nothing when %s', async (_what, given, code) => {
    const { ad } = await openHub();
    await ad.subscribe(request());
    const before = ad.snapshot();
    await expect(
      ad.subscribe(request({ subscription: makeSubscription(given), credentialsFor: () => [credential()] })),
    ).rejects.toMatchObject({ code });
    await ad.refresh();
    expect(ad.snapshot()).toEqual(before);
  });

  it('refuses one certificate on two servers, whichever comes first', async () => {
    const { ad } = await openHub();
    const certificate = makeCertificate('shared');
    await ad.publishServer({ certificate });
    const code = 'certificate-on-two-servers';
    await expect(ad.subscribe(request({ subscription: makeSubscription({ certificate }) }))).rejects.toMatchObject({
      code,
    });
    const other = makeCertificate('edge01');
    await ad.subscribe(request({ subscription: makeSubscription({ certificate: other }) }));
    await expect(ad.publishServer({ certificate: other })).rejects.toMatchObject({ code });
    await expect(ad.changeServer('EDGE01', () => ({ certificate }))).rejects.toMatchObject({ code });
    expect(ad.snapshot().self.certificate?.thumbprint).toBe(certificate.thumbprint);
  });

  it('takes an Edge at its word that has gone back to its previous certificate, which EdgeSync does not believe', async () => {
    const { ad } = await openHub();
    const [old, replaced] = [makeCertificate('edge01'), makeCertificate('edge01')];
    await ad.subscribe(request({ subscription: makeSubscription({ certificate: replaced }) }));
    const previousUntil = new Date(Date.now() + DAY_MS);
    await ad.changeServer('EDGE01', () => ({ previousCertificate: old, previousUntil }));
    const subscriptionEffective = new Date(makeSubscription().subscriptionEffective.getTime() + DAY_MS);
    await ad.subscribe(request({ subscription: makeSubscription({ certificate: old, subscriptionEffective }) }));
    const [edge] = ad.snapshot().edges;
    expect(edge?.certificate?.sha256).toBe(old.sha256);
    expect(edge?.previousCertificate).toBeUndefined();
  });

  it('keeps what EdgeSync notes on the Edge', async () => {
    const { ad } = await openHub();
    await ad.subscribe(request());
    const credentials = [credential({ purpose: 'SMTP', sealedPassword: undefined, verifier: 'v' })];
    await ad.changeServer('edge01', () => ({
      credentials,
      edgeSyncStatus: '{"Last":"Success"}',
      encryptionKeyPem: '-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----\n',
    }));
    expect(ad.snapshot().edges).toMatchObject([
      { edgeSyncStatus: '{"Last":"Success"}', credentials: [{ verifier: 'v' }], adamSslPort: 50_636 },
    ]);
  });

  it('comes back from its entry as it was, and no hub is taken for one', () => {
    const subscription = makeSubscription({
      certificate: makeCertificate('edge01'),
      serialNumber: 'Version 8.1 (Build 30240.6)',
      credentials: [credential()],
    });
    const { record: _record, ...read } = edgeSubscriptionView.fromEntry(
      edgeSubscriptionView.toEntry(subscription, 'CN=x'),
    );
    expect(read).toEqual(subscription);
    const hub = transportServerView.toEntry(makeServer(), 'CN=x');
    expect(() => edgeSubscriptionView.fromEntry(hub)).toThrow(expect.objectContaining({ code: 'object-unreadable' }));
  });
});

describe('what administrators change', () => {
  it('adds, changes, renames and removes Send connectors', async () => {
    const { ad } = await openHub();
    await ad.addSendConnector(outbound);
    const [added] = ad.snapshot().sendConnectors;
    expect(added?.sourceTransportServers).toEqual(['HUB01']);
    if (!added) throw new Error('the connector should be there');
    await ad.replaceSendConnector('OUT', { ...added, name: 'outbound', requireTls: true, fqdn: 'mail.contoso.test' });
    expect(ad.snapshot().sendConnectors).toMatchObject([
      { name: 'outbound', requireTls: true, guid: added.guid, record: { guid: added.record.guid } },
    ]);
    const { fqdn: _fqdn, ...withoutFqdn } = { ...added, name: 'outbound' };
    await ad.replaceSendConnector('outbound', withoutFqdn);
    expect(ad.snapshot().sendConnectors[0]).not.toHaveProperty('fqdn');
    await ad.removeSendConnector('Outbound');
    expect(ad.snapshot().sendConnectors).toEqual([]);
  });

  it('changes the letter case of a name', async () => {
    const { ad } = await openHub();
    await ad.addSendConnector(outbound);
    await ad.replaceSendConnector('out', { ...outbound, name: 'OUT' });
    expect(ad.snapshot().sendConnectors.map(({ name }) => name)).toEqual(['OUT']);
  });

  it.each<[string, (ad: ActiveDirectory) => Promise<void>, string]>([
    ['a second one of the same name', (ad) => ad.addSendConnector({ ...outbound, name: 'OUT' }), 'already-exists'],
    ['a change of one that is not there', (ad) => ad.replaceSendConnector('none', outbound), 'not-found'],
    ['the removal of one that is not there', (ad) => ad.removeSendConnector('none'), 'not-found'],
    [
      'a source that is no server',
      (ad) => ad.addSendConnector({ ...outbound, name: 'x', sourceTransportServers: ['EDGE09'] }),
      'not-found',
    ],
    [
      'a contradiction',
      (ad) => ad.replaceSendConnector('out', { ...outbound, requireTls: true, ignoreStartTls: true }),
      'bad-send-connector',
    ],
    [
      'a Receive connector for senders that have one',
      (ad) => ad.addReceiveConnector(makeReceiveConnector({ name: 'x' })),
      'bad-receive-connector',
    ],
    ['a domain twice', (ad) => ad.addAcceptedDomain(domain('x', { domainName: 'contoso.test' })), 'domain-twice'],
    [
      'leaving no default domain',
      (ad) => ad.replaceAcceptedDomain('contoso.test', domain('contoso.test')),
      'default-domain',
    ],
    ['removing the default of several domains', (ad) => ad.removeAcceptedDomain('contoso.test'), 'default-domain'],
    [
      'a contradictory configuration',
      (ad) =>
        ad.setTransportConfig({
          ...ad.snapshot().transportConfig,
          intraOrgIgnoreStartTls: true,
          intraOrgRequireTls: true,
        }),
      'bad-transport-config',
    ],
  ])('refuses %s and stays as it was', async (_what, change, code) => {
    const { ad } = await openHub();
    await ad.addSendConnector(outbound);
    await ad.addAcceptedDomain(domain('contoso.test'));
    await ad.addAcceptedDomain(domain('fabrikam.test'));
    const before = ad.snapshot();
    await expect(change(ad)).rejects.toMatchObject({ code });
    await ad.refresh();
    expect(ad.snapshot()).toEqual(before);
  });

  it('keeps one default domain through all changes', async () => {
    const { ad } = await openHub();
    const defaults = () =>
      ad
        .snapshot()
        .acceptedDomains.filter((entry) => entry.default)
        .map(({ name }) => name);
    await ad.addAcceptedDomain(domain('a.test'));
    expect(defaults()).toEqual(['a.test']);
    await ad.addAcceptedDomain(domain('b.test'));
    await ad.replaceAcceptedDomain('b.test', domain('B', { domainName: 'b.test', default: true }));
    expect(defaults()).toEqual(['B']);
    await ad.removeAcceptedDomain('a.test');
    await ad.removeAcceptedDomain('b');
    expect(ad.snapshot().acceptedDomains).toEqual([]);
  });

  it('sets the organization\'s configuration, "unlimited" included', async () => {
    const { ad } = await openHub();
    const config = {
      ...ad.snapshot().transportConfig,
      expiredCertificate: 'Defer',
      untrustedCertificate: 'Encrypt',
      internalSmtpServers: ['10.0.0.0/8'],
      maxSendSizeBytes: undefined,
    } as const;
    await ad.setTransportConfig(config);
    expect(ad.snapshot().transportConfig).toMatchObject({
      expiredCertificate: 'Defer',
      untrustedCertificate: 'Encrypt',
      internalSmtpServers: ['10.0.0.0/8'],
    });
    expect(ad.snapshot().transportConfig).not.toHaveProperty('maxSendSizeBytes');
  });
});
