import { expect, it } from 'vitest';
import type { OutputRecord } from '../../../src/cmdlets/output.ts';
import { drawScreen, type Look, summarise } from '../../../src/shell/top-screen.ts';

function card(id: string, changes: OutputRecord = {}): OutputRecord {
  return {
    Time: new Date(`2026-01-01T00:00:0${id}Z`),
    Side: 'receiver',
    Outcome: 'accepted',
    Channel: 'TLS',
    Reason: 'direct-trust',
    Peer: 'hub01.corp.test',
    MessageId: `<${id}@x>`,
    Card: { id },
    ...changes,
  };
}

const QUEUES: readonly OutputRecord[] = [
  { Identity: 'HUB01\\1', Status: 'Ready', MessageCount: 0, NextHopDomain: 'a', LastError: '' },
  { Identity: 'HUB01\\2', Status: 'Retry', MessageCount: 7, NextHopDomain: 'b\u001b[2J', LastError: '421 no' },
];
const COUNTERS: readonly OutputRecord[] = [
  { Counter: 'relaypair_resource_pressure', Value: 0 },
  { Counter: 'relaypair_resource_pressure', Value: 1 },
  { Counter: 'relaypair_connections', Labels: ['direction=in'], Value: 4 },
];

function look(atMs: number, cards: readonly OutputRecord[]): Look {
  return {
    atMs,
    servers: [{ role: 'hub', queues: QUEUES, cards, counters: COUNTERS, clock: { Clock: '+400d' } }],
    missing: ['the Edge says nothing'],
  };
}

const BEFORE = look(1000, [card('1')]);
const NOW = look(3000, [
  card('3', { Outcome: 'deferred', Side: 'sender', Channel: 'none', Reason: 'connection-failed' }),
  card('2'),
  card('1'),
]);

it('counts what came between two looks, and nothing at the first', () => {
  expect(summarise(NOW, BEFORE)).toEqual([
    {
      Server: 'Hub',
      Accepted: 0.5,
      Refused: 0,
      Delivered: 0,
      Deferred: 0.5,
      Failed: 0,
      In: 4,
      Out: null,
      Waiting: 7,
      Pressure: 'Medium',
      Clock: '+400d',
    },
  ]);
  expect(summarise(NOW, undefined)[0]).toMatchObject({ Accepted: null, In: 4, Waiting: 7 });
});

it('shows queues with mail, reasons by their number, and the last hops first', () => {
  const lines = drawScreen(NOW, BEFORE, { columns: 120, rows: 40 });
  expect(lines[0]).toBe('the Edge says nothing');
  expect(lines.some((line) => line.startsWith('HUB01\\1'))).toBe(false);
  expect(lines.find((line) => line.startsWith('HUB01\\2'))).toMatch(/Retry +7 b\\x1b\[2J +421 no$/);
  expect(lines.find((line) => line.startsWith('Hub    receiver'))).toMatch(/accepted TLS +direct-trust +2$/);
  expect(lines.findIndex((line) => line.includes('<3@x>'))).toBeLessThan(
    lines.findIndex((line) => line.includes('<2@x>')),
  );
});

it('has room for every part on a small screen', () => {
  const cards = Array.from({ length: 40 }, (_, index) => card(String(index % 10), { Reason: `reason-${index}` }));
  const lines = drawScreen(look(1000, cards), undefined, { columns: 80, rows: 21 });
  const [first, ...hops] = lines.slice(lines.indexOf('Last hops') + 3);
  expect(first).toMatch(/^00:00:0\d +Hub /);
  expect(hops.length).toBeGreaterThan(1);
  expect(lines.some((line) => line.startsWith('Server Accepted Refused Delivered Deferred Failed In Out'))).toBe(true);
});

it('never leaves the screen', () => {
  const lines = drawScreen(NOW, BEFORE, { columns: 50, rows: 9 });
  expect(lines).toHaveLength(9);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(50);
});

it('says that there is nothing', () => {
  const empty: Look = {
    atMs: 0,
    servers: [{ role: 'edge', queues: [], cards: [], counters: [], clock: { Clock: 'not moved' } }],
    missing: [],
  };
  expect(drawScreen(empty, undefined, { columns: 80, rows: 30 })).toContain('  none');
});
