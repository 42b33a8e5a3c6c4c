// The subschema subentry (RFC 4512 §4.2): the schema as clients read it, object classes, attribute types, matching rules and
// syntaxes, each in its own description. It is no entry of the tree, and nothing can be changed in it.

import { type LdapEntry, toAttributes } from '../ldap/entry.ts';
import { MATCHING_RULES } from './matching-rules.ts';
import { OBJECT_CLASSES } from './schema.ts';
import { ATTRIBUTE_TYPES } from './schema-attributes.ts';
import {
  describeAttributeType,
  describeMatchingRule,
  describeMatchingRuleUse,
  describeObjectClass,
  describeSyntaxes,
} from './schema-text.ts';

/** As slapd has it. */
export const SUBSCHEMA_DN = 'cn=Subschema';

/** All of it but its name, class and `cn` is operational: shown to who asks for it (RFC 4512 §4.4). */
export function makeSubschema(): LdapEntry {
  return {
    dn: SUBSCHEMA_DN,
    attributes: toAttributes({
      objectClass: ['top', 'subentry', 'subschema', 'extensibleObject'],
      cn: 'Subschema',
      structuralObjectClass: 'subentry',
      entryDN: SUBSCHEMA_DN,
      subschemaSubentry: SUBSCHEMA_DN,
      ldapSyntaxes: describeSyntaxes(),
      matchingRules: MATCHING_RULES.map(describeMatchingRule),
      matchingRuleUse: MATCHING_RULES.map(describeMatchingRuleUse).filter((text) => text !== undefined),
      attributeTypes: ATTRIBUTE_TYPES.map(describeAttributeType),
      objectClasses: OBJECT_CLASSES.map(describeObjectClass),
    }),
  };
}

const SCHEMA_ATTRIBUTES: ReadonlySet<string> = new Set(
  ['ldapSyntaxes', 'matchingRules', 'matchingRuleUse', 'attributeTypes', 'objectClasses'].map((name) =>
    name.toLowerCase(),
  ),
);

/** True for what a subschema is made of: no attributes of the tree's entries. */
export function isSchemaAttribute(name: string): boolean {
  return SCHEMA_ATTRIBUTES.has(name.toLowerCase());
}
