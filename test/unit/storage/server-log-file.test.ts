import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServerLogFile, type ServerLogFileOptions } from '../../../src/storage/server-log-file.ts';

const DAY_MS = 86_400_000;

let folder: string;
let path: string;

function open(options: Partial<ServerLogFileOptions> = {}): ServerLogFile {
  return new ServerLogFile({ path, isOwner: true, ...options });
}

const names = (): string[] => readdirSync(folder).toSorted();
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

/** What a file of today is called once it was moved away. */
function movedName(number: number, date = new Date()): string {
  return `hub-${date.toISOString().slice(0, 10).replaceAll('-', '')}-000${number}.log`;
}

/** The day of the test must not change in its midst. */
function noonOf(date: Date): Date {
  return new Date(Math.floor(date.getTime() / DAY_MS) * DAY_MS + DAY_MS / 2);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-log-'));
  path = join(folder, 'hub.log');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the file of the server's log", () => {
  it('is private, and is gone on with after a restart', () => {
    open().write('one\n');
    open().write('two\n');
    expect([names(), read('hub.log'), statSync(path).mode & 0o777]).toEqual([['hub.log'], 'one\ntwo\n', 0o600]);
  });

  it('is moved away before it grows beyond its size, and the oldest go beyond that of all', () => {
    const today = noonOf(new Date());
    const log = open({ maxFileSizeBytes: 10, maxFolderSizeBytes: 30, now: () => today });
    for (const letter of 'abcde') {
      log.write(`${letter.repeat(8)}\n`);
      utimesSync(path, today, today);
    }
    expect(names()).toEqual([...[3, 4].map((number) => movedName(number, today)), 'hub.log']);
    expect(names().map(read)).toEqual(['ccccccccc\n', 'ddddddddd\n', 'eeeeeeeee\n'].map((text) => text.slice(1)));
  });

  it('is moved away when the day has changed, under the day of its last line, and goes when it is old', () => {
    let now = noonOf(new Date());
    const first = now;
    const log = open({ maxAgeMs: 2 * DAY_MS, now: () => now });
    const write = (line: string): void => {
      log.write(line);
      utimesSync(path, now, now);
    };
    write('one\n');
    now = new Date(now.getTime() + DAY_MS);
    write('two\n');
    write('three\n');
    expect(names()).toEqual([movedName(1, first), 'hub.log']);
    expect(names().map(read)).toEqual(['one\n', 'two\nthree\n']);
    now = new Date(now.getTime() + 3 * DAY_MS);
    write('four\n');
    expect(names().map(read)).toEqual(['four\n']);
  });

  it('is made anew when somebody else has moved it, and a worker moves nothing itself', () => {
    const [owner, worker] = [open({ maxFileSizeBytes: 10 }), open({ maxFileSizeBytes: 10, isOwner: false })];
    owner.write('owner 1\n');
    worker.write('worker 1\n');
    expect(names()).toEqual(['hub.log']);
    renameSync(path, join(folder, 'hub.log.1'));
    worker.write('worker 2\n');
    owner.write('x\n');
    expect(names().map(read)).toEqual(['worker 2\nx\n', 'owner 1\nworker 1\n']);
  });

  it('keeps lines while the disk is full, within bounds, and ends nobody', () => {
    symlinkSync('/dev/full', path);
    const log = open();
    log.write('one\n');
    unlinkSync(path);
    log.write('two\n');
    expect(read('hub.log')).toBe('one\ntwo\n');
    const full = open({ path: '/dev/full' });
    for (let index = 0; index < 200; index += 1) full.write(`${'x'.repeat(10_000)}\n`);
  });

  it('that cannot be written is refused in one sentence', () => {
    expect(() => open({ path: join(path, 'x.log') })).not.toThrow();
    expect(() => open({ path: join(path, 'x.log', 'y.log') })).toThrow(/^the log cannot be written into .*y\.log: /);
  });
});
