// The matching rules of the schema's syntaxes (RFC 4517 §4.2, RFC 4530 §2.1, §2.2), one line each. An attribute's syntax names
// the rules that it is compared by; an extensible filter may name any rule that is for the attribute; a subschema shows all
// of them. The two with Microsoft's numbers are Active Directory's, for numbers that are sets of flags.

import type { MatchingRule } from '../ldap/filter.ts';
import { matchesOctets, type SubstringPattern } from '../ldap/matching-rules.ts';
import { findAttributeType, findObjectClass, isSubclassOf } from './schema.ts';
import { foldPattern, readSubstringAssertion } from './substring-assertion.ts';
import { SYNTAXES, type SyntaxName } from './syntax.ts';

export interface NamedRule extends MatchingRule {
  readonly name: string;
  readonly oid: string;
  /** Of the attributes that it is for. */
  readonly syntaxes: readonly SyntaxName[];
  /** Object identifier of the syntax of what is asserted. */
  readonly assertionSyntax: string;
}

const TEXTS: readonly SyntaxName[] = ['text', 'exact', 'printable'];

/** Of what a substrings rule is asked with; no attribute has it. */
export const SUBSTRING_SYNTAX = { oid: '1.3.6.1.4.1.1466.115.121.1.58', description: 'Substring Assertion' } as const;

export const MATCHING_RULES: readonly NamedRule[] = [
  rule('objectIdentifierMatch', '2.5.13.0', {
    syntaxes: ['class'],
    assertionSyntax: SYNTAXES.class.oid,
    canAssert: (assertion) => findObjectClass(assertion.toString('utf8')) !== undefined,
    matches: isSubclass,
  }),
  equality('distinguishedNameMatch', '2.5.13.1', 'dn'),
  equality('caseIgnoreMatch', '2.5.13.2', 'text', TEXTS),
  ordering('caseIgnoreOrderingMatch', '2.5.13.3', 'text', TEXTS),
  substrings('caseIgnoreSubstringsMatch', '2.5.13.4', 'text'),
  equality('caseExactMatch', '2.5.13.5', 'exact', TEXTS),
  ordering('caseExactOrderingMatch', '2.5.13.6', 'exact', TEXTS),
  substrings('caseExactSubstringsMatch', '2.5.13.7', 'exact'),
  equality('booleanMatch', '2.5.13.13', 'boolean'),
  equality('integerMatch', '2.5.13.14', 'integer'),
  ordering('integerOrderingMatch', '2.5.13.15', 'integer'),
  equality('octetStringMatch', '2.5.13.17', 'octets'),
  ordering('octetStringOrderingMatch', '2.5.13.18', 'octets'),
  equality('generalizedTimeMatch', '2.5.13.27', 'time'),
  ordering('generalizedTimeOrderingMatch', '2.5.13.28', 'time'),
  equality('UUIDMatch', '1.3.6.1.1.16.2', 'uuid'),
  ordering('UUIDOrderingMatch', '1.3.6.1.1.16.3', 'uuid'),
  flags('integerBitAndMatch', '1.2.840.113556.1.4.803', (value, mask) => (value & mask) === mask),
  flags('integerBitOrMatch', '1.2.840.113556.1.4.804', (value, mask) => (value & mask) !== 0n),
];

const BY_NAME = new Map(
  MATCHING_RULES.flatMap((item) => [[item.name.toLowerCase(), item] as const, [item.oid, item] as const]),
);

/** By name in any letter case, or identifier. */
export function findMatchingRule(name: string): NamedRule | undefined {
  return BY_NAME.get(name.toLowerCase());
}

interface RuleParts {
  readonly syntaxes: readonly SyntaxName[];
  readonly assertionSyntax: string;
  readonly canAssert: MatchingRule['canAssert'];
  readonly matches: MatchingRule['matches'];
}

function rule(name: string, oid: string, parts: RuleParts): NamedRule {
  const appliesTo = (attribute: string): boolean => {
    const syntax = findAttributeType(attribute)?.syntax;
    return syntax !== undefined && parts.syntaxes.includes(syntax);
  };
  return { name, oid, ...parts, appliesTo };
}

/** A rule that is asked with a value of the syntax. */
function assertionOf(syntax: SyntaxName): Pick<RuleParts, 'assertionSyntax' | 'canAssert'> {
  return { assertionSyntax: SYNTAXES[syntax].oid, canAssert: (assertion) => keyIn(syntax, assertion) !== undefined };
}

function equality(
  name: string,
  oid: string,
  syntax: SyntaxName,
  syntaxes: readonly SyntaxName[] = [syntax],
): NamedRule {
  return rule(name, oid, {
    ...assertionOf(syntax),
    syntaxes,
    matches: (value, assertion) => {
      const [a, b] = [keyIn(syntax, value), keyIn(syntax, assertion)];
      return a === undefined || b === undefined ? undefined : a === b;
    },
  });
}

/** As a rule that a filter names it asks whether the value comes before the assertion (RFC 4517 §4.2.5 and its like). */
function ordering(
  name: string,
  oid: string,
  syntax: SyntaxName,
  syntaxes: readonly SyntaxName[] = [syntax],
): NamedRule {
  return rule(name, oid, {
    ...assertionOf(syntax),
    syntaxes,
    matches: (value, assertion) => {
      const order = compareValues(syntax, value, assertion);
      return order === undefined ? undefined : order < 0;
    },
  });
}

function substrings(name: string, oid: string, syntax: 'text' | 'exact'): NamedRule {
  return rule(name, oid, {
    syntaxes: TEXTS,
    assertionSyntax: SUBSTRING_SYNTAX.oid,
    canAssert: (assertion) => readSubstringAssertion(assertion) !== undefined,
    matches: (value, assertion) => {
      const pattern = readSubstringAssertion(assertion);
      return pattern && containsSubstrings(syntax, value, pattern);
    },
  });
}

function flags(name: string, oid: string, compare: (value: bigint, mask: bigint) => boolean): NamedRule {
  return rule(name, oid, {
    ...assertionOf('integer'),
    syntaxes: ['integer'],
    matches: (value, assertion) => {
      const [number, mask] = [keyIn('integer', value), keyIn('integer', assertion)];
      return number === undefined || mask === undefined ? undefined : compare(BigInt(number), BigInt(mask));
    },
  });
}

/** An entry of a class is one of its superclasses too (RFC 4512 §3.3), whether or not it lists them. */
function isSubclass(value: Buffer, assertion: Buffer): boolean | undefined {
  const [own, asked] = [value, assertion].map((octets) => findObjectClass(octets.toString('utf8')));
  return own && asked ? isSubclassOf(own, asked) : undefined;
}

/** The key under which equal values of the syntax are the same; undefined for what is none of its values. */
export function keyIn(syntax: SyntaxName, value: Buffer): string | undefined {
  // A class may be written by name or by identifier, and one that the schema does not know is none.
  if (syntax === 'class') return findObjectClass(value.toString('utf8'))?.oid;
  return SYNTAXES[syntax].accepts(value) ? SYNTAXES[syntax].keyOf(value) : undefined;
}

/** Below, equal or above 0 as `a` comes before, with or after `b`; undefined where the syntax has no order, or no such value. */
export function compareValues(syntax: SyntaxName, a: Buffer, b: Buffer): number | undefined {
  const [keyA, keyB] = [keyIn(syntax, a), keyIn(syntax, b)];
  if (keyA === undefined || keyB === undefined || SYNTAXES[syntax].ordering === undefined) return undefined;
  if (syntax === 'octets') return Buffer.compare(a, b);
  if (syntax !== 'integer' && syntax !== 'time') return Buffer.compare(Buffer.from(keyA), Buffer.from(keyB));
  const difference = BigInt(keyA) - BigInt(keyB);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

/** True when values of the syntax may be asked for these parts. */
export function canContain(syntax: SyntaxName, pattern: SubstringPattern): boolean {
  return SYNTAXES[syntax].substrings !== undefined && foldPattern(syntax, pattern) !== undefined;
}

/** Whether the parts stand in the value in their order; undefined where the syntax is no text. */
export function containsSubstrings(syntax: SyntaxName, value: Buffer, pattern: SubstringPattern): boolean | undefined {
  if (SYNTAXES[syntax].substrings === undefined) return undefined;
  const key = keyIn(syntax, value);
  const folded = foldPattern(syntax, pattern);
  return key === undefined || !folded ? undefined : matchesOctets(Buffer.from(key), folded);
}
