import { expect, it } from 'vitest';
import { LagWatch } from '../../../src/directory/lag-watch.ts';

const PATIENCE_MS = 60_000;
const at = (number: number): ReadonlyMap<string, string> => new Map([['001', String(number).padStart(4, '0')]]);

it('says nothing while a change is on its way, and since when it has been waited for when that is too long', () => {
  const watch = new LagWatch(PATIENCE_MS);
  expect(watch.note(at(1), [at(1), at(2)], 1000)).toBeUndefined();
  expect(watch.note(at(1), [at(2)], 61_000)).toBeUndefined();
  expect(watch.note(at(1), [at(2)], 61_001)).toEqual({ sinceMs: 1000 });
  expect(watch.note(at(2), [at(2)], 62_000)).toBeUndefined();
});

it('calls nobody behind who keeps up with others that are always a little ahead', () => {
  const watch = new LagWatch(PATIENCE_MS);
  const found = Array.from({ length: 100 }, (_, n) => watch.note(at(n), [at(n + 1)], n * 30_000));
  expect(found.filter((lag) => lag !== undefined)).toEqual([]);
});

it('finds who reads another directory, and judges nobody who cannot tell', () => {
  const watch = new LagWatch(PATIENCE_MS);
  const elsewhere = new Map([['002', '9999']]);
  watch.note(elsewhere, [at(1)], 0);
  expect(watch.note(elsewhere, [at(5)], 60_001)).toEqual({ sinceMs: 0 });
  expect(watch.note(undefined, [at(5)], 120_000)).toBeUndefined();
  expect(watch.note(at(5), [], 240_000)).toBeUndefined();
});
