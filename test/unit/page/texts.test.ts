// texts.en.json against the source of the page: every text is said somewhere, none is said that stands elsewhere, and every gap is filled.

import { readdirSync, readFileSync } from 'node:fs';
import { parseSync } from 'vite';
import { describe, expect, it } from 'vitest';
import { say, texts } from '../../../src/page/texts.ts';

const PAGE = new URL('../../../src/page/', import.meta.url);

interface Node {
  readonly type: string;
  readonly [name: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

function* walk(node: Node): Generator<Node> {
  yield node;
  for (const value of Object.values(node))
    for (const each of Array.isArray(value) ? value : [value]) if (isNode(each)) yield* walk(each);
}

const nameOf = (node: unknown): string => String((node as Node)['name'] ?? (node as Node)['value']);

/** One file that says texts: which, by their keys, and what fills the gaps of each. */
class Sayings {
  readonly #aliases = new Map<string, string>([['texts', '']]);
  /** On the way to a text, and where a group gets another name: nothing is said there. */
  readonly #passed = new Set<unknown>();
  /** Keys of texts, and of groups of them of which one is chosen while it runs. */
  readonly said = new Set<string>();
  readonly calls: { readonly key: string; readonly filled: readonly string[] }[] = [];

  constructor(program: Node) {
    const nodes = [...walk(program)];
    for (const node of nodes) if (node.type === 'VariableDeclarator') this.#readAlias(node);
    for (const node of nodes) if (node.type === 'MemberExpression') this.#passed.add(node['object']);
    for (const node of nodes) {
      const key = this.#passed.has(node) ? undefined : this.#keyOf(node);
      if (key !== undefined) this.said.add(key);
      if (node.type === 'CallExpression' && nameOf(node['callee']) === 'say') this.#readCall(node);
    }
  }

  /** `const words = texts.trail` and `const { retry } = texts.actions`. */
  #readAlias({ id, init }: Node): void {
    const key = isNode(init) ? this.#keyOf(init) : undefined;
    if (key === undefined || !isNode(id)) return;
    for (const node of [init, ...walk(id)]) this.#passed.add(node);
    if (id.type === 'Identifier') this.#aliases.set(nameOf(id), key);
    for (const property of (id['properties'] ?? []) as Node[])
      this.#aliases.set(nameOf(property['value']), `${key}.${nameOf(property['key'])}`);
  }

  /** The key of `texts.a.b`; that of the group where the last part is not known before it runs. */
  #keyOf(node: Node): string | undefined {
    if (node.type === 'Identifier') return this.#aliases.get(nameOf(node));
    if (node.type !== 'MemberExpression' || !isNode(node['object'])) return undefined;
    const of = this.#keyOf(node['object']);
    if (of === undefined || node['computed'] === true) return of;
    const part = nameOf(node['property']);
    return of === '' ? part : `${of}.${part}`;
  }

  #readCall(node: Node): void {
    const [sentence, values] = node['arguments'] as [Node, Node];
    const key = this.#keyOf(sentence);
    if (key === undefined) return;
    const filled = (values['properties'] as Node[]).map((property) => nameOf(property['key']));
    this.calls.push({ key, filled: filled.toSorted() });
  }
}

const files = readdirSync(PAGE)
  .filter((name) => /\.tsx?$/.test(name) && name !== 'texts.ts')
  .map((name) => ({ name, source: readFileSync(new URL(name, PAGE), 'utf8') }))
  .map(({ name, source }) => ({ name, source, program: parseSync(name, source).program as unknown as Node }));
const sayings = files
  .filter(({ source }) => source.includes("from './texts.ts'"))
  .map(({ program }) => new Sayings(program));

const isCounted = (value: object): boolean => 'other' in value && 'one' in value;

/** Every text with its key; those that count something are one. */
function* leaves(of: unknown, key: readonly string[] = []): Generator<{ key: string; wordings: readonly string[] }> {
  if (typeof of === 'string') yield { key: key.join('.'), wordings: [of] };
  else if (isCounted(of as object)) yield { key: key.join('.'), wordings: Object.values(of as object) };
  else for (const [name, value] of Object.entries(of as object)) yield* leaves(value, [...key, name]);
}

const all = [...leaves(texts)];
const gapsIn = (wording: string): string[] => [...wording.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
const said = new Set(sayings.flatMap((each) => [...each.said]));
const HEARD = /^(?:aria-label|aria-description|title|placeholder|alt)$/;

/** What stands between tags or in an attribute that is read out; empty where that is made while the page runs. */
function literalTextOf({ type, name, value }: Node): string {
  const literal = type === 'JSXText' ? value : isNode(value) ? value['value'] : undefined;
  const isText = type === 'JSXText' || (type === 'JSXAttribute' && HEARD.test(nameOf(name)));
  return isText && typeof literal === 'string' ? literal : '';
}

/** Said by vite.config.ts, before there is a page. */
const ELSEWHERE = ['noScript'];

describe('the texts of the page', () => {
  it('are all said by the page', () => {
    const isSaid = (key: string): boolean =>
      key.split('.').some((_, index, parts) => said.has(parts.slice(0, index + 1).join('.')));
    expect(sayings.length).toBeGreaterThan(30);
    expect(all.map(({ key }) => key).filter((key) => !isSaid(key) && !ELSEWHERE.includes(key))).toEqual([]);
  });

  it('have their gaps filled, each of them and no others', () => {
    const calls = sayings.flatMap((each) => each.calls);
    expect(calls.length).toBeGreaterThan(40);
    for (const { key, filled } of calls)
      for (const text of all.filter((each) => each.key === key || each.key.startsWith(`${key}.`)))
        for (const wording of text.wordings)
          expect([text.key, [...new Set(gapsIn(wording))].toSorted()]).toEqual([text.key, filled]);
  });

  it('have gaps only where the page fills them', () => {
    const filled = sayings.flatMap((each) => each.calls.map(({ key }) => key));
    const isFilled = (key: string): boolean => filled.some((each) => key === each || key.startsWith(`${each}.`));
    const INDIRECTLY = ['token.needed', 'token.wrong'];
    const open = all.filter(({ key, wordings }) => wordings.some((each) => gapsIn(each).length > 0) && !isFilled(key));
    expect(open.map(({ key }) => key)).toEqual(INDIRECTLY);
  });

  it('are none of them in the source, neither between tags nor for those who hear the page', () => {
    const stray = files.flatMap(({ name, program }) =>
      [...walk(program)]
        .map(literalTextOf)
        .filter((text) => /\p{Letter}{2}/u.test(text))
        .map((text) => `${name}: ${text.trim()}`),
    );
    expect(stray).toEqual([]);
  });
});

describe('a text', () => {
  it.each([
    ['{a} to {b}', { a: 'x', b: 1234 }, 'x to 1,234'],
    [{ one: '{number} day', other: '{number} days' }, { number: 1 }, '1 day'],
    [{ one: '{number} day', other: '{number} days' }, { number: 0 }, '0 days'],
    // What fills a gap is not read again.
    ['{a} {b}', { a: '{b}', b: '$&' }, '{b} $&'],
  ] as const)('%o with %o is said', (sentence, values, expected) => {
    expect(say(sentence, values)).toBe(expected);
  });
});
