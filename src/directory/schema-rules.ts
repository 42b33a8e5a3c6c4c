// How values compare under the schema (RFC 4512 §2.5.1): by the rules of their attribute's syntax (matching-rules.ts), or by a
// rule that the filter names. What the schema does not know is Undefined to a filter.

import type { MatchingRules } from '../ldap/filter.ts';
import { canContain, compareValues, containsSubstrings, findMatchingRule, keyIn } from './matching-rules.ts';
import { findAttributeType } from './schema.ts';
import type { AttributeType } from './schema-attributes.ts';
import { SYNTAXES } from './syntax.ts';

export const schemaRules: MatchingRules = {
  knows: (attribute) => findAttributeType(attribute) !== undefined,

  spell: (attribute) => findAttributeType(attribute)?.name ?? attribute,

  equals(attribute, value, assertion) {
    const type = findAttributeType(attribute);
    return type && findMatchingRule(SYNTAXES[type.syntax].equality)?.matches(value, assertion);
  },

  order(attribute, a, b) {
    const type = findAttributeType(attribute);
    return type && isOrdered(type) ? compareValues(type.syntax, a, b) : undefined;
  },

  substring(attribute, value, pattern) {
    const type = findAttributeType(attribute);
    return type && containsSubstrings(type.syntax, value, pattern);
  },

  canAsk(item) {
    const type = findAttributeType(item.attribute);
    if (!type) return false;
    switch (item.kind) {
      case 'substring':
        return canContain(type.syntax, item);
      case 'equal':
      case 'approximate':
        return findMatchingRule(SYNTAXES[type.syntax].equality)?.canAssert(item.value) === true;
      default:
        return isOrdered(type) && keyIn(type.syntax, item.value) !== undefined;
    }
  },

  rule: findMatchingRule,
};

/** The key under which equal values of the attribute are the same; undefined for an unknown attribute or a value it cannot have. */
export function keyOf(attribute: string, value: Buffer): string | undefined {
  const type = findAttributeType(attribute);
  return type && keyIn(type.syntax, value);
}

function isOrdered(type: AttributeType): boolean {
  return type.isOrdered && SYNTAXES[type.syntax].ordering !== undefined;
}
