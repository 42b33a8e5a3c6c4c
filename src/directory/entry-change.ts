// An add or a modify as arithmetic on an entry's attributes (RFC 4511 §4.6, §4.7): pure, with LDAP's faults. Where the entry
// stands and whether the result fits its class is embedded-directory.ts' and schema-check.ts'.

import { parseDn, type Rdn } from '../ldap/dn.ts';
import type { Change } from '../ldap/entry.ts';
import { fault } from '../ldap/result.ts';
import { findAttributeType, findObjectClass } from './schema.ts';
import { checkSyntax, checkValues, type EntryAttributes, requireType, requireWritable } from './schema-check.ts';
import { keyOf } from './schema-rules.ts';

/** The attributes of an add, checked one by one, with those of its name added where they are missing (RFC 4511 §4.7). */
export function readAddedAttributes(dn: string, given: ReadonlyMap<string, readonly Buffer[]>): EntryAttributes {
  if (given.size === 0) throw fault('protocolError', 'no attributes provided');
  const empty = [...given].find(([, values]) => values.length === 0);
  if (empty) throw fault('protocolError', `${empty[0]}: no values for attribute type`);
  const typed = Array.from(given, ([name, values]) => {
    const type = requireType(name);
    checkValues(type, values);
    return { type, values };
  });
  const attributes: EntryAttributes = new Map();
  for (const { type } of typed) requireWritable(type);
  for (const { type, values } of typed) {
    if (attributes.has(type.name))
      throw fault('attributeOrValueExists', `${type.name}: attribute provided more than once`);
    attributes.set(type.name, type.name === 'objectClass' ? values.map(spellClass) : values);
  }
  addNamingValues(attributes, parseDn(dn)[0] ?? []);
  return attributes;
}

/** Classes are kept as the schema spells them. */
function spellClass(value: Buffer): Buffer {
  const text = value.toString('utf8');
  return Buffer.from(findObjectClass(text)?.name ?? text);
}

/** Puts the values of a name among the attributes; throws LdapFault when they cannot be values of theirs. */
export function addNamingValues(attributes: EntryAttributes, rdn: Rdn): void {
  for (const { type: name, value } of rdn) {
    const type = requireType(name);
    requireWritable(type);
    const naming = Buffer.from(value);
    checkSyntax(type, [naming]);
    const values = attributes.get(type.name) ?? [];
    if (!hasValue(type.name, values, naming)) attributes.set(type.name, [...values, naming]);
  }
}

/** Takes the values of a name out of the attributes. */
export function dropNamingValues(attributes: EntryAttributes, rdn: Rdn): void {
  for (const { type: name, value } of rdn) {
    const attribute = findAttributeType(name)?.name ?? name;
    setValues(attributes, attribute, withoutValue(attribute, attributes.get(attribute) ?? [], Buffer.from(value)));
  }
}

/** The attributes after the changes, which operation-check.ts has passed, one after the other. Throws LdapFault. */
export function applyChanges(before: EntryAttributes, changes: readonly Change[]): EntryAttributes {
  const attributes: EntryAttributes = new Map(before);
  for (const change of changes) {
    const { name } = requireType(change.attribute);
    setValues(attributes, name, changeValues(name, attributes.get(name) ?? [], change));
  }
  return attributes;
}

function changeValues(attribute: string, values: readonly Buffer[], change: Change): readonly Buffer[] {
  switch (change.operation) {
    case 'add':
      return addValues(attribute, values, change.values);
    case 'delete':
      return deleteValues(attribute, values, change.values);
    case 'increment':
      return incrementValues(attribute, values, change.values);
    default:
      return change.values;
  }
}

function addValues(attribute: string, values: readonly Buffer[], added: readonly Buffer[]): readonly Buffer[] {
  if (added.some((value) => hasValue(attribute, values, value))) {
    throw fault('attributeOrValueExists', `${attribute}: value already there`);
  }
  return [...values, ...added];
}

function deleteValues(attribute: string, values: readonly Buffer[], deleted: readonly Buffer[]): readonly Buffer[] {
  if (values.length === 0) throw fault('noSuchAttribute', `${attribute}: no such attribute`);
  if (deleted.length === 0) return [];
  return deleted.reduce((left, value) => {
    if (!hasValue(attribute, left, value)) throw fault('noSuchAttribute', `${attribute}: no such value`);
    return withoutValue(attribute, left, value);
  }, values);
}

/** RFC 4525 §2: one whole number is added to every value. */
function incrementValues(attribute: string, values: readonly Buffer[], by: readonly Buffer[]): readonly Buffer[] {
  if (values.length === 0) throw fault('noSuchAttribute', `${attribute}: no such attribute`);
  return values.map((value) => Buffer.from(String(BigInt(value.toString()) + BigInt(by.join('')))));
}

/** True when every value of the name is among the attributes. */
export function hasNamingValues(attributes: EntryAttributes, rdn: Rdn): boolean {
  return rdn.every(({ type, value }) => {
    const attribute = findAttributeType(type)?.name ?? type;
    return hasValue(attribute, attributes.get(attribute) ?? [], Buffer.from(value));
  });
}

function hasValue(attribute: string, values: readonly Buffer[], wanted: Buffer): boolean {
  const key = keyOf(attribute, wanted);
  return values.some((value) => keyOf(attribute, value) === key);
}

function withoutValue(attribute: string, values: readonly Buffer[], unwanted: Buffer): readonly Buffer[] {
  const key = keyOf(attribute, unwanted);
  return values.filter((value) => keyOf(attribute, value) !== key);
}

function setValues(attributes: EntryAttributes, attribute: string, values: readonly Buffer[]): void {
  if (values.length > 0) attributes.set(attribute, values);
  else attributes.delete(attribute);
}
