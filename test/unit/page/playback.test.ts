// The tape of a server, and where a recording stands while it is played.

import { describe, expect, it } from 'vitest';
import { advance, clamp, nextMoment } from '../../../src/page/playback.ts';
import { makeRecording } from '../../../src/page/recording.ts';
import { eventsBetween, Tape, type TapedEvent } from '../../../src/page/tape.ts';

function event(at: number, kind = 'tracking', data = `{"n":${at}}`): TapedEvent {
  return { at, kind, data };
}

describe('a tape', () => {
  it('is empty before anything was told', () => {
    expect(new Tape().events).toEqual([]);
    expect(new Tape().from).toBeUndefined();
  });

  it('keeps the last events, and of what fell off the last word on what is the case', () => {
    const tape = new Tape({ maxEvents: 3, maxLength: 1e6 });
    tape.add([event(1, 'hello'), event(2, 'queues'), event(3), event(4, 'queues')]);
    tape.add([event(5), event(6), event(7)]);
    expect(tape.events.map(({ at, kind }) => [at, kind])).toEqual([
      [1, 'hello'],
      [4, 'queues'],
      [5, 'tracking'],
      [6, 'tracking'],
      [7, 'tracking'],
    ]);
    expect(tape.from).toBe(5);
  });

  it('is bounded by what it holds too', () => {
    const tape = new Tape({ maxEvents: 100, maxLength: 1000 });
    for (let at = 0; at < 50; at += 1) tape.add([event(at, 'tracking', 'x'.repeat(100))]);
    expect(tape.events.map(({ at }) => at)).toEqual([40, 41, 42, 43, 44, 45, 46, 47, 48, 49]);
  });
});

describe('playing', () => {
  const range = { from: 1000, until: 5000 };

  it('goes on by its speed, and stops at the end', () => {
    expect(advance(1000, 100, 1, range)).toBe(1100);
    expect(advance(1000, 100, 16, range)).toBe(2600);
    expect(advance(4900, 1000, 1, range)).toBe(5000);
    expect(advance(2000, -50, 1, range)).toBe(2000);
  });

  it('stays within the recording', () => {
    expect([0, 3000, 9000, Number.NaN].map((at) => clamp(at, range))).toEqual([1000, 3000, 5000, 1000]);
  });

  it('tells of each event once, however its steps fall', () => {
    const events = [event(1000), event(1500), event(1500, 'load'), event(2000)];
    const steps = [Number.NEGATIVE_INFINITY, 1000, 1400, 1500, 1999, 2000, 3000];
    const told = steps.slice(1).flatMap((until, index) => eventsBetween(events, steps[index] ?? 0, until));
    expect(told).toEqual(events);
  });

  it('finds the next message or step, and none behind the last', () => {
    const server = { name: 'E', fqdn: 'e.test', role: 'edge' as const, answers: [] };
    const lines = [{ kind: 'done' as const, at: 4800 }];
    const recorded = makeRecording(range, [{ ...server, events: [event(1200), event(2000, 'load'), event(3000)] }], {
      name: 's',
      title: '',
      about: [],
      lines,
    });
    expect(nextMoment(recorded, 1000)).toBe(2500);
    expect(nextMoment(recorded, 2500)).toBe(4300);
    expect(nextMoment(recorded, 4300)).toBeUndefined();
    expect(nextMoment({ ...recorded, from: 1100 }, 0)).toBe(1100);
  });
});
