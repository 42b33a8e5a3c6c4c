// How two values of an attribute are compared. A schema hands in its own rules; the default takes every attribute for a
// Directory String under caseIgnoreMatch (RFC 4517 §4.2.11, RFC 4518), and octets that are no text for octets.

import { isUtf8 } from 'node:buffer';
import { foldText } from './dn.ts';

/** `initial*any*any*final` (RFC 4511 §4.5.1.7.2); at least one part is there. */
export interface SubstringPattern {
  readonly initial?: Buffer;
  readonly any: readonly Buffer[];
  readonly final?: Buffer;
}

/** Each answers undefined where the attribute is unknown or has no such rule: the filter item is then Undefined. */
export interface MatchingRules {
  /** Whether a filter may name this attribute at all; an unknown one makes its item Undefined, `!` around it included. */
  knows(attribute: string): boolean;
  /** The name under which an entry has an attribute that may be written in several ways; the same name when absent. */
  spell?(attribute: string): string;
  equals(attribute: string, a: Buffer, b: Buffer): boolean | undefined;
  /** Below, equal or above 0 as `a` comes before, with or after `b`. */
  order(attribute: string, a: Buffer, b: Buffer): number | undefined;
  substring(attribute: string, value: Buffer, pattern: SubstringPattern): boolean | undefined;
  /** False when the attribute cannot be asked this, whatever its values: the item is Undefined then. True when absent. */
  canAsk?(item: ValueQuestion): boolean;
  /** A rule by name or identifier, for extensible filters; undefined when it is not known, or there are none at all. */
  rule?(name: string): MatchingRule | undefined;
}

/** What a filter item asks about the values of an attribute. */
export type ValueQuestion =
  | {
      readonly kind: 'equal' | 'greater-or-equal' | 'less-or-equal' | 'approximate';
      readonly attribute: string;
      readonly value: Buffer;
    }
  | ({ readonly kind: 'substring'; readonly attribute: string } & SubstringPattern);

/** A rule that a filter names (RFC 4511 §4.5.1.7.7). */
export interface MatchingRule {
  appliesTo(attribute: string): boolean;
  /** False for what is no assertion of the rule. */
  canAssert(assertion: Buffer): boolean;
  /** Undefined for a value or an assertion that the rule cannot be asked about. */
  matches(value: Buffer, assertion: Buffer): boolean | undefined;
}

/** caseIgnoreMatch and its two sisters for whatever attribute. */
export const caseIgnoreRules: MatchingRules = {
  knows: () => true,
  equals(_attribute, a, b) {
    if (a.equals(b)) return true;
    return isUtf8(a) && isUtf8(b) && foldText(a.toString('utf8')) === foldText(b.toString('utf8'));
  },
  order(_attribute, a, b) {
    if (!isUtf8(a) || !isUtf8(b)) return Buffer.compare(a, b);
    return Buffer.compare(Buffer.from(foldText(a.toString('utf8'))), Buffer.from(foldText(b.toString('utf8'))));
  },
  substring: (_attribute, value, pattern) => matchesOctets(foldOctets(value), mapPattern(pattern, foldOctets)),
};

/** Folded for a piece of a text: blanks at its ends count, since they may stand in the middle of the whole. */
function foldOctets(octets: Buffer): Buffer {
  if (!isUtf8(octets)) return octets;
  return Buffer.from(octets.toString('utf8').normalize('NFKC').toLowerCase().normalize('NFKC').replace(/\s+/g, ' '));
}

function mapPattern(pattern: SubstringPattern, change: (octets: Buffer) => Buffer): SubstringPattern {
  return {
    any: pattern.any.map(change),
    ...(pattern.initial ? { initial: change(pattern.initial) } : {}),
    ...(pattern.final ? { final: change(pattern.final) } : {}),
  };
}

/** True when the parts stand in the value in their order and do not overlap; octet by octet, for exact rules. */
export function matchesOctets(value: Buffer, pattern: SubstringPattern): boolean {
  const { initial, final } = pattern;
  if (initial && !value.subarray(0, initial.length).equals(initial)) return false;
  let offset = initial?.length ?? 0;
  for (const part of pattern.any) {
    const found = value.indexOf(part, offset);
    if (found < 0) return false;
    offset = found + part.length;
  }
  return !final || (value.length - offset >= final.length && value.subarray(value.length - final.length).equals(final));
}
