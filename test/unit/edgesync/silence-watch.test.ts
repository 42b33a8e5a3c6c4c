import { describe, expect, it } from 'vitest';
import { SILENCE_MS, watchSilence } from '../../../src/edgesync/silence-watch.ts';
import type { ServerEvent } from '../../../src/tracking/events.ts';
import { HandClock } from '../../helpers/hand-clock.ts';

const HOUR_MS = 3_600_000;

function watch(startMs = 0) {
  const clock = new HandClock();
  const recorded: ServerEvent[] = [];
  let last: Date | undefined = new Date(clock.now().getTime() + startMs);
  const cancel = watchSilence({
    clock,
    events: { record: (event) => void recorded.push(event) },
    lastRound: () => last,
    hubs: () => ['HUB01', 'HUB02'],
  });
  return { clock, recorded, cancel, setLast: (date: Date | undefined) => (last = date) };
}

describe('an Edge that no hub synchronizes', () => {
  it('says so after a day, with the hubs that it knows, and again each hour', () => {
    const { clock, recorded } = watch();
    clock.advance(SILENCE_MS - 1);
    expect(recorded).toEqual([]);
    clock.advance(1);
    expect(recorded.map(({ message }) => message)).toEqual([expect.stringContaining('HUB01, HUB02')]);
    clock.advance(HOUR_MS);
    expect(recorded.map(({ key }) => key)).toEqual([recorded[0]?.key, recorded[0]?.key]);
  });

  it('says so at its start when the day was over before', () => {
    expect(watch(-SILENCE_MS).recorded).toHaveLength(1);
  });

  it('says nothing while rounds come, nor when it is not subscribed, nor after it was stopped', () => {
    const { clock, recorded, setLast, cancel } = watch();
    for (let hour = 0; hour < 30; hour++) {
      clock.advance(HOUR_MS);
      setLast(clock.now());
    }
    setLast(undefined);
    clock.advance(2 * SILENCE_MS);
    setLast(new Date(0));
    cancel();
    clock.advance(2 * SILENCE_MS);
    expect([recorded, clock.appointments]).toEqual([[], 0]);
  });
});
