// What an Edge holds of a recipient: the GUID that AD knows it by, and the hash of each of its addresses. Nothing of it can be
// read back; whether an address is one of the organization's can be asked. Pure.

import { childDn, normalizeDn } from '../ldap/dn.ts';
import { getValues, type LdapEntry, type LdapOperation } from '../ldap/entry.ts';
import { toAdd } from './entry-diff.ts';
import type { Field } from './attribute-field.ts';
import { requiredText } from './attribute-field.ts';
import type { Layout } from './layout.ts';
import { hashAddress } from './proxy-address.ts';
import { addressesOf, type Recipient, recipientView } from './recipient.ts';
import { findAttributeType } from './schema.ts';
import { defineView, type View } from './view.ts';

export const HASH_ATTRIBUTE = 'msExchEdgeProxyAddressHash';
const HASH_BYTES = 32;

export interface ReplicatedRecipient {
  /** The GUID of the recipient in AD, as entryUUID writes it. */
  readonly name: string;
  readonly hashes: readonly Buffer[];
}

const hashesField: Field<readonly Buffer[]> = {
  attribute: HASH_ATTRIBUTE,
  syntax: 'octets',
  isList: true,
  encode: (hashes) => [...hashes],
  decode: (values) => values,
};

export const replicatedRecipientView: View<ReplicatedRecipient> = defineView(
  'replicated recipient',
  recipientView.objectClass,
  { name: requiredText('cn'), hashes: hashesField },
);

/** What the Edge is to hold of it; undefined for one that the outside may not write to. */
export function replicate(recipient: Recipient, guid: string): ReplicatedRecipient | undefined {
  const addresses = addressesOf(recipient);
  if (recipient.requireSenderAuthentication || addresses.length === 0) return undefined;
  const hashes = new Map(addresses.map(hashAddress).map((hash) => [hash.toString('hex'), hash]));
  return { name: guid, hashes: [...hashes.keys()].toSorted(byText).map((key) => hashes.get(key) ?? Buffer.alloc(0)) };
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

/** Where it stands in ADAM. */
export function recipientDn(guid: string, { recipients }: Layout): string {
  return childDn('CN', guid, recipients);
}

/** Gives the one that is there other hashes. */
export function changeReplicated({ name, hashes }: ReplicatedRecipient, layout: Layout): LdapOperation {
  const changes = [{ operation: 'replace', attribute: HASH_ATTRIBUTE, values: hashes }] as const;
  return { kind: 'modify', dn: recipientDn(name, layout), changes };
}

/** Makes it in ADAM. */
export function planReplicated(recipient: ReplicatedRecipient, { recipients }: Layout): LdapOperation {
  return toAdd(replicatedRecipientView.toEntry(recipient, recipients));
}

/** True when the operation makes, changes or removes such an object among the recipients, and nothing else. */
export function isReplicatedChange(operation: LdapOperation, recipientsKey: string): boolean {
  const key = normalizeDn(operation.dn);
  if (key.slice(key.indexOf(',') + 1) !== recipientsKey) return false;
  switch (operation.kind) {
    case 'add':
      return isReplicatedEntry(operation);
    case 'modify':
      return operation.changes.every(
        ({ attribute, values }) => nameOf(attribute) === HASH_ATTRIBUTE && values.every(isHash),
      );
    case 'delete':
      return true;
    default:
      return false;
  }
}

/** Nothing that a person could read gets in. */
function isReplicatedEntry(entry: LdapEntry): boolean {
  const classes = getValues(entry, 'objectClass').map((value) => value.toString('utf8').toLowerCase());
  const allowed = new Set(['objectClass', 'cn', HASH_ATTRIBUTE]);
  return (
    classes.includes(recipientView.objectClass.toLowerCase()) &&
    [...entry.attributes.keys()].every((name) => allowed.has(nameOf(name))) &&
    getValues(entry, HASH_ATTRIBUTE).every(isHash)
  );
}

function isHash(value: Buffer): boolean {
  return value.length === HASH_BYTES;
}

function nameOf(attribute: string): string {
  return findAttributeType(attribute)?.name ?? attribute;
}
