// Remove-ReceiveConnector: whom it served falls to a wider connector of this server, or is turned away.

import { defineCmdlet } from './cmdlet.ts';
import { findByIdentity } from './object-identity.ts';
import { RECEIVE_CONNECTOR_NOUN } from './receive-connector-record.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const removeReceiveConnector = defineCmdlet({
  name: 'Remove-ReceiveConnector',
  roles: ['hub', 'edge'],
  synopsis: 'Remove a Receive connector of this server',
  examples: ['Remove-ReceiveConnector Scanners'],
  parameters: { Identity: { type: 'string', required: true, help: 'Name, SERVER\\name or GUID of the connector' } },
  positional: ['Identity'],
  table: [],
  changes: true,
  confirm: ({ Identity }) =>
    `Remove the Receive connector "${Identity}"? Those whom it serves may find nobody who takes their mail.`,
  async run(context: ServerContext, { Identity }) {
    const organization = organizationOf(context);
    const scope = { noun: RECEIVE_CONNECTOR_NOUN, serverName: context.config.netbiosName };
    const connector = findByIdentity(organization.snapshot().receiveConnectors, Identity, scope);
    await organization.removeReceiveConnector(connector.name);
    return { records: [] };
  },
});
