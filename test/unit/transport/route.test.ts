import { describe, expect, it } from 'vitest';
import type { DeliveryTarget } from '../../../src/config.ts';
import { makeInboundSendConnector, makeInternetSendConnector } from '../../../src/directory/send-connector.ts';
import { DEFAULT_TRANSPORT_CONFIG } from '../../../src/directory/transport-config.ts';
import { chooseSendConnector, routeRecipient } from '../../../src/transport/route.ts';
import { accepted, connector, makeOrganisation, makePeer } from './organisation-fixtures.ts';

const MAILBOX: DeliveryTarget = { kind: 'smtp', host: '127.0.0.1', port: 2527 };
const SITE = 'Default-First-Site-Name';
const DOMAINS = [
  accepted('contoso.test', { default: true }),
  accepted('partners.test', { domainType: 'ExternalRelay' }),
  accepted('relay.test', { domainType: 'InternalRelay' }),
  accepted('tree.test', { matchSubDomains: true }),
];

const hub = makeOrganisation({
  acceptedDomains: DOMAINS,
  peers: [makePeer('edge01.perimeter.test')],
  sendConnectors: [
    makeInternetSendConnector(SITE, 'EDGE01'),
    makeInboundSendConnector(SITE, 'EDGE01'),
    connector('Direct', ['fabrikam.test'], { sourceTransportServers: ['HUB01'] }),
    connector('Orphan', ['orphan.test'], { sourceTransportServers: ['EDGE99'] }),
    connector('Unicode', ['xn--bcher-kva.test'], { sourceTransportServers: ['HUB01'] }),
  ],
});

const late = makeOrganisation({
  netbiosName: 'HUB02',
  siteHubs: ['HUB01', 'HUB02'],
  sendConnectors: [
    connector('Direct', ['fabrikam.test'], { sourceTransportServers: ['HUB01'] }),
    connector('Both', ['both.test'], { sourceTransportServers: ['HUB01', 'HUB02'] }),
  ],
});

const edge = makeOrganisation({
  role: 'edge',
  fqdn: 'edge01.perimeter.test',
  netbiosName: 'EDGE01',
  acceptedDomains: DOMAINS,
  peers: [
    makePeer('hub01.contoso.test', { role: 'HubTransport' }),
    makePeer('hub02.contoso.test', { role: 'HubTransport' }),
  ],
  sendConnectors: [
    { ...makeInternetSendConnector(SITE, 'EDGE01'), smartHosts: ['smart.test'], guid: 'internet' },
    { ...makeInboundSendConnector(SITE, 'EDGE01'), guid: 'inbound' },
  ],
});

describe('routeRecipient on a hub', () => {
  it.each([
    ['an accepted domain', 'a@contoso.test', 'mailbox 127.0.0.1:2527'],
    ['an accepted domain in capitals', 'a@CONTOSO.test', 'mailbox 127.0.0.1:2527'],
    ['an internal relay domain', 'a@relay.test', 'mailbox 127.0.0.1:2527'],
    ['a subdomain that is accepted', 'a@deep.tree.test', 'mailbox 127.0.0.1:2527'],
    ['a quoted local part with an at sign', '"a@elsewhere.test"@contoso.test', 'mailbox 127.0.0.1:2527'],
    ['a subdomain that is not accepted', 'a@deep.contoso.test', `pair EdgeSync - ${SITE} to Internet`],
    ['an external relay domain', 'a@partners.test', `pair EdgeSync - ${SITE} to Internet`],
    ['any other domain', 'a@example.com', `pair EdgeSync - ${SITE} to Internet`],
    ['an address literal', 'a@[192.0.2.1]', `pair EdgeSync - ${SITE} to Internet`],
    ['a domain with a connector of this hub', 'a@fabrikam.test', 'smart-host relay.test'],
    ['a domain whose connector is kept as A-labels', 'a@bücher.test', 'smart-host relay.test'],
    ['a connector of an Edge that is no member of the pair', 'a@orphan.test', 'unreachable Unreachable Domain'],
  ])('sends %s its way', (_, address, expected) => {
    const hop = routeRecipient(hub, MAILBOX, address);
    expect(`${hop.kind} ${hop.nextHopDomain}`).toBe(expected);
  });

  it('sends by a connector of which this hub is one of several sources', () => {
    expect(routeRecipient(late, MAILBOX, 'a@both.test')).toMatchObject({ kind: 'smart-host', connector: 'Both' });
  });

  it('reaches the Edge by the hidden connector, with its two switches', () => {
    const hop = routeRecipient(hub, MAILBOX, 'a@example.com');
    expect(hop).toMatchObject({
      kind: 'pair',
      connector: 'Intra-Organization SMTP Send Connector',
      deliveryType: 'SmtpRelayWithinAdSiteToEdge',
      stance: 'opportunistic',
      port: 25,
    });
    const insisting = { ...hub, transportConfig: { ...DEFAULT_TRANSPORT_CONFIG, intraOrgRequireTls: true } };
    expect(routeRecipient(insisting, MAILBOX, 'a@example.com')).toMatchObject({ stance: 'require' });
  });

  it.each([
    ['there is no connector', makeOrganisation(), 'a@example.com', 'A matching connector cannot be found'],
    ['there is no delivery target', hub, 'a@contoso.test', 'No delivery target is set'],
    [
      'a connector leaves from another hub of the site alone',
      late,
      'a@fabrikam.test',
      '"Direct" leaves from HUB01 alone and not from HUB02: add HUB02 to its SourceTransportServers',
    ],
    [
      'a connector of somebody else names no way',
      makeOrganisation({
        sendConnectors: [
          connector('Lost', ['*'], { smartHosts: [], dnsRoutingEnabled: false, sourceTransportServers: ['HUB01'] }),
        ],
      }),
      'a@example.com',
      '"Lost" has neither SmartHosts nor DNSRoutingEnabled',
    ],
  ])('keeps a message and says why when %s', (_, organisation, address, part) => {
    expect(routeRecipient(organisation, undefined, address)).toMatchObject({
      kind: 'unreachable',
      lastError: expect.stringContaining(part),
    });
  });
});

describe('routeRecipient on an Edge', () => {
  it.each([
    ['an accepted domain', 'a@contoso.test', 'pair hub01.contoso.test;hub02.contoso.test'],
    ['an internal relay domain', 'a@relay.test', 'pair hub01.contoso.test;hub02.contoso.test'],
    ['an external relay domain', 'a@partners.test', 'smart-host smart.test'],
    ['any other domain', 'a@example.com', 'smart-host smart.test'],
  ])('sends %s its way', (_, address, expected) => {
    const hop = routeRecipient(edge, MAILBOX, address);
    expect(`${hop.kind} ${hop.nextHopDomain}`).toBe(expected);
  });

  it('never delivers by itself, not even where a delivery target is set', () => {
    expect(routeRecipient({ ...edge, sendConnectors: [] }, MAILBOX, 'a@contoso.test').kind).toBe('unreachable');
  });

  it('gives both hubs to one queue and names the connector', () => {
    expect(routeRecipient(edge, undefined, 'a@contoso.test')).toMatchObject({
      key: 'hubs:inbound',
      connector: `EdgeSync - Inbound to ${SITE}`,
      peers: edge.peers,
    });
  });
});

describe('routeRecipient by a connector with DNS routing', () => {
  const internet = { ...makeInternetSendConnector(SITE, 'EDGE01'), guid: 'internet' };
  const open = { ...edge, sendConnectors: [internet, { ...makeInboundSendConnector(SITE, 'EDGE01'), guid: 'in' }] };

  it('makes each domain a hop of its own', () => {
    expect(routeRecipient(open, undefined, 'a@Example.com')).toEqual({
      kind: 'dns',
      key: 'dns:internet:example.com',
      deliveryType: 'DnsConnectorDelivery',
      nextHopDomain: 'example.com',
      maxMessagesPerConnection: 20,
      domain: 'example.com',
      connector: `EdgeSync - ${SITE} to Internet`,
      stance: 'opportunistic',
      tls: { tlsVerb: 'StartTls', tlsMinimumVersion: 'Tls12', tlsCipherSuites: [] },
      port: 25,
      name: 'edge01.perimeter.test',
    });
    const unlimited = { ...open, sendConnectors: [{ ...internet, smtpMaxMessagesPerConnection: 0 }] };
    expect(routeRecipient(unlimited, undefined, 'a@example.com')).not.toHaveProperty('maxMessagesPerConnection');
    const keys = ['b@example.com', 'b@example.org', 'b@sub.example.com'].map(
      (address) => routeRecipient(open, undefined, address).key,
    );
    expect(keys).toEqual(['dns:internet:example.com', 'dns:internet:example.org', 'dns:internet:sub.example.com']);
  });

  it.each([
    ['a@bücher.test', 'xn--bcher-kva.test'],
    ['a@BÜCHER.test', 'xn--bcher-kva.test'],
    ['a@xn--bcher-kva.test', 'xn--bcher-kva.test'],
    ['a@[192.0.2.1]', '[192.0.2.1]'],
    ['a@[IPv6:2001:db8::1]', '[ipv6:2001:db8::1]'],
  ])('asks about %s as %s', (address, domain) => {
    expect(routeRecipient(open, undefined, address)).toMatchObject({ kind: 'dns', domain });
  });

  it("keeps the connector's name, port and stance", () => {
    const own = { ...internet, fqdn: 'mail.contoso.test', port: 2525, requireTls: true };
    expect(routeRecipient({ ...open, sendConnectors: [own] }, undefined, 'a@example.com')).toMatchObject({
      name: 'mail.contoso.test',
      port: 2525,
      stance: 'require',
    });
  });

  it('asks for domain security where the connector has it and the domain is listed', () => {
    const transportConfig = {
      ...DEFAULT_TRANSPORT_CONFIG,
      tlsSendDomainSecureList: ['woodgrove.test', '*.tailspin.test'],
    };
    const stanceFor = (address: string, domainSecureEnabled = true): string => {
      const sendConnectors = [{ ...internet, domainSecureEnabled }];
      const hop = routeRecipient({ ...open, transportConfig, sendConnectors }, undefined, address);
      return hop.kind === 'dns' ? hop.stance : hop.kind;
    };
    expect(
      ['a@WoodGrove.test', 'a@eu.tailspin.test', 'a@tailspin.test', 'a@elsewhere.test'].map((a) => stanceFor(a)),
    ).toEqual(['domain-secure', 'domain-secure', 'opportunistic', 'opportunistic']);
    expect(stanceFor('a@woodgrove.test', false)).toBe('opportunistic');
  });

  it('sends from where and by what the connector says, to the hubs as well', () => {
    const ways = { sourceIpAddress: '192.0.2.7', chunkingEnabled: true };
    const sendConnectors = open.sendConnectors.map((each) => ({ ...each, ...ways }));
    for (const address of ['a@example.com', 'a@contoso.test'])
      expect(routeRecipient({ ...open, sendConnectors }, undefined, address)).toMatchObject({
        sourceAddress: '192.0.2.7',
        chunking: true,
      });
    const anywhere = [{ ...internet, sourceIpAddress: '::' }];
    expect(routeRecipient({ ...open, sendConnectors: anywhere }, undefined, 'a@example.com')).not.toHaveProperty(
      'sourceAddress',
    );
  });

  it('serves a hub that is a source of the connector itself', () => {
    const direct = connector('Direct', ['*'], {
      smartHosts: [],
      dnsRoutingEnabled: true,
      sourceTransportServers: ['HUB01'],
    });
    const organisation = makeOrganisation({ sendConnectors: [direct] });
    expect(routeRecipient(organisation, MAILBOX, 'a@example.com')).toMatchObject({
      kind: 'dns',
      domain: 'example.com',
      name: 'hub01.contoso.test',
    });
  });

  it('still gives accepted domains to the hubs', () => {
    expect(routeRecipient(open, undefined, 'a@contoso.test').kind).toBe('pair');
  });
});

describe('chooseSendConnector', () => {
  const connectors = [
    connector('all', ['*:10']),
    connector('all cheaper', ['*:5']),
    connector('tree', ['*.example.com:100']),
    connector('deep tree', ['*.deep.example.com:100']),
    connector('whole name', ['www.deep.example.com:100']),
    connector('twin b', ['twin.test:7']),
    connector('twin a', ['twin.test:7']),
    connector('disabled', ['off.test:1'], { enabled: false }),
  ];

  it.each([
    ['www.deep.example.com', 'whole name'],
    ['ftp.deep.example.com', 'deep tree'],
    ['a.example.com', 'tree'],
    ['example.com', 'all cheaper'],
    ['notexample.com', 'all cheaper'],
    ['off.test', 'all cheaper'],
    ['twin.test', 'twin a'],
  ])('for %s takes "%s"', (domain, expected) => {
    expect(chooseSendConnector(connectors, domain)?.name).toBe(expected);
    expect(chooseSendConnector(connectors.toReversed(), domain)?.name).toBe(expected);
  });

  it('takes none when none fits', () => {
    expect(chooseSendConnector([connector('tree', ['*.example.com'])], 'example.org')).toBeUndefined();
  });
});

describe('routeRecipient on an Edge whose inbound connector is gone', () => {
  const withoutInbound = { ...edge, sendConnectors: edge.sendConnectors.filter(({ guid }) => guid !== 'inbound') };

  it("keeps the organisation's own mail instead of sending it back to the Internet", () => {
    expect(routeRecipient(withoutInbound, undefined, 'a@contoso.test').kind).toBe('unreachable');
    expect(routeRecipient(withoutInbound, undefined, 'a@elsewhere.test').kind).toBe('smart-host');
  });

  it('takes a connector that names the domain', () => {
    const named = connector('To the hubs', ['contoso.test'], { smartHosts: ['hub.test'] });
    const organisation = { ...withoutInbound, sendConnectors: [...withoutInbound.sendConnectors, named] };
    expect(routeRecipient(organisation, undefined, 'a@contoso.test')).toMatchObject({ connector: 'To the hubs' });
  });
});
