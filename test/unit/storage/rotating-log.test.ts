import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { MAX_LINE_BYTES } from '../../../src/storage/log-lines.ts';
import { RotatingLog, type RotatingLogOptions } from '../../../src/storage/rotating-log.ts';

const DAY_MS = 86_400_000;
const CHRISTMAS = Date.parse('2007-12-24T20:00:00Z');

let folder: string;
let nowMs: number;
const clock: Clock = {
  now: () => new Date(nowMs),
  elapsedMs: () => nowMs,
  offsetMs: 0,
  speed: 1,
  schedule: () => () => undefined,
};
/** Writes each line at once, and says whether it was kept. */
class PromptLog extends RotatingLog {
  keep(line: string): boolean {
    const lost = this.lostLines;
    this.append(line);
    return this.lostLines === lost;
  }
}

const opened: RotatingLog[] = [];

function open(options: Partial<RotatingLogOptions> = {}): PromptLog {
  const log = new PromptLog({ folder, prefix: 'TEST', clock, log: silentLog(), ...options });
  opened.push(log);
  return log;
}

async function read(log: RotatingLog, query: Parameters<RotatingLog['readLines']>[0] = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of log.readLines(query)) lines.push(line);
  return lines;
}

function content(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-log-'));
  nowMs = CHRISTMAS;
});

afterEach(() => {
  for (const log of opened.splice(0)) log.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('files', () => {
  it('makes no file before the first line, then a private one named for the day', () => {
    const log = open({ folder: join(folder, 'inner') });
    expect(readdirSync(join(folder, 'inner'))).toEqual([]);
    expect(log.keep('one')).toBe(true);
    expect(readdirSync(join(folder, 'inner'))).toEqual(['TEST20071224-0001.log']);
    expect(statSync(join(folder, 'inner')).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'inner', 'TEST20071224-0001.log')).mode & 0o777).toBe(0o600);
  });

  it('begins every file with the header and leaves it out when reading', async () => {
    const log = open({
      maxFileSizeBytes: 40,
      header: (begun) => ['#Fields: a', `#Date: ${begun.toISOString().slice(0, 10)}`],
    });
    log.keep('first');
    log.keep('second');
    log.keep('third');
    expect(content('TEST20071224-0001.log')).toBe('#Fields: a\n#Date: 2007-12-24\nfirst\n');
    expect(content('TEST20071224-0002.log')).toBe('#Fields: a\n#Date: 2007-12-24\nsecond\n');
    expect(await read(log)).toEqual(['first', 'second', 'third']);
  });

  it('begins a new file when the day changes in UTC, and returns to the old one when the clock is moved back', async () => {
    const log = open();
    log.keep('one');
    nowMs = Date.parse('2007-12-24T23:59:59.999Z');
    log.keep('two');
    nowMs += 1;
    log.keep('three');
    nowMs = CHRISTMAS;
    log.keep('four');
    expect(content('TEST20071224-0001.log')).toBe('one\ntwo\nfour\n');
    expect(content('TEST20071225-0001.log')).toBe('three\n');
    expect(await read(log)).toEqual(['one', 'two', 'four', 'three']);
  });

  it('goes on with the last file of the day after a restart', () => {
    open({ maxFileSizeBytes: 12 }).keep('aaaaa');
    open({ maxFileSizeBytes: 12 }).keep('bbbbb');
    open({ maxFileSizeBytes: 12 }).keep('ccccc');
    expect(content('TEST20071224-0001.log')).toBe('aaaaa\nbbbbb\n');
    expect(content('TEST20071224-0002.log')).toBe('ccccc\n');
  });

  it('counts on beyond 9999 in the right order', async () => {
    writeFileSync(join(folder, 'TEST20071224-9999.log'), 'old\n');
    const log = open({ maxFileSizeBytes: 4 });
    log.keep('new');
    expect(readdirSync(folder).toSorted()).toEqual(['TEST20071224-10000.log', 'TEST20071224-9999.log']);
    expect(await read(log)).toEqual(['old', 'new']);
  });

  it('leaves files alone that are not its own', async () => {
    const foreign = ['TEST2007-1.log', 'TESTX20071224-0001.log', 'OTHER20071224-0001.log', 'TEST20071224-0001.log.bak'];
    for (const name of foreign) writeFileSync(join(folder, name), 'foreign\n');
    const log = open({ maxFolderSizeBytes: 1 });
    log.keep('mine');
    expect(await read(log)).toEqual(['mine']);
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(foreign));
  });

  it('begins a new file when somebody removed the one it writes', async () => {
    const log = open();
    log.keep('gone');
    rmSync(join(folder, 'TEST20071224-0001.log'));
    log.keep('here');
    expect(await read(log)).toEqual(['here']);
  });
});

describe('lines of one turn', () => {
  const writes: string[] = [];
  let failAfterBytes = Number.POSITIVE_INFINITY;
  const write = (descriptor: number, bytes: Uint8Array, offset: number): number => {
    if (failAfterBytes <= 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const length = Math.min(bytes.length - offset, failAfterBytes);
    failAfterBytes -= length;
    writes.push(Buffer.from(bytes.subarray(offset, offset + length)).toString());
    return writeSync(descriptor, bytes, offset, length);
  };

  beforeEach(() => {
    writes.length = 0;
    failAfterBytes = Number.POSITIVE_INFINITY;
  });

  it('are written in one write, before what is said afterwards', async () => {
    const log = open({ write });
    log.keep('first');
    const said = new Promise<string>((resolve) => {
      queueMicrotask(() => {
        for (const line of ['second', 'third', 'fourth']) log.append(line);
        process.nextTick(() => resolve(content('TEST20071224-0001.log')));
      });
    });
    expect(await said).toBe('first\nsecond\nthird\nfourth\n');
    expect(writes).toEqual(['first\n', 'second\nthird\nfourth\n']);
  });

  it('go on in the next file where they do not fit', async () => {
    const log = open({ maxFileSizeBytes: 12 });
    log.keep('aaaaa');
    for (const line of ['bbbbb', 'ccccc']) log.append(line);
    expect(await read(log)).toEqual(['aaaaa', 'bbbbb', 'ccccc']);
    expect(content('TEST20071224-0002.log')).toBe('ccccc\n');
  });

  it('are each written once, whole or not at all, when the disk fills up among them', async () => {
    const log = open({ write });
    log.keep('first');
    failAfterBytes = 9;
    for (const line of ['second', 'third', 'fourth']) log.append(line);
    expect(log.lostLines).toBe(2);
    failAfterBytes = Number.POSITIVE_INFINITY;
    log.keep('fifth');
    expect(await read(log)).toEqual(['first', 'second', 'fifth']);
  });
});

describe('removal', () => {
  it('removes files of days that are more than thirty days back', () => {
    const log = open();
    for (let day = 0; day <= 32; day += 1) {
      nowMs = CHRISTMAS + day * DAY_MS;
      log.keep('line');
    }
    const names = readdirSync(folder).toSorted();
    expect(names[0]).toBe('TEST20071226-0001.log');
    expect(names).toHaveLength(31);
  });

  it('removes the oldest files until the folder fits, never the current one', () => {
    const log = open({ maxFileSizeBytes: 6, maxFolderSizeBytes: 18 });
    for (const line of ['aaaaa', 'bbbbb', 'ccccc', 'ddddd']) log.keep(line);
    expect(readdirSync(folder).toSorted()).toEqual([2, 3, 4].map((number) => `TEST20071224-000${number}.log`));
    const tiny = open({ prefix: 'TINY', maxFolderSizeBytes: 1 });
    tiny.keep('stays');
    expect(content('TINY20071224-0001.log')).toBe('stays\n');
  });

  it('never removes the current file when the clock was moved back behind all others', () => {
    for (const day of ['20090101', '20090102']) writeFileSync(join(folder, `TEST${day}-0001.log`), 'x'.repeat(100));
    const log = open({ maxFolderSizeBytes: 150, maxFileSizeBytes: 40 });
    log.keep('now');
    expect(readdirSync(folder).toSorted()).toEqual(['TEST20071224-0001.log', 'TEST20090102-0001.log']);
  });
});

describe('reading', () => {
  it('reads newest first over several files', async () => {
    const log = open({ maxFileSizeBytes: 8 });
    for (const line of ['one', 'two', 'three', 'four']) log.keep(line);
    expect(await read(log, { newestFirst: true })).toEqual(['four', 'three', 'two', 'one']);
  });

  it('leaves out whole days outside the dates asked for', async () => {
    const log = open();
    for (const day of [0, 1, 2, 3]) {
      nowMs = CHRISTMAS + day * DAY_MS;
      log.keep(`day ${day}`);
    }
    const from = new Date(CHRISTMAS + DAY_MS);
    const until = new Date(CHRISTMAS + 2 * DAY_MS);
    expect(await read(log, { from, until })).toEqual(['day 1', 'day 2']);
    expect(await read(log, { from, newestFirst: true })).toEqual(['day 3', 'day 2', 'day 1']);
  });

  it('hands out the same lines forwards and backwards, whatever their lengths', async () => {
    const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 65_500, max: 65_600 })), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(lengths, fc.boolean(), async (sizes, isTorn) => {
        const inner = mkdtempSync(join(folder, 'case-'));
        const log = open({ folder: inner });
        const lines = sizes.map((size, index) => `${index}`.padEnd(size, 'é').slice(0, size));
        for (const line of lines) log.keep(line);
        if (isTorn) appendFileSync(join(inner, 'TEST20071224-0001.log'), 'torn');
        expect(await read(log)).toEqual(lines);
        expect(await read(log, { newestFirst: true })).toEqual(lines.toReversed());
      }),
      { numRuns: 30 },
    );
  });

  it('skips a line beyond all limits and hands out its neighbours', async () => {
    writeFileSync(join(folder, 'TEST20071224-0001.log'), `before\n${'x'.repeat(MAX_LINE_BYTES + 200_000)}\nafter\n`);
    const log = open();
    expect(await read(log)).toEqual(['before', 'after']);
    expect(await read(log, { newestFirst: true })).toEqual(['after', 'before']);
  });

  it('stops reading the file when the reader stops', async () => {
    const log = open();
    for (let index = 0; index < 1000; index += 1) log.keep(`${index}`);
    const openBefore = readdirSync('/proc/self/fd').length;
    for await (const line of log.readLines({ newestFirst: true })) {
      expect(readdirSync('/proc/self/fd')).toHaveLength(openBefore + 1);
      expect(line).toBe('999');
      break;
    }
    expect(readdirSync('/proc/self/fd')).toHaveLength(openBefore);
  });

  it('survives a file that is removed between listing and reading', async () => {
    const log = open({ maxFileSizeBytes: 4 });
    for (const line of ['one', 'two']) log.keep(line);
    const lines = log.readLines();
    expect((await lines.next()).value).toBe('one');
    rmSync(join(folder, 'TEST20071224-0002.log'));
    expect((await lines.next()).done).toBe(true);
  });
});

describe('crash and full disk', () => {
  it('skips a torn last line, and the next line starts clean', async () => {
    open().keep('whole');
    appendFileSync(join(folder, 'TEST20071224-0001.log'), 'half a li');
    const log = open();
    expect(await read(log)).toEqual(['whole']);
    log.keep('next');
    expect(content('TEST20071224-0001.log')).toBe('whole\nnext\n');
  });

  it('writes the header again when the crash cut it short', () => {
    writeFileSync(join(folder, 'TEST20071224-0001.log'), '#Software: x\n#Fie');
    open({ header: () => ['#Software: x', '#Fields: a'] }).keep('line');
    expect(content('TEST20071224-0001.log')).toBe('#Software: x\n#Fields: a\nline\n');
  });

  it('keeps lines of a file whose header was shorter than the one of today', () => {
    writeFileSync(join(folder, 'TEST20071224-0001.log'), '#F\nold\ntorn');
    open({ header: () => ['#a much longer header'] }).keep('new');
    expect(content('TEST20071224-0001.log')).toBe('#F\nold\nnew\n');
  });

  it('counts lost lines, tells the log once, and goes on by itself when there is room again', async () => {
    const reports: string[] = [];
    const told = pino({ level: 'info' }, { write: (text: string) => void reports.push(text) });
    let roomBytes = 9;
    const write = (descriptor: number, bytes: Uint8Array, offset: number): number => {
      if (roomBytes === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      const length = Math.min(roomBytes, bytes.length - offset);
      roomBytes -= length;
      return writeSync(descriptor, bytes, offset, length);
    };
    const log = open({ write, log: told });
    expect(['first', 'second', 'third'].map((line) => log.keep(line))).toEqual([true, false, false]);
    expect(log.lostLines).toBe(2);
    expect(content('TEST20071224-0001.log')).toBe('first\n');
    expect(reports).toHaveLength(1);
    roomBytes = 1000;
    expect(log.keep('fourth')).toBe(true);
    expect(await read(log)).toEqual(['first', 'fourth']);
    expect(reports).toHaveLength(2);
    expect(JSON.parse(reports[1] ?? '')).toMatchObject({ lostLines: 2 });
  });

  it('loses a line and not the caller when the file cannot be opened', () => {
    mkdirSync(join(folder, 'TEST20071224-0001.log'));
    const log = open();
    expect(log.keep('line')).toBe(false);
    expect(log.lostLines).toBe(1);
  });

  it('makes its folder again when somebody removed it', async () => {
    const inner = join(folder, 'inner');
    const log = open({ folder: inner });
    log.keep('gone');
    rmSync(inner, { recursive: true });
    expect(log.keep('here')).toBe(true);
    expect(await read(log)).toEqual(['here']);
  });

  it('loses a line that is longer than any reader takes', () => {
    const log = open();
    expect(log.keep('x'.repeat(MAX_LINE_BYTES))).toBe(false);
    expect(log.keep('short')).toBe(true);
  });

  it('keeps one line one line, whatever is in it', async () => {
    const log = open();
    log.keep('a\nb\r\nc');
    expect(await read(log)).toEqual(['a b  c']);
  });
});
