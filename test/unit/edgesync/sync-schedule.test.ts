import { describe, expect, it } from 'vitest';
import { SyncSchedule } from '../../../src/edgesync/sync-schedule.ts';
import { HandClock } from '../../helpers/hand-clock.ts';

const INTERVALS = { Configuration: 180_000, Recipients: 300_000 };

/** A schedule whose rounds are over at once, and when they were due: `seconds edge types`. */
function openSchedule() {
  const clock = new HandClock();
  const rounds: string[] = [];
  const schedule: SyncSchedule = new SyncSchedule({
    clock,
    onDue: (due) => {
      for (const [edge, types] of due) {
        rounds.push(`${clock.elapsedMs() / 1000} ${edge} ${types.join('+')}`);
        for (const type of types) schedule.noteRound(edge, type);
      }
    },
  });
  return { clock, rounds, schedule };
}

describe('the schedule', () => {
  it('brings each type at its own interval, counted from the start', () => {
    const { clock, rounds, schedule } = openSchedule();
    schedule.set(['EDGE01'], INTERVALS);
    clock.advance(600_000);
    expect(rounds).toEqual([
      '180 EDGE01 Configuration',
      '300 EDGE01 Recipients',
      '360 EDGE01 Configuration',
      '540 EDGE01 Configuration',
      '600 EDGE01 Recipients',
    ]);
  });

  it('counts anew from a manual round, for that Edge alone', () => {
    const { clock, rounds, schedule } = openSchedule();
    schedule.set(['EDGE01', 'EDGE02'], { ...INTERVALS, Recipients: 86_400_000 });
    clock.advance(100_000);
    schedule.noteRound('EDGE01', 'Configuration');
    clock.advance(200_000);
    expect(rounds).toEqual(['180 EDGE02 Configuration', '280 EDGE01 Configuration']);
  });

  it('does not ring for a round that is still under way', () => {
    const clock = new HandClock();
    let count = 0;
    const schedule = new SyncSchedule({ clock, onDue: () => (count += 1) });
    schedule.set(['EDGE01'], { ...INTERVALS, Recipients: 86_400_000 });
    clock.advance(3_600_000);
    expect(count).toBe(1);
    schedule.noteRound('EDGE01', 'Configuration');
    clock.advance(180_000);
    expect(count).toBe(2);
  });

  it('follows another interval from the last round on, and forgets an Edge that is gone', () => {
    const { clock, rounds, schedule } = openSchedule();
    schedule.set(['EDGE01'], INTERVALS);
    clock.advance(100_000);
    schedule.set(['EDGE01', 'EDGE02'], { Configuration: 60_000, Recipients: 86_400_000 });
    clock.advance(60_000);
    schedule.set(['EDGE02'], { Configuration: 60_000, Recipients: 86_400_000 });
    clock.advance(60_000);
    expect(rounds).toEqual([
      '100 EDGE01 Configuration',
      '160 EDGE01 Configuration',
      '160 EDGE02 Configuration',
      '220 EDGE02 Configuration',
    ]);
  });

  it('is silent once it is stopped', () => {
    const { clock, rounds, schedule } = openSchedule();
    schedule.set(['EDGE01'], INTERVALS);
    schedule.stop();
    schedule.noteRound('EDGE01', 'Configuration');
    clock.advance(3_600_000);
    expect(rounds).toEqual([]);
  });
});
