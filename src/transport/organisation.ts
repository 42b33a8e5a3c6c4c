// What transport needs to know of the directory, as one immutable value: the Hub makes it from AD, the Edge from ADAM.
// The mail path reads it afresh for every decision and never waits for a directory.

import type { AcceptedDomain } from '../directory/accepted-domain.ts';
import type { ReceiveConnector } from '../directory/receive-connector.ts';
import type { SendConnector } from '../directory/send-connector.ts';
import type { TransportConfig } from '../directory/transport-config.ts';
import type { ScramVerifier } from '../smtp/scram-verifier.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { CertificateAside } from '../tls/on-record.ts';

/** A member of the pair on the other side. */
export interface Peer {
  readonly name: string;
  readonly fqdn: string;
  readonly role: 'HubTransport' | 'EdgeTransport';
  /** The current one on record in the directory; what direct trust compares with. */
  readonly certificate: Certificate;
  /** On record beside it, during a staged renewal and its grace period. */
  readonly others?: readonly CertificateAside[] | undefined;
  /** What this server proves itself with to that peer. */
  readonly credential: { readonly userName: string; readonly password: string } | undefined;
  /** What that peer proves itself with here. */
  readonly verifier: { readonly userName: string; readonly scram: ScramVerifier } | undefined;
}

export interface Organisation {
  readonly role: 'hub' | 'edge';
  readonly fqdn: string;
  readonly netbiosName: string;
  readonly site: string;
  /** NetBIOS names of the hubs that the directory knows, on a hub itself among them. */
  readonly siteHubs: readonly string[];
  /** Exchange's names: on a hub its subscribed Edges, on an Edge the hubs of its site. */
  readonly peers: readonly Peer[];
  readonly acceptedDomains: readonly AcceptedDomain[];
  readonly sendConnectors: readonly SendConnector[];
  readonly receiveConnectors: readonly ReceiveConnector[];
  readonly transportConfig: TransportConfig;
}

/** The domain that postmaster and DSNs use: the default accepted domain, else the server's own name. */
export function postmasterDomain(organisation: Organisation): string {
  const accepted = organisation.acceptedDomains.find((domain) => domain.default) ?? organisation.acceptedDomains[0];
  return accepted?.domainName ?? organisation.fqdn;
}
