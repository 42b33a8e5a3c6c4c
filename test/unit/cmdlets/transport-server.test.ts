import { beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { getTransportServer } from '../../../src/cmdlets/get-transport-server.ts';
import { newSendConnector } from '../../../src/cmdlets/new-send-connector.ts';
import { removeTransportServer } from '../../../src/cmdlets/remove-transport-server.ts';
import { ActiveDirectory } from '../../../src/directory/active-directory.ts';
import type { Directory } from '../../../src/directory/directory.ts';
import { serverDn } from '../../../src/directory/layout.ts';
import { silentLog } from '../../../src/log.ts';
import { closeLater, EDGE, makeSubscription, openHub, SITE } from '../directory/fixtures.ts';
import { fixtureOf, type OrganizationFixture, valuesOf } from './organization-context.ts';

const SECOND = { name: 'HUB02', fqdn: 'hub02.contoso.test', site: SITE } as const;

let directory: Directory;
let hub: OrganizationFixture<ActiveDirectory>;

/** Two hubs over one AD, and an Edge that was subscribed before the second came. */
beforeEach(async () => {
  const opened = await openHub();
  ({ directory } = opened);
  hub = fixtureOf(opened.ad, 'hub', { hub: { activeDirectory: opened.ad } });
  const window = { effective: new Date('2026-01-01T00:00:00Z'), expiration: new Date('2027-01-01T00:00:00Z') };
  await opened.ad.subscribe({
    subscription: makeSubscription({
      credentials: [
        { ...window, purpose: 'SMTP', userName: EDGE.fqdn, sourceServerFqdn: EDGE.fqdn, targetServerFqdn: SECOND.fqdn },
      ],
    }),
    createInboundSendConnector: true,
    createInternetSendConnector: true,
    credentialsFor: () => [
      { ...window, purpose: 'LDAP', userName: 'ESRA', sourceServerFqdn: '', targetServerFqdn: EDGE.fqdn },
    ],
  });
  closeLater(await ActiveDirectory.open({ directory, server: SECOND, log: silentLog() }));
  await opened.ad.refresh();
});

describe('transport server cmdlets', () => {
  it.each([getTransportServer, removeTransportServer].map((it) => [it.name, it] as const))(
    '%s is declared soundly',
    (_name, cmdlet) => {
      expect(faultsOf(cmdlet)).toEqual([]);
    },
  );
});

describe('Get-TransportServer', () => {
  it('shows every server, and which Edges a hub takes part in synchronizing', async () => {
    const output = await hub.run(getTransportServer);
    expect(valuesOf(output, 'Name')).toEqual(['EDGE01', 'HUB01', 'HUB02']);
    expect(valuesOf(output, 'ServerRole')).toEqual(['Edge', 'HubTransport', 'HubTransport']);
    expect(valuesOf(output, 'SynchronizedEdges')).toEqual([[], ['EDGE01'], []]);
    expect(valuesOf(await hub.run(getTransportServer, { Identity: 'hub02' }), 'Fqdn')).toEqual([SECOND.fqdn]);
  });
});

describe('Remove-TransportServer', () => {
  it('forgets a hub with all that stands under it, and what the Edge keeps for it', async () => {
    await hub.run(newSendConnector, {
      Name: 'Both',
      AddressSpaces: 'both.test',
      SmartHosts: 'mail.both.test',
      SourceTransportServers: ['HUB01', 'HUB02'],
    });
    await hub.run(newSendConnector, {
      Name: 'Its own',
      AddressSpaces: 'own.test',
      SmartHosts: 'mail.own.test',
      SourceTransportServers: 'HUB02',
    });
    const { notices } = await hub.run(removeTransportServer, { Identity: 'hub02' });
    expect(notices).toContain('Start-EdgeSynchronization brings it to the Edge.');
    const { servers, edges, sendConnectors } = hub.snapshot();
    expect(servers.map(({ name }) => name)).toEqual(['EDGE01', 'HUB01']);
    expect(edges[0]?.credentials).toEqual([]);
    expect(sendConnectors.find(({ name }) => name === 'Both')?.sourceTransportServers).toEqual(['HUB01']);
    expect(sendConnectors.map(({ name }) => name)).not.toContain('Its own');
    const base = serverDn(hub.directory.layout, 'HUB02');
    await expect(directory.search({ base, scope: 'sub' })).rejects.toThrow(/is not there/);
  });

  it.each([
    ['another name', 'HUB09', /there is no server "HUB09"/],
    ['this hub', 'HUB01', /HUB01 is this hub, which would make its object again/],
    ['an Edge', 'EDGE01', /EDGE01 is an Edge: run Remove-EdgeSubscription EDGE01/],
  ])('refuses %s and changes nothing', async (_, Identity, sentence) => {
    const before = JSON.stringify(hub.snapshot().servers.map(({ name }) => name));
    await expect(hub.run(removeTransportServer, { Identity })).rejects.toThrow(sentence);
    expect(JSON.stringify(hub.snapshot().servers.map(({ name }) => name))).toBe(before);
  });
});
