// Fault: power cut and failing syncs. The order of writes and syncs before an acknowledgement is read from the kernel by
// strace, and strace lets syncs and writes fail: then there is no acknowledgement, and afterwards the spool works again.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedSpool } from '../../src/spool/embedded-spool.ts';
import { makeFolder, readBody, removeFolder, sha256, spoolOptions } from '../helpers/spool-fixtures.ts';
import { type SpoolProcess, startSpoolProcess } from '../helpers/spool-process.ts';
import { CAN_STRACE, injectFailures, parseCalls, type SystemCall, traceCalls } from '../helpers/strace.ts';

const SMALL = '5000';
const LARGE = '1000000';

/** Position of the last call before `before` that fits; -1 when there is none. */
function lastBefore(calls: readonly SystemCall[], before: number, name: RegExp, target: string): number {
  return calls.slice(0, before).findLastIndex((call) => name.test(call.name) && call.text.includes(target));
}

describe.skipIf(!CAN_STRACE)('embedded spool under strace (needs strace)', () => {
  let folder: string;
  let child: SpoolProcess | undefined;

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(async () => {
    await child?.kill();
    child = undefined;
    removeFolder(folder);
  });

  async function traceOne(size: string): Promise<{ calls: SystemCall[]; acknowledged: number }> {
    const log = join(folder, 'strace.log');
    child = startSpoolProcess(['embedded', folder, 'serve']);
    await child.waitFor('open');
    const detach = await traceCalls(child.pid, 'write,pwrite64,fsync,fdatasync,rename', log);
    child.tell(size);
    await child.waitFor('stored');
    await detach();
    const calls = parseCalls(readFileSync(log, 'utf8'));
    return { calls, acknowledged: calls.findIndex(({ name, text }) => name === 'write' && text.includes('"stored ')) };
  }

  it('syncs the journal between its last write and the acknowledgement of a small message', async () => {
    const { calls, acknowledged } = await traceOne(SMALL);
    const written = lastBefore(calls, acknowledged, /^pwrite64$/, 'spool.db-wal>');
    const synced = lastBefore(calls, acknowledged, /^(fsync|fdatasync)$/, 'spool.db-wal>');
    expect(written).toBeGreaterThan(-1);
    expect(synced).toBeGreaterThan(written);
    expect(acknowledged).toBeGreaterThan(synced);
    // Group commit adds none: one sync for one message.
    const syncs = calls.slice(0, acknowledged).filter(({ name }) => /^(fsync|fdatasync)$/.test(name));
    expect(syncs).toHaveLength(1);
  });

  it('syncs a large body, renames it, syncs its folder, then writes and syncs the row, then acknowledges', async () => {
    const { calls, acknowledged } = await traceOne(LARGE);
    const steps = [
      lastBefore(calls, acknowledged, /^(write|pwrite64)$/, '.part>'),
      lastBefore(calls, acknowledged, /^fdatasync$/, '.part>'),
      lastBefore(calls, acknowledged, /^rename$/, '.body'),
      lastBefore(calls, acknowledged, /^fsync$/, '/bodies>'),
      lastBefore(calls, acknowledged, /^pwrite64$/, 'spool.db-wal>'),
      lastBefore(calls, acknowledged, /^(fsync|fdatasync)$/, 'spool.db-wal>'),
      acknowledged,
    ];
    expect(steps[0]).toBeGreaterThan(-1);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  });

  it.each([
    ['every sync', 'fsync,fdatasync', 'EIO', [SMALL, LARGE]],
    ['syncing body files', 'fdatasync', 'EIO', [LARGE]],
    ['writing', 'pwrite64', 'ENOSPC', [SMALL]],
    ['writing', 'pwrite64', 'EROFS', [SMALL]],
    ['renaming', 'rename', 'EROFS', [LARGE]],
  ])(
    'refuses with spool-unavailable while %s fails (%s: %s), and takes mail again afterwards',
    async (_name, calls, error, sizes) => {
      child = startSpoolProcess(['embedded', folder, 'serve']);
      await child.waitFor('open');
      child.tell(SMALL);
      await child.waitFor('stored');
      const before = child.lines.length;
      const release = await injectFailures(child.pid, calls, error);
      for (const size of sizes) child.tell(size);
      await child.waitForLines(before + sizes.length);
      expect(child.lines.slice(before)).toEqual(sizes.map(() => 'refused spool-unavailable'));
      await release();
      for (const size of [SMALL, LARGE]) child.tell(size);
      await child.waitForLines(before + sizes.length + 2);
      const stored = child.lines.filter((line) => line.startsWith('stored ')).map((line) => line.split(' '));
      expect(stored).toHaveLength(3);

      const second = startSpoolProcess(['embedded', folder, 'open']);
      expect(await second.ended()).toBe(3);
      await child.kill();
      const spool = await EmbeddedSpool.open(spoolOptions(folder));
      const found = await spool.list({ limit: 100 });
      const digests = await Promise.all(found.map(async (message) => sha256(await readBody(spool, message))));
      expect(digests).toEqual(stored.map(([, , , digest]) => digest));
      await spool.close();
    },
  );

  it('does not bring back what it refused when it is killed after a sync that failed', async () => {
    child = startSpoolProcess(['embedded', folder, 'serve']);
    await child.waitFor('open');
    child.tell(SMALL);
    await child.waitFor('stored');
    const release = await injectFailures(child.pid, 'fsync,fdatasync', 'EIO');
    child.tell(SMALL);
    await child.waitFor('refused');
    await child.kill();
    await release();
    const spool = await EmbeddedSpool.open(spoolOptions(folder));
    expect(await spool.count()).toMatchObject({ messages: 1 });
    await spool.close();
  });
});
