// Get-ReceiveConnector: whom this server listens to and what they may do.

import { defineCmdlet } from './cmdlet.ts';
import { chooseByIdentity } from './object-identity.ts';
import {
  describeReceiveConnector,
  RECEIVE_CONNECTOR_NOUN,
  RECEIVE_CONNECTOR_TABLE,
} from './receive-connector-record.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';
import { weakTlsWarnings } from './tls-parameters.ts';

export const getReceiveConnector = defineCmdlet({
  name: 'Get-ReceiveConnector',
  roles: ['hub', 'edge'],
  synopsis: 'Show the Receive connectors of this server',
  description: 'A connector without bindings of its own shows the addresses that the server listens at.',
  examples: ['Get-ReceiveConnector', 'Get-ReceiveConnector "HUB01\\Default HUB01" --list'],
  parameters: { Identity: { type: 'string', help: 'Name, SERVER\\name or GUID of a connector; all when absent' } },
  positional: ['Identity'],
  table: RECEIVE_CONNECTOR_TABLE,
  changes: false,
  run(context: ServerContext, { Identity }) {
    const { netbiosName, fqdn } = context.config;
    const server = { netbiosName, fqdn, addresses: context.addresses };
    const { receiveConnectors } = organizationOf(context).snapshot();
    const scope = { noun: RECEIVE_CONNECTOR_NOUN, serverName: netbiosName };
    const chosen = chooseByIdentity(receiveConnectors, Identity, scope);
    return {
      records: chosen.map((connector) => describeReceiveConnector(connector, server)),
      warnings: weakTlsWarnings(chosen),
    };
  },
});
