// Set-ReceiveConnector: changes what is given and leaves the rest; whoever connects next meets it. A change that contradicts
// the rest changes nothing.

import type { ReceiveConnector } from '../directory/receive-connector.ts';
import { defineCmdlet } from './cmdlet.ts';
import { changesOf, unchangedWarnings } from './given-changes.ts';
import { findByIdentity } from './object-identity.ts';
import {
  bindingNotices,
  RECEIVE_CONNECTOR_PARAMETERS,
  receiveConnectorChanges,
  receiveConnectorWarnings,
} from './receive-connector-parameters.ts';
import { RECEIVE_CONNECTOR_NOUN } from './receive-connector-record.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const setReceiveConnector = defineCmdlet({
  name: 'Set-ReceiveConnector',
  roles: ['hub', 'edge'],
  synopsis: 'Change a Receive connector of this server',
  description:
    'A new binding is opened at the next start of the server; everything else holds from the next connection on.',
  examples: [
    'Set-ReceiveConnector "Default HUB01" -RequireTLS true',
    'Set-ReceiveConnector "EDGE01\\Default internal receive connector EDGE01" -MaxMessageSize 25MB',
  ],
  parameters: {
    Identity: { type: 'string', required: true, help: 'Name, SERVER\\name or GUID of the connector' },
    Name: { type: 'string', help: 'Its new name' },
    ...RECEIVE_CONNECTOR_PARAMETERS,
  },
  positional: ['Identity'],
  table: [],
  changes: true,
  async run(context: ServerContext, parameters) {
    const organization = organizationOf(context);
    const scope = { noun: RECEIVE_CONNECTOR_NOUN, serverName: context.config.netbiosName };
    const before = findByIdentity(organization.snapshot().receiveConnectors, parameters.Identity, scope);
    const changes = {
      ...receiveConnectorChanges(parameters),
      ...changesOf<ReceiveConnector>({ name: parameters.Name }),
    };
    const after = { ...before, ...changes };
    await organization.replaceReceiveConnector(before.name, (current) => ({ ...current, ...changes }));
    return {
      records: [],
      notices: bindingNotices(changes, context.addresses),
      warnings: [...unchangedWarnings(before.name, changes), ...receiveConnectorWarnings(after, changes)],
    };
  },
});
