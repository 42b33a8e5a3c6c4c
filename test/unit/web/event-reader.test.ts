import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventReader } from '../../../src/web/event-reader.ts';
import { EventRing } from '../../../src/web/event-ring.ts';

class Response extends EventEmitter {
  readonly writes: string[] = [];

  write(text: string): boolean {
    this.writes.push(text);
    return true;
  }
}

function open() {
  const response = new Response();
  const ring = new EventRing({ maxEntries: 1000, maxOctets: 1_000_000, describe: (_kind, line) => line });
  const reader = new EventReader({
    response: response as unknown as ServerResponse,
    ring,
    from: ring.next,
    kinds: new Set(['event'] as const),
    perSecond: 1000,
    onClose: () => undefined,
  });
  const happen = (count: number): void => {
    for (let at = 0; at < count; at += 1) {
      ring.add('event', '{}');
      reader.wake();
    }
  };
  const recordsOf = (text: string | undefined): number => (text ?? '').split('event: event').length - 1;
  return { happen, recorded: () => response.writes.map(recordsOf) };
}

describe('a reader of events', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is told at once of what happens after a while without anything', async () => {
    const { happen, recorded } = open();
    happen(1);
    await vi.advanceTimersByTimeAsync(0);
    expect(recorded()).toEqual([1]);
  });

  it('gets what happens within the next 50 ms in one write', async () => {
    const { happen, recorded } = open();
    for (let at = 0; at < 6; at += 1) {
      happen(1);
      await vi.advanceTimersByTimeAsync(9);
    }
    await vi.advanceTimersByTimeAsync(50);
    expect(recorded()).toEqual([1, 5]);
  });

  it('does not wait between the parts of what it has to catch up with', async () => {
    const { happen, recorded } = open();
    happen(250);
    await vi.advanceTimersByTimeAsync(10);
    expect(recorded()).toEqual([100, 100, 50]);
  });
});
