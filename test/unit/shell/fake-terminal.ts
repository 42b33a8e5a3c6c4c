// A terminal without a person: what is typed is given beforehand, what is printed is kept.

import { PassThrough, Writable } from 'node:stream';
import type { Terminal } from '../../../src/shell/terminal.ts';

export interface FakeTerminal extends Terminal {
  readonly out: () => string;
  readonly err: () => string;
}

interface FakeOptions {
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What stdin holds before it ends. */
  readonly typed?: string;
  /** Claims that all three streams are a person's terminal, this many columns wide. */
  readonly columns?: number;
}

export function fakeTerminal(options: FakeOptions = {}): FakeTerminal {
  const { folder = '/nowhere', env = {}, typed = '', columns } = options;
  const stdin = new PassThrough();
  stdin.end(typed);
  const out = collector();
  const err = collector();
  const tty = columns === undefined ? {} : { isTTY: true, columns };
  return {
    stdin: Object.assign(stdin, tty),
    stdout: Object.assign(out.stream, tty),
    stderr: Object.assign(err.stream, tty),
    env,
    folder,
    out: out.text,
    err: err.text,
  };
}

function collector(): { stream: Writable; text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream, text: () => text };
}
