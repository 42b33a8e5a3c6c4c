// Fault: what is stored is not what was accepted (flipped bits, short, missing or foreign files, links, folders). The damaged
// message is set aside and reported, never sent altered, never dropped; the others go on, and the server starts.

import { randomBytes, randomInt } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isProblem } from '../../src/problem.ts';
import { EmbeddedSpool } from '../../src/spool/embedded-spool.ts';
import type { SpooledMessage } from '../../src/spool/spool.ts';
import {
  claimAll,
  makeEnvelope,
  makeFolder,
  readBody,
  removeFolder,
  sha256,
  spoolOptions,
  storeMessage,
} from '../helpers/spool-fixtures.ts';

/** Flips one bit of the only occurrence of `marker` in a file. */
function flipAt(path: string, marker: string): void {
  const octets = readFileSync(path);
  const at = octets.indexOf(marker);
  expect(at).toBeGreaterThan(0);
  octets[at] = (octets[at] ?? 0) ^ 1;
  writeFileSync(path, octets);
}

function flipByte(path: string, at: number): void {
  const octets = readFileSync(path);
  octets[at] = (octets[at] ?? 0) ^ (1 << randomInt(8));
  writeFileSync(path, octets);
}

describe('an embedded spool with a damaged message', () => {
  let folder: string;
  let spool: EmbeddedSpool;
  let file: string;

  beforeEach(async () => {
    folder = makeFolder();
    file = join(folder, 'spool', 'spool.db');
    spool = await EmbeddedSpool.open(spoolOptions(folder));
  });

  afterEach(async () => {
    await spool.close();
    removeFolder(folder);
  });

  async function reopenAfter(damage: () => void): Promise<void> {
    await spool.close();
    damage();
    spool = await EmbeddedSpool.open(spoolOptions(folder));
  }

  function bodyFile(): string {
    const [name = ''] = readdirSync(join(folder, 'spool', 'bodies'));
    return join(folder, 'spool', 'bodies', name);
  }

  /** The good one is still there, the damaged one is nowhere but in the report, now and after a restart. */
  async function expectSetAside(damaged: SpooledMessage, good: SpooledMessage, reason: RegExp): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      expect((await spool.list({ limit: 9 })).map(({ id }) => id)).toEqual([good.id]);
      expect(await spool.get(damaged.id)).toBeUndefined();
      expect(await spool.settle(damaged.id, { recipients: [{ index: 0, status: 'delivered' }] })).toBeUndefined();
      expect(await spool.listDamaged()).toMatchObject([
        { id: damaged.id, reason: expect.stringMatching(reason) as unknown },
      ]);
      expect(await spool.count()).toEqual({ messages: 1, bytes: good.bodySizeBytes, damaged: 1, poison: 0 });
      await reopenAfter(() => undefined);
      expect((await claimAll(spool)).map(({ id }) => id)).toEqual([good.id]);
      expect((await readBody(spool, good)).toString()).toBe('a good one');
    }
  }

  it('sets aside what makes no sense when a backlog is claimed, and what only looks right when it is read', async () => {
    const garbled = await storeMessage(spool, Buffer.from('one'), makeEnvelope({ subject: 'GARBLED' }));
    const altered = await storeMessage(spool, Buffer.from('two'), makeEnvelope({ subject: 'ALTERED' }));
    const good = await storeMessage(spool, Buffer.from('a good one'));
    await reopenAfter(() => {
      const octets = readFileSync(file);
      // A quotation mark that ends a string too soon, and another letter in one.
      octets.write('"', octets.indexOf('GARBLED'));
      octets.write('X', octets.indexOf('ALTERED'));
      writeFileSync(file, octets);
    });
    const heads = await spool.claimHeads({ owner: 'a', limit: 9, leaseMs: 60_000 });
    expect(heads.map(({ id }) => id)).toEqual([altered.id, good.id]);
    expect(await spool.get(altered.id)).toBeUndefined();
    expect((await spool.listDamaged()).map(({ id }) => id)).toEqual([garbled.id, altered.id]);
  });

  it.each([
    ['envelope', 'MARK-SUBJECT', /envelope/],
    ['trace fields', 'MARK-TRACE', /envelope/],
    ['delivery state', 'MARK-ERROR', /delivery state/],
  ])('gives out the others when a bit of the %s has flipped', async (_name, marker, reason) => {
    const writer = spool.receive();
    const envelope = makeEnvelope({ subject: 'MARK-SUBJECT', recipients: [{ address: 'a@x' }, { address: 'b@x' }] });
    const damaged = await writer.commit(envelope, Buffer.from('X: MARK-TRACE\r\n'));
    await spool.settle(damaged.id, { recipients: [{ index: 0, status: 'pending', lastError: 'MARK-ERROR' }] });
    const good = await storeMessage(spool, Buffer.from('a good one'));
    await reopenAfter(() => flipAt(file, marker));
    expect((await claimAll(spool)).map(({ id }) => id)).toEqual([good.id]);
    await expectSetAside(damaged, good, reason);
  });

  it('hands out nothing of a small body in which a bit has flipped', async () => {
    const damaged = await storeMessage(spool, Buffer.from('MARK-BODY'.padEnd(50_000, '.')));
    const good = await storeMessage(spool, Buffer.from('a good one'));
    await reopenAfter(() => flipAt(file, 'MARK-BODY'));
    const [claimed] = await claimAll(spool);
    let handedOutBytes = 0;
    const reading = async () => {
      for await (const chunk of spool.openBody(claimed as SpooledMessage)) handedOutBytes += chunk.length;
    };
    await expect(reading()).rejects.toMatchObject({ code: 'spool-damaged' });
    expect(handedOutBytes).toBe(0);
    await expectSetAside(damaged, good, /checksum of its body/);
    expect((await spool.listDamaged())[0]).toMatchObject({
      envelope: damaged.envelope,
      recipients: damaged.recipients,
    });
  });

  it('tells of it at once, and drops it for good when it is told to', async () => {
    const damaged = await storeMessage(spool, Buffer.from('MARK-BODY'));
    const large = await storeMessage(spool, randomBytes(600_000));
    const good = await storeMessage(spool, Buffer.from('a good one'));
    await reopenAfter(() => undefined);
    await spool.close();
    flipAt(file, 'MARK-BODY');
    flipByte(bodyFile(), 100);
    const heard: number[] = [];
    spool = await EmbeddedSpool.open({ ...spoolOptions(folder), onSetAside: ({ id }) => void heard.push(id) });
    for (const message of [damaged, large]) {
      await expect(readBody(spool, message)).rejects.toMatchObject({ code: 'spool-damaged' });
    }
    expect(heard).toEqual([damaged.id, large.id]);
    expect([await spool.discardDamaged(good.id), await spool.discardDamaged(4711)]).toEqual([false, false]);
    for (const { id } of [damaged, large]) {
      expect([await spool.discardDamaged(id), await spool.discardDamaged(id)]).toEqual([true, false]);
    }
    await reopenAfter(() => undefined);
    expect(await spool.count()).toEqual({ messages: 1, bytes: good.bodySizeBytes, damaged: 0, poison: 0 });
    expect(readdirSync(join(folder, 'spool', 'bodies'))).toEqual([]);
  });

  it.each([0, 500_000, 999_999])('never hands out the end of a large body whose octet %i has changed', async (at) => {
    const damaged = await storeMessage(spool, randomBytes(1_000_000));
    const good = await storeMessage(spool, Buffer.from('a good one'));
    await reopenAfter(() => flipByte(bodyFile(), at));
    let handedOutBytes = 0;
    const reading = async () => {
      for await (const chunk of spool.openBody(damaged)) handedOutBytes += chunk.length;
    };
    await expect(reading()).rejects.toMatchObject({ code: 'spool-damaged' });
    expect(handedOutBytes).toBeLessThan(1_000_000);
    await expectSetAside(damaged, good, /checksum of its body/);
  });

  it.each<[string, (path: string) => void, RegExp]>([
    ['is missing', (path) => rmSync(path), /missing/],
    ['was cut', (path) => writeFileSync(path, readFileSync(path).subarray(1)), /size/],
    ['is empty', (path) => writeFileSync(path, ''), /size/],
    ['has grown', (path) => writeFileSync(path, 'x', { flag: 'a' }), /size/],
    ['is a link', (path) => replace(path, () => symlinkSync('/etc/passwd', path)), /missing/],
    ['is a folder', (path) => replace(path, () => mkdirSync(path)), /missing/],
  ])('starts and gives out the others when a body file %s', async (_name, damage, reason) => {
    const damaged = await storeMessage(spool, randomBytes(600_000));
    const good = await storeMessage(spool, Buffer.from('a good one'));
    await reopenAfter(() => damage(bodyFile()));
    await expectSetAside(damaged, good, reason);
  });

  it.each<[string, (path: string) => void]>([
    ['vanishes', (path) => rmSync(path)],
    ['becomes a link', (path) => replace(path, () => symlinkSync('/etc/passwd', path))],
    ['becomes a folder', (path) => replace(path, () => mkdirSync(path))],
    ['loses its end', (path) => writeFileSync(path, readFileSync(path).subarray(0, -1))],
  ])('notices when a body file %s while the server runs', async (_name, damage) => {
    const message = await storeMessage(spool, randomBytes(600_000));
    damage(bodyFile());
    await expect(readBody(spool, message)).rejects.toMatchObject({ code: 'spool-damaged' });
    expect(await spool.count()).toEqual({ messages: 0, bytes: 0, damaged: 1, poison: 0 });
  });

  it('moves foreign things out of the body folder and keeps them, removes its own leftovers', async () => {
    const bodies = join(folder, 'spool', 'bodies');
    const message = await storeMessage(spool, randomBytes(600_000));
    await reopenAfter(() => {
      writeFileSync(join(bodies, 'readme.txt'), 'not ours');
      mkdirSync(join(bodies, 'a folder'));
      symlinkSync('/etc/passwd', join(bodies, `${'0'.repeat(32)}.body`));
      writeFileSync(join(bodies, `${'1'.repeat(32)}.part`), 'half a message');
      writeFileSync(join(bodies, `${'2'.repeat(32)}.body`), 'a message without a row');
    });
    expect(readdirSync(bodies)).toHaveLength(1);
    const aside = readdirSync(join(folder, 'spool', 'damaged')).map((name) => name.slice(9));
    expect(aside.toSorted()).toEqual([`${'0'.repeat(32)}.body`, 'a folder', 'readme.txt']);
    expect(existsSync('/etc/passwd')).toBe(true);
    expect(await readBody(spool, message)).toHaveLength(600_000);
  });

  it('gives out only what was accepted, whichever octet of its database changes', { timeout: 180_000 }, async () => {
    const accepted = new Map<string, string>();
    for (let index = 0; index < 30; index += 1) {
      const body = randomBytes(index % 10 === 0 ? 300_000 : randomInt(1500));
      const subject = `subject ${index}`;
      const { id } = await storeMessage(spool, body, makeEnvelope({ subject }));
      if (index % 3 === 0) await spool.settle(id, { attempts: index, nextAttemptAt: new Date(index) });
      accepted.set(subject, sha256(body));
    }
    await spool.close();
    const size = readFileSync(file).length;
    let complaints = 0;
    let filesLost = 0;
    for (let round = 0; round < 150; round += 1) {
      const copy = makeFolder();
      cpSync(folder, copy, { recursive: true });
      flipByte(join(copy, 'spool', 'spool.db'), randomInt(size));
      complaints += await complaintsOf(copy, accepted);
      filesLost += 3 - readdirSync(join(copy, 'spool', 'bodies')).length;
      removeFolder(copy);
    }
    expect(complaints).toBeGreaterThan(20);
    expect(filesLost).toBe(0);
    spool = await EmbeddedSpool.open(spoolOptions(folder));
  });
});

function replace(path: string, put: () => void): void {
  rmSync(path);
  put();
}

/** Reads whatever the spool in `folder` gives out; returns how many Problems it raised on the way. */
async function complaintsOf(folder: string, accepted: ReadonlyMap<string, string>): Promise<number> {
  let complaints = 0;
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!isProblem(error)) throw error;
      complaints += 1;
      return undefined;
    }
  };
  const spool = await attempt(() => EmbeddedSpool.open(spoolOptions(folder)));
  for (const message of (spool && (await attempt(() => claimAll(spool)))) ?? []) {
    const body = await attempt(() => readBody(spool as EmbeddedSpool, message));
    const { subject } = message.envelope;
    expect({ ...message.envelope, subject: 'any' }).toEqual(makeEnvelope({ subject: 'any' }));
    if (body) expect(sha256(body)).toBe(accepted.get(subject));
  }
  complaints += (await attempt(async () => spool?.listDamaged()))?.length ?? 0;
  await attempt(async () => spool?.close());
  return complaints;
}
