// New-ReceiveConnector: another set of rules for some of those who connect. Each server keeps its own.

import { CLIENT_PRESET, makeReceiveConnector } from '../directory/default-receive-connectors.ts';
import type { ReceiveConnector } from '../directory/receive-connector.ts';
import { defineCmdlet } from './cmdlet.ts';
import { findByIdentity } from './object-identity.ts';
import {
  bindingNotices,
  RECEIVE_CONNECTOR_PARAMETERS,
  receiveConnectorChanges,
  receiveConnectorWarnings,
} from './receive-connector-parameters.ts';
import {
  describeReceiveConnector,
  RECEIVE_CONNECTOR_NOUN,
  RECEIVE_CONNECTOR_TABLE,
} from './receive-connector-record.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';

const USAGES = ['Client', 'Custom', 'Internal', 'Internet', 'Partner'] as const;

/** Where a usage differs from the plain defaults (exchange: usage types); what is given beside it wins. */
const PRESETS: Readonly<Record<(typeof USAGES)[number], Partial<ReceiveConnector>>> = {
  Client: CLIENT_PRESET,
  Custom: {},
  Internal: { authMechanism: ['Tls', 'ExchangeServer'], permissionGroups: ['ExchangeServers'] },
  Internet: { permissionGroups: ['AnonymousUsers', 'Partners'] },
  Partner: { permissionGroups: ['Partners'], domainSecureEnabled: true },
};

export const newReceiveConnector = defineCmdlet({
  name: 'New-ReceiveConnector',
  roles: ['hub', 'edge'],
  synopsis: 'Make a Receive connector',
  description:
    'Two connectors at one address must not claim the same senders: the ranges of one lie within those of the other, and the narrower one serves. EdgeSync does not carry it.',
  examples: [
    'New-ReceiveConnector -Name Scanners -RemoteIPRanges 192.0.2.0/24 -PermissionGroups AnonymousUsers -ExtendedRights Ms-Exch-SMTP-Accept-Any-Recipient',
    'New-ReceiveConnector -Name "From outside" -Usage Internet -Bindings 192.0.2.1:25 -RemoteIPRanges 198.51.100.0/24',
  ],
  parameters: {
    Name: { type: 'string', required: true, help: 'Its name, unlike that of any other of this server' },
    Usage: { type: 'enum', choices: USAGES, default: 'Custom', help: 'What it is for; presets what is not given' },
    ...RECEIVE_CONNECTOR_PARAMETERS,
  },
  positional: ['Name'],
  table: RECEIVE_CONNECTOR_TABLE,
  changes: true,
  async run(context: ServerContext, parameters) {
    const organization = organizationOf(context);
    const { netbiosName, fqdn } = context.config;
    const changes = { ...PRESETS[parameters.Usage], ...receiveConnectorChanges(parameters) };
    await organization.addReceiveConnector(makeReceiveConnector({ ...changes, name: parameters.Name }));
    const scope = { noun: RECEIVE_CONNECTOR_NOUN, serverName: netbiosName };
    const made = findByIdentity(organization.snapshot().receiveConnectors, parameters.Name, scope);
    return {
      records: [describeReceiveConnector(made, { netbiosName, fqdn, addresses: context.addresses })],
      notices: bindingNotices(changes, context.addresses),
      warnings: receiveConnectorWarnings(made, changes),
    };
  },
});
