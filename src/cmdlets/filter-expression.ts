// Exchange's -Filter (OPATH): `Status -eq 'Retry' -and MessageCount -gt 10`. Comparisons joined by -and and -or, where -and
// binds tighter, turned round by -not or !, grouped by parentheses; names, operators and texts in any letter case. Pure. What
// can be compared, and how, the cmdlet declares, so a filter that makes no sense is refused even where there is nothing to
// compare with.

import { Problem } from '../problem.ts';
import { type PropertyKind, readComparison } from './filter-value.ts';
import { type FilterWord, isWord, quoteWord, refuseAt, splitFilter } from './filter-word.ts';
import type { OutputRecord } from './output.ts';
import { didYouMean } from './suggestion.ts';

/** The properties that a filter may name. */
export type FilterProperties = Readonly<Record<string, PropertyKind>>;

export type RecordFilter = (record: OutputRecord) => boolean;

/** So many parentheses and -not inside each other. */
const MAX_DEPTH = 50;

/** The filter that `text` describes, with or without PowerShell's braces around it; throws Problem `bad-filter` or `bad-value`. */
export function parseFilterExpression(text: string, properties: FilterProperties): RecordFilter {
  const reader = new FilterReader(splitFilter(text), properties);
  return reader.readWhole();
}

class FilterReader {
  readonly #words: readonly FilterWord[];
  readonly #properties: FilterProperties;
  #position = 0;
  #depth = 0;

  constructor(words: readonly FilterWord[], properties: FilterProperties) {
    this.#words = words;
    this.#properties = properties;
  }

  readWhole(): RecordFilter {
    const filter = this.#readOr();
    const rest = this.#peek();
    if (rest === undefined) return filter;
    if (isWord(rest, ')')) throw refuseAt(rest, 'a parenthesis is closed and was not opened');
    throw refuseAt(rest, `comparisons are joined by -and or -or, not by ${quoteWord(rest)}`);
  }

  #readOr(): RecordFilter {
    const parts = this.#readJoined('-or', () => this.#readAnd());
    return parts.length === 1 ? first(parts) : (record) => parts.some((part) => part(record));
  }

  #readAnd(): RecordFilter {
    const parts = this.#readJoined('-and', () => this.#readNot());
    return parts.length === 1 ? first(parts) : (record) => parts.every((part) => part(record));
  }

  #readJoined(joint: string, readPart: () => RecordFilter): RecordFilter[] {
    const parts = [readPart()];
    while (isWord(this.#peek(), joint)) {
      this.#position += 1;
      parts.push(readPart());
    }
    return parts;
  }

  #readNot(): RecordFilter {
    const word = this.#peek();
    if (word === undefined || !isWord(word, '-not', '!', '(')) return this.#readComparison();
    this.#position += 1;
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw refuseAt(word, `parentheses and -not are nested more than ${MAX_DEPTH} deep`);
    const filter = isWord(word, '(') ? this.#readGroup(word) : negate(this.#readNot());
    this.#depth -= 1;
    return filter;
  }

  #readGroup(opening: FilterWord): RecordFilter {
    const filter = this.#readOr();
    const closing = this.#peek();
    if (closing === undefined) throw refuseAt(opening, 'a parenthesis is opened and not closed');
    if (!isWord(closing, ')')) {
      throw refuseAt(closing, `comparisons are joined by -and or -or, not by ${quoteWord(closing)}`);
    }
    this.#position += 1;
    return filter;
  }

  #readComparison(): RecordFilter {
    const [property, operator, value] = this.#words.slice(this.#position, this.#position + 3);
    if (property === undefined || isWord(property, ')', '-and', '-or')) throw this.#refuseMissing(property);
    const name = findProperty(property, this.#properties);
    const test = readComparison(name, this.#properties[name] ?? 'text', { property, operator, value });
    this.#position += 3;
    return (record) => test(record[name]);
  }

  #refuseMissing(word: FilterWord | undefined): Problem {
    const reason = "a comparison is missing; write it as Property -eq 'value'";
    const last = word ?? this.#words.at(-1);
    return last ? refuseAt(last, reason) : new Problem('bad-filter', `-Filter: ${reason}`);
  }

  #peek(): FilterWord | undefined {
    return this.#words[this.#position];
  }
}

function first(parts: readonly RecordFilter[]): RecordFilter {
  return parts[0] as RecordFilter;
}

function negate(filter: RecordFilter): RecordFilter {
  return (record) => !filter(record);
}

/** The declared spelling of a property's name. */
function findProperty(word: FilterWord, properties: FilterProperties): string {
  const names = Object.keys(properties);
  const found = names.find((name) => !word.isQuoted && name.toLowerCase() === word.text.toLowerCase());
  if (found !== undefined) return found;
  throw refuseAt(
    word,
    `${quoteWord(word)} is not one of the properties ${names.join(', ')}${didYouMean(word.text, names)}`,
  );
}
