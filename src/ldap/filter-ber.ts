// The BER form of search filters (RFC 4511 §4.5.1.7). Nesting was bounded by the scan of the message and is counted again
// here; a choice that no RFC of ours knows is the client's fault, not a broken message.

import { type BerCursor, encode, encodeBoolean, encodeOctets, SEQUENCE } from './ber.ts';
import { MalformedPdu } from './ber-guard.ts';
import { type Comparison, type Extensible, type Filter, MAX_FILTER_DEPTH } from './filter-tree.ts';
import { fault } from './result.ts';

const AND = 0xa0;
const OR = 0xa1;
const NOT = 0xa2;
const SUBSTRINGS = 0xa4;
const PRESENT = 0x87;
const EXTENSIBLE = 0xa9;

const COMPARISON_TAGS = { equal: 0xa3, 'greater-or-equal': 0xa5, 'less-or-equal': 0xa6, approximate: 0xa8 } as const;
const COMPARISON_KINDS: ReadonlyMap<number, Comparison['kind']> = new Map(
  Object.entries(COMPARISON_TAGS).map(([kind, tag]) => [tag, kind as Comparison['kind']]),
);

/** Reads the next filter. Throws MalformedPdu, or LdapFault for one too deep (11) or of an unknown kind (2). */
export function decodeFilter(cursor: BerCursor, depth = 0): Filter {
  if (depth > MAX_FILTER_DEPTH)
    throw fault('adminLimitExceeded', `the filter nests more than ${MAX_FILTER_DEPTH} deep`);
  const tag = cursor.nextTag;
  switch (tag) {
    case AND:
    case OR:
      return {
        kind: tag === AND ? 'and' : 'or',
        filters: cursor.enter(tag).readAll((inner) => decodeFilter(inner, depth + 1)),
      };
    case NOT:
      return { kind: 'not', filter: decodeFilter(cursor.enter(tag), depth + 1) };
    case PRESENT:
      return { kind: 'present', attribute: cursor.readText(PRESENT) };
    case SUBSTRINGS:
      return decodeSubstring(cursor.enter(tag));
    case EXTENSIBLE:
      return decodeExtensible(cursor.enter(tag));
    default:
      return decodeComparison(cursor, tag);
  }
}

function decodeComparison(cursor: BerCursor, tag: number | undefined): Filter {
  const kind = tag === undefined ? undefined : COMPARISON_KINDS.get(tag);
  if (tag === undefined) throw new MalformedPdu('a filter is missing');
  if (!kind) throw fault('protocolError', 'the filter has a part of an unknown kind');
  const pair = cursor.enter(tag);
  return { kind, attribute: pair.readText(), value: pair.readOctets() };
}

function decodeSubstring(cursor: BerCursor): Filter {
  const attribute = cursor.readText();
  const parts = cursor.enter();
  const initial = parts.nextTag === 0x80 ? parts.readOctets(0x80) : undefined;
  const any: Buffer[] = [];
  while (parts.nextTag === 0x81) any.push(parts.readOctets(0x81));
  const final = parts.nextTag === 0x82 ? parts.readOctets(0x82) : undefined;
  if (!parts.atEnd || (!initial && !final && any.length === 0)) {
    throw fault('protocolError', 'the parts of a substring filter are out of order');
  }
  return { kind: 'substring', attribute, any, ...(initial ? { initial } : {}), ...(final ? { final } : {}) };
}

function decodeExtensible(cursor: BerCursor): Filter {
  const rule = cursor.nextTag === 0x81 ? cursor.readText(0x81) : undefined;
  const attribute = cursor.nextTag === 0x82 ? cursor.readText(0x82) : undefined;
  const value = cursor.readOctets(0x83);
  const dnAttributes = cursor.nextTag === 0x84 && (cursor.readOctets(0x84)[0] ?? 0) !== 0;
  return {
    kind: 'extensible',
    dnAttributes,
    value,
    ...(rule === undefined ? {} : { rule }),
    ...(attribute === undefined ? {} : { attribute }),
  };
}

/** Writes a filter as it stands in a search request. */
export function encodeFilter(filter: Filter): Buffer {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return encode(filter.kind === 'and' ? AND : OR, ...filter.filters.map(encodeFilter));
    case 'not':
      return encode(NOT, encodeFilter(filter.filter));
    case 'present':
      return encodeOctets(filter.attribute, PRESENT);
    case 'substring':
      return encodeSubstring(filter);
    case 'extensible':
      return encodeExtensible(filter);
    default:
      return encode(COMPARISON_TAGS[filter.kind], encodeOctets(filter.attribute), encodeOctets(filter.value));
  }
}

function encodeSubstring(filter: Extract<Filter, { kind: 'substring' }>): Buffer {
  const parts = filter.any.map((part) => encodeOctets(part, 0x81));
  if (filter.initial) parts.unshift(encodeOctets(filter.initial, 0x80));
  if (filter.final) parts.push(encodeOctets(filter.final, 0x82));
  return encode(SUBSTRINGS, encodeOctets(filter.attribute), encode(SEQUENCE, ...parts));
}

function encodeExtensible(filter: Extensible): Buffer {
  const parts: Buffer[] = [];
  if (filter.rule !== undefined) parts.push(encodeOctets(filter.rule, 0x81));
  if (filter.attribute !== undefined) parts.push(encodeOctets(filter.attribute, 0x82));
  parts.push(encodeOctets(filter.value, 0x83));
  if (filter.dnAttributes) parts.push(encodeBoolean(true, 0x84));
  return encode(EXTENSIBLE, ...parts);
}
