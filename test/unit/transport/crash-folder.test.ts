import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CrashFolder } from '../../../src/transport/crash-folder.ts';
import { makeFolder, removeFolder } from '../../helpers/spool-fixtures.ts';

let folder: string;
const opened: CrashFolder[] = [];

beforeEach(() => {
  folder = makeFolder();
});

afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  removeFolder(folder);
});

/** A start of the server. */
function open(): CrashFolder {
  const crashes = new CrashFolder(join(folder, 'crash'));
  opened.push(crashes);
  return crashes;
}

/** What Node writes when the heap runs over. */
function writeReport(path: string, at: string): void {
  const header = { event: 'Allocation failed - JavaScript heap out of memory', dumpEventTimeStamp: at };
  writeFileSync(path, JSON.stringify({ header }));
}

describe('a crash', () => {
  it('that did not happen leaves nothing', () => {
    const first = open();
    first.underWork.begin(7);
    const second = open();
    expect([second.crash, [...second.counts]]).toEqual([undefined, []]);
  });

  it('by an exception is found with its cause and what was under work', () => {
    const first = open();
    const done = first.underWork.begin(1);
    first.underWork.begin(2);
    first.underWork.begin(2);
    first.underWork.begin(3).end(true);
    done.end(false);
    first.note(new TypeError('x is not iterable'));
    const second = open();
    expect(second.crash).toMatchObject({ cause: 'x is not iterable', ids: [2] });
    expect([...second.counts]).toEqual([[2, 1]]);
  });

  it('by a heap that ran over is found by the report and the slots', () => {
    const first = open();
    first.underWork.begin(1).end(true);
    first.underWork.begin(2);
    first.underWork.begin(3);
    writeReport(first.reportPath, '1');
    const second = open();
    expect(second.crash).toMatchObject({ cause: 'Allocation failed - JavaScript heap out of memory', ids: [2, 3] });
  });

  it('is counted for each message, over as many starts as there are', () => {
    for (const [round, ids] of [[1, 2], [2], [2, 3]].entries()) {
      const crashes = open();
      for (const id of ids) crashes.underWork.begin(id);
      writeReport(crashes.reportPath, String(round));
    }
    expect([...open().counts]).toEqual([
      [1, 1],
      [2, 3],
      [3, 1],
    ]);
    expect([...open().counts]).toHaveLength(3);
  });

  it('is counted once, even when the start that counted it was killed before it could clear the traces', () => {
    const first = open();
    first.underWork.begin(2);
    writeReport(first.reportPath, '1');
    open();
    writeReport(first.reportPath, '1');
    const third = open();
    expect([third.crash, [...third.counts]]).toEqual([undefined, [[2, 1]]]);
  });

  it('is not made up from a file that was cut off', () => {
    const first = open();
    first.underWork.begin(2);
    writeFileSync(first.reportPath, '{"header":{"event":"Alloc');
    writeFileSync(join(folder, 'crash', 'counts.json'), '{"last":');
    expect([open().crash, [...open().counts]]).toEqual([undefined, []]);
  });

  it('notes nothing, and throws nothing, where nothing can be written', () => {
    const first = open();
    first.underWork.begin(2);
    rmSync(join(folder, 'crash'), { recursive: true });
    expect(() => first.note(new Error('boom'))).not.toThrow();
    expect(existsSync(join(folder, 'crash'))).toBe(false);
  });

  it('leaves files for the owner alone', () => {
    const first = open();
    first.underWork.begin(2);
    first.note(new Error('boom'));
    const path = join(folder, 'crash');
    expect(statSync(path).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(path)) expect(statSync(join(path, name)).mode & 0o777, name).toBe(0o600);
  });
});
