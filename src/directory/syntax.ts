// The attribute syntaxes that the schema uses (RFC 4517 §3.3): is a value one, and the key under which two values are the
// same. What attributes there are is schema.ts' affair.

import { isUtf8 } from 'node:buffer';
import { foldText, normalizeDn } from '../ldap/dn.ts';
import { isProblem } from '../problem.ts';

/** `text` ignores case, `exact` does not, `printable` has few characters; `class` names an object class. */
export type SyntaxName =
  | 'text'
  | 'exact'
  | 'printable'
  | 'octets'
  | 'integer'
  | 'boolean'
  | 'time'
  | 'dn'
  | 'class'
  | 'uuid';

interface Syntax {
  /** RFC 4517's (or RFC 4530's) object identifier. */
  readonly oid: string;
  /** Its name there. */
  readonly description: string;
  /** Names of its matching rules, as a subschema shows them; `ordering` and `substrings` where it has such a rule. */
  readonly equality: string;
  readonly ordering?: string;
  readonly substrings?: string;
  accepts(value: Buffer): boolean;
  /** Equal values have equal keys; only for accepted values. */
  keyOf(value: Buffer): string;
}

const SYNTAX_ARC = '1.3.6.1.4.1.1466.115.121.1';

export const SYNTAXES: Readonly<Record<SyntaxName, Syntax>> = {
  text: {
    oid: `${SYNTAX_ARC}.15`,
    description: 'Directory String',
    equality: 'caseIgnoreMatch',
    ordering: 'caseIgnoreOrderingMatch',
    substrings: 'caseIgnoreSubstringsMatch',
    accepts: isText,
    keyOf: (value) => foldText(textOf(value)),
  },
  exact: {
    oid: `${SYNTAX_ARC}.15`,
    description: 'Directory String',
    equality: 'caseExactMatch',
    ordering: 'caseExactOrderingMatch',
    substrings: 'caseExactSubstringsMatch',
    accepts: isText,
    keyOf: foldBlanks,
  },
  printable: {
    oid: `${SYNTAX_ARC}.44`,
    description: 'Printable String',
    equality: 'caseIgnoreMatch',
    ordering: 'caseIgnoreOrderingMatch',
    substrings: 'caseIgnoreSubstringsMatch',
    accepts: matches(/^[A-Za-z0-9 '()+,./:?=-]+$/),
    keyOf: (value) => foldText(textOf(value)),
  },
  octets: {
    oid: `${SYNTAX_ARC}.40`,
    description: 'Octet String',
    equality: 'octetStringMatch',
    ordering: 'octetStringOrderingMatch',
    accepts: () => true,
    keyOf: (value) => value.toString('latin1'),
  },
  integer: {
    oid: `${SYNTAX_ARC}.27`,
    description: 'INTEGER',
    equality: 'integerMatch',
    ordering: 'integerOrderingMatch',
    accepts: matches(/^(?:0|-?[1-9]\d{0,99})$/),
    keyOf: textOf,
  },
  boolean: {
    oid: `${SYNTAX_ARC}.7`,
    description: 'Boolean',
    equality: 'booleanMatch',
    accepts: matches(/^(?:TRUE|FALSE)$/),
    keyOf: textOf,
  },
  time: {
    oid: `${SYNTAX_ARC}.24`,
    description: 'Generalized Time',
    equality: 'generalizedTimeMatch',
    ordering: 'generalizedTimeOrderingMatch',
    accepts: (value) => readTime(textOf(value)) !== undefined,
    keyOf: (value) => String(readTime(textOf(value))?.getTime()),
  },
  dn: {
    oid: `${SYNTAX_ARC}.12`,
    description: 'DN',
    equality: 'distinguishedNameMatch',
    accepts: isDn,
    keyOf: (value) => normalizeDn(textOf(value)),
  },
  class: {
    oid: `${SYNTAX_ARC}.38`,
    description: 'OID',
    equality: 'objectIdentifierMatch',
    accepts: matches(/^(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)$/),
    keyOf: (value) => textOf(value).toLowerCase(),
  },
  uuid: {
    oid: '1.3.6.1.1.16.1',
    description: 'UUID',
    equality: 'UUIDMatch',
    ordering: 'UUIDOrderingMatch',
    accepts: matches(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i),
    keyOf: (value) => textOf(value).toLowerCase(),
  },
};

function textOf(value: Buffer): string {
  return value.toString('utf8');
}

/** RFC 4517 §3.3.6: at least one character. */
function isText(value: Buffer): boolean {
  return value.length > 0 && isUtf8(value);
}

function foldBlanks(value: Buffer): string {
  return textOf(value).normalize('NFKC').trim().replace(/\s+/g, ' ');
}

function matches(pattern: RegExp): (value: Buffer) => boolean {
  return (value) => pattern.test(value.toString('latin1'));
}

function isDn(value: Buffer): boolean {
  if (!isUtf8(value)) return false;
  try {
    normalizeDn(textOf(value));
    return true;
  } catch (error) {
    if (isProblem(error)) return false;
    throw error;
  }
}

/** RFC 4517 §3.3.13 in UTC with milliseconds: 20071122223000.123Z. */
export function formatGeneralizedTime(date: Date): string {
  return date.toISOString().replace(/[-:T]/g, '');
}

/** The way back, for what `formatGeneralizedTime` or another server writes; throws RangeError. */
export function parseGeneralizedTime(text: string): Date {
  const date = readTime(text);
  if (!date) throw new RangeError('not a time such as 20071122223000Z');
  return date;
}

const TIME =
  /^(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})(?<hour>\d{2})(?:(?<minute>\d{2})(?<second>\d{2})?)?(?:[.,](?<fraction>\d{1,3})\d*)?(?:Z|(?<sign>[+-])(?<ahead>\d{2})(?<aheadMinutes>\d{2})?)$/;

function readTime(text: string): Date | undefined {
  const { groups } = TIME.exec(text) ?? {};
  if (!groups) return undefined;
  const { year, month, day, hour, minute = '00', second = '00', fraction = '' } = groups;
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0')}Z`);
  // The engine rolls 31 February over into March: such a date is none.
  if (Number.isNaN(date.getTime()) || date.getUTCDate() !== Number(day)) return undefined;
  const { sign, ahead = '00', aheadMinutes = '00' } = groups;
  if (Number(ahead) > 23 || Number(aheadMinutes) > 59) return undefined;
  const aheadMs = (Number(ahead) * 60 + Number(aheadMinutes)) * 60_000;
  return new Date(date.getTime() + (sign === '+' ? -aheadMs : aheadMs));
}
