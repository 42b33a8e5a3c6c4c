// The attribute types, one line each: name, number, syntax, and `single` where one value is the limit. Numbers are arcs under
// an object identifier of this project's own (2.25 and a UUID, ITU-T X.667), never Microsoft's; a number that was shipped is
// never changed and never used again. Standard types carry their whole identifier.

import type { SyntaxName } from './syntax.ts';

/** Attribute types are `.1.n`, object classes `.2.n` under it. */
export const OWN_ARC = '2.25.169543567006026502937321241344753676821';

export interface AttributeType {
  readonly name: string;
  readonly oid: string;
  readonly syntax: SyntaxName;
  readonly isSingle: boolean;
  /** True when `>=` and `<=` may be asked; those of the standards that have no such rule have none here. */
  readonly isOrdered: boolean;
  /** Kept by the directory itself; no client writes it, and a search must name it. */
  readonly isOperational: boolean;
}

type Line = readonly [name: string, number: number, syntax: SyntaxName, single?: 'single'];

const STANDARD: readonly AttributeType[] = [
  standard('objectClass', '2.5.4.0', 'class'),
  standard('cn', '2.5.4.3', 'text'),
  standard('serialNumber', '2.5.4.5', 'printable'),
  standard('description', '2.5.4.13', 'text'),
  standard('userPassword', '2.5.4.35', 'octets'),
  operational('createTimestamp', '2.5.18.1', 'time'),
  operational('modifyTimestamp', '2.5.18.2', 'time'),
  operational('creatorsName', '2.5.18.3', 'dn'),
  operational('modifiersName', '2.5.18.4', 'dn'),
  operational('structuralObjectClass', '2.5.21.9', 'class'),
  operational('hasSubordinates', '2.5.18.9', 'boolean'),
  operational('subschemaSubentry', '2.5.18.10', 'dn'),
  operational('entryDN', '1.3.6.1.1.20', 'dn'),
  operational('entryUUID', '1.3.6.1.1.16.4', 'uuid'),
  ownOperational('uSNCreated', 190, 'integer'),
  ownOperational('uSNChanged', 191, 'integer'),
  ownOperational('isDeleted', 192, 'boolean'),
  ownOperational('lastKnownParent', 193, 'dn'),
  ownOperational('highestCommittedUSN', 194, 'integer'),
  ownOperational('invocationId', 195, 'uuid'),
  ownOperational('msExchPurgedUSN', 196, 'integer'),
];

const SHARED: readonly Line[] = [['adminDescription', 1, 'text', 'single']];

export const SERVER_ATTRIBUTES: readonly Line[] = [
  ['dNSHostName', 10, 'text', 'single'],
  ['msExchCurrentServerRoles', 11, 'integer', 'single'],
  ['msExchServerSite', 12, 'text', 'single'],
  ['msExchServerInternalTLSCert', 13, 'octets', 'single'],
  ['msExchServerEKPKPublicKey', 14, 'exact', 'single'],
  ['msExchEdgeSyncCredential', 15, 'exact'],
  ['msExchEdgeSyncStatus', 16, 'exact', 'single'],
  ['msExchEdgeSyncCookie', 17, 'exact'],
  ['msExchEdgeSyncLease', 18, 'exact', 'single'],
  ['msExchEdgeSyncAdamSslPort', 19, 'integer', 'single'],
  ['msExchEdgeSubscriptionEffective', 20, 'time', 'single'],
  ['msExchEdgeSubscriptionExpires', 21, 'time', 'single'],
  ['msExchEdgeSubscriptionSubscribedAt', 22, 'time', 'single'],
  ['msExchEdgeSubscriptionExportedAt', 23, 'time', 'single'],
  ['msExchEdgeSyncAdamCertificate', 160, 'octets', 'single'],
  ['msExchEdgeSyncPasswordScheme', 161, 'text', 'single'],
];

/** Of a staged renewal: on server objects, beside msExchServerInternalTLSCert. */
export const RENEWAL_ATTRIBUTES: readonly Line[] = [
  ['msExchServerNextTLSCert', 220, 'octets', 'single'],
  ['msExchServerNextTLSCertStagedAt', 221, 'time', 'single'],
  ['msExchServerPreviousTLSCert', 222, 'octets', 'single'],
  ['msExchServerPreviousTLSCertWithdrawnAt', 223, 'time', 'single'],
  ['msExchServerTLSCertGracePeriod', 224, 'integer', 'single'],
  ['msExchServerTLSCertSince', 225, 'time', 'single'],
  ['msExchServerTLSCertAcknowledged', 226, 'exact'],
];

export const SEND_CONNECTOR_ATTRIBUTES: readonly Line[] = [
  ['msExchConnectorGuid', 30, 'text', 'single'],
  ['msExchSmtpSendEnabled', 31, 'boolean', 'single'],
  ['routingList', 32, 'text'],
  ['msExchSourceTransportServers', 33, 'text'],
  ['msExchSmtpSendDnsRoutingEnabled', 34, 'boolean', 'single'],
  ['msExchSmtpSmartHost', 35, 'text'],
  ['msExchSmtpSendPort', 36, 'integer', 'single'],
  ['msExchSmtpSendAuthMechanism', 37, 'text', 'single'],
  ['msExchSmtpSendAuthCredential', 38, 'exact', 'single'],
  ['msExchSmtpSendIgnoreSTARTTLS', 39, 'boolean', 'single'],
  ['msExchSmtpSendRequireTLS', 40, 'boolean', 'single'],
  ['msExchSmtpSendDomainSecureEnabled', 41, 'boolean', 'single'],
  ['msExchSMTPSendConnectorFQDN', 42, 'text', 'single'],
  ['msExchSmtpSendForceHELO', 43, 'boolean', 'single'],
  ['msExchSmtpSendBindingIPAddress', 44, 'text', 'single'],
  ['msExchSmtpSendConnectionTimeout', 45, 'integer', 'single'],
  ['msExchSmtpMaxMessagesPerConnection', 46, 'integer', 'single'],
  ['delivContLength', 47, 'integer', 'single'],
  ['msExchSmtpSendProtocolLoggingLevel', 48, 'text', 'single'],
  ['msExchSmtpSendUseExternalDns', 49, 'boolean', 'single'],
  ['msExchSmtpSendIsScoped', 50, 'boolean', 'single'],
  ['msExchSmtpSendLinkedReceiveConnector', 51, 'text', 'single'],
  ['msExchSmtpSendTlsVerb', 250, 'text', 'single'],
  ['msExchSmtpSendTlsMinimumVersion', 251, 'text', 'single'],
  ['msExchSmtpSendTlsCipherSuites', 252, 'text', 'single'],
  ['msExchSmtpSendChunkingEnabled', 259, 'boolean', 'single'],
];

export const RECEIVE_CONNECTOR_ATTRIBUTES: readonly Line[] = [
  ['msExchSmtpReceiveEnabled', 60, 'boolean', 'single'],
  ['msExchSmtpReceiveBindings', 61, 'text'],
  ['msExchSmtpReceiveRemoteIPRanges', 62, 'text'],
  ['msExchSmtpReceiveAuthMechanism', 63, 'text'],
  ['msExchSmtpReceivePermissionGroups', 64, 'text'],
  ['msExchSmtpReceiveExtendedRights', 65, 'text'],
  ['msExchSmtpReceiveFqdn', 66, 'text', 'single'],
  ['msExchSmtpReceiveBanner', 67, 'text', 'single'],
  ['msExchSmtpReceiveRequireTLS', 68, 'boolean', 'single'],
  ['msExchSmtpReceiveDomainSecureEnabled', 69, 'boolean', 'single'],
  ['msExchSmtpReceiveEnableAuthGSSAPI', 70, 'boolean', 'single'],
  ['msExchSmtpReceivePipeliningEnabled', 71, 'boolean', 'single'],
  ['msExchSmtpReceiveEightBitMimeEnabled', 72, 'boolean', 'single'],
  ['msExchSmtpReceiveBinaryMimeEnabled', 73, 'boolean', 'single'],
  ['msExchSmtpReceiveChunkingEnabled', 74, 'boolean', 'single'],
  ['msExchSmtpReceiveEnhancedStatusCodesEnabled', 75, 'boolean', 'single'],
  ['msExchSmtpReceiveDsnEnabled', 76, 'boolean', 'single'],
  ['msExchSmtpReceiveSizeEnabled', 77, 'text', 'single'],
  ['msExchSmtpReceiveLongAddressesEnabled', 78, 'boolean', 'single'],
  ['msExchSmtpReceiveOrarEnabled', 79, 'boolean', 'single'],
  ['msExchSmtpReceiveMaxMessageSize', 80, 'integer', 'single'],
  ['msExchSmtpReceiveMaxHeaderSize', 81, 'integer', 'single'],
  ['msExchSmtpReceiveMaxRecipientsPerMessage', 82, 'integer', 'single'],
  ['msExchSmtpReceiveMaxHopCount', 83, 'integer', 'single'],
  ['msExchSmtpReceiveMaxLocalHopCount', 84, 'integer', 'single'],
  ['msExchSmtpReceiveMaxInboundConnections', 85, 'integer', 'single'],
  ['msExchSmtpReceiveMaxConnectionsPerSource', 86, 'integer', 'single'],
  ['msExchSmtpReceiveMaxConnectionPercent', 87, 'integer', 'single'],
  ['msExchSmtpReceiveConnectionTimeout', 88, 'integer', 'single'],
  ['msExchSmtpReceiveInactivityTimeout', 89, 'integer', 'single'],
  ['msExchSmtpReceiveMessageRateLimit', 90, 'integer', 'single'],
  ['msExchSmtpReceiveMaxLogonFailures', 91, 'integer', 'single'],
  ['msExchSmtpReceiveMaxProtocolErrors', 92, 'integer', 'single'],
  ['msExchSmtpReceiveTarpitInterval', 93, 'integer', 'single'],
  ['msExchSmtpReceiveProtocolLoggingLevel', 94, 'text', 'single'],
  ['msExchSmtpReceiveSubmission', 207, 'boolean', 'single'],
  ['msExchSmtpReceiveDeniedRights', 208, 'text'],
  ['msExchSmtpReceiveSmtpUtf8Enabled', 240, 'boolean', 'single'],
  ['msExchSmtpReceiveMessageRateSource', 241, 'text', 'single'],
  ['msExchSmtpReceiveTlsVerb', 253, 'text', 'single'],
  ['msExchSmtpReceiveTlsMinimumVersion', 254, 'text', 'single'],
  ['msExchSmtpReceiveTlsCipherSuites', 255, 'text', 'single'],
];

export const ACCEPTED_DOMAIN_ATTRIBUTES: readonly Line[] = [
  ['msExchAcceptedDomainName', 110, 'text', 'single'],
  ['msExchAcceptedDomainMatchSubDomains', 111, 'boolean', 'single'],
  ['msExchAcceptedDomainType', 112, 'text', 'single'],
  ['msExchAcceptedDomainDefault', 113, 'boolean', 'single'],
];

export const TRANSPORT_SETTINGS_ATTRIBUTES: readonly Line[] = [
  ['msExchTransportExpiredCertificate', 120, 'text', 'single'],
  ['msExchTransportUntrustedCertificate', 121, 'text', 'single'],
  ['msExchInternalSMTPServers', 122, 'text'],
  ['msExchTransportExternalPostmasterAddress', 123, 'text', 'single'],
  ['msExchTransportMaxReceiveSize', 124, 'integer', 'single'],
  ['msExchTransportMaxSendSize', 125, 'integer', 'single'],
  ['msExchTransportMaxRecipients', 126, 'integer', 'single'],
  ['msExchTLSReceiveDomainSecureList', 127, 'text'],
  ['msExchTLSSendDomainSecureList', 128, 'text'],
  ['msExchTransportIntraOrgIgnoreSTARTTLS', 129, 'boolean', 'single'],
  ['msExchTransportIntraOrgRequireTLS', 130, 'boolean', 'single'],
  ['msExchTransportIntraOrgTlsVerb', 256, 'text', 'single'],
  ['msExchTransportIntraOrgTlsMinimumVersion', 257, 'text', 'single'],
  ['msExchTransportIntraOrgTlsCipherSuites', 258, 'text', 'single'],
];

export const ACCOUNT_ATTRIBUTES: readonly Line[] = [
  ['msExchEdgeSyncAccountKind', 140, 'text', 'single'],
  ['msExchEdgeSyncAccountEffective', 141, 'time', 'single'],
  ['msExchEdgeSyncAccountExpiration', 142, 'time', 'single'],
  ['msExchEdgeSyncAccountSuperseded', 143, 'boolean', 'single'],
];

export const DIRECTORY_ACCOUNT_ATTRIBUTES: readonly Line[] = [
  ['msExchDirectoryAccountKind', 150, 'text', 'single'],
  ['msExchDirectoryAccountCertificate', 151, 'octets', 'single'],
];

export const EDGE_SYNC_SERVICE_ATTRIBUTES: readonly Line[] = [
  ['msExchEdgeSyncConfigurationSyncInterval', 170, 'integer', 'single'],
  ['msExchEdgeSyncRecipientSyncInterval', 171, 'integer', 'single'],
  ['msExchEdgeSyncLockDuration', 172, 'integer', 'single'],
  ['msExchEdgeSyncLockRenewalDuration', 173, 'integer', 'single'],
  ['msExchEdgeSyncOptionDuration', 174, 'integer', 'single'],
  ['msExchEdgeSyncCookieValidDuration', 175, 'integer', 'single'],
  ['msExchEdgeSyncCarryNewHubs', 176, 'boolean', 'single'],
];

export const RECIPIENT_ATTRIBUTES: readonly Line[] = [
  ['msExchRecipientDisplayName', 200, 'text', 'single'],
  ['proxyAddresses', 201, 'text'],
  ['msExchRequireAuthToSendTo', 202, 'boolean', 'single'],
  ['msExchEdgeProxyAddressHash', 203, 'octets'],
  ['msExchRecipientPasswordVerifier', 206, 'exact', 'single'],
];

export const RECIPIENT_FILTER_ATTRIBUTES: readonly Line[] = [
  ['msExchRecipientFilterEnabled', 204, 'boolean', 'single'],
  ['msExchRecipientValidationEnabled', 205, 'boolean', 'single'],
];

/** Every attribute type there is. */
export const ATTRIBUTE_TYPES: readonly AttributeType[] = [
  ...STANDARD,
  ...[
    SHARED,
    SERVER_ATTRIBUTES,
    RENEWAL_ATTRIBUTES,
    SEND_CONNECTOR_ATTRIBUTES,
    RECEIVE_CONNECTOR_ATTRIBUTES,
    ACCEPTED_DOMAIN_ATTRIBUTES,
    TRANSPORT_SETTINGS_ATTRIBUTES,
    ACCOUNT_ATTRIBUTES,
    RECIPIENT_ATTRIBUTES,
    RECIPIENT_FILTER_ATTRIBUTES,
    DIRECTORY_ACCOUNT_ATTRIBUTES,
    EDGE_SYNC_SERVICE_ATTRIBUTES,
  ]
    .flat()
    .map(own),
];

/** The names in a group, for the `may` of an object class. */
export function namesOf(group: readonly Line[]): string[] {
  return group.map(([name]) => name);
}

function own([name, number, syntax, single]: Line): AttributeType {
  return {
    name,
    oid: `${OWN_ARC}.1.${number}`,
    syntax,
    isSingle: single !== undefined,
    isOrdered: true,
    isOperational: false,
  };
}

function standard(name: string, oid: string, syntax: SyntaxName): AttributeType {
  return { name, oid, syntax, isSingle: false, isOrdered: false, isOperational: false };
}

function operational(name: string, oid: string, syntax: SyntaxName): AttributeType {
  return { name, oid, syntax, isSingle: true, isOrdered: true, isOperational: true };
}

function ownOperational(name: string, number: number, syntax: SyntaxName): AttributeType {
  return operational(name, `${OWN_ARC}.1.${number}`, syntax);
}
