import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeClock, describeOffset, SystemClock } from '../../src/clock.ts';
import { HandClock } from '../helpers/hand-clock.ts';

const DAY_MS = 86_400_000;
const START = new Date('2026-01-01T00:00:00.000Z');

describe('SystemClock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: START, toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('shows the date moved by its offset', () => {
    expect(new SystemClock(400 * DAY_MS).now().toISOString()).toBe('2027-02-05T00:00:00.000Z');
    expect(new SystemClock().now()).toEqual(START);
  });

  it('runs a task when its time has come, and not before', () => {
    const task = vi.fn();
    new SystemClock().schedule(1000, task);
    vi.advanceTimersByTime(999);
    expect(task).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(task).toHaveBeenCalledTimes(1);
  });

  it('waits for longer than one timer can', () => {
    const task = vi.fn();
    new SystemClock().schedule(60 * DAY_MS, task);
    vi.advanceTimersByTime(60 * DAY_MS - 1);
    expect(task).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(task).toHaveBeenCalledTimes(1);
  });

  it('runs at once what has become due by a move', () => {
    const clock = new SystemClock();
    const task = vi.fn();
    const later = vi.fn();
    clock.schedule(DAY_MS, task);
    clock.schedule(3 * DAY_MS, later);
    clock.move(2 * DAY_MS);
    vi.advanceTimersByTime(1);
    expect([task.mock.calls.length, later.mock.calls.length, clock.offsetMs]).toEqual([1, 0, 2 * DAY_MS]);
    vi.advanceTimersByTime(DAY_MS);
    expect(later).toHaveBeenCalledTimes(1);
  });

  it('counts a move as time that passed, and not a jump of the system clock', () => {
    const clock = new SystemClock();
    const before = clock.elapsedMs();
    vi.setSystemTime(new Date('2030-01-01T00:00:00Z'));
    expect(clock.elapsedMs()).toBe(before);
    expect(clock.now().getUTCFullYear()).toBe(2030);
    clock.move(1000);
    expect(clock.elapsedMs()).toBe(before + 1000);
  });

  it('runs faster than the machine from the moment that its course names, and rings by its own time', () => {
    const clock = new SystemClock();
    const task = vi.fn();
    clock.schedule(3_600_000, task);
    vi.advanceTimersByTime(2000);
    clock.run({ offsetMs: 0, speed: 3600, since: new Date(START.getTime() + 1500) });
    expect([clock.offsetMs, clock.now().getTime() - START.getTime()]).toEqual([500 * 3599, 2000 + 500 * 3599]);
    vi.advanceTimersByTime(499);
    expect(task).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2);
    expect(task).toHaveBeenCalledTimes(1);
  });

  it('stands still at a speed of 0, and goes on from there', () => {
    const clock = new SystemClock(DAY_MS);
    const task = vi.fn();
    clock.schedule(1000, task);
    clock.run({ offsetMs: DAY_MS, speed: 0, since: new Date() });
    const stood = clock.now();
    vi.advanceTimersByTime(3 * DAY_MS);
    expect([clock.now(), task.mock.calls.length]).toEqual([stood, 0]);
    clock.run({ ...clock.course, speed: 1 });
    vi.advanceTimersByTime(1000);
    expect([clock.now().getTime() - stood.getTime(), task.mock.calls.length]).toEqual([1000, 1]);
  });

  it('does not multiply a jump of the system clock', () => {
    const clock = new SystemClock({ offsetMs: 0, speed: 3600, since: START });
    vi.setSystemTime(new Date(START.getTime() + 1000));
    expect(clock.now().getTime() - START.getTime()).toBe(1000);
  });

  it('shows the same time on two clocks of one course, whenever each heard of it', () => {
    const first = new SystemClock();
    const second = new SystemClock(5000);
    const course = { offsetMs: DAY_MS, speed: 60, since: new Date() };
    first.run(course);
    vi.advanceTimersByTime(700);
    second.run(course);
    vi.advanceTimersByTime(300);
    expect(second.now()).toEqual(first.now());
    expect(first.now().getTime() - START.getTime()).toBe(DAY_MS + 60_000);
  });

  it('tells of each move, to whoever still listens', () => {
    const clock = new SystemClock();
    const offsets: number[] = [];
    const cancel = clock.onMove(() => offsets.push(clock.offsetMs));
    clock.move(1000);
    clock.move(-3000);
    clock.run({ offsetMs: 7, speed: 1, since: new Date() });
    cancel();
    clock.move(5000);
    expect(offsets).toEqual([1000, -2000, 7]);
  });

  it('does not run what was cancelled, and cancels twice without harm', () => {
    const clock = new SystemClock();
    const task = vi.fn();
    const cancel = clock.schedule(10, task);
    cancel();
    cancel();
    clock.move(1000);
    vi.advanceTimersByTime(1000);
    expect(task).not.toHaveBeenCalled();
  });

  it('runs a task that was due in the past soon, not within the call', () => {
    const task = vi.fn();
    new SystemClock().schedule(-5, task);
    expect(task).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(task).toHaveBeenCalledTimes(1);
  });
});

describe('describeOffset', () => {
  it.each([
    [0, undefined],
    [400 * DAY_MS, '+400d'],
    [-DAY_MS, '-1d'],
    [400 * DAY_MS + 7_384_000, '+400d 02:03:04'],
    [-7_200_000, '-0d 02:00:00'],
  ])('says %i ms as %s', (offsetMs, expected) => {
    expect(describeOffset(offsetMs)).toBe(expected);
  });
});

describe('describeClock', () => {
  it.each([
    [0, 1, undefined],
    [400 * DAY_MS, 1, '+400d'],
    [0, 3600, '+0d, at 3600 times the speed'],
    [DAY_MS, 60, '+1d, at 60 times the speed'],
    [DAY_MS, 0, '+1d, standing still'],
  ])('says %i ms at %i as %s', (offsetMs, speed, expected) => {
    expect(describeClock({ offsetMs, speed })).toBe(expected);
  });
});

describe('HandClock', () => {
  it('rings in the order of the times, at those times, and what is scheduled on the way as well', () => {
    const clock = new HandClock(START);
    const rung: [string, number][] = [];
    const note = (name: string) => (): void => void rung.push([name, clock.elapsedMs()]);
    clock.schedule(30, note('third'));
    clock.schedule(10, () => {
      note('first')();
      clock.schedule(10, note('second'));
    });
    clock.schedule(5, note('cancelled'))();
    clock.schedule(50, note('later'));
    clock.advance(40);
    expect(rung).toEqual([
      ['first', 10],
      ['second', 20],
      ['third', 30],
    ]);
    expect([clock.elapsedMs(), clock.now().getTime() - START.getTime(), clock.appointments]).toEqual([40, 40, 1]);
  });

  it('changes the date and lets no time pass when it jumps', () => {
    const clock = new HandClock(START);
    clock.jump(DAY_MS);
    expect([clock.elapsedMs(), clock.now().getTime() - START.getTime()]).toEqual([0, DAY_MS]);
  });
});
