// A growing file is written out piece by piece: which descriptor is synced when, and that none is closed under a sync.

import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WriteBehind } from '../../../src/storage/write-behind.ts';

/** Those under way, and what ends each. */
const ends = new Map<number, () => void>();
const sync = (descriptor: number, done: () => void): void => void ends.set(descriptor, done);

const PIECE = 64 * 1024;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-write-behind-'));
});

afterEach(() => {
  for (const end of ends.values()) end();
  ends.clear();
  rmSync(folder, { recursive: true, force: true });
});

function openFile(name: string): number {
  return openSync(join(folder, name), 'a');
}

function isOpen(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile();
  } catch {
    return false;
  }
}

it('syncs after a piece, and not again before that has ended', () => {
  const file = openFile('log');
  const writeBehind = new WriteBehind(sync);
  writeBehind.note(file, PIECE - 1);
  expect(ends.size).toBe(0);
  writeBehind.note(file, 1);
  const [end] = ends.values();
  ends.clear();
  writeBehind.note(file, 4 * PIECE);
  expect(ends.size).toBe(0);
  end?.();
  writeBehind.note(file, 1);
  expect([...ends.keys()]).toEqual([file]);
  closeSync(file);
});

it('has one sync at a time in a process, whosever it is', () => {
  const [one, two] = [openFile('one'), openFile('two')];
  const [first, second] = [new WriteBehind(sync), new WriteBehind(sync)];
  first.note(one, PIECE);
  second.note(two, PIECE);
  expect([...ends.keys()]).toEqual([one]);
  ends.get(one)?.();
  second.note(two, 1);
  expect([...ends.keys()]).toEqual([one, two]);
  for (const file of [one, two]) closeSync(file);
});

it('closes a file when its sync has ended, and one without a sync at once', () => {
  const [one, two] = [openFile('one'), openFile('two')];
  const writeBehind = new WriteBehind(sync);
  writeBehind.note(one, PIECE);
  writeBehind.close(one);
  writeBehind.close(two);
  expect([isOpen(one), isOpen(two)]).toEqual([true, false]);
  ends.get(one)?.();
  expect(isOpen(one)).toBe(false);
});
