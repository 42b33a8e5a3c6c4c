// Remove-SendConnector: mail that left by it goes by the next best connector, or waits for one.

import { defineCmdlet } from './cmdlet.ts';
import { edgeSyncNotices } from './edge-sync-notice.ts';
import { findByIdentity } from './object-identity.ts';
import { organizationOf } from './roles.ts';
import { SEND_CONNECTOR_NOUN } from './send-connector-record.ts';
import type { ServerContext } from './server-context.ts';

export const removeSendConnector = defineCmdlet({
  name: 'Remove-SendConnector',
  roles: ['hub', 'edge'],
  synopsis: 'Remove a Send connector',
  examples: ['Remove-SendConnector "To the Internet"'],
  parameters: { Identity: { type: 'string', required: true, help: 'Name or GUID of the connector' } },
  positional: ['Identity'],
  table: [],
  changes: true,
  confirm: ({ Identity }) => `Remove the Send connector "${Identity}"?`,
  async run(context: ServerContext, { Identity }) {
    const organization = organizationOf(context);
    const scope = { noun: SEND_CONNECTOR_NOUN, serverName: context.config.netbiosName };
    const connector = findByIdentity(organization.snapshot().sendConnectors, Identity, scope);
    await organization.removeSendConnector(connector.name);
    return { records: [], notices: edgeSyncNotices(context, connector.sourceTransportServers) };
  },
});
