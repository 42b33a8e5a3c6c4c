// Is an entry one that the schema allows (RFC 4512 §2.4, §2.5)? Attribute names are brought to their schema spelling, values
// checked against their syntax, classes against what they must and may have. Faults are LDAP's, as slapd gives them.

import { fault } from '../ldap/result.ts';
import { keyIn } from './matching-rules.ts';
import { findAttributeType, findObjectClass, type ObjectClass } from './schema.ts';
import type { AttributeType } from './schema-attributes.ts';

/** Attributes of one entry, names as the schema spells them. */
export type EntryAttributes = Map<string, readonly Buffer[]>;

/** The type of that name; throws LdapFault undefinedAttributeType. */
export function requireType(name: string): AttributeType {
  const type = findAttributeType(name);
  if (!type) throw fault('undefinedAttributeType', `${clip(name)}: the schema has no such attribute`);
  return type;
}

/** Throws LdapFault constraintViolation for what the directory keeps itself. */
export function requireWritable({ name, isOperational }: AttributeType): void {
  if (isOperational) throw fault('constraintViolation', `${name}: no user modification allowed`);
}

/** Throws LdapFault invalidAttributeSyntax. */
export function checkSyntax(type: AttributeType, values: readonly Buffer[]): void {
  const index = values.findIndex((value) => keyIn(type.syntax, value) === undefined);
  if (index >= 0) throw fault('invalidAttributeSyntax', `${type.name}: value #${index} invalid per syntax`);
}

/**
 * Whether an attribute can have these values at all. Throws LdapFault invalidAttributeSyntax, constraintViolation for several
 * where one is the limit, or attributeOrValueExists for one that is there twice.
 */
export function checkValues(type: AttributeType, values: readonly Buffer[]): void {
  checkSyntax(type, values);
  if (type.isSingle && values.length > 1) throw fault('constraintViolation', `${type.name}: multiple values provided`);
  const seen = new Set<string | undefined>();
  for (const [index, value] of values.entries()) {
    const key = keyIn(type.syntax, value);
    if (seen.has(key)) throw fault('attributeOrValueExists', `${type.name}: value #${index} provided more than once`);
    seen.add(key);
  }
}

/** The structural class of an entry that is as the schema wants it; throws LdapFault objectClassViolation or constraintViolation. */
export function checkEntry(attributes: EntryAttributes): ObjectClass {
  const main = requireStructuralClass(attributes);
  checkContent(main, attributes);
  return main;
}

/** Throws LdapFault constraintViolation for more values than an attribute may have, or objectClassViolation. */
export function requireStructuralClass(attributes: EntryAttributes): ObjectClass {
  for (const [name, values] of attributes) checkCount(name, values);
  const classes = (attributes.get('objectClass') ?? []).map((value) => findObjectClass(value.toString('utf8')));
  const structural = classes.filter((objectClass) => objectClass?.kind === 'structural');
  const [main] = structural;
  if (!main) throw fault('objectClassViolation', 'no structural object class provided');
  if (structural.length > 1) throw fault('objectClassViolation', 'more than one structural object class provided');
  return main;
}

/** What an entry of the class must and may have; throws LdapFault objectClassViolation. */
export function checkContent(main: ObjectClass, attributes: EntryAttributes): void {
  for (const name of main.must) {
    if (!attributes.has(name))
      throw fault('objectClassViolation', `object class '${main.name}' requires attribute '${name}'`);
  }
  for (const name of attributes.keys()) checkAllowed(main, name);
}

function checkCount(name: string, values: readonly Buffer[]): void {
  const type = findAttributeType(name);
  if (type?.isSingle === true && !type.isOperational && values.length > 1) {
    throw fault('constraintViolation', `attribute '${name}' cannot have multiple values`);
  }
}

function checkAllowed(main: ObjectClass, name: string): void {
  const isKnown = name === 'objectClass' || main.must.includes(name) || main.may.includes(name);
  if (isKnown || findAttributeType(name)?.isOperational === true) return;
  throw fault('objectClassViolation', `attribute '${name}' not allowed`);
}

/** Names come from peers: never more than a line of one is shown. */
function clip(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name;
}
