// Get-TransportServer: the servers that this one's directory knows. On a Hub all of the organisation with the Edges that each
// synchronizes; on an Edge itself and the hubs that EdgeSync has brought.

import { defineCmdlet } from './cmdlet.ts';
import { chooseByIdentity } from './object-identity.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';
import { describeTransportServer, TRANSPORT_SERVER_NOUN, TRANSPORT_SERVER_TABLE } from './transport-server-record.ts';

export const getTransportServer = defineCmdlet({
  name: 'Get-TransportServer',
  roles: ['hub', 'edge'],
  synopsis: 'Show the servers that this one knows',
  description:
    'SynchronizedEdges are the Edges that a hub takes part in synchronizing: those that were subscribed, or subscribed again, since it joined the site.',
  examples: ['Get-TransportServer', 'Get-TransportServer HUB02 fl'],
  parameters: { Identity: { type: 'string', help: 'Name or GUID of a server; all when absent' } },
  positional: ['Identity'],
  table: TRANSPORT_SERVER_TABLE,
  changes: false,
  run(context: ServerContext, { Identity }) {
    const { servers, edges } = organizationOf(context).snapshot();
    const scope = { noun: TRANSPORT_SERVER_NOUN, serverName: context.config.netbiosName };
    const chosen = chooseByIdentity(servers, Identity, scope);
    return { records: chosen.map((server) => describeTransportServer(server, edges)) };
  },
});
