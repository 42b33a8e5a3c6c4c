// The text form of search filters (RFC 4515): reading, strictly by its grammar, and writing. Values are octets; escapes are
// a backslash and two hexadecimal digits, nothing else.

import { Problem } from '../problem.ts';
import { type Filter, MAX_FILTER_DEPTH } from './filter-tree.ts';

const ATTRIBUTE = String.raw`(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)(?:;[A-Za-z0-9-]+)*`;
const ITEM = new RegExp(`(${ATTRIBUTE})(=|>=|<=|~=)`, 'y');
const EXTENSIBLE = new RegExp(`(${ATTRIBUTE})?(:dn)?(?::(${ATTRIBUTE}))?:=`, 'iy');
/** An unescaped `*` is let through here and dealt with where it is allowed. */
const VALUE = /[^()\\\0]*(?:\\[0-9A-Fa-f]{2}[^()\\\0]*)*/y;

const COMPARISONS = {
  '=': 'equal',
  '>=': 'greater-or-equal',
  '<=': 'less-or-equal',
  '~=': 'approximate',
} as const;

/** Reads a filter; throws Problem `bad-filter`. */
export function parseFilter(text: string): Filter {
  const parser = new FilterParser(text.trim());
  return parser.parseWhole();
}

class FilterParser {
  readonly #text: string;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parseWhole(): Filter {
    const filter = this.#parseFilter(0);
    if (this.#offset !== this.#text.length) throw this.#refuse('something follows it');
    return filter;
  }

  #parseFilter(depth: number): Filter {
    if (depth > MAX_FILTER_DEPTH) throw this.#refuse(`it nests more than ${MAX_FILTER_DEPTH} deep`);
    this.#expect('(');
    const filter = this.#parseComponent(depth);
    this.#expect(')');
    return filter;
  }

  #parseComponent(depth: number): Filter {
    const operator = this.#text[this.#offset];
    if (operator === '&' || operator === '|') {
      this.#offset += 1;
      const filters: Filter[] = [];
      while (this.#text[this.#offset] === '(') filters.push(this.#parseFilter(depth + 1));
      return { kind: operator === '&' ? 'and' : 'or', filters };
    }
    if (operator === '!') {
      this.#offset += 1;
      return { kind: 'not', filter: this.#parseFilter(depth + 1) };
    }
    return this.#parseItem();
  }

  #parseItem(): Filter {
    const item = this.#match(ITEM);
    if (!item) return this.#parseExtensible();
    const [, attribute = '', sign = '='] = item;
    const raw = this.#match(VALUE)?.[0] ?? '';
    if (sign === '=' && raw === '*') return { kind: 'present', attribute };
    if (sign === '=' && raw.includes('*')) return this.#makeSubstring(attribute, raw);
    if (raw.includes('*')) throw this.#refuse('a "*" stands where none may');
    return { kind: COMPARISONS[sign as keyof typeof COMPARISONS], attribute, value: unescape(raw) };
  }

  #makeSubstring(attribute: string, raw: string): Filter {
    const parts = raw.split('*').map(unescape);
    const [initial, final] = [parts.shift(), parts.pop()];
    if (parts.some((part) => part.length === 0)) throw this.#refuse('two "*" stand side by side');
    return {
      kind: 'substring',
      attribute,
      any: parts,
      ...(initial?.length ? { initial } : {}),
      ...(final?.length ? { final } : {}),
    };
  }

  #parseExtensible(): Filter {
    const head = this.#match(EXTENSIBLE);
    const [, attribute, dn, rule] = head ?? [];
    if (!head || (attribute === undefined && rule === undefined))
      throw this.#refuse('no "attribute=value" stands there');
    const raw = this.#match(VALUE)?.[0] ?? '';
    if (raw.includes('*')) throw this.#refuse('a "*" stands where none may');
    return {
      kind: 'extensible',
      dnAttributes: dn !== undefined,
      value: unescape(raw),
      ...(attribute === undefined ? {} : { attribute }),
      ...(rule === undefined ? {} : { rule }),
    };
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text);
    this.#offset += found?.[0].length ?? 0;
    return found;
  }

  #expect(character: string): void {
    if (this.#text[this.#offset] !== character) throw this.#refuse(`a "${character}" is missing`);
    this.#offset += 1;
  }

  #refuse(reason: string): Problem {
    return new Problem('bad-filter', `the search filter cannot be read at character ${this.#offset + 1}: ${reason}`);
  }
}

function unescape(raw: string): Buffer {
  if (!raw.includes('\\')) return Buffer.from(raw, 'utf8');
  const pieces = raw.matchAll(/\\(..)|[^\\]+/gs);
  return Buffer.concat(
    Array.from(pieces, ([piece, hex]) => (hex ? Buffer.from(hex, 'hex') : Buffer.from(piece, 'utf8'))),
  );
}

/** Writes a filter so that parseFilter reads the same one. */
export function formatFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return `(${filter.kind === 'and' ? '&' : '|'}${filter.filters.map(formatFilter).join('')})`;
    case 'not':
      return `(!${formatFilter(filter.filter)})`;
    case 'present':
      return `(${filter.attribute}=*)`;
    case 'substring': {
      const parts = [filter.initial ?? Buffer.alloc(0), ...filter.any, filter.final ?? Buffer.alloc(0)];
      return `(${filter.attribute}=${parts.map(escapeFilterValue).join('*')})`;
    }
    case 'extensible': {
      const rule = filter.rule === undefined ? '' : `:${filter.rule}`;
      return `(${filter.attribute ?? ''}${filter.dnAttributes ? ':dn' : ''}${rule}:=${escapeFilterValue(filter.value)})`;
    }
    default:
      return `(${filter.attribute}${SIGNS[filter.kind]}${escapeFilterValue(filter.value)})`;
  }
}

const SIGNS = { equal: '=', 'greater-or-equal': '>=', 'less-or-equal': '<=', approximate: '~=' } as const;

/** A value ready to stand in a filter: all but plain ASCII is escaped, so that any octets survive. */
export function escapeFilterValue(value: Buffer | string): string {
  const octets = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  return Array.from(octets, (octet) =>
    octet > 0x1f && octet < 0x7f && !'()*\\'.includes(String.fromCharCode(octet))
      ? String.fromCharCode(octet)
      : `\\${octet.toString(16).padStart(2, '0')}`,
  ).join('');
}
