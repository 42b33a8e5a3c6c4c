// Fault: Test-Spool -Offline on a spool that is damaged in every way: it says so and changes nothing; with -Repair what is whole
// goes on, what is not is set aside or kept beside, however often the repair itself is killed.

import { randomBytes, randomInt } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SPOOL_BACKENDS } from '../../src/spool/backends.ts';
import { EmbeddedSpool } from '../../src/spool/embedded-spool.ts';
import type { SpoolReport } from '../../src/spool/spool.ts';
import {
  makeEnvelope,
  makeFolder,
  readBody,
  removeFolder,
  sha256,
  spoolOptions,
  storeMessage,
} from '../helpers/spool-fixtures.ts';
import { startSpoolProcess } from '../helpers/spool-process.ts';

const KIB = 1024;
const PAGE_BYTES = 4096;

let folder: string;

beforeEach(() => {
  folder = makeFolder();
});

afterEach(() => removeFolder(folder));

function examine(repair: boolean): Promise<SpoolReport> {
  const [backend] = SPOOL_BACKENDS;
  if (!backend) throw new Error('no backend');
  return backend.examine({ ...spoolOptions(folder), repair });
}

/** Stores messages whose subject is the SHA-256 of their body; a few bodies are files. */
async function fill(count: number): Promise<void> {
  const spool = await EmbeddedSpool.open(spoolOptions(folder));
  for (let number = 1; number <= count; number++) {
    const body = randomBytes(number % 10 === 0 ? 300 * KIB : 500 + randomInt(3000));
    await storeMessage(spool, body, makeEnvelope({ subject: sha256(body) }));
  }
  await spool.close();
}

/** The ids of the messages that the spool gives out, each of them octet for octet as it was accepted. */
async function readAll(): Promise<number[]> {
  const spool = await EmbeddedSpool.open(spoolOptions(folder));
  const ids: number[] = [];
  for (const message of await spool.list({ limit: 10_000 })) {
    expect(sha256(await readBody(spool, message))).toBe(message.envelope.subject);
    ids.push(message.id);
  }
  await spool.close();
  return ids;
}

const database = (): string => join(folder, 'spool', 'spool.db');

/** Writes noise over pages of the database, never over the first, which says that it is one. */
function spoilPages(...pages: number[]): void {
  const content = readFileSync(database());
  for (const page of pages) randomBytes(PAGE_BYTES).copy(content, page * PAGE_BYTES);
  writeFileSync(database(), content);
}

/** A page in the middle of what the message table is made of. */
function leafPages(count: number): number[] {
  const pages = statSync(database()).size / PAGE_BYTES;
  return Array.from({ length: count }, () => 10 + randomInt(pages - 10));
}

function snapshot(): string[] {
  return readdirSync(join(folder, 'spool'), { recursive: true })
    .map(String)
    .filter((name) => !/-wal$|-shm$/.test(name))
    .toSorted();
}

describe('Test-Spool -Offline', () => {
  it('finds nothing in a spool that is whole, and there must be one', async () => {
    await expect(examine(false)).rejects.toMatchObject({ code: 'spool-missing' });
    await fill(20);
    const report = await examine(false);
    expect([report.messages, report.findings]).toEqual([20, []]);
  });

  it('is refused while a server has the spool', async () => {
    const spool = await EmbeddedSpool.open(spoolOptions(folder));
    const child = startSpoolProcess(['embedded', folder, 'repair']);
    expect([await child.ended(), child.stderr]).toMatchObject([3, expect.stringMatching(/in use by another process/)]);
    await spool.close();
  });

  it('names every damage and changes nothing, then sets it right', async () => {
    await fill(20);
    const bodies = join(folder, 'spool', 'bodies');
    const [file = ''] = readdirSync(bodies);
    writeFileSync(join(bodies, file), 'too short');
    writeFileSync(join(bodies, `${'1'.repeat(32)}.body`), 'nobody’s');
    writeFileSync(join(bodies, 'readme.txt'), 'foreign');
    const db = new DatabaseSync(database());
    db.exec("UPDATE message SET envelope = x'7b7d' WHERE id = 3; UPDATE message SET body = x'00' WHERE id = 4");
    db.exec("INSERT INTO state VALUES (5, 1, 0, 0, '[]', x'00')");
    db.close();
    const before = snapshot();
    const look = await examine(false);
    expect(look.messages).toBe(16);
    expect(look.findings.map(({ kind }) => kind).toSorted()).toEqual([
      'foreign',
      ...Array(4).fill('message'),
      'orphan',
    ]);
    expect(look.findings.every(({ action }) => action === undefined)).toBe(true);
    expect(snapshot()).toEqual(before);
    const repaired = await examine(true);
    expect(repaired.messages).toBe(16);
    expect(repaired.findings.every(({ action }) => action !== undefined)).toBe(true);
    expect(readdirSync(bodies)).toHaveLength(2);
    expect(await readAll()).toHaveLength(16);
    const again = await examine(true);
    expect(again.findings.map(({ kind }) => kind)).toEqual(Array(4).fill('message'));
  });

  it('makes a damaged database anew and keeps the old one', { timeout: 120_000 }, async () => {
    await fill(200);
    spoilPages(...leafPages(3));
    const look = await examine(false);
    expect(look.findings.length).toBeGreaterThan(0);
    const report = await examine(true);
    const ids = await readAll();
    expect(ids.length).toBe(report.messages);
    // Three pages hold a few messages, or a part of one: never many.
    expect(ids.length).toBeGreaterThan(140);
    const told = new Set(report.findings.filter(({ kind }) => kind === 'message').map(({ entry }) => Number(entry)));
    expect(told.size + ids.length).toBeLessThanOrEqual(200);
    // No id is given again.
    const spool = await EmbeddedSpool.open(spoolOptions(folder));
    expect((await storeMessage(spool, Buffer.from('x'))).id).toBe(201);
    await spool.close();
  });

  it('begins anew beside a file that is no database at all', async () => {
    await fill(20);
    writeFileSync(database(), 'no database '.repeat(1000));
    const report = await examine(true);
    expect(report).toMatchObject({
      messages: 0,
      findings: [
        { kind: 'database', action: 'rebuilt' },
        { kind: 'database', action: expect.stringMatching(/^rebuilt with 0 messages/) as unknown },
      ],
    });
    const kept = join(folder, 'spool', 'spool.db.damaged-1');
    expect(readFileSync(kept, 'utf8')).toMatch(/^no database/);
    // Their rows may be in what was kept.
    expect(readdirSync(join(folder, 'spool', 'damaged'))).toHaveLength(2);
    expect(await readAll()).toEqual([]);
  });

  it('comes to the same end however often it is killed', { timeout: 300_000 }, async () => {
    await fill(150);
    spoilPages(...leafPages(2));
    const intact = join(folder, 'copy');
    cpSync(join(folder, 'spool'), intact, { recursive: true });
    await examine(true);
    const expected = await readAll();
    rmSync(join(folder, 'spool'), { recursive: true });
    cpSync(intact, join(folder, 'spool'), { recursive: true });
    let killed = 0;
    for (let round = 0; round < 60 && killed < 12; round++) {
      const child = startSpoolProcess(['embedded', folder, 'repair']);
      await child.waitFor('starting');
      await delay(randomInt(120));
      if (!child.lines.some((line) => line.startsWith('repaired'))) killed += 1;
      await child.kill();
    }
    expect(killed).toBeGreaterThan(0);
    await examine(true);
    expect(await readAll()).toEqual(expected);
  });
});

describe('a start of the server', () => {
  it('finishes a repair that was killed before the new database was in its place', async () => {
    await fill(30);
    // What is left at that moment: the old one moved away, the new one whole under its first name.
    cpSync(database(), join(folder, 'spool', 'spool.db.rebuilt'));
    rmSync(database());
    expect(await readAll()).toHaveLength(30);
    expect(snapshot()).not.toContain('spool.db.rebuilt');
  });

  it('takes the rebuilt database although the damaged one and its journal are still there', async () => {
    await fill(30);
    cpSync(database(), join(folder, 'spool', 'spool.db.rebuilt'));
    writeFileSync(database(), 'damaged');
    writeFileSync(`${database()}-wal`, 'its journal');
    expect(await readAll()).toHaveLength(30);
    expect(readFileSync(join(folder, 'spool', 'spool.db.damaged-1'), 'utf8')).toBe('damaged');
    expect(readFileSync(join(folder, 'spool', 'spool.db.damaged-1-wal'), 'utf8')).toBe('its journal');
  });
});
