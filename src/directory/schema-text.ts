// The schema as text: one description for each object class, attribute type, matching rule and syntax (RFC 4512 §4.1). A
// subschema subentry shows these (subschema.ts), and slapd reads the first two (slapd-schema.ts).

import type { ObjectClass } from './schema.ts';
import { type NamedRule, SUBSTRING_SYNTAX } from './matching-rules.ts';
import { ATTRIBUTE_TYPES, type AttributeType } from './schema-attributes.ts';
import { SYNTAXES } from './syntax.ts';

/** `( 2.5.4.3 NAME 'cn' EQUALITY caseIgnoreMatch … SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )`. */
export function describeAttributeType(type: AttributeType): string {
  const { oid, equality, ordering, substrings } = SYNTAXES[type.syntax];
  const parts = [`NAME '${type.name}'`, `EQUALITY ${equality}`];
  if (ordering !== undefined && type.isOrdered) parts.push(`ORDERING ${ordering}`);
  if (substrings !== undefined) parts.push(`SUBSTR ${substrings}`);
  parts.push(`SYNTAX ${oid}`);
  if (type.isSingle) parts.push('SINGLE-VALUE');
  if (type.isOperational) parts.push('NO-USER-MODIFICATION', 'USAGE directoryOperation');
  return describe(type.oid, parts);
}

/** `( … NAME 'msExchContainer' SUP top STRUCTURAL MUST cn MAY ( description $ … ) )`. */
export function describeObjectClass(objectClass: ObjectClass): string {
  const parts = [`NAME '${objectClass.name}'`];
  if (objectClass.kind === 'abstract') parts.push('ABSTRACT');
  else parts.push('SUP top', objectClass.kind.toUpperCase());
  if (objectClass.must.length > 0) parts.push(`MUST ${list(objectClass.must)}`);
  if (objectClass.may.length > 0) parts.push(`MAY ${list(objectClass.may)}`);
  return describe(objectClass.oid, parts);
}

/** `( 2.5.13.2 NAME 'caseIgnoreMatch' SYNTAX … )` (RFC 4512 §4.1.3). */
export function describeMatchingRule({ name, oid, assertionSyntax }: NamedRule): string {
  return describe(oid, [`NAME '${name}'`, `SYNTAX ${assertionSyntax}`]);
}

/** Which attributes a filter may ask about with the rule (RFC 4512 §4.1.4); undefined when there is none. */
export function describeMatchingRuleUse({ name, oid, syntaxes }: NamedRule): string | undefined {
  const types = ATTRIBUTE_TYPES.filter(({ syntax }) => syntaxes.includes(syntax)).map((type) => type.name);
  return types.length === 0 ? undefined : describe(oid, [`NAME '${name}'`, `APPLIES ${list(types)}`]);
}

/** Every syntax of an attribute or an assertion, with its name (RFC 4512 §4.1.5). */
export function describeSyntaxes(): string[] {
  const known = [...Object.values(SYNTAXES), SUBSTRING_SYNTAX].map(
    ({ oid, description }) => `( ${oid} DESC '${description}' )`,
  );
  return [...new Set(known)];
}

function describe(oid: string, parts: readonly string[]): string {
  return `( ${[oid, ...parts].join(' ')} )`;
}

function list(names: readonly string[]): string {
  return names.length === 1 ? names.join('') : `( ${names.join(' $ ')} )`;
}
