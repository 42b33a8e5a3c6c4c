// The schema as text: one description for each attribute type and object class (RFC 4512 §4.1.1, §4.1.2). A subschema
// subentry shows these, and slapd reads them (slapd-schema.ts).

import type { ObjectClass } from './schema.ts';
import type { AttributeType } from './schema-attributes.ts';
import { SYNTAXES } from './syntax.ts';

/** `( 2.5.4.3 NAME 'cn' EQUALITY caseIgnoreMatch … SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )`. */
export function describeAttributeType(type: AttributeType): string {
  const { oid, equality, ordering, substrings } = SYNTAXES[type.syntax];
  const parts = [`NAME '${type.name}'`, `EQUALITY ${equality}`];
  if (ordering !== undefined) parts.push(`ORDERING ${ordering}`);
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

function describe(oid: string, parts: readonly string[]): string {
  return `( ${[oid, ...parts].join(' ')} )`;
}

function list(names: readonly string[]): string {
  return names.length === 1 ? names.join('') : `( ${names.join(' $ ')} )`;
}
