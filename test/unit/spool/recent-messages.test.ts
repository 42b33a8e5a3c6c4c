import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StoredBody } from '../../../src/spool/body-intake.ts';
import { RecentMessages } from '../../../src/spool/recent-messages.ts';
import type { SpooledMessage } from '../../../src/spool/spool.ts';

const KIB = 1024;

describe('recent messages', () => {
  let recent: RecentMessages;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    recent = new RecentMessages();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  function put(id: number, sizeBytes = 1): void {
    const body: StoredBody = {
      sizeBytes,
      checksum: Buffer.alloc(32),
      content: Buffer.alloc(sizeBytes),
      fileName: undefined,
    };
    recent.put({ id } as SpooledMessage, body);
  }

  function kept(from: number, to: number): number[] {
    const ids = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    return ids.filter((id) => recent.get(id) !== undefined);
  }

  it('are kept with their bodies until they are dropped', () => {
    put(1, 5);
    expect(recent.get(1)).toMatchObject({ message: { id: 1 }, body: { sizeBytes: 5 } });
    recent.dropAll([1, 2]);
    expect(recent.get(1)).toBeUndefined();
  });

  it('that came first are kept when there is no room for more: they leave first', () => {
    for (let id = 1; id <= 40; id++) put(id, 256 * KIB);
    expect(kept(1, 40)).toEqual(kept(1, 32));
    expect(kept(1, 32)).toHaveLength(32);
    recent.drop(3);
    put(41, 256 * KIB);
    expect(kept(38, 41)).toEqual([41]);
  });

  it('are a thousand at most', () => {
    for (let id = 1; id <= 1001; id++) put(id);
    expect(kept(1, 1001)).toHaveLength(1000);
    expect(recent.get(1001)).toBeUndefined();
  });

  it('that have waited for five seconds make room', () => {
    for (let id = 1; id <= 32; id++) put(id, 256 * KIB);
    vi.advanceTimersByTime(5000);
    put(33, 256 * KIB);
    expect(kept(1, 33)).toEqual([33]);
  });
});
