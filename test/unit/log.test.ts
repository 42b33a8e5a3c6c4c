// The server's log says when by the server's own clock, and on every line that this clock was moved.

import { expect, it } from 'vitest';
import { SystemClock } from '../../src/clock.ts';
import { openLog } from '../../src/log.ts';

const DAY_MS = 86_400_000;

function lineBy(clock: SystemClock): Record<string, unknown> {
  const lines: string[] = [];
  openLog({ level: 'info', clock, role: 'edge', destination: { write: (line) => void lines.push(line) } }).info('said');
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

it('stamps by a clock that is moved while it runs, and says so', () => {
  const clock = new SystemClock();
  const before = lineBy(clock);
  expect(Math.abs(Date.parse(String(before['time'])) - Date.now())).toBeLessThan(DAY_MS / 2);
  expect(before).not.toHaveProperty('clockOffset');
  clock.move(400 * DAY_MS);
  const after = lineBy(clock);
  expect(Math.abs(Date.parse(String(after['time'])) - Date.now() - 400 * DAY_MS)).toBeLessThan(DAY_MS / 2);
  expect(after).toMatchObject({ clockOffset: '+400d', role: 'edge', msg: 'said' });
});
