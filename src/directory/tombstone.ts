// What is left of an entry that was deleted, as Active Directory leaves it: a name under Deleted Objects that no other entry
// can have, where it stood, and its identity; nothing of what it said. Pure.

import { childDn, parentDn, parseDn } from '../ldap/dn.ts';
import { getText, type LdapEntry } from '../ldap/entry.ts';
import type { DeletedEntry } from './change-feed.ts';
import { findAttributeType } from './schema.ts';
import type { EntryAttributes } from './schema-check.ts';

const MARK = '\nDEL:';
const KEPT = ['objectClass', 'structuralObjectClass', 'entryUUID', 'createTimestamp', 'creatorsName'];

/** The entry's remains in the container `deletedObjects`. */
export function makeTombstone(entry: LdapEntry, deletedObjects: string): { dn: string; attributes: EntryAttributes } {
  const attributes: EntryAttributes = new Map();
  for (const name of KEPT) {
    const values = entry.attributes.get(name);
    if (values) attributes.set(name, values);
  }
  const { type = 'CN', value = '' } = parseDn(entry.dn)[0]?.[0] ?? {};
  const guid = attributes.get('entryUUID')?.[0]?.toString() ?? '';
  const name = `${value}${MARK}${guid}`;
  attributes.set(findAttributeType(type)?.name ?? type, [Buffer.from(name)]);
  attributes.set('isDeleted', [Buffer.from('TRUE')]);
  const parent = parentDn(entry.dn) ?? '';
  if (parent !== '') attributes.set('lastKnownParent', [Buffer.from(parent)]);
  return { dn: childDn(type.toUpperCase(), name, deletedObjects), attributes };
}

/** What a tombstone tells of the entry it was. */
export function readTombstone(entry: LdapEntry): DeletedEntry {
  const { type = 'CN', value = '' } = parseDn(entry.dn)[0]?.[0] ?? {};
  const [name = ''] = value.split(MARK);
  return {
    dn: childDn(type, name, getText(entry, 'lastKnownParent') ?? ''),
    guid: getText(entry, 'entryUUID') ?? '',
  };
}
