import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DiskPace } from '../../../src/spool/disk-pace.ts';

describe('the pace of a disk', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  const passing = (ms: number) => () => {
    vi.advanceTimersByTime(ms);
    return 'here';
  };
  const byThreads = () => Promise.resolve('threads');

  it('does on the spot what is quick', async () => {
    const pace = new DiskPace();
    expect(await pace.run(passing(20), byThreads)).toBe('here');
    expect(await pace.run(passing(0), byThreads)).toBe('here');
  });

  it('leaves it to the threads for a while once it was slow, also when it failed', async () => {
    const pace = new DiskPace();
    expect(await pace.run(passing(21), byThreads)).toBe('here');
    expect(await pace.run(passing(0), byThreads)).toBe('threads');
    vi.advanceTimersByTime(5000);
    const failing = () => {
      vi.advanceTimersByTime(300);
      throw new Error('EIO');
    };
    await expect(pace.run(failing, byThreads)).rejects.toThrow('EIO');
    expect(await pace.run(passing(0), byThreads)).toBe('threads');
    vi.advanceTimersByTime(5000);
    expect(await pace.run(passing(0), byThreads)).toBe('here');
  });
});
