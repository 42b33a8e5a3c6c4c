// Three cmdlets over a small shelf of books: one that reads, one that changes and writes a file, one that is asked about.

import type { Cmdlet } from '../../../src/cmdlets/cmdlet.ts';
import { defineCmdlet } from '../../../src/cmdlets/cmdlet.ts';
import { sizeValue, timeSpanValue } from '../../../src/cmdlets/output.ts';
import { Problem } from '../../../src/problem.ts';

interface Book {
  readonly name: string;
  readonly sizeBytes: number;
  readonly tags: readonly string[];
}

/** What the fake server has; `gate` lets a test hold a cmdlet open. */
export interface Shelf {
  readonly books: Book[];
  readonly secrets: string[];
  gate?: Promise<void>;
  lastSignal?: AbortSignal;
}

const getBook = defineCmdlet({
  name: 'Get-Book',
  roles: ['hub', 'edge'],
  synopsis: 'Lists books',
  examples: ['Get-Book Ulysses', 'Get-Book | fl'],
  parameters: {
    Identity: { type: 'string', help: 'Its name' },
    Tag: { type: 'strings', help: 'Only with one of these tags' },
    ResultSize: { type: 'count', help: 'How many at most', default: '1000', minimum: 1 },
    Genre: { type: 'enum', choices: ['Novel', 'Poem'], help: 'What it is' },
  },
  positional: ['Identity'],
  table: ['Name', 'Pages', { header: 'Labels', value: (record) => (record['Tags'] as string[]).length }],
  changes: false,
  async run(shelf: Shelf, { Identity, Tag, ResultSize }, call) {
    call.progress('looking along the shelf');
    shelf.lastSignal = call.signal;
    await shelf.gate;
    const limit: number = ResultSize === 'unlimited' ? Number.POSITIVE_INFINITY : ResultSize;
    const found = shelf.books
      .filter((book) => Identity === undefined || book.name === Identity)
      .filter((book) => Tag === undefined || Tag.some((tag) => book.tags.includes(tag)))
      .slice(0, limit);
    return {
      records: found.map((book) => ({
        Name: book.name,
        Pages: book.sizeBytes / 1000,
        Tags: book.tags,
        Size: sizeValue(book.sizeBytes),
        Lent: timeSpanValue(93_784_000),
        Since: new Date(Date.UTC(2026, 10, 22, 10, 30)),
        Reader: undefined,
        Bound: true,
      })),
    };
  },
});

const newBook = defineCmdlet({
  name: 'New-Book',
  roles: ['hub'],
  synopsis: 'Puts a book on the shelf and writes its slip',
  description: 'The slip is a file that goes into the book. Without it nobody knows whose the book is.',
  parameters: {
    Name: { type: 'string', required: true, help: 'Its name' },
    SlipFile: { type: 'outputFile', required: true, help: 'Where the slip goes' },
    Content: { type: 'inputFile', help: 'What is in it' },
    Password: { type: 'secret', help: 'Opens it' },
    Bound: { type: 'boolean', help: 'Has a cover', default: 'true' },
  },
  table: [],
  changes: true,
  async run(shelf: Shelf, { Name, SlipFile, Content, Password, Bound }) {
    if (shelf.books.some((book) => book.name === Name))
      throw new Problem('book-exists', `"${Name}" is on the shelf already`);
    shelf.books.push({ name: Name, sizeBytes: Content?.content.length ?? 0, tags: [] });
    if (Password !== undefined) shelf.secrets.push(Password);
    return {
      records: [],
      notices: [`${Name} is on the shelf, ${Bound ? 'bound' : 'loose'}; its slip is ${SlipFile}`],
      warnings: Content === undefined ? ['it is empty'] : [],
      files: [{ parameter: 'SlipFile', content: Buffer.from(`slip of ${Name}\n`) }],
    };
  },
});

const removeBook = defineCmdlet({
  name: 'Remove-Book',
  roles: ['hub', 'edge'],
  synopsis: 'Takes a book from the shelf',
  parameters: { Identity: { type: 'string', required: true, help: 'Its name' } },
  positional: ['Identity'],
  table: [],
  changes: true,
  confirm: ({ Identity }) => `Remove ${Identity}?`,
  run(shelf: Shelf, { Identity }) {
    const index = shelf.books.findIndex((book) => book.name === Identity);
    // What a bug looks like from outside.
    if (Identity === 'bug') throw new TypeError('shelf is not iterable, secret=hunter2');
    if (index === -1) throw new Problem('not-found', `there is no book "${Identity}"`);
    shelf.books.splice(index, 1);
    return { records: [] };
  },
});

export const FAKE_CMDLETS: readonly Cmdlet<Shelf>[] = [getBook, newBook, removeBook];

export function stockedShelf(): Shelf {
  return {
    books: [
      { name: 'Ulysses', sizeBytes: 36_700_160, tags: ['long', 'irish'] },
      { name: 'Emma', sizeBytes: 2000, tags: [] },
    ],
    secrets: [],
  };
}
