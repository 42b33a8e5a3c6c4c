import { describe, expect, it } from 'vitest';
import { type AskServer, moveLabClocks, nextOffset, steerLabClocks } from '../../../src/control/lab-clocks.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('a step of the laboratory', () => {
  it.each([
    ['all the way without a subscription', 0, 400, undefined, 400 * DAY_MS],
    ['an hour past the day a credential is due', 0, 400, 60, 60 * DAY_MS + HOUR_MS],
    ['never longer than 80 days', 0, 400, 200, 80 * DAY_MS],
    ['not past the end', 390, 400, 395.99, 396 * DAY_MS],
    ['backwards at once', 400, 0, 420, 0],
    ['on, although what was due was not done', 100, 400, 90, 180 * DAY_MS],
  ])('goes %s', (_how, at, to, renewal, expected) => {
    const renewalMs = renewal === undefined ? undefined : renewal * DAY_MS;
    const next = nextOffset(at * DAY_MS, to * DAY_MS, renewalMs);
    expect(Math.abs(next - expected)).toBeLessThan(HOUR_MS);
  });

  it('is taken by the Edge and then by the Hub, and followed by a synchronization', async () => {
    const asked: string[] = [];
    let renewal = new Date(Date.now() + 50 * DAY_MS);
    const steps: number[] = [];
    await moveLabClocks(
      (role, cmdlet, parameters) => {
        asked.push([role, cmdlet, ...Object.values(parameters).flat()].join(' '));
        if (cmdlet === 'Start-EdgeSynchronization') renewal = new Date(Date.now() + 130 * DAY_MS);
        const isAsked = cmdlet === 'Get-EdgeSubscription';
        return Promise.resolve({ records: isAsked ? [{ CredentialRenewal: renewal }] : [], failures: [] });
      },
      { fromMs: 0, toMs: 100 * DAY_MS, onStep: (offsetMs) => steps.push(Math.round(offsetMs / DAY_MS)) },
    );
    expect(steps).toEqual([50, 100]);
    const step = ['edge Set-LabClock', 'hub Set-LabClock', 'hub Start-EdgeSynchronization'];
    const names = asked.map((words) => words.split(' ').slice(0, 2).join(' '));
    expect(names.filter((name) => name !== 'hub Get-EdgeSubscription')).toEqual([...step, ...step]);
    expect(asked.at(-2)).toMatch(new RegExp(`^hub Set-LabClock \\+${100 * DAY_MS}ms 1 `));
  });
});

describe('both clocks', () => {
  /** Two servers without a subscription; what each was told, as one line. */
  function pairOn(course: { offsetMs: number; speed: number }): { ask: AskServer; told: string[] } {
    const told: string[] = [];
    const ask: AskServer = (role, cmdlet, parameters) => {
      const machine = new Date();
      if (cmdlet === 'Set-LabClock') told.push([role, ...Object.values(parameters).flat()].join(' '));
      const clock = {
        UtcNow: new Date(machine.getTime() + course.offsetMs),
        MachineUtcNow: machine,
        Speed: course.speed,
      };
      return Promise.resolve({ records: cmdlet === 'Get-LabClock' ? [clock] : [] });
    };
    return { ask, told };
  }

  it('get another speed where they stand, since the same moment', async () => {
    const { ask, told } = pairOn({ offsetMs: DAY_MS, speed: 1 });
    const course = await steerLabClocks(ask, { speed: 60 });
    expect(course).toMatchObject({ offsetMs: DAY_MS, speed: 60 });
    const words = `+${DAY_MS}ms 60 ${course.since.toISOString()}`;
    expect(told).toEqual([`edge ${words}`, `hub ${words}`]);
  });

  it('are moved at the pace of the machine and then run as they did', async () => {
    const { ask, told } = pairOn({ offsetMs: 0, speed: 60 });
    const course = await steerLabClocks(ask, { toMs: DAY_MS });
    expect(course).toMatchObject({ offsetMs: DAY_MS, speed: 60 });
    const speeds = told.map((line) =>
      line
        .split(' ')
        .slice(0, 3)
        .join(' ')
        .replace(/\+\d{1,5}ms/, '+0ms'),
    );
    expect(speeds).toEqual([
      'edge +0ms 1',
      'hub +0ms 1',
      `edge +${DAY_MS}ms 1`,
      `hub +${DAY_MS}ms 1`,
      `edge +${DAY_MS}ms 60`,
      `hub +${DAY_MS}ms 60`,
    ]);
  });
});
