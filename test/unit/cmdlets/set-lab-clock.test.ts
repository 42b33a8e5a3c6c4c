import { describe, expect, it } from 'vitest';
import { setLabClock } from '../../../src/cmdlets/set-lab-clock.ts';
import { SystemClock } from '../../../src/clock.ts';
import type { ServerEvent } from '../../../src/tracking/events.ts';
import type { EventLog } from '../../../src/tracking/event-log.ts';
import { makeContext, runCmdlet } from '../../helpers/cmdlet-context.ts';

const DAY_MS = 86_400_000;

function laboratory() {
  const clock = new SystemClock();
  const recorded: ServerEvent[] = [];
  const events = { record: (event: ServerEvent) => recorded.push(event) } as unknown as EventLog;
  return { clock, recorded, context: makeContext({ clock, labClock: clock, events }) };
}

describe('Set-LabClock', () => {
  it('moves the clock to an offset from the machine, on and back, and says so in an event', async () => {
    const { clock, recorded, context } = laboratory();
    const { records } = await runCmdlet(setLabClock, context, { Offset: '+400d' });
    expect(records).toMatchObject([{ Offset: '+400d' }]);
    expect(clock.offsetMs).toBe(400 * DAY_MS);
    await runCmdlet(setLabClock, context, { Offset: '+30d' });
    expect(clock.offsetMs).toBe(30 * DAY_MS);
    expect(recorded.map(({ symbolicName }) => symbolicName)).toEqual(['ClockMoved', 'ClockMoved']);
  });

  it('rings what has become due on the way', async () => {
    const { clock, context } = laboratory();
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.schedule(10 * DAY_MS, resolve);
    await runCmdlet(setLabClock, context, { Offset: '+30d' });
    await promise;
  });

  it('is refused by a server that serves people', async () => {
    const clock = new SystemClock();
    await expect(runCmdlet(setLabClock, makeContext({ clock }), { Offset: '+1d' })).rejects.toMatchObject({
      code: 'not-a-laboratory',
    });
    expect(clock.offsetMs).toBe(0);
  });
});
