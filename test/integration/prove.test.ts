// `relaypair prove` on a real pair, a short matrix of it: what the rules promise comes, and the report shows it.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/prove/matrix.ts';
import { relaypair, type Ran } from '../helpers/pair.ts';

const EVENTS = ['clean', 'stripped', 'unknown', 'receiver-stale'];
const POLICIES = ['default', 'require'];

describe('a short proof of the pair', () => {
  let folder: string;
  let ran: Ran;
  let report: Report;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
    const choice = [...EVENTS.flatMap((id) => ['--event', id]), ...POLICIES.flatMap((id) => ['--policy', id])];
    ran = await relaypair(['prove', '--report', 'report', ...choice], { cwd: folder });
    report = JSON.parse(readFileSync(join(folder, 'report', 'report.json'), 'utf8')) as Report;
  }, 300_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('ends with 0, since all is as the rules promise', () => {
    expect(ran.stdout).not.toContain('NOT AS PROMISED');
    expect(ran.code).toBe(0);
  });

  it('has a cell for each row and column in both directions, each with its card and its transcript', () => {
    const pair = report.matrices.filter(({ id }) => id.includes('-to-'));
    expect(pair.map(({ id, cells }) => [id, cells.length])).toEqual([
      ['hub-to-edge', EVENTS.length * POLICIES.length],
      ['edge-to-hub', EVENTS.length * POLICIES.length],
    ]);
    for (const { cells } of pair) {
      expect(cells.filter(({ cards }) => cards.length === 0)).toEqual([]);
      expect(cells.filter(({ connections }) => connections.length === 0)).toEqual([]);
    }
  });

  it('finds in the captures what the cards name, and writes one HTML file', () => {
    const captured = report.matrices.flatMap(({ cells }) => cells.flatMap(({ captures }) => captures));
    expect(captured.length).toBeGreaterThan(5);
    for (const file of captured) expect(readFileSync(join(folder, 'report', file)).readUInt32LE(0)).toBe(0x0a0d0d0a);
    const html = readFileSync(join(folder, 'report', 'report.html'), 'utf8');
    expect(html).toContain('downgrade-suspected');
    expect(html).not.toMatch(/<script|https?:/);
  });
});
