// Fault: the disk is full. New mail is refused with spool-unavailable, queued mail can still be read and settled, and mail is
// taken again by itself once there is room. On a small tmpfs, which needs root to mount.

import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isProblem } from '../../src/problem.ts';
import { EmbeddedSpool } from '../../src/spool/embedded-spool.ts';
import type { SpooledMessage } from '../../src/spool/spool.ts';
import { claimAll, makeFolder, readBody, removeFolder, spoolOptions, storeMessage } from '../helpers/spool-fixtures.ts';
import { canMount, mountTmpfs, unmount } from '../helpers/tmpfs.ts';

const MIB = 1024 * 1024;

describe.skipIf(!canMount())('an embedded spool on a full disk (needs to mount a tmpfs)', () => {
  let folder: string;
  let spool: EmbeddedSpool;

  beforeEach(() => {
    folder = makeFolder();
    mountTmpfs(folder, '24m');
  });

  afterEach(async () => {
    await spool.close();
    unmount(folder);
    removeFolder(folder);
  });

  async function open(reserveSizeBytes: number): Promise<void> {
    spool = await EmbeddedSpool.open({ ...spoolOptions(folder), reserveSizeBytes });
  }

  /** Stores messages until one is refused; returns what was taken. */
  async function fillUp(sizeBytes: number): Promise<{ message: SpooledMessage; body: Buffer }[]> {
    const taken: { message: SpooledMessage; body: Buffer }[] = [];
    for (;;) {
      const body = randomBytes(sizeBytes);
      try {
        taken.push({ message: await storeMessage(spool, body), body });
      } catch (error) {
        if (!isProblem(error, 'spool-unavailable')) throw error;
        return taken;
      }
    }
  }

  it.each([
    ['small', 100_000],
    ['large', 1_000_000],
  ])('refuses %s messages in time, delivers those it has, and takes mail again', async (_name, sizeBytes) => {
    await open(6 * MIB);
    const taken = await fillUp(sizeBytes);
    expect(taken.length).toBeGreaterThan(5);
    expect(await spool.count()).toMatchObject({ messages: taken.length });
    await claimAll(spool);
    for (const { message, body } of taken) {
      expect((await readBody(spool, message)).equals(body)).toBe(true);
      expect(await spool.settle(message.id, { recipients: [{ index: 0, status: 'relayed' }] })).toBeUndefined();
    }
    expect(await spool.count()).toEqual({ messages: 0, bytes: 0, damaged: 0, poison: 0 });
    // Nobody made room but the spool itself.
    expect((await fillUp(sizeBytes)).length).toBeGreaterThan(5);
  });

  it.each([
    ['small', 200_000],
    ['large', 1_000_000],
  ])(
    'that others filled to the last octet refuses %s messages, loses none, and recovers when there is room',
    async (_name, sizeBytes) => {
      await open(0);
      const before = randomBytes(5000);
      const first = await storeMessage(spool, before);
      mkdirSync(join(folder, 'others'));
      const ballast = join(folder, 'others', 'ballast');
      expect(() => writeFileSync(ballast, Buffer.alloc(30 * MIB))).toThrow('ENOSPC');
      const attempts = await Promise.allSettled([1, 2, 3].map(() => storeMessage(spool, randomBytes(sizeBytes))));
      expect(
        attempts.map((attempt) => attempt.status === 'rejected' && isProblem(attempt.reason, 'spool-unavailable')),
      ).toEqual([true, true, true]);
      expect((await readBody(spool, first)).equals(before)).toBe(true);
      rmSync(ballast);
      await storeMessage(spool, randomBytes(sizeBytes));
      expect(await spool.settle(first.id, { recipients: [{ index: 0, status: 'relayed' }] })).toBeUndefined();
      await spool.close();
      await open(0);
      expect(await spool.count()).toEqual({ messages: 1, bytes: sizeBytes, damaged: 0, poison: 0 });
    },
  );

  it('that others filled to the last octet still settles what it has, in the room that its own journal takes', async () => {
    await open(0);
    const settleAll = (messages: readonly SpooledMessage[]) =>
      Promise.all(messages.map(({ id }) => spool.settle(id, { recipients: [{ index: 0, status: 'relayed' }] })));
    const store = async (count: number) => {
      const stored: SpooledMessage[] = [];
      for (let left = count; left > 0; left--) stored.push(await storeMessage(spool, randomBytes(20_000)));
      await claimAll(spool);
      return stored;
    };
    // Room in the database itself, as in one that has been in use.
    const before = await store(100);
    await spool.close();
    await open(0);
    await claimAll(spool);
    await settleAll(before);
    const waiting = await store(60);
    const ballast = join(folder, 'ballast');
    expect(() => writeFileSync(ballast, Buffer.alloc(30 * MIB))).toThrow('ENOSPC');
    await settleAll(waiting);
    expect(await spool.count()).toEqual({ messages: 0, bytes: 0, damaged: 0, poison: 0 });
  });
});
