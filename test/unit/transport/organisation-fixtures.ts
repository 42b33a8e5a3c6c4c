// Organisations as transport sees them, and the parts they are made of.

import type { AcceptedDomain } from '../../../src/directory/accepted-domain.ts';
import { makeReceiveConnector } from '../../../src/directory/default-receive-connectors.ts';
import type { ReceiveConnector } from '../../../src/directory/receive-connector.ts';
import { makeSendConnector, type SendConnector } from '../../../src/directory/send-connector.ts';
import { DEFAULT_TRANSPORT_CONFIG } from '../../../src/directory/transport-config.ts';
import type { Certificate } from '../../../src/tls/certificate.ts';
import type { Organisation, Peer } from '../../../src/transport/organisation.ts';

export function makeOrganisation(given: Partial<Organisation> = {}): Organisation {
  return {
    role: 'hub',
    fqdn: 'hub01.contoso.test',
    netbiosName: 'HUB01',
    site: 'Default-First-Site-Name',
    siteHubs: [],
    peers: [],
    acceptedDomains: [],
    sendConnectors: [],
    receiveConnectors: [],
    transportConfig: DEFAULT_TRANSPORT_CONFIG,
    ...given,
  };
}

export function accepted(domainName: string, given: Partial<AcceptedDomain> = {}): AcceptedDomain {
  return {
    name: domainName,
    domainName,
    matchSubDomains: false,
    domainType: 'Authoritative',
    default: false,
    ...given,
  };
}

/** `spaces` as "*:100" or "contoso.test:1". */
export function connector(name: string, spaces: readonly string[], given: Partial<SendConnector> = {}): SendConnector {
  const addressSpaces = spaces.map((text) => {
    const [space = '', cost = '1'] = text.split(':');
    return { type: 'SMTP' as const, space, cost: Number(cost) };
  });
  return makeSendConnector({ name, guid: name, addressSpaces, smartHosts: ['relay.test'], ...given });
}

export function receiveConnector(given: Partial<ReceiveConnector> = {}): ReceiveConnector {
  // Refusals are not slowed down: who tests that says so.
  return makeReceiveConnector({ name: 'Default', tarpitIntervalMs: 0, ...given });
}

export function makePeer(fqdn: string, given: Partial<Peer> = {}): Peer {
  const name = (fqdn.split('.')[0] ?? '').toUpperCase();
  const certificate = { thumbprint: fqdn } as unknown as Certificate;
  return { name, fqdn, role: 'EdgeTransport', certificate, credential: undefined, verifier: undefined, ...given };
}
