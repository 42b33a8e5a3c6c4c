// Get-SendConnector: the connectors by which mail leaves. The hidden intra-organization connector is not among them.

import { defineCmdlet } from './cmdlet.ts';
import { chooseByIdentity } from './object-identity.ts';
import { organizationOf } from './roles.ts';
import { describeSendConnector, SEND_CONNECTOR_NOUN, SEND_CONNECTOR_TABLE } from './send-connector-record.ts';
import type { ServerContext } from './server-context.ts';
import { weakTlsWarnings } from './tls-parameters.ts';

export const getSendConnector = defineCmdlet({
  name: 'Get-SendConnector',
  roles: ['hub', 'edge'],
  synopsis: 'Show the Send connectors',
  description: 'The hidden connector from Hub to Edge has its switches in Get-TransportConfig.',
  examples: ['Get-SendConnector', 'Get-SendConnector "EdgeSync - Inbound to Default-First-Site-Name" --list'],
  parameters: { Identity: { type: 'string', help: 'Name or GUID of a connector; all when absent' } },
  positional: ['Identity'],
  table: SEND_CONNECTOR_TABLE,
  changes: false,
  run(context: ServerContext, { Identity }) {
    const { sendConnectors } = organizationOf(context).snapshot();
    const scope = { noun: SEND_CONNECTOR_NOUN, serverName: context.config.netbiosName };
    const chosen = chooseByIdentity(sendConnectors, Identity, scope);
    return { records: chosen.map(describeSendConnector), warnings: weakTlsWarnings(chosen) };
  },
});
