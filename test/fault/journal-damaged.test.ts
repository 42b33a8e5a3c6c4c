// Fault: a bit flips in the journal of the spool's database between a kill and the next start. SQLite reads a journal up to the first
// wrong checksum; that what follows is lost must not go unsaid, and what is left of it must stay. A kill is a copy of
// the folder while the spool is open.

import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../../src/log.ts';
import { EmbeddedSpool } from '../../src/spool/embedded-spool.ts';
import { countUnreadable } from '../../src/spool/journal-damage.ts';
import type { SpoolFinding } from '../../src/spool/spool.ts';
import { examineSpool } from '../../src/spool/spool-examination.ts';
import { keptLog } from '../helpers/kept-log.ts';
import { makeFolder, removeFolder, spoolOptions, storeMessage } from '../helpers/spool-fixtures.ts';

const HEADER_BYTES = 32;
const FRAME_BYTES = 24 + 4096;

describe('a spool whose journal has a damaged place', () => {
  let folder: string;

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(() => removeFolder(folder));

  /** The spool as a kill leaves it: four messages, the last of them with a body file, all in the journal. */
  async function leaveWreck(): Promise<void> {
    const living = join(folder, 'living');
    const spool = await EmbeddedSpool.open(spoolOptions(living));
    for (const body of ['one', 'two', 'three']) await storeMessage(spool, Buffer.from(`${body} and no more`));
    await storeMessage(spool, Buffer.alloc(300_000, 'four'));
    cpSync(living, folder, { recursive: true });
    await spool.close();
    rmSync(living, { recursive: true });
  }

  const journalPath = (): string => join(folder, 'spool', 'spool.db-wal');
  const aside = (): string[] => {
    const path = join(folder, 'spool', 'damaged');
    return existsSync(path) ? readdirSync(path) : [];
  };

  async function start(log?: Log): Promise<number> {
    const spool = await EmbeddedSpool.open({ ...spoolOptions(folder), ...(log && { log }) });
    const { messages } = await spool.count();
    await spool.close();
    return messages;
  }

  async function examine(repair: boolean): Promise<readonly SpoolFinding[]> {
    const options = spoolOptions(folder);
    const { findings } = await examineSpool({ ...options, repair, openSpool: () => EmbeddedSpool.open(options) });
    return findings;
  }

  function flipAt(marker: string): void {
    const octets = readFileSync(journalPath());
    const at = octets.lastIndexOf(marker);
    expect(at).toBeGreaterThan(0);
    octets[at] = (octets[at] ?? 0) ^ 1;
    writeFileSync(journalPath(), octets);
  }

  it('keeps it, says so at each start, and throws no body away until somebody has removed it', async () => {
    await leaveWreck();
    const whole = readFileSync(journalPath());
    flipAt('two and no more');
    const damaged = readFileSync(journalPath());
    expect(damaged.equals(whole)).toBe(false);
    for (let round = 0; round < 2; round += 1) {
      const { log, lines } = keptLog();
      expect(await start(log)).toBeLessThan(4);
      expect(lines.filter((line) => line.includes('spool: a place in the journal'))).toHaveLength(1);
    }
    const [body, journal = '', ...more] = aside().toSorted();
    expect(more).toEqual([]);
    const told = { entry: join(folder, 'spool', 'damaged', journal), kind: 'journal' };
    const spool = await EmbeddedSpool.open(spoolOptions(folder));
    expect(await spool.inspectFiles()).toMatchObject([told]);
    await spool.close();
    for (const repair of [false, true]) expect(await examine(repair)).toMatchObject([told]);

    const orphan = `${'1'.repeat(32)}.body`;
    writeFileSync(join(folder, 'spool', 'bodies', orphan), 'of no message');
    expect(await examine(true)).toMatchObject([told, { kind: 'orphan', action: 'moved to damaged' }]);
    const [moved = ''] = aside().filter((name) => name.endsWith(orphan));
    expect(readFileSync(join(folder, 'spool', 'damaged', moved), 'utf8')).toBe('of no message');
    expect(body).toMatch(/^[0-9a-f]{8}-[0-9a-f]{32}\.body$/);
    expect(readFileSync(join(folder, 'spool', 'damaged', journal)).equals(damaged)).toBe(true);

    rmSync(join(folder, 'spool', 'damaged', journal));
    const { log, lines } = keptLog();
    await start(log);
    expect(lines.filter((line) => line.includes('journal'))).toEqual([]);
  });

  it('says nothing of one that is whole, or whose end was being written', async () => {
    await leaveWreck();
    const whole = readFileSync(journalPath());
    for (let end = whole.length; end > whole.length - 3 * FRAME_BYTES; end -= 512) {
      expect(countUnreadable(whole.subarray(0, end))).toBe(0);
    }
    // A frame over another, of which only the head was written.
    const torn = Buffer.from(whole);
    torn.fill(0, torn.length - 4096);
    expect(countUnreadable(torn)).toBe(0);
    const { log, lines } = keptLog();
    expect(await start(log)).toBe(4);
    expect(lines).toEqual([]);
    expect(aside()).toEqual([]);
  });

  it('finds a bit that flipped in its header', async () => {
    await leaveWreck();
    const whole = readFileSync(journalPath());
    for (let at = 0; at < HEADER_BYTES * 8; at += 1) {
      const octets = Buffer.from(whole);
      octets[at >> 3] = (octets[at >> 3] ?? 0) ^ (1 << (at & 7));
      expect(countUnreadable(octets), `bit ${at}`).toBeGreaterThan(0);
    }
  });

  it('finds a bit that flipped anywhere in it but in its last frame', async () => {
    await leaveWreck();
    const whole = readFileSync(journalPath());
    const frames = Math.floor((whole.length - HEADER_BYTES) / FRAME_BYTES);
    expect(frames).toBeGreaterThan(5);
    for (let frame = 0; frame < frames - 1; frame += 1) {
      // In the page's number, a salt, the checksum's first and second word, and the page.
      for (const offset of [3, 8, 15, 16, 23, 24, 2000, FRAME_BYTES - 1]) {
        const octets = Buffer.from(whole);
        const at = HEADER_BYTES + frame * FRAME_BYTES + offset;
        octets[at] = (octets[at] ?? 0) ^ 4;
        const isLastButOne = frame === frames - 2 && (offset === 16 || offset === 23);
        if (!isLastButOne)
          expect(countUnreadable(octets), `frame ${frame} of ${frames}, octet ${offset}`).toBeGreaterThan(0);
      }
    }
  });
});
