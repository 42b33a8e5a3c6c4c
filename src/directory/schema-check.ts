// Is an entry one that the schema allows (RFC 4512 §2.4, §2.5)? Attribute names are brought to their schema spelling, values
// checked against their syntax, classes against what they must and may have. Faults are LDAP's, as slapd gives them.

import { fault } from '../ldap/result.ts';
import { findAttributeType, findObjectClass, type ObjectClass } from './schema.ts';
import type { AttributeType } from './schema-attributes.ts';
import { SYNTAXES } from './syntax.ts';

/** Attributes of one entry, names as the schema spells them. */
export type EntryAttributes = Map<string, readonly Buffer[]>;

/** The type of that name, which a client may write; throws LdapFault undefinedAttributeType or constraintViolation. */
export function requireWritableType(name: string): AttributeType {
  const type = findAttributeType(name);
  if (!type) throw fault('undefinedAttributeType', `${clip(name)}: the schema has no such attribute`);
  if (type.isOperational) throw fault('constraintViolation', `${type.name}: no user modification allowed`);
  return type;
}

/** Throws LdapFault invalidAttributeSyntax, or attributeOrValueExists for a value that is there twice. */
export function checkValues(type: AttributeType, values: readonly Buffer[]): void {
  const syntax = SYNTAXES[type.syntax];
  const seen = new Set<string>();
  for (const [index, value] of values.entries()) {
    const isClassUnknown = type.syntax === 'class' && !findObjectClass(value.toString('utf8'));
    if (!syntax.accepts(value) || isClassUnknown) {
      throw fault('invalidAttributeSyntax', `${type.name}: value #${index} invalid per syntax`);
    }
    const key = syntax.keyOf(value);
    if (seen.has(key)) throw fault('attributeOrValueExists', `${type.name}: value #${index} provided more than once`);
    seen.add(key);
  }
}

/** The structural class of an entry that is as the schema wants it; throws LdapFault objectClassViolation or constraintViolation. */
export function checkEntry(attributes: EntryAttributes): ObjectClass {
  const classes = (attributes.get('objectClass') ?? []).map((value) => findObjectClass(value.toString('utf8')));
  const structural = classes.filter((objectClass) => objectClass?.kind === 'structural');
  const [main] = structural;
  if (!main) throw fault('objectClassViolation', 'no structural object class provided');
  if (structural.length > 1) throw fault('objectClassViolation', 'more than one structural object class provided');
  for (const name of main.must) {
    if (!attributes.has(name))
      throw fault('objectClassViolation', `object class '${main.name}' requires attribute '${name}'`);
  }
  for (const [name, values] of attributes) checkAttribute(main, name, values);
  return main;
}

function checkAttribute(main: ObjectClass, name: string, values: readonly Buffer[]): void {
  const type = findAttributeType(name);
  if (type?.isOperational === true) return;
  if (name !== 'objectClass' && !main.must.includes(name) && !main.may.includes(name)) {
    throw fault('objectClassViolation', `attribute '${name}' not allowed`);
  }
  if (type?.isSingle === true && values.length > 1) {
    throw fault('constraintViolation', `attribute '${name}' cannot have multiple values`);
  }
}

/** Names come from peers: never more than a line of one is shown. */
function clip(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name;
}
