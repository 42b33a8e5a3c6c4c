// What EdgeSync's accounts may write in ADAM over LDAP: exactly what EdgeSync carries (Send connectors, accepted domains,
// transport settings, hubs, accounts that come after it, and on the Edge's own object its credentials, status and the like),
// and only behind the step of a cookie. Pure. The same for all accounts: see account.ts.

import { normalizeDn, parentDn } from '../ldap/dn.ts';
import {
  type Change,
  findOperation,
  getText,
  getValues,
  type LdapEntry,
  type LdapOperation,
  type LdapOperations,
} from '../ldap/entry.ts';
import { isProblem } from '../problem.ts';
import { bootstrapAccountName, accountView } from './account.ts';
import { acceptedDomainView } from './accepted-domain.ts';
import { COOKIE_ATTRIBUTE, isCookieStep } from './edge-sync-cookie.ts';
import { LEASE_ATTRIBUTE } from './edge-sync-lease.ts';
import { type Layout, serverDn } from './layout.ts';
import { checkPasswordVerifier } from './password-verifier.ts';
import { isReplicatedChange } from './replicated-recipient.ts';
import { findAttributeType } from './schema.ts';
import { sendConnectorView } from './send-connector.ts';
import { SERVER_CLASS, transportServerView } from './transport-server.ts';

export interface AccessScene {
  readonly layout: Layout;
  /** The key of its recipients' container. */
  readonly recipientsKey: string;
  /** NetBIOS name of the Edge whose ADAM it is. */
  readonly edgeName: string;
  /** The cookies on the Edge's own object. */
  readonly cookies: readonly string[];
  /** DN keys of the replication accounts that are there. */
  readonly replicationAccounts: ReadonlySet<string>;
}

type Modify = Extract<LdapOperation, { kind: 'modify' }>;

/** What EdgeSync writes on the Edge's own object, and on no account anything else: not its certificate, not its state. */
export const OWN_OBJECT_ATTRIBUTES: ReadonlySet<string> = new Set([
  'msExchEdgeSyncCredential',
  'msExchEdgeSyncStatus',
  COOKIE_ATTRIBUTE,
  LEASE_ATTRIBUTE,
  'msExchServerSite',
  'msExchServerTLSCertAcknowledged',
]);

const HIDDEN_ATTRIBUTE = 'userPassword';

/** What a hub may write on its own, outside of a round. */
const LOOSE_ATTRIBUTES = new Set(['msExchEdgeSyncStatus', LEASE_ATTRIBUTE]);

/**
 * The place of the first operation that is not EdgeSync's, or that comes without the step of a cookie as the first of its
 * transaction: without one, what was recorded could be played again. Undefined when all may be. Throws Problem `bad-dn`.
 */
export function findForbidden(operations: LdapOperations, scene: AccessScene): Promise<number | undefined> {
  let isFirst = true;
  let isRound = false;
  return findOperation(operations, (operation) => {
    const isStepAhead = isFirst && isStep(operation, scene);
    isRound ||= isStepAhead;
    isFirst = false;
    const isInOrder = isStepAhead || isLoose(operation, scene) || (isRound && !changesCookies(operation));
    return !isInOrder || !isWriteAllowed(operation, scene);
  });
}

function isStep(operation: LdapOperation, scene: AccessScene): boolean {
  return isOnOwnObject(operation, scene) && isCookieStep(cookieChanges(operation), scene.cookies);
}

function isLoose(operation: LdapOperation, scene: AccessScene): boolean {
  return isOnOwnObject(operation, scene) && changesOnly(operation, (name) => LOOSE_ATTRIBUTES.has(name));
}

function changesCookies(operation: LdapOperation): boolean {
  return operation.kind === 'modify' && cookieChanges(operation).length > 0;
}

function cookieChanges({ changes }: Modify): readonly Change[] {
  return changes.filter(({ attribute }) => (findAttributeType(attribute)?.name ?? attribute) === COOKIE_ATTRIBUTE);
}

function isOnOwnObject(operation: LdapOperation, { layout, edgeName }: AccessScene): operation is Modify {
  return operation.kind === 'modify' && isSame(operation.dn, serverDn(layout, edgeName));
}

/** True when the operation is one of EdgeSync's. */
function isWriteAllowed(operation: LdapOperation, scene: AccessScene): boolean {
  const { layout } = scene;
  // First, since a hundred thousand of these come at once.
  if (isReplicatedChange(operation, scene.recipientsKey)) return true;
  const parent = parentDn(operation.dn);
  if (isSame(operation.dn, layout.transportSettings)) return operation.kind === 'modify';
  if (parent === undefined) return false;
  if (isSame(parent, layout.connections)) return isPlainChange(operation, sendConnectorView.objectClass);
  if (isSame(parent, layout.acceptedDomains)) return isPlainChange(operation, acceptedDomainView.objectClass);
  if (isSame(parent, layout.servers)) return isServerChangeAllowed(operation, scene);
  return isSame(parent, layout.services) && isAccountChangeAllowed(operation, scene);
}

/** Objects that are EdgeSync's as a whole: anything but moving them elsewhere or putting another kind among them. */
function isPlainChange(operation: LdapOperation, objectClass: string): boolean {
  if (operation.kind === 'add') return hasClass(operation, objectClass);
  return operation.kind !== 'rename' || operation.newSuperior === undefined;
}

function isServerChangeAllowed(operation: LdapOperation, scene: AccessScene): boolean {
  if (isSame(operation.dn, serverDn(scene.layout, scene.edgeName))) {
    return operation.kind === 'modify' && changesOnly(operation, (name) => OWN_OBJECT_ATTRIBUTES.has(name));
  }
  if (operation.kind === 'modify') return changesOnly(operation, (name) => name !== 'msExchCurrentServerRoles');
  return operation.kind === 'delete' || (operation.kind === 'add' && isHub(operation));
}

/** Another Edge has no business in this Edge's ADAM. */
function isHub(entry: LdapEntry): boolean {
  const role = transportServerView.fields.role;
  return hasClass(entry, SERVER_CLASS) && getText(entry, role.attribute) === String(role.encode('HubTransport')[0]);
}

function isAccountChangeAllowed(operation: LdapOperation, scene: AccessScene): boolean {
  if (operation.kind === 'delete') return scene.replicationAccounts.has(normalizeDn(operation.dn));
  return operation.kind === 'add' && isReplicationAccount(operation, scene.edgeName);
}

function isReplicationAccount(entry: LdapEntry, edgeName: string): boolean {
  const prefix = normalizeDn(`CN=${bootstrapAccountName(edgeName)}.`);
  if (!hasClass(entry, accountView.objectClass) || !normalizeDn(entry.dn).startsWith(prefix)) return false;
  const text = (name: string) => getText(entry, name);
  return (
    text('msExchEdgeSyncAccountKind') === 'replication' &&
    text('msExchEdgeSyncAccountSuperseded') !== 'TRUE' &&
    getValues(entry, HIDDEN_ATTRIBUTE).length === 1 &&
    isVerifier(text(HIDDEN_ATTRIBUTE) ?? '')
  );
}

function isVerifier(text: string): boolean {
  try {
    checkPasswordVerifier(text);
    return true;
  } catch (error) {
    if (isProblem(error)) return false;
    throw error;
  }
}

function changesOnly({ changes }: Modify, isAllowed: (attribute: string) => boolean): boolean {
  return changes.every(({ attribute }) => isAllowed(findAttributeType(attribute)?.name ?? attribute));
}

function hasClass(entry: LdapEntry, objectClass: string): boolean {
  const classes = getValues(entry, 'objectClass').map((value) => value.toString('utf8').toLowerCase());
  return classes.includes(objectClass.toLowerCase());
}

function isSame(a: string, b: string): boolean {
  return normalizeDn(a) === normalizeDn(b);
}
