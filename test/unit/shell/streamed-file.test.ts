// A file that a cmdlet reads while it is carried: from the server over the control socket to where the command was typed.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Cmdlet, defineCmdlet } from '../../../src/cmdlets/cmdlet.ts';
import { ControlServer } from '../../../src/control/server.ts';
import { silentLog } from '../../../src/log.ts';
import { Problem } from '../../../src/problem.ts';
import type { Doors } from '../../../src/shell/doors.ts';
import { runShell } from '../../../src/shell/shell.ts';
import { fakeTerminal } from './fake-terminal.ts';

const PIECE = Buffer.alloc(64 * 1024, 0xe9);
const PIECES = 80;

async function* pages(isTorn: boolean): AsyncGenerator<Buffer> {
  for (let page = 0; page < PIECES; page++) {
    if (isTorn && page === PIECES / 2) throw new Problem('torn', 'page 40 is torn');
    yield PIECE;
  }
}

const exportBook: Cmdlet<undefined> = defineCmdlet({
  name: 'Export-Book',
  roles: ['hub'],
  synopsis: 'Copies a book',
  parameters: {
    Identity: { type: 'string', required: true, help: 'Which one' },
    Path: { type: 'outputFile', help: 'Where to' },
  },
  positional: ['Identity'],
  table: [],
  changes: false,
  run: (_context: undefined, { Identity }) => {
    async function* hostile(): AsyncGenerator<Buffer> {
      yield Buffer.from('a\u001b[2Jb\r\nc');
    }
    async function* empty(): AsyncGenerator<Buffer> {}
    const contents: Record<string, () => AsyncIterable<Buffer>> = {
      whole: () => pages(false),
      torn: () => pages(true),
      hostile,
      empty,
    };
    return { records: [], stream: { parameter: 'Path', content: contents[Identity]?.() ?? empty() } };
  },
});

let folder: string;
let server: ControlServer<undefined>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
  mkdirSync(join(folder, 'data'), { mode: 0o700 });
  writeFileSync(join(folder, 'hub.yaml'), '');
  const path = join(folder, 'data', 'control.sock');
  server = await ControlServer.open({ path, cmdlets: [exportBook], context: undefined, log: silentLog() });
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

async function run(words: readonly string[], isTTY = false): Promise<{ code: number; out: Buffer; err: string }> {
  const doors = {
    hubCmdlets: () => Promise.resolve([exportBook]),
    edgeCmdlets: () => Promise.resolve([]),
    socketPathFor: () => join(folder, 'data', 'control.sock'),
  } as unknown as Doors;
  const terminal = fakeTerminal({ folder });
  const written: Buffer[] = [];
  Object.assign(terminal.stdout, {
    isTTY,
    write: (chunk: Buffer | string) => written.push(Buffer.from(chunk)) > 0,
  });
  const code = await runShell(['hub', 'Export-Book', ...words], doors, terminal);
  return { code, out: Buffer.concat(written), err: terminal.err() };
}

it('is written whole, for its owner alone', async () => {
  expect(await run(['whole', '-Path', 'book'])).toMatchObject({ code: 0, err: '' });
  const content = readFileSync(join(folder, 'book'));
  expect([content.length, content.every((octet) => octet === 0xe9)]).toEqual([PIECES * PIECE.length, true]);
  expect(statSync(join(folder, 'book')).mode & 0o777).toBe(0o600);
});

it('is written although it is empty', async () => {
  expect(await run(['empty', '-Path', 'book'])).toMatchObject({ code: 0 });
  expect(readFileSync(join(folder, 'book'))).toHaveLength(0);
});

it('is not there at all when reading fails on the way', async () => {
  const { code, err } = await run(['torn', '-Path', 'book']);
  expect([code, err]).toEqual([1, 'relaypair: page 40 is torn\n']);
  expect(readdirSync(folder).toSorted()).toEqual(['data', 'hub.yaml']);
});

it('does not take the place of another one without -Force', async () => {
  writeFileSync(join(folder, 'book'), 'old');
  expect(await run(['whole', '-Path', 'book'])).toMatchObject({ code: 1 });
  expect(readFileSync(join(folder, 'book'), 'utf8')).toBe('old');
  expect(await run(['empty', '-Path', 'book', '-Force'])).toMatchObject({ code: 0 });
});

it('goes into a pipe as it is, and to a terminal without its control characters', async () => {
  expect((await run(['whole'])).out).toHaveLength(PIECES * PIECE.length);
  expect((await run(['hostile'])).out.toString()).toBe('a\u001b[2Jb\r\nc');
  expect((await run(['hostile'], true)).out.toString()).toBe('a\\x1b[2Jb\nc');
});
