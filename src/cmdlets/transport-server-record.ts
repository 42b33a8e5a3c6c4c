// A server of the organisation as Get-TransportServer shows it.

import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import type { TransportServer } from '../directory/transport-server.ts';
import type { Recorded } from '../directory/view.ts';
import { takesPartInSync } from '../edgesync/credential.ts';
import { describeObject } from './object-identity.ts';
import type { OutputRecord } from './output.ts';

export const TRANSPORT_SERVER_NOUN = 'server';
export const TRANSPORT_SERVER_TABLE = ['Name', 'ServerRole', 'Site', 'Fqdn', 'SynchronizedEdges'] as const;

/** Exchange's words for msExchCurrentServerRoles. */
const ROLE_NAMES = { HubTransport: 'HubTransport', EdgeTransport: 'Edge' } as const;

/** The properties in the order of `fl`; `edges` are those that are subscribed. */
export function describeTransportServer(
  server: Recorded<TransportServer>,
  edges: readonly EdgeSubscription[],
): OutputRecord {
  const { certificate } = server;
  return {
    Fqdn: server.fqdn,
    ServerRole: ROLE_NAMES[server.role],
    Site: server.site ?? null,
    InternalTransportCertificateThumbprint: certificate?.thumbprint ?? null,
    CertificateNotAfter: certificate?.notAfter ?? null,
    SynchronizedEdges: edges.filter(({ fqdn }) => takesPartInSync(server, fqdn)).map(({ name }) => name),
    SerialNumber: server.serialNumber ?? null,
    ...describeObject(server, server.name),
  };
}
