// The parts of a substring filter made ready for the comparison (RFC 4518 §2.6.1), and their text form, in which an extensible
// filter names a substrings rule (RFC 4517 §3.3.30): `initial*any*final` with `\2A` and `\5C` for the two special characters.

import { isUtf8 } from 'node:buffer';
import type { SubstringPattern } from '../ldap/matching-rules.ts';
import type { SyntaxName } from './syntax.ts';

/** Undefined for a text that is none. */
export function readSubstringAssertion(assertion: Buffer): SubstringPattern | undefined {
  const text = assertion.toString('utf8');
  if (!isUtf8(assertion) || !text.includes('*') || /\\(?!2A|5C)/i.test(text)) return undefined;
  const parts = text.split('*').map((part) => Buffer.from(part.replaceAll(/\\2A/gi, '*').replaceAll(/\\5C/gi, '\\')));
  const [initial, final] = [parts.shift(), parts.pop()];
  if (parts.some((part) => part.length === 0)) return undefined;
  if (parts.length === 0 && !initial?.length && !final?.length) return undefined;
  return { any: parts, ...(initial?.length ? { initial } : {}), ...(final?.length ? { final } : {}) };
}

/** As the key of a value is folded, but for blanks where the part meets others; undefined when a part is no text. */
export function foldPattern(syntax: SyntaxName, pattern: SubstringPattern): SubstringPattern | undefined {
  const { initial, any, final } = pattern;
  if (![initial, ...any, final].every((part) => part === undefined || isUtf8(part))) return undefined;
  const fold = (part: Buffer): string => foldPart(part.toString('utf8'), syntax === 'exact');
  return {
    any: any.map((part) => Buffer.from(fold(part))),
    // A value begins and ends without blanks: at its ends those of a part mean nothing.
    ...(initial ? { initial: Buffer.from(fold(initial).trimStart()) } : {}),
    ...(final ? { final: Buffer.from(fold(final).trimEnd()) } : {}),
  };
}

function foldPart(part: string, isExact: boolean): string {
  const composed = part.normalize('NFKC');
  const folded = isExact ? composed : composed.toLowerCase().normalize('NFKC');
  return folded.replace(/\s+/g, ' ');
}
