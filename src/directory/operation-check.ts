// What can be said against a request without a look at what is there: names whose values their attributes cannot have, changes
// without the values that they need, attributes that the schema does not know or clients do not write. Asked before anything
// is looked for, so that a request which makes no sense is told so, whatever it is about.

import { isNamingType, isWithinDn, parseDn, type Rdn } from '../ldap/dn.ts';
import type { Change, LdapOperation } from '../ldap/entry.ts';
import { fault } from '../ldap/result.ts';
import { findAttributeType } from './schema.ts';
import type { AttributeType } from './schema-attributes.ts';
import { checkSyntax, checkValues, requireType, requireWritable } from './schema-check.ts';
import { SYNTAXES } from './syntax.ts';

/** Throws LdapFault, or Problem `bad-dn`. */
export function checkOperation(operation: LdapOperation): void {
  checkName(operation.dn);
  if (operation.kind === 'modify') checkChanges(operation.changes);
  if (operation.kind === 'rename') {
    checkName(operation.newRdn);
    const { newSuperior } = operation;
    if (newSuperior === undefined) return;
    checkName(newSuperior);
    if (isWithinDn(newSuperior, operation.dn)) {
      throw fault('unwillingToPerform', 'an entry cannot be moved under itself');
    }
  }
}

/** Throws LdapFault invalidDNSyntax for an unknown attribute or a value that it cannot have, or Problem `bad-dn`. */
export function checkName(dn: string): readonly Rdn[] {
  const rdns = parseDn(dn);
  for (const { type: name, value, encoded } of rdns.flat()) {
    const type = findAttributeType(name);
    if (!type && !isNamingType(name)) throw fault('invalidDNSyntax', `${name}: no attribute of a name`);
    if (type && !encoded && !SYNTAXES[type.syntax].accepts(Buffer.from(value))) {
      throw fault('invalidDNSyntax', `${type.name}: a value in the name is invalid per syntax`);
    }
  }
  return rdns;
}

function checkChanges(changes: readonly Change[]): void {
  for (const { operation, attribute, values } of changes) {
    const isOdd = operation === 'increment' ? values.length !== 1 : operation === 'add' && values.length === 0;
    if (isOdd)
      throw fault('protocolError', `${attribute}: ${operation} needs ${operation === 'add' ? 'values' : 'one value'}`);
  }
  const types = changes.map((change) => checkChange(change));
  for (const type of types) requireWritable(type);
}

function checkChange({ operation, attribute, values }: Change): AttributeType {
  const type = requireType(attribute);
  if (operation === 'increment' && type.syntax !== 'integer') {
    throw fault('constraintViolation', `${attribute}: only a whole number can be incremented`);
  }
  // Values to be deleted are looked for one after the other.
  if (operation === 'delete') checkSyntax(type, values);
  else checkValues(type, values);
  return type;
}
