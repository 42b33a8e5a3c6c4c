import { beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../../helpers/wait.ts';
import { Turns } from '../../../src/smtp/turns.ts';

/** Keeps the loop busy, as commands do. */
function work(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

describe('turns', () => {
  let turns: Turns;
  beforeEach(() => {
    turns = new Turns();
  });

  it('leave the loop to others between them, do small things first, and everything in the end', async () => {
    const done: string[] = [];
    for (let each = 0; each < 20; each += 1)
      turns.postpone(() => {
        work(3);
        done.push('large');
      }, false);
    turns.postpone(() => done.push('small'), true);
    let loops = 0;
    const count = (): void => {
      loops += 1;
      if (done.length < 21) setImmediate(count);
    };
    count();
    await waitUntil('all is done', () => done.length === 21);
    expect(done[0]).toBe('small');
    // Each of the large ones takes longer than a turn: no two of them share one.
    expect(loops).toBeGreaterThanOrEqual(20);
  });

  it('have no time left once it is used up, and have again when the loop has come round', async () => {
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(turns.hasTime()).toBe(true);
    work(10);
    expect(turns.hasTime()).toBe(false);
    await waitUntil('a new turn', () => turns.hasTime());
  });
});
