// Which settings of a Receive connector go together (exchange: Set-ReceiveConnector), and that two connectors on one address
// never both claim a sender equally. One sentence a rule, Problem `bad-receive-connector`.

import { Problem } from '../problem.ts';
import { findContradiction } from '../tls/tls-terms.ts';
import { normalizeBinding } from './binding.ts';
import { isCrossing, parseIpRange } from '../ip-range.ts';
import type { AuthMechanism, ReceiveConnector } from './receive-connector.ts';

/** Names of the server that the connector belongs to. */
export interface ServerNames {
  readonly netbiosName: string;
  readonly fqdn: string;
}

interface Rule {
  readonly breaks: (connector: ReceiveConnector, server: ServerNames) => boolean;
  readonly sentence: string;
}

const RULES: readonly Rule[] = [
  { breaks: ({ name }) => !/^[^\r\n\0]{1,64}$/.test(name), sentence: 'its name must have 1 to 64 characters' },
  {
    breaks: ({ remoteIpRanges }) => remoteIpRanges.length === 0,
    sentence: 'it needs at least one range in RemoteIPRanges',
  },
  {
    breaks: (connector) =>
      has(connector, 'BasicAuthRequireTLS') && !(has(connector, 'BasicAuth') && has(connector, 'Tls')),
    sentence: 'BasicAuthRequireTLS needs BasicAuth and Tls beside it in AuthMechanism',
  },
  {
    breaks: ({ authMechanism }) =>
      authMechanism.includes('ExternalAuthoritative') &&
      authMechanism.some((mechanism) => mechanism !== 'ExternalAuthoritative' && mechanism !== 'Tls'),
    sentence: 'ExternalAuthoritative goes together with Tls only in AuthMechanism',
  },
  {
    breaks: (connector) =>
      has(connector, 'ExternalAuthoritative') && !connector.permissionGroups.includes('ExchangeServers'),
    sentence: 'ExternalAuthoritative needs ExchangeServers in PermissionGroups',
  },
  {
    breaks: (connector) => connector.requireTls && !has(connector, 'Tls'),
    sentence: 'RequireTLS needs Tls in AuthMechanism',
  },
  {
    breaks: (connector) => connector.domainSecureEnabled && !has(connector, 'Tls'),
    sentence: 'DomainSecureEnabled needs Tls in AuthMechanism',
  },
  {
    breaks: (connector, server) => has(connector, 'ExchangeServer') && !isNameOf(connector.fqdn, server),
    sentence: 'with ExchangeServer in AuthMechanism Fqdn must be the FQDN or the NetBIOS name of the server, or $null',
  },
  {
    breaks: (connector) => connector.tlsVerb === 'XAnonymousTls' && !has(connector, 'ExchangeServer'),
    sentence: 'TlsVerb XAnonymousTls needs ExchangeServer in AuthMechanism',
  },
  {
    breaks: ({ banner }) => banner !== undefined && !/^220 [\x20-\x7e]{0,500}$/.test(banner),
    sentence: 'Banner must begin with "220 " and be one line of ASCII',
  },
  {
    breaks: ({ binaryMimeEnabled, chunkingEnabled }) => binaryMimeEnabled && !chunkingEnabled,
    sentence: 'BinaryMimeEnabled needs ChunkingEnabled',
  },
  {
    breaks: ({ maxMessageSizeBytes }) => !isWithin(maxMessageSizeBytes, 65_536, 2_147_483_647),
    sentence: 'MaxMessageSize is from 65536 to 2147483647 bytes',
  },
  {
    breaks: ({ maxHeaderSizeBytes }) => !isWithin(maxHeaderSizeBytes, 1024, 2_147_483_647),
    sentence: 'MaxHeaderSize is at least 1024 bytes',
  },
  {
    breaks: ({ maxRecipientsPerMessage }) => !isWithin(maxRecipientsPerMessage, 1, 512_000),
    sentence: 'MaxRecipientsPerMessage is from 1 to 512000',
  },
  { breaks: ({ maxHopCount }) => !isWithin(maxHopCount, 1, 500), sentence: 'MaxHopCount is from 1 to 500' },
  {
    breaks: ({ maxLocalHopCount }) => !isWithin(maxLocalHopCount, 0, 50),
    sentence: 'MaxLocalHopCount is from 0 to 50',
  },
  {
    breaks: ({ maxInboundConnection }) => !isWithin(maxInboundConnection, 1, 2_147_483_647),
    sentence: 'MaxInboundConnection is at least 1',
  },
  {
    breaks: ({ maxInboundConnectionPercentagePerSource }) => !isWithin(maxInboundConnectionPercentagePerSource, 1, 100),
    sentence: 'MaxInboundConnectionPercentagePerSource is from 1 to 100',
  },
  {
    breaks: ({ connectionTimeoutMs }) => !isWithin(connectionTimeoutMs, 1000, 86_400_000),
    sentence: 'ConnectionTimeout is from 00:00:01 to 1.00:00:00',
  },
  {
    breaks: ({ connectionInactivityTimeoutMs, connectionTimeoutMs }) =>
      !isWithin(connectionInactivityTimeoutMs, 1000, connectionTimeoutMs),
    sentence: 'ConnectionInactivityTimeout is from 00:00:01 to ConnectionTimeout',
  },
  {
    breaks: ({ tarpitIntervalMs }) => !isWithin(tarpitIntervalMs, 0, 600_000),
    sentence: 'TarpitInterval is from 00:00:00 to 00:10:00',
  },
];

/** Throws Problem `bad-receive-connector` for the first rule that is broken. */
export function validateReceiveConnector(connector: ReceiveConnector, server: ServerNames): void {
  for (const binding of connector.bindings) {
    if (normalizeBinding(binding) === undefined)
      throw refuse(connector, `"${binding}" in Bindings is no address and port; write 0.0.0.0:25 or [::]:25`);
  }
  for (const range of connector.remoteIpRanges) {
    if (!parseIpRange(range))
      throw refuse(connector, `"${range}" in RemoteIPRanges is no address, no CIDR and no low-high range`);
  }
  for (const { breaks, sentence } of RULES) if (breaks(connector, server)) throw refuse(connector, sentence);
  const contradiction = findContradiction(connector);
  if (contradiction !== undefined) throw refuse(connector, contradiction);
}

/**
 * Ranges on one binding may lie in each other, not cross and not be the same: else nothing would say which connector a
 * sender falls to. Throws Problem `bad-receive-connector`.
 */
export function validateReceiveConnectors(connectors: readonly ReceiveConnector[]): void {
  const enabled = connectors.filter((connector) => connector.enabled);
  for (const [index, connector] of enabled.entries()) {
    for (const other of enabled.slice(index + 1)) {
      const clash = findClash(connector, other);
      if (clash)
        throw refuse(
          connector,
          `its range ${clash} and "${other.name}" claim the same senders; make one lie within the other`,
        );
    }
  }
}

function findClash(a: ReceiveConnector, b: ReceiveConnector): string | undefined {
  if (!isSharingBinding(a, b)) return undefined;
  for (const text of a.remoteIpRanges) {
    const range = parseIpRange(text);
    for (const otherText of b.remoteIpRanges) {
      const other = parseIpRange(otherText);
      if (!range || !other || range.family !== other.family) continue;
      if (isCrossing(range, other) || (range.low === other.low && range.high === other.high)) return text;
    }
  }
  return undefined;
}

function isSharingBinding(a: ReceiveConnector, b: ReceiveConnector): boolean {
  if (a.submission !== b.submission) return false;
  if (a.bindings.length === 0 || b.bindings.length === 0) return true;
  const bindings = new Set(a.bindings.map(normalizeBinding));
  return b.bindings.some((binding) => bindings.has(normalizeBinding(binding)));
}

function has(connector: ReceiveConnector, mechanism: AuthMechanism): boolean {
  return connector.authMechanism.includes(mechanism);
}

function isNameOf(fqdn: string | undefined, server: ServerNames): boolean {
  const name = fqdn?.toLowerCase();
  return name === undefined || name === server.fqdn.toLowerCase() || name === server.netbiosName.toLowerCase();
}

function isWithin(value: number, low: number, high: number): boolean {
  return Number.isSafeInteger(value) && value >= low && value <= high;
}

function refuse(connector: ReceiveConnector, sentence: string): Problem {
  return new Problem('bad-receive-connector', `Receive connector "${connector.name}": ${sentence}`);
}
