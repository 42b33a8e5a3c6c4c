import { describe, expect, it } from 'vitest';
import { type Account, accountView, replicationAccountName } from '../../../src/directory/account.ts';
import { acceptedDomainView } from '../../../src/directory/accepted-domain.ts';
import { Adam } from '../../../src/directory/adam.ts';
import { parseAddressSpace } from '../../../src/directory/address-space.ts';
import { findCookie, makeCookieStep } from '../../../src/directory/edge-sync-cookie.ts';
import { toAdd } from '../../../src/directory/entry-diff.ts';
import { derivePasswordVerifier, verifyPassword } from '../../../src/directory/password-verifier.ts';
import {
  makeInboundSendConnector,
  makeSendConnector,
  sendConnectorView,
} from '../../../src/directory/send-connector.ts';
import { transportServerView } from '../../../src/directory/transport-server.ts';
import type { LdapOperation } from '../../../src/ldap/entry.ts';
import { silentLog } from '../../../src/log.ts';
import { parseMailbox } from '../../../src/smtp/address.ts';
import { ADAM_CONTEXT, closeLater, EDGE, makeCertificate, makeServer, openEdge, SITE } from './fixtures.ts';

const DAY_MS = 86_400_000;
const local = makeSendConnector({ name: 'local', addressSpaces: [parseAddressSpace('*')], smartHosts: ['mail.test'] });
const domain = {
  name: 'contoso.test',
  domainName: 'contoso.test',
  matchSubDomains: false,
  domainType: 'Authoritative',
  default: true,
} as const;

async function makeAccount(given: Partial<Account> = {}): Promise<Account> {
  return {
    name: replicationAccountName(EDGE.name, 'HUB01', 0),
    kind: 'replication',
    passwordVerifier: await derivePasswordVerifier('secret'),
    effective: new Date(Date.now() - DAY_MS),
    expiration: new Date(Date.now() + DAY_MS),
    superseded: false,
    ...given,
  };
}

/** What the first round of EdgeSync brings. */
async function push(adam: Adam, account: Account): Promise<void> {
  const { layout } = adam;
  const entries = [
    transportServerView.toEntry(makeServer({ site: SITE, certificate: makeCertificate('hub01') }), layout.servers),
    sendConnectorView.toEntry(makeInboundSendConnector(SITE, EDGE.name), layout.connections),
    acceptedDomainView.toEntry(domain, layout.acceptedDomains),
    accountView.toEntry(account, layout.services),
  ];
  const site: LdapOperation = {
    kind: 'modify',
    dn: adam.snapshot().self.record.dn,
    changes: [{ operation: 'replace', attribute: 'msExchServerSite', values: [Buffer.from(SITE)] }],
  };
  await adam.replicate([...entries.map(toAdd), site], 'CN=ESRA.EDGE01');
}

it('nobody is unknown before EdgeSync has brought the recipients: mail to all of them would bounce', async () => {
  const { adam, clock } = await openEdge();
  const mailbox = parseMailbox('ed@contoso.test');
  if (!mailbox) throw new Error('that is an address');
  await adam.exportSubscription(DAY_MS);
  await push(adam, await makeAccount());
  await expect(adam.isKnownRecipient(mailbox)).rejects.toMatchObject({ code: 'recipients-not-here' });
  const { record, edgeSyncCookies = [] } = adam.snapshot().self;
  const next = { type: 'Recipients', hub: 'HUB01', source: 'CN=Configuration', time: clock.now() } as const;
  await adam.replicate([makeCookieStep(record.dn, findCookie(edgeSyncCookies, 'Recipients'), next)], 'CN=ESRA.EDGE01');
  expect(await adam.isKnownRecipient(mailbox)).toBe(false);
});

describe('ADAM of an Edge on its own', () => {
  it('has its server, its Receive connector and no subscription', async () => {
    const { adam } = await openEdge();
    const { self, site, subscriptionState, accounts, receiveConnectors, hubs, edges } = adam.snapshot();
    expect(self).toMatchObject({
      ...EDGE,
      role: 'EdgeTransport',
      record: { dn: expect.stringContaining(ADAM_CONTEXT) },
    });
    expect([site, subscriptionState, accounts, hubs, edges]).toEqual(['', 'NotSubscribed', [], [], []]);
    expect(receiveConnectors.map(({ name }) => name)).toEqual(['Default internal receive connector EDGE01']);
  });

  it('takes Send connectors and accepted domains of its own', async () => {
    const { adam } = await openEdge();
    await adam.addSendConnector({ ...local, smartHosts: ['--'], addressSpaces: [parseAddressSpace('--')] });
    await adam.addAcceptedDomain(domain);
    expect(adam.snapshot().sendConnectors).toMatchObject([{ sourceTransportServers: ['EDGE01'] }]);
    await adam.removeSendConnector('local');
    await adam.removeAcceptedDomain('contoso.test');
    expect(adam.snapshot()).toMatchObject({ sendConnectors: [], acceptedDomains: [] });
  });

  it('has no subscription to remove', async () => {
    const { adam } = await openEdge();
    await expect(adam.removeSubscription()).rejects.toMatchObject({ code: 'not-subscribed' });
  });
});

describe('exporting a subscription', () => {
  it('makes a bootstrap account for the time that was asked for and keeps no password', async () => {
    const { adam, directory, clock } = await openEdge();
    const before = clock.now().getTime();
    const credential = await adam.exportSubscription(DAY_MS);
    expect(credential.userName).toBe(`CN=ESRA.EDGE01,CN=Services,${ADAM_CONTEXT}`);
    expect(credential.password).toMatch(/^[\w-]{43}$/);
    expect(credential.effective.getTime()).toBeGreaterThanOrEqual(before);
    expect(credential.expiration.getTime() - credential.effective.getTime()).toBe(DAY_MS);
    const { accounts, subscriptionState } = adam.snapshot();
    expect([accounts.map(({ name, kind }) => [name, kind]), subscriptionState]).toEqual([
      [['ESRA.EDGE01', 'bootstrap']],
      'Exported',
    ]);
    expect(await verifyPassword(credential.password, accounts[0]?.passwordVerifier)).toBe(true);
    const everything = await directory.search({ base: ADAM_CONTEXT, scope: 'sub', attributes: ['*', '+'] });
    const octets = Buffer.concat(everything.flatMap(({ attributes }) => [...attributes.values()].flat()));
    expect(octets.includes(credential.password)).toBe(false);
  });

  it('deletes what EdgeSync will bring and refuses the cmdlets for it, not those for Receive connectors', async () => {
    const { adam } = await openEdge();
    await adam.addSendConnector(local);
    await adam.addAcceptedDomain(domain);
    await adam.setTransportConfig({
      ...adam.snapshot().transportConfig,
      internalSmtpServers: ['10.0.0.1'],
      expiredCertificate: 'Defer',
    });
    await adam.exportSubscription(DAY_MS);
    expect(adam.snapshot()).toMatchObject({
      sendConnectors: [],
      acceptedDomains: [],
      transportConfig: { internalSmtpServers: [], expiredCertificate: 'Defer' },
    });
    const code = 'edge-subscribed';
    await expect(adam.addSendConnector(local)).rejects.toMatchObject({ code });
    await expect(adam.addAcceptedDomain(domain)).rejects.toMatchObject({ code });
    await expect(adam.removeSendConnector('local')).rejects.toMatchObject({ code });
    const [connector] = adam.snapshot().receiveConnectors;
    if (!connector) throw new Error('the Receive connector should be there');
    await adam.replaceReceiveConnector(connector.name, { ...connector, maxHopCount: 10 });
    expect(adam.snapshot().receiveConnectors).toMatchObject([{ maxHopCount: 10 }]);
  });

  it('again, before any import, replaces password and window', async () => {
    const { adam, clock } = await openEdge();
    const first = await adam.exportSubscription(DAY_MS);
    clock.move(1000);
    const second = await adam.exportSubscription(DAY_MS);
    const [account, ...others] = adam.snapshot().accounts;
    expect(others).toEqual([]);
    expect(account?.effective).toEqual(second.effective);
    expect(await verifyPassword(first.password, account?.passwordVerifier)).toBe(false);
  });

  it('again, on a subscribed Edge, takes nothing away', async () => {
    const { adam } = await openEdge();
    await adam.exportSubscription(DAY_MS);
    await push(adam, await makeAccount());
    await adam.exportSubscription(DAY_MS);
    const { subscriptionState, site, hubs, sendConnectors, acceptedDomains, accounts } = adam.snapshot();
    expect([subscriptionState, site, hubs.length, sendConnectors.length, acceptedDomains.length]).toEqual([
      'Subscribed',
      SITE,
      1,
      1,
      1,
    ]);
    expect(accounts.map(({ name, superseded }) => [name, superseded])).toEqual([
      ['ESRA.EDGE01', false],
      ['ESRA.EDGE01.HUB01.0', true],
    ]);
  });
});

describe('the end of the bootstrap account', () => {
  it('comes with a replication account of the same subscription', async () => {
    const { adam } = await openEdge();
    await adam.exportSubscription(DAY_MS);
    const account = await makeAccount();
    await push(adam, account);
    await adam.endBootstrap(account);
    expect(adam.snapshot().accounts.map(({ name }) => name)).toEqual(['ESRA.EDGE01.HUB01.0']);
    expect(adam.snapshot().subscriptionState).toBe('Subscribed');
  });

  it('does not come with one of the subscription before, nor with itself', async () => {
    const { adam } = await openEdge();
    await adam.exportSubscription(DAY_MS);
    const account = await makeAccount();
    await push(adam, account);
    await adam.exportSubscription(DAY_MS);
    await adam.endBootstrap(account);
    const bootstrap = adam.snapshot().accounts.find(({ kind }) => kind === 'bootstrap');
    if (!bootstrap) throw new Error('the bootstrap account should be there');
    await adam.endBootstrap(bootstrap);
    expect(adam.snapshot().accounts).toHaveLength(2);
  });
});

describe('removing the subscription', () => {
  it('deletes all that EdgeSync brought and all accounts, and gives the cmdlets back', async () => {
    const { adam } = await openEdge();
    const certificate = makeCertificate('edge01');
    await adam.publishServer({ certificate });
    await adam.exportSubscription(DAY_MS);
    await push(adam, await makeAccount());
    await adam.setTransportConfig({ ...adam.snapshot().transportConfig, expiredCertificate: 'Defer' });
    await adam.removeSubscription();
    expect(adam.snapshot()).toMatchObject({
      subscriptionState: 'NotSubscribed',
      site: '',
      accounts: [],
      hubs: [],
      sendConnectors: [],
      acceptedDomains: [],
      transportConfig: { expiredCertificate: 'Plaintext' },
      self: { certificate: { thumbprint: certificate.thumbprint }, credentials: [] },
    });
    expect(adam.snapshot().receiveConnectors).toHaveLength(1);
    await adam.addSendConnector(local);
  });
});

describe('ADAM over a restart', () => {
  it('is still subscribed', async () => {
    const { adam, directory, clock } = await openEdge();
    await adam.exportSubscription(DAY_MS);
    await push(adam, await makeAccount());
    const again = closeLater(await Adam.open({ directory, server: EDGE, clock, log: silentLog() }));
    expect(again.snapshot().subscriptionState).toBe('Subscribed');
    await expect(again.addSendConnector(local)).rejects.toMatchObject({ code: 'edge-subscribed' });
  });

  it('refuses a certificate that a hub has', async () => {
    const { adam } = await openEdge();
    await adam.exportSubscription(DAY_MS);
    await push(adam, await makeAccount());
    const certificate = adam.snapshot().hubs[0]?.certificate;
    await expect(adam.publishServer({ certificate })).rejects.toMatchObject({ code: 'certificate-on-two-servers' });
  });
});
