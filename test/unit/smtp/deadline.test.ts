import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadline } from '../../../src/smtp/deadline.ts';

const COMMAND_MS = 5000;

describe('a limit on a phase', () => {
  let deadline: Deadline;
  let expire: ReturnType<typeof vi.fn<() => void>>;

  beforeEach(() => {
    vi.useFakeTimers();
    deadline = new Deadline();
    expire = vi.fn<() => void>();
  });
  afterEach(() => vi.useRealTimers());

  it('is over once, when its time has passed', () => {
    deadline.arm(COMMAND_MS, expire);
    vi.advanceTimersByTime(COMMAND_MS - 1);
    expect(expire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(expire).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(10 * COMMAND_MS);
    expect(expire).toHaveBeenCalledOnce();
  });

  it('is never over for a phase that has ended', () => {
    deadline.arm(COMMAND_MS, expire);
    deadline.clear();
    vi.advanceTimersByTime(10 * COMMAND_MS);
    expect(expire).not.toHaveBeenCalled();
  });

  it.each(['arm', 'refresh'] as const)('counts from the last %s', (way) => {
    deadline.arm(COMMAND_MS, expire);
    vi.advanceTimersByTime(COMMAND_MS - 1);
    if (way === 'arm') deadline.arm(COMMAND_MS, expire);
    else deadline.refresh();
    vi.advanceTimersByTime(COMMAND_MS - 1);
    expect(expire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(expire).toHaveBeenCalledOnce();
  });

  it('holds for a short phase after a long one, cleared or not', () => {
    deadline.arm(10 * COMMAND_MS, () => expect.unreachable('the long one is over'));
    deadline.clear();
    deadline.arm(COMMAND_MS, expire);
    vi.advanceTimersByTime(COMMAND_MS);
    expect(expire).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(10 * COMMAND_MS);
    expect(expire).toHaveBeenCalledOnce();
  });

  it('may be armed anew when it is over', () => {
    deadline.arm(COMMAND_MS, () => deadline.arm(COMMAND_MS, expire));
    vi.advanceTimersByTime(2 * COMMAND_MS);
    expect(expire).toHaveBeenCalledOnce();
  });

  it('is not begun by a refresh of nothing', () => {
    deadline.refresh();
    deadline.arm(COMMAND_MS, expire);
    deadline.clear();
    deadline.refresh();
    vi.advanceTimersByTime(10 * COMMAND_MS);
    expect(expire).not.toHaveBeenCalled();
  });

  it('keeps one timer for a hundred phases, and leaves none behind at the end', () => {
    for (let phase = 0; phase < 100; phase++) {
      deadline.arm(COMMAND_MS, expire);
      deadline.clear();
    }
    expect(vi.getTimerCount()).toBe(1);
    deadline.end();
    expect(vi.getTimerCount()).toBe(0);
  });
});
