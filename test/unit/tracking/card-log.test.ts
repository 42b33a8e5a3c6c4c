import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { CardLog, type LoggedCard } from '../../../src/tracking/card-log.ts';

interface TestCard extends LoggedCard {
  readonly reason: string;
}

const NOW = new Date('2007-12-24T20:00:00Z');
const clock: Clock = { now: () => NOW, elapsedMs: () => 0, offsetMs: 0, speed: 1, schedule: () => () => undefined };
let folder: string;
let cards: CardLog<TestCard>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-cards-'));
  cards = new CardLog({ folder, clock, log: silentLog(), version: '0.1.0' });
});

afterEach(() => {
  cards.close();
  rmSync(folder, { recursive: true, force: true });
});

function card(id: string, reason: string): TestCard {
  return { id, time: NOW.toISOString(), networkMessageId: 'n-1', reason };
}

describe('decision cards', () => {
  it('are found by anything on them', async () => {
    for (const each of [card('1', 'direct-trust'), card('2', 'line\nbreak\u009b'), card('3', 'direct-trust')])
      cards.record(each);
    expect(await cards.find((each) => each.reason === 'direct-trust')).toEqual([
      card('1', 'direct-trust'),
      card('3', 'direct-trust'),
    ]);
    expect(await cards.find(() => true, { newestFirst: true, limit: 2 })).toEqual([
      card('3', 'direct-trust'),
      card('2', 'line\nbreak\u009b'),
    ]);
  });

  it('says in the header of a file how its dates differ from those of the machine, in a laboratory', () => {
    cards.record(card('1', 'x'));
    cards.close();
    expect(readFileSync(join(folder, 'CARD20071224-0001.log'), 'utf8')).not.toContain('#Clock');
    const moved = { ...clock, now: () => new Date('2008-12-24T20:00:00Z'), offsetMs: 366 * 86_400_000, speed: 60 };
    const later = new CardLog({ folder, clock: moved, log: silentLog(), version: '0.1.0' });
    later.record(card('2', 'y'));
    later.close();
    expect(readFileSync(join(folder, 'CARD20081224-0001.log'), 'utf8')).toContain(
      '\n#Clock: moved +366d, at 60 times the speed\n',
    );
  });

  it('passes over lines that are no cards', async () => {
    cards.record(card('1', 'x'));
    appendFileSync(join(folder, 'CARD20071224-0001.log'), 'null\n{"id":1}\n[]\n{"id":"2",\n"text"\n');
    expect(await cards.find(() => true)).toEqual([card('1', 'x')]);
  });
});
