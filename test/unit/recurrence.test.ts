import { expect, it } from 'vitest';
import { Recurrence } from '../../src/recurrence.ts';
import { HandClock } from '../helpers/hand-clock.ts';

it('looks when asked and when the last look said, one look after the other, and never once closed', async () => {
  const clock = new HandClock();
  const seen: string[] = [];
  const gates: (() => void)[] = [];
  const recurrence = new Recurrence({
    clock,
    look: async () => {
      seen.push('begun');
      await new Promise<void>((resolve) => void gates.push(resolve));
      seen.push('done');
      return 1000;
    },
    failed: () => 0,
  });
  const looks = [recurrence.look(), recurrence.look()];
  await expect.poll(() => gates.length).toBe(1);
  expect(seen).toEqual(['begun']);
  gates.shift()?.();
  await looks[0];
  await expect.poll(() => gates.length).toBe(1);
  gates.shift()?.();
  await looks[1];
  expect(seen).toEqual(['begun', 'done', 'begun', 'done']);
  clock.advance(999);
  expect(seen).toHaveLength(4);
  clock.advance(1);
  await expect.poll(() => gates.length).toBe(1);
  recurrence.close();
  gates.shift()?.();
  await recurrence.look();
  clock.advance(10_000);
  expect(seen).toEqual(['begun', 'done', 'begun', 'done', 'begun', 'done']);
});

it('comes back when a look has failed, as the one who is told says', async () => {
  const clock = new HandClock();
  const told: unknown[] = [];
  let looks = 0;
  const recurrence = new Recurrence({
    clock,
    look: () => {
      looks += 1;
      return Promise.reject(new Error('away'));
    },
    failed: (error) => {
      told.push(error);
      return 30;
    },
  });
  await recurrence.look();
  expect(told).toEqual([new Error('away')]);
  clock.advance(30);
  await expect.poll(() => looks).toBe(2);
  recurrence.close();
});
