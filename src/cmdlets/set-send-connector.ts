// Set-SendConnector: changes what is given and leaves the rest. A change that contradicts the rest changes nothing.

import type { SendConnector } from '../directory/send-connector.ts';
import { defineCmdlet } from './cmdlet.ts';
import { edgeSyncNotices } from './edge-sync-notice.ts';
import { changesOf, unchangedWarnings } from './given-changes.ts';
import { findByIdentity } from './object-identity.ts';
import { organizationOf } from './roles.ts';
import { ADDRESS_SPACES_HELP, SEND_CONNECTOR_PARAMETERS, sendConnectorChanges } from './send-connector-parameters.ts';
import { weakTlsWarnings } from './tls-parameters.ts';
import { SEND_CONNECTOR_NOUN } from './send-connector-record.ts';
import type { ServerContext } from './server-context.ts';

export const setSendConnector = defineCmdlet({
  name: 'Set-SendConnector',
  roles: ['hub', 'edge'],
  synopsis: 'Change a Send connector',
  description:
    'RequireTLS and IgnoreSTARTTLS exclude each other, and so do SmartHosts and DNSRoutingEnabled: give both in one command to go from one to the other. The hidden connector from Hub to Edge has its switches in Set-TransportConfig.',
  examples: [
    'Set-SendConnector "To the Internet" -RequireTLS true',
    'Set-SendConnector "EdgeSync - Default-First-Site-Name to Internet" -DNSRoutingEnabled false -DomainSecureEnabled false -SmartHosts relay.example.net',
  ],
  parameters: {
    Identity: { type: 'string', required: true, help: 'Name or GUID of the connector' },
    Name: { type: 'string', help: 'Its new name' },
    AddressSpaces: { type: 'strings', help: ADDRESS_SPACES_HELP },
    ...SEND_CONNECTOR_PARAMETERS,
  },
  positional: ['Identity'],
  table: [],
  changes: true,
  async run(context: ServerContext, parameters) {
    const organization = organizationOf(context);
    const snapshot = organization.snapshot();
    const scope = { noun: SEND_CONNECTOR_NOUN, serverName: context.config.netbiosName };
    const before = findByIdentity(snapshot.sendConnectors, parameters.Identity, scope);
    const changes = {
      ...sendConnectorChanges(parameters, snapshot),
      ...changesOf<SendConnector>({ name: parameters.Name }),
    };
    const after = { ...before, ...changes };
    await organization.replaceSendConnector(before.name, (current) => ({ ...current, ...changes }));
    const sources = [...before.sourceTransportServers, ...after.sourceTransportServers];
    return {
      records: [],
      notices: Object.keys(changes).length > 0 ? edgeSyncNotices(context, sources) : [],
      warnings: [...unchangedWarnings(before.name, changes), ...weakTlsWarnings([after])],
    };
  },
});
