// The printed form of the demo: chapters, commands as a person types them, what they answered, and a lock for each hop. A
// lock is never told by its picture or its colour alone. Where the terminal is not known to show UTF-8, ASCII stands in.

import { styleText } from 'node:util';
import { showsUtf8 } from '../locale.ts';

export interface StoryOptions {
  readonly onText: (text: string) => void;
  /** Decides between pictures and ASCII: LC_ALL, LC_CTYPE, LANG, NO_COLOR. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One hop between the two servers, as its lock line tells it. */
export interface Hop {
  readonly isTls: boolean;
  readonly from: string;
  readonly to: string;
  readonly detail: string;
}

const PICTURES = { closed: '🔒', open: '🔓', waiting: '⏳', good: '✓', bad: '✗', more: '…', arrow: '→' };
const LETTERS: typeof PICTURES = {
  closed: '[#]',
  open: '[ ]',
  waiting: '[.]',
  good: 'ok',
  bad: 'NO',
  more: '...',
  arrow: '->',
};
/** Longer lines of output go on in the next one: a story is read, not scrolled sideways. */
const MAX_WIDTH = 112;
const CONTINUATION = '      ';

export class Story {
  readonly #write: (text: string) => void;
  readonly #isPlain: boolean;
  readonly #signs: typeof PICTURES;

  constructor({ onText, env }: StoryOptions) {
    this.#write = onText;
    this.#isPlain = !showsUtf8(env) || (env['NO_COLOR'] ?? '') !== '';
    this.#signs = this.#isPlain ? LETTERS : PICTURES;
  }

  chapter(number: number, title: string): void {
    this.#write('');
    this.#write(styleText('bold', `${number}. ${title}`.trimEnd()));
  }

  title(text: string): void {
    this.#write(styleText('bold', this.#printable(text)));
  }

  /** Prose, broken into lines. */
  paragraph(text: string): void {
    for (const line of wrap(this.#printable(text), MAX_WIDTH)) this.#write(`  ${line}`);
  }

  say(text: string): void {
    this.#write(`  ${this.#printable(text)}`);
  }

  /** `words` as a person would type them after the program's name. */
  command(words: readonly string[]): void {
    this.#write(styleText('cyan', `$ relaypair ${words.map(quoteWord).join(' ')}`));
  }

  /** The same as one line, quoted already. */
  typed(line: string): void {
    this.#write(styleText('cyan', `$ relaypair ${line}`));
  }

  /** What a program answered; lines that `keep` drops are shown as dots. */
  output(text: string, keep: (line: string) => boolean = () => true): void {
    let isCut = false;
    for (const line of text.trimEnd().split('\n')) {
      if (keep(line)) for (const part of this.#fold(this.#printable(line))) this.#write(`  ${part}`);
      else if (!isCut) this.#write(`  ${this.#signs.more}`);
      isCut = !keep(line);
    }
  }

  lock({ isTls, from, to, detail }: Hop): void {
    const { arrow, closed, open } = this.#signs;
    const sign = isTls ? `${closed} TLS     ` : `${open} IN CLEAR`;
    const text = `${sign}  ${from} ${arrow} ${to}  ${this.#printable(detail)}`;
    this.#write(`  ${styleText(isTls ? 'green' : 'yellow', text)}`);
  }

  /** Mail that stays where it is, which is as it should be. */
  waits(text: string): void {
    this.#write(`  ${styleText('yellow', `${this.#signs.waiting} WAITS  ${this.#printable(text)}`)}`);
  }

  /** An expectation that held. */
  held(text: string): void {
    this.#write(`  ${styleText('green', `${this.#signs.good} ${this.#printable(text)}`)}`);
  }

  /** One that did not. */
  broken(text: string): void {
    this.#write(`  ${styleText('red', `${this.#signs.bad} NOT AS EXPECTED: ${this.#printable(text)}`)}`);
  }

  /** At spaces; what has none, such as a line of JSON, is cut. */
  #fold(line: string): string[] {
    const lines: string[] = [];
    let rest = line;
    while (rest.length > MAX_WIDTH) {
      const end = rest.lastIndexOf(' ', MAX_WIDTH);
      if (end <= CONTINUATION.length) break;
      lines.push(rest.slice(0, end));
      rest = `${CONTINUATION}${rest.slice(end + 1)}`;
    }
    return [...lines, rest.length > MAX_WIDTH ? `${rest.slice(0, MAX_WIDTH)}${this.#signs.more}` : rest];
  }

  #printable(text: string): string {
    return this.#isPlain ? text.replaceAll(/[^\x20-\x7e]/gu, '?') : text;
  }
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** As a shell needs it: bare when nothing in it means anything there. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
