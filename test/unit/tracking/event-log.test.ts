import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { EventLog, type EventLogOptions, type EventQuery, type EventRecord } from '../../../src/tracking/event-log.ts';
import { createEvent, type ServerEvent } from '../../../src/tracking/events.ts';

const CHRISTMAS = Date.parse('2007-12-24T20:00:00Z');
const HOUR_MS = 3_600_000;
let folder: string;
let nowMs: number;
const clock: Clock = {
  now: () => new Date(nowMs),
  elapsedMs: () => nowMs,
  offsetMs: 0,
  speed: 1,
  schedule: () => () => undefined,
};
let events: EventLog;

function open(options: Partial<EventLogOptions> = {}): EventLog {
  return new EventLog({ folder, clock, log: silentLog(), version: '0.1.0', ...options });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-events-'));
  nowMs = CHRISTMAS;
  events = open();
});

afterEach(() => {
  events.close();
  rmSync(folder, { recursive: true, force: true });
});

function expired(thumbprint: string): ServerEvent {
  return createEvent('InternalTransportCertificateExpired', { thumbprint, notAfter: new Date(CHRISTMAS) });
}

const started = createEvent('ServerStarted', { server: 'HUB01', role: 'hub', version: '0.1.0' });
const mismatch = createEvent('FailedDirectTrustMatch', { server: 'EDGE01', thumbprint: 'AB12' });

describe('recording', () => {
  it('keeps the event with its time and facts', async () => {
    events.record(expired('AB12'));
    expect(await events.read()).toEqual([
      {
        time: new Date(CHRISTMAS),
        id: 12_015,
        source: 'MSExchangeTransport',
        level: 'Warning',
        symbolicName: 'InternalTransportCertificateExpired',
        message: expired('AB12').message,
        facts: { thumbprint: 'AB12', notAfter: '2007-12-24T20:00:00.000Z' },
        suppressed: 0,
      },
    ]);
  });

  it('writes a repeated event once an hour and says how many were left out', async () => {
    for (let minute = 0; minute <= 60; minute += 1) {
      nowMs = CHRISTMAS + minute * 60_000;
      events.record(expired('AB12'));
    }
    const records = await events.read({ newestFirst: false });
    expect(records.map(({ time, suppressed }) => [time.getTime() - CHRISTMAS, suppressed])).toEqual([
      [0, 0],
      [HOUR_MS, 59],
    ]);
  });

  it('takes events of another certificate, or without a key, for new ones', async () => {
    for (const event of [expired('AB12'), expired('CD34'), expired('AB12'), started, started]) events.record(event);
    expect((await events.read({ newestFirst: false })).map((record) => record.id)).toEqual([
      12_015, 12_015, 30_009, 30_009,
    ]);
  });

  it('remembers a bounded number of keys and writes a forgotten one again', async () => {
    for (let index = 0; index <= 1000; index += 1) events.record(expired(`T${index}`));
    events.record(expired('T1000'));
    events.record(expired('T0'));
    expect(await events.read({ limit: 5000 })).toHaveLength(1002);
  });

  it("also writes to the server's log, at the event's level", () => {
    const lines: string[] = [];
    const log = pino({ base: null, timestamp: false }, { write: (text: string) => void lines.push(text) });
    events.close();
    events = open({ log });
    events.record(mismatch);
    events.record(mismatch);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        level: 40,
        event: 10_104,
        source: 'MSExchange EdgeSync',
        symbolicName: 'FailedDirectTrustMatch',
        msg: mismatch.message,
      },
    ]);
  });

  it('tells its listeners until they cancel, and survives one that throws', () => {
    const heard: EventRecord[] = [];
    events.onEvent(() => {
      throw new Error('listener is broken');
    });
    const cancel = events.onEvent((record) => void heard.push(record));
    events.record(mismatch);
    cancel();
    events.record(started);
    expect(heard.map((record) => record.id)).toEqual([10_104]);
  });

  it('tells listeners even when the file cannot be written', () => {
    mkdirSync(join(folder, 'EVENT20071224-0001.log'));
    const heard: number[] = [];
    events.onEvent((record) => void heard.push(record.id));
    events.record(started);
    expect(heard).toEqual([30_009]);
  });
});

describe('reading', () => {
  const cases: readonly [string, EventQuery, readonly number[]][] = [
    ['everything, newest first', {}, [30_009, 10_104, 12_015]],
    ['oldest first', { newestFirst: false }, [12_015, 10_104, 30_009]],
    ['an id', { id: 10_104 }, [10_104]],
    ['a source', { source: 'relaypair' }, [30_009]],
    ['a level', { level: 'Warning' }, [10_104, 12_015]],
    ['after a date', { after: new Date(CHRISTMAS + HOUR_MS) }, [30_009, 10_104]],
    ['before a date', { before: new Date(CHRISTMAS + HOUR_MS) }, [10_104, 12_015]],
    ['a limit', { limit: 1 }, [30_009]],
    ['a limit of none', { limit: 0 }, []],
  ];

  it.each(cases)('finds by %s', async (_, query, ids) => {
    for (const event of [expired('AB12'), mismatch, started]) {
      events.record(event);
      nowMs += HOUR_MS;
    }
    expect((await events.read(query)).map((record) => record.id)).toEqual(ids);
  });

  it('passes over lines that are no events', async () => {
    events.record(started);
    appendFileSync(join(folder, 'EVENT20071224-0001.log'), 'null\n{}\n{"time":"never","id":1,"message":"x"}\n{"id":\n');
    expect(await events.read()).toHaveLength(1);
  });
});
