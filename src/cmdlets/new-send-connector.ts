// New-SendConnector: another way for mail to leave, from this server or from a subscribed Edge.

import { makeSendConnector, type SendConnector } from '../directory/send-connector.ts';
import { defineCmdlet } from './cmdlet.ts';
import { edgeSyncNotices } from './edge-sync-notice.ts';
import { findByIdentity } from './object-identity.ts';
import { organizationOf } from './roles.ts';
import { ADDRESS_SPACES_HELP, SEND_CONNECTOR_PARAMETERS, sendConnectorChanges } from './send-connector-parameters.ts';
import { weakTlsWarnings } from './tls-parameters.ts';
import { describeSendConnector, SEND_CONNECTOR_NOUN, SEND_CONNECTOR_TABLE } from './send-connector-record.ts';
import type { ServerContext } from './server-context.ts';

const USAGES = ['Custom', 'Internal', 'Internet', 'Partner'] as const;

/** Where a usage differs from the plain defaults; what is given beside it wins. */
const PRESETS: Readonly<Record<(typeof USAGES)[number], Partial<SendConnector>>> = {
  Custom: {},
  Internal: { smartHostAuthMechanism: 'ExchangeServer', maxMessageSizeBytes: undefined },
  Internet: {},
  Partner: { domainSecureEnabled: true },
};

export const newSendConnector = defineCmdlet({
  name: 'New-SendConnector',
  roles: ['hub', 'edge'],
  synopsis: 'Make a Send connector',
  description:
    'On a Hub it may leave from a subscribed Edge: name it in SourceTransportServers. On a subscribed Edge it is refused, since EdgeSync brings the connectors.',
  examples: [
    'New-SendConnector -Name "To the Internet" -Usage Internet -AddressSpaces "SMTP:*;100" -SmartHosts relay.example.net',
    'New-SendConnector -Name Partner -AddressSpaces fabrikam.com -SmartHosts mail.fabrikam.com -RequireTLS true',
  ],
  parameters: {
    Name: { type: 'string', required: true, help: 'Its name, unlike that of any other' },
    AddressSpaces: { type: 'strings', required: true, help: ADDRESS_SPACES_HELP },
    Usage: { type: 'enum', choices: USAGES, default: 'Custom', help: 'What it is for; presets what is not given' },
    ...SEND_CONNECTOR_PARAMETERS,
  },
  positional: ['Name'],
  table: SEND_CONNECTOR_TABLE,
  changes: true,
  async run(context: ServerContext, parameters) {
    const organization = organizationOf(context);
    const preset = PRESETS[parameters.Usage];
    const changes = sendConnectorChanges(parameters, organization.snapshot());
    const connector = makeSendConnector({ ...preset, ...changes, name: parameters.Name });
    await organization.addSendConnector(connector);
    const scope = { noun: SEND_CONNECTOR_NOUN, serverName: context.config.netbiosName };
    const made = findByIdentity(organization.snapshot().sendConnectors, connector.name, scope);
    return {
      records: [describeSendConnector(made)],
      notices: edgeSyncNotices(context, made.sourceTransportServers),
      warnings: weakTlsWarnings([made]),
    };
  },
});
