// How values compare under the schema's syntaxes (RFC 4517 §4.2): equality by every syntax's key, order where the syntax has
// one, substrings where it is text. What the schema does not know is Undefined to a filter.

import { isUtf8 } from 'node:buffer';
import { caseIgnoreRules, type MatchingRules } from '../ldap/filter.ts';
import { matchesOctets } from '../ldap/matching-rules.ts';
import { findAttributeType } from './schema.ts';
import { SYNTAXES } from './syntax.ts';

export const schemaRules: MatchingRules = {
  knows: (attribute) => findAttributeType(attribute) !== undefined,

  equals(attribute, a, b) {
    const [keyA, keyB] = [keyOf(attribute, a), keyOf(attribute, b)];
    return keyA === undefined || keyB === undefined ? undefined : keyA === keyB;
  },

  order(attribute, a, b) {
    const [keyA, keyB] = [keyOf(attribute, a), keyOf(attribute, b)];
    if (keyA === undefined || keyB === undefined) return undefined;
    switch (findAttributeType(attribute)?.syntax) {
      case 'integer':
      case 'time':
        return compare(BigInt(keyA), BigInt(keyB));
      case 'text':
      case 'exact':
      case 'octets':
        return compare(keyA, keyB);
      default:
        return undefined;
    }
  },

  substring(attribute, value, pattern) {
    switch (findAttributeType(attribute)?.syntax) {
      case 'text':
        return isUtf8(value) ? caseIgnoreRules.substring(attribute, value, pattern) : undefined;
      case 'exact':
        return matchesOctets(value, pattern);
      default:
        return undefined;
    }
  },
};

/** The key under which equal values of the attribute are the same; undefined for an unknown attribute or a value it cannot have. */
export function keyOf(attribute: string, value: Buffer): string | undefined {
  const type = findAttributeType(attribute);
  if (!type) return undefined;
  const syntax = SYNTAXES[type.syntax];
  return syntax.accepts(value) ? syntax.keyOf(value) : undefined;
}

function compare<T extends bigint | string>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
