// What a sender may do on a Receive connector: permission groups and the rights they give (exchange: Receive connector
// permissions). Pure. Who the sender is, has been settled before: by direct trust, by SASL, or not at all.

export const PERMISSION_GROUPS = [
  'AnonymousUsers',
  'ExchangeUsers',
  'ExchangeServers',
  'ExchangeLegacyServers',
  'Partners',
] as const;
export type PermissionGroup = (typeof PERMISSION_GROUPS)[number];

export const EXTENDED_RIGHTS = [
  'Ms-Exch-SMTP-Submit',
  'Ms-Exch-SMTP-Accept-Any-Recipient',
  'Ms-Exch-SMTP-Accept-Any-Sender',
  'Ms-Exch-SMTP-Accept-Authoritative-Domain-Sender',
  'Ms-Exch-SMTP-Accept-Authentication-Flag',
  'Ms-Exch-SMTP-Accept-Exch50',
  'Ms-Exch-Accept-Headers-Routing',
  'Ms-Exch-Accept-Headers-Organization',
  'Ms-Exch-Accept-Headers-Forest',
  'Ms-Exch-Bypass-Anti-Spam',
  'Ms-Exch-Bypass-Message-Size-Limit',
] as const;
export type Right = (typeof EXTENDED_RIGHTS)[number];

export type Principal =
  | 'anonymous'
  | 'authenticated-user'
  | 'edge-transport-server'
  | 'hub-transport-server'
  | 'partner';

/** The part of a Receive connector that rights come from. */
export interface Permissions {
  readonly authMechanism: readonly string[];
  readonly permissionGroups: readonly PermissionGroup[];
  readonly extendedRights: readonly Right[];
  readonly deniedRights: readonly Right[];
}

const RIGHTS: Readonly<Record<PermissionGroup, readonly Right[]>> = {
  AnonymousUsers: [
    'Ms-Exch-SMTP-Submit',
    'Ms-Exch-SMTP-Accept-Any-Sender',
    'Ms-Exch-SMTP-Accept-Authoritative-Domain-Sender',
    'Ms-Exch-Accept-Headers-Routing',
  ],
  ExchangeUsers: [
    'Ms-Exch-SMTP-Submit',
    'Ms-Exch-SMTP-Accept-Any-Recipient',
    'Ms-Exch-Bypass-Anti-Spam',
    'Ms-Exch-Accept-Headers-Routing',
  ],
  ExchangeServers: EXTENDED_RIGHTS,
  // For Exchange 2003 in the same organisation: no such server can prove itself here, so nobody is in it.
  ExchangeLegacyServers: [],
  Partners: ['Ms-Exch-SMTP-Submit', 'Ms-Exch-Accept-Headers-Routing'],
};

const GROUP_OF: Readonly<Record<Principal, PermissionGroup>> = {
  anonymous: 'AnonymousUsers',
  'authenticated-user': 'ExchangeUsers',
  'edge-transport-server': 'ExchangeServers',
  'hub-transport-server': 'ExchangeServers',
  partner: 'Partners',
};

/** They are asked for several times for each message, and a connector that is changed is another object. */
const found = new WeakMap<Permissions, Map<Principal, ReadonlySet<Right>>>();

/** The rights of a principal on a connector; empty when its group is not among the connector's. */
export function rightsOf(connector: Permissions, principal: Principal): ReadonlySet<Right> {
  const ofConnector = found.get(connector) ?? new Map<Principal, ReadonlySet<Right>>();
  const rights = ofConnector.get(principal) ?? findRights(connector, principal);
  found.set(connector, ofConnector.set(principal, rights));
  return rights;
}

function findRights(connector: Permissions, principal: Principal): ReadonlySet<Right> {
  const rights = new Set(rightsOfGroup(connector, GROUP_OF[principal]));
  if (principal !== 'anonymous' && principal !== 'partner') return rights;
  // A partner is a stranger whose certificate proves its domain: what strangers may it may too.
  for (const right of rightsOfGroup(connector, 'AnonymousUsers')) rights.add(right);
  for (const right of principal === 'anonymous' ? rightsBeyondGroups(connector) : []) rights.add(right);
  // As in Active Directory: to deny is stronger than to allow.
  for (const right of connector.deniedRights) rights.delete(right);
  return rights;
}

/** Of whoever connects. Externally secured: whoever can reach this connector counts as a server of the organisation. */
function rightsBeyondGroups(connector: Permissions): readonly Right[] {
  const { authMechanism, extendedRights } = connector;
  const isSecured = authMechanism.includes('ExternalAuthoritative');
  return isSecured ? [...rightsOfGroup(connector, 'ExchangeServers'), ...extendedRights] : extendedRights;
}

function rightsOfGroup(connector: Permissions, group: PermissionGroup): readonly Right[] {
  return connector.permissionGroups.includes(group) ? RIGHTS[group] : [];
}
