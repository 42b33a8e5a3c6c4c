import { createCipheriv, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BodyFolder } from '../../../src/spool/body-folder.ts';
import { BodyIntake } from '../../../src/spool/body-intake.ts';
import { readBody } from '../../../src/spool/body-reader.ts';
import { Problem } from '../../../src/problem.ts';
import { makeFolder, removeFolder, sha256 } from '../../helpers/spool-fixtures.ts';

/** What AES-GCM makes of it as data that is not encrypted. */
function tagOf(body: Buffer): Buffer {
  const cipher = createCipheriv('aes-128-gcm', 'relaypair body 1', Buffer.alloc(12));
  cipher.setAAD(body);
  cipher.final();
  return cipher.getAuthTag();
}

describe('the folder of bodies', () => {
  let folder: string;
  let bodies: BodyFolder;

  beforeEach(async () => {
    folder = makeFolder();
    bodies = await BodyFolder.open(join(folder, 'bodies'));
  });

  afterEach(async () => {
    await bodies.close();
    removeFolder(folder);
  });

  const intakeOf = (inlineLimitBytes: number, requireRoom = () => undefined) =>
    new BodyIntake(bodies, { inlineLimitBytes, room: { require: requireRoom } });

  async function readWhole(stored: Awaited<ReturnType<BodyIntake['finish']>>): Promise<Buffer> {
    const { sizeBytes, checksum, content = null, fileName = null } = stored;
    const chunks: Buffer[] = [];
    for await (const chunk of readBody({ sizeBytes, checksum, content, fileName }, bodies)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  it.each([
    [0, 1],
    [100, 7],
    [101, 7],
    [1000, 1000],
    [1000, 1],
    [1000, 100],
  ])(
    'gives back a body of %i octets taken in pieces of %i, with its size and checksum',
    async (sizeBytes, pieceBytes) => {
      const body = randomBytes(sizeBytes);
      const intake = intakeOf(100);
      for (let at = 0; at < sizeBytes; at += pieceBytes) await intake.write(body.subarray(at, at + pieceBytes));
      const stored = await intake.finish();
      expect(stored.fileName !== undefined).toBe(sizeBytes > 100);
      const checksum = sizeBytes > 100 ? tagOf(body) : Buffer.from(sha256(body), 'hex');
      expect(stored).toMatchObject({ sizeBytes, checksum });
      expect((await readWhole(stored)).equals(body)).toBe(true);
    },
  );

  it('leaves a body that stays in memory as it was when others come after it', async () => {
    const sizes = [40, 90, 200, 300].map((kib) => kib * 1024);
    const bodiesIn = sizes.map((sizeBytes) => randomBytes(sizeBytes));
    const stored = [];
    for (const body of bodiesIn) {
      const intake = intakeOf(256 * 1024);
      for (let at = 0; at < body.length; at += 10_000) await intake.write(body.subarray(at, at + 10_000));
      stored.push(await intake.finish());
    }
    expect(stored.map(({ fileName }) => fileName !== undefined)).toEqual([false, false, false, true]);
    for (const [index, each] of stored.entries())
      expect((await readWhole(each)).equals(bodiesIn[index] ?? each.checksum)).toBe(true);
  });

  it('publishes many files at once', async () => {
    const stored = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const intake = intakeOf(10);
        await intake.write(Buffer.from(`a body with the number ${index}`));
        return intake.finish();
      }),
    );
    expect(readdirSync(join(folder, 'bodies')).toSorted()).toEqual(
      stored.map(({ fileName }) => `${fileName}`).toSorted(),
    );
  });

  it('holds nothing of a body that was discarded, finished or not', async () => {
    const finished = intakeOf(10);
    await finished.write(randomBytes(100));
    await finished.finish();
    const begun = intakeOf(10);
    await begun.write(randomBytes(100));
    expect(readdirSync(join(folder, 'bodies'))).toHaveLength(2);
    await Promise.all([finished.discard(), begun.discard(), intakeOf(10).discard()]);
    await begun.discard();
    expect(readdirSync(join(folder, 'bodies'))).toEqual([]);
  });

  it('takes nothing large when there is no room', async () => {
    const intake = intakeOf(10, () => {
      throw new Problem('spool-unavailable', 'full');
    });
    await intake.write(randomBytes(10));
    await expect(intake.write(randomBytes(1))).rejects.toMatchObject({ code: 'spool-unavailable' });
    expect(readdirSync(join(folder, 'bodies'))).toEqual([]);
  });

  it('lets go of a file when its reader leaves early', async () => {
    const intake = intakeOf(100_000);
    await intake.write(randomBytes(1_000_000));
    const { sizeBytes, checksum, fileName = null } = await intake.finish();
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    for await (const chunk of readBody({ sizeBytes, checksum, content: null, fileName }, bodies)) {
      expect(chunk.length).toBeLessThan(sizeBytes);
      break;
    }
    expect(open()).toBe(before);
  });
});
