import { describe, expect, it } from 'vitest';
import { getLabClock } from '../../../src/cmdlets/get-lab-clock.ts';
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
    expect(records).toMatchObject([{ Clock: '+400d', Speed: 1, IsLaboratory: true }]);
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

  it('has it run faster since a moment of the machine, and leaves out what was not asked for', async () => {
    const { clock, context } = laboratory();
    const since = new Date(Date.now() - 1000).toISOString();
    await runCmdlet(setLabClock, context, { Offset: '+1d', Speed: '3600', Since: since });
    expect(clock.speed).toBe(3600);
    expect(clock.offsetMs).toBeGreaterThanOrEqual(DAY_MS + 3599 * 999);
    const [shown] = (await runCmdlet(getLabClock, context)).records;
    expect(shown).toMatchObject({ Clock: expect.stringMatching(/^\+1d .*, at 3600 times the speed$/), Speed: 3600 });
    await runCmdlet(setLabClock, context, { Speed: '1' });
    expect(clock.offsetMs).toBeGreaterThanOrEqual(DAY_MS + 3599 * 999);
    await runCmdlet(setLabClock, context, { Offset: '+0d' });
    expect([clock.offsetMs, clock.speed]).toEqual([0, 1]);
    expect((await runCmdlet(getLabClock, context)).records).toMatchObject([{ Clock: 'not moved', Speed: 1 }]);
  });

  it.each([
    [{}, 'missing-value'],
    [{ Speed: '2', Since: '2026-01-01' }, 'missing-value'],
    [{ Offset: '+1d', Since: '2999-01-01' }, 'bad-value'],
    [{ Offset: 'soon' }, 'bad-clock'],
    [{ Speed: '-1' }, 'bad-value'],
    [{ Speed: '100001' }, 'bad-value'],
  ])('refuses %o', async (typed, code) => {
    const { clock, recorded, context } = laboratory();
    await expect(async () => runCmdlet(setLabClock, context, typed)).rejects.toMatchObject({ code });
    expect([clock.offsetMs, clock.speed, recorded]).toEqual([0, 1, []]);
  });

  it('is refused by a server that serves people', async () => {
    const clock = new SystemClock();
    await expect(runCmdlet(setLabClock, makeContext({ clock }), { Offset: '+1d' })).rejects.toMatchObject({
      code: 'not-a-laboratory',
    });
    expect(clock.offsetMs).toBe(0);
    const { records } = await runCmdlet(getLabClock, makeContext({ clock }));
    expect(records).toMatchObject([{ Clock: 'not moved', IsLaboratory: false }]);
  });
});
