// Get-EdgeSubscription: the subscribed Edges, and what their certificates on record are.

import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import type { TransportServer } from '../directory/transport-server.ts';
import { findNextRenewal } from '../edgesync/credential-rotation.ts';
import { Problem } from '../problem.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { OutputRecord } from './output.ts';
import { requireHub } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const SUBSCRIPTION_COLUMNS = ['Name', 'Site', 'Domain'] as const;

export const getEdgeSubscription = defineCmdlet({
  name: 'Get-EdgeSubscription',
  roles: ['hub'],
  synopsis: 'Show the subscribed Edges',
  parameters: { Identity: { type: 'string', help: 'The name of an Edge; all when absent' } },
  positional: ['Identity'],
  table: SUBSCRIPTION_COLUMNS,
  changes: false,
  run(context: ServerContext, { Identity }) {
    const { edges, hubs } = requireHub(context).activeDirectory.snapshot();
    const chosen = edges.filter(({ name }) => Identity === undefined || name.toLowerCase() === Identity.toLowerCase());
    if (Identity !== undefined && chosen.length === 0)
      throw new Problem('not-found', `there is no Edge Subscription "${Identity}"`);
    return { records: chosen.map((edge) => describeSubscription(edge, hubs)) };
  },
});

/** The properties in the order of `fl`. */
export function describeSubscription(edge: EdgeSubscription, hubs: readonly TransportServer[]): OutputRecord {
  const { certificate } = edge;
  return {
    Name: edge.name,
    Site: edge.site,
    Domain: edge.fqdn.slice(edge.fqdn.indexOf('.') + 1),
    Fqdn: edge.fqdn,
    AdamSslPort: edge.adamSslPort,
    CertificateThumbprint: certificate?.thumbprint,
    CertificateSha256: certificate?.sha256,
    CertificateNotBefore: certificate?.notBefore,
    CertificateNotAfter: certificate?.notAfter,
    SubscriptionEffective: edge.subscriptionEffective,
    SubscriptionExpires: edge.subscriptionExpires,
    WhenSubscribed: edge.subscribedAt,
    CredentialRenewal: findNextRenewal(hubs, edge),
    SerialNumber: edge.serialNumber,
  };
}
