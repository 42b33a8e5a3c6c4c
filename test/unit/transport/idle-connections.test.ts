import { describe, expect, it } from 'vitest';
import { IdleConnections } from '../../../src/transport/idle-connections.ts';

describe('IdleConnections', () => {
  it('wakes those that became idle last, and only so many', async () => {
    const idle = new IdleConnections();
    const woken: string[] = [];
    const waits = ['first', 'second', 'third'].map(async (name) => {
      if (await idle.wait(2000)) woken.push(name);
    });
    idle.wake(2);
    expect(idle.count).toBe(1);
    await Promise.all(waits.slice(1));
    expect(woken).toEqual(['third', 'second']);
    idle.dismiss();
    await waits[0];
    expect([woken.length, idle.count]).toEqual([2, 0]);
  });

  it('lets go of one that nobody needs', async () => {
    const idle = new IdleConnections();
    expect(await idle.wait(2000)).toBe(false);
    expect(idle.count).toBe(0);
  });
});
