// What every spool backend promises, whatever it is made of. Settlements have a file of their own beside this one.

import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Envelope, Spool } from '../../src/spool/spool.ts';
import {
  claimAll,
  makeEnvelope,
  makeFolder,
  readBody,
  removeFolder,
  spoolOptions,
  storeMessage,
  TRACE_FIELDS,
} from '../helpers/spool-fixtures.ts';
import { TESTED_SPOOLS } from '../helpers/spool-backends.ts';
import { useSpoolServer } from '../helpers/spool-server.ts';
import { behindWorker } from '../helpers/worker-spools.ts';

const KIB = 1024;

const FULL_ENVELOPE: Envelope = {
  reversePath: '',
  recipients: [
    { address: 'jörg@example.org', notify: ['SUCCESS', 'DELAY'], originalRecipient: 'rfc822;j@example.org' },
    { address: '"with space"@example.org', notify: ['NEVER'] },
    { address: 'plain@example.org' },
  ],
  eightBit: true,
  smtpUtf8: true,
  requireTls: true,
  ret: 'HDRS',
  envelopeId: 'QQ314159',
  messageId: '<full@example.com>',
  networkMessageId: '5a1c9f9e-1f2b-4c3d-8e4f-5a6b7c8d9e0f',
  subject: 'Grüße 📬 "quoted"',
  source: 'SMTP:Default HUB01',
  sourceAddress: '192.0.2.1',
  receivedAt: new Date('2026-02-03T04:05:06.789Z'),
  expiresAt: new Date('2026-02-05T04:05:06.789Z'),
  authenticatedAs: 'EDGE01',
  hopCount: 7,
};

// What a worker receives keeps every promise that the owner's own receiving keeps.
const ALL = [...TESTED_SPOOLS, ...TESTED_SPOOLS.filter(({ name }) => name === 'embedded').map(behindWorker)];

useSpoolServer();

describe.each(ALL)('spool backend $name', (backend) => {
  let folder: string;
  let spool: Spool;

  beforeEach(async () => {
    folder = makeFolder();
    spool = await backend.open(spoolOptions(folder));
  });

  afterEach(async () => {
    await spool.close();
    removeFolder(folder);
  });

  async function reopen(): Promise<void> {
    await spool.close();
    spool = await backend.open(spoolOptions(folder));
  }

  it('says its name', () => {
    expect(spool.backend).toBe(backend.name);
  });

  describe('a body', () => {
    it.each([
      ['empty', 0],
      ['of one octet', 1],
      ['of 4 KiB', 4 * KIB],
      ['one short of 256 KiB', 256 * KIB - 1],
      ['of 256 KiB', 256 * KIB],
      ['one over 256 KiB', 256 * KIB + 1],
      ['of two full buffers', 512 * KIB],
      ['of 3 MiB and 5 octets', 3072 * KIB + 5],
    ])('%s comes back octet for octet, also after a restart', async (_name, sizeBytes) => {
      const body = randomBytes(sizeBytes);
      const message = await storeMessage(spool, body);
      expect(message.bodySizeBytes).toBe(sizeBytes);
      expect((await readBody(spool, message)).equals(body)).toBe(true);
      await reopen();
      const again = await spool.get(message.id);
      expect(again && (await readBody(spool, again)).equals(body)).toBe(true);
    });

    it('handed over octet by octet comes back whole', async () => {
      const body = randomBytes(10 * KIB + 3);
      const message = await storeMessage(spool, body, makeEnvelope(), 1);
      expect((await readBody(spool, message)).equals(body)).toBe(true);
    });

    it('is not changed by what its writer does with the chunk afterwards', async () => {
      const writer = spool.receive();
      const chunk = Buffer.from('as it was');
      await writer.write(chunk);
      chunk.fill('x');
      const message = await writer.commit(makeEnvelope(), TRACE_FIELDS);
      expect((await readBody(spool, message)).toString()).toBe('as it was');
    });

    it('can be read twice at the same time, and left in the middle', async () => {
      const body = randomBytes(2048 * KIB);
      const message = await storeMessage(spool, body);
      for await (const chunk of spool.openBody(message)) {
        expect(chunk.length).toBeLessThan(body.length);
        break;
      }
      const both = await Promise.all([readBody(spool, message), readBody(spool, message)]);
      expect(both.map((octets) => octets.equals(body))).toEqual([true, true]);
    });

    it('of a message that is gone ends in message-gone', async () => {
      const message = await storeMessage(spool, randomBytes(300 * KIB));
      await spool.settle(message.id, { recipients: [{ index: 0, status: 'delivered' }] });
      await expect(readBody(spool, message)).rejects.toMatchObject({ code: 'message-gone' });
    });
  });

  describe('a commit', () => {
    it('keeps envelope and trace fields as they were, also after a restart', async () => {
      const message = await storeMessage(spool, Buffer.from('body'), FULL_ENVELOPE);
      expect(message).toMatchObject({ attempts: 0, suspended: false, nextAttemptAt: FULL_ENVELOPE.receivedAt });
      expect(message.recipients).toEqual(
        FULL_ENVELOPE.recipients.map((recipient) => ({ ...recipient, status: 'pending', delayNotified: false })),
      );
      await reopen();
      const again = await spool.get(message.id);
      expect(again).toEqual(message);
      expect(again?.envelope).toEqual(FULL_ENVELOPE);
      expect(again?.traceFields.equals(TRACE_FIELDS)).toBe(true);
    });

    it('takes empty trace fields', async () => {
      const message = await spool.receive().commit(makeEnvelope(), Buffer.alloc(0));
      expect((await spool.get(message.id))?.traceFields).toHaveLength(0);
    });

    it('gives ids that rise and are not used again, not even after a restart', async () => {
      const first = await storeMessage(spool, Buffer.from('1'));
      const second = await storeMessage(spool, Buffer.from('2'));
      expect(second.id).toBeGreaterThan(first.id);
      await spool.settle(second.id, { recipients: [{ index: 0, status: 'delivered' }] });
      await reopen();
      expect((await storeMessage(spool, Buffer.from('3'))).id).toBeGreaterThan(second.id);
    });

    it('of many at once keeps every one', async () => {
      const bodies = Array.from({ length: 300 }, (_, index) => Buffer.from(`body ${index}`));
      const messages = await Promise.all(bodies.map((body) => storeMessage(spool, body)));
      expect(new Set(messages.map(({ id }) => id)).size).toBe(300);
      const found = await Promise.all(messages.map((message) => readBody(spool, message)));
      expect(found.map(String)).toEqual(bodies.map(String));
    });

    it('is refused a second time and after an abort', async () => {
      const writer = spool.receive();
      await writer.commit(makeEnvelope(), TRACE_FIELDS);
      await expect(writer.commit(makeEnvelope(), TRACE_FIELDS)).rejects.toThrow('already');
      const other = spool.receive();
      await other.abort();
      await expect(other.write(Buffer.from('x'))).rejects.toThrow('already');
      expect((await spool.count()).messages).toBe(1);
    });

    it.each([
      ['small', 10],
      ['large', 600 * KIB],
    ])('does not happen to a %s message that was aborted', async (_name, sizeBytes) => {
      const writer = spool.receive();
      await writer.write(randomBytes(sizeBytes));
      await writer.abort();
      await writer.abort();
      await reopen();
      expect(await spool.count()).toEqual({ messages: 0, bytes: 0, damaged: 0, poison: 0 });
      expect(await claimAll(spool)).toEqual([]);
    });
  });

  describe('a claim', () => {
    it('gives each message to one owner only', async () => {
      for (let index = 0; index < 5; index += 1) await storeMessage(spool, Buffer.from(`${index}`));
      const first = await spool.claim({ owner: 'a', limit: 3, leaseMs: 60_000 });
      const second = await spool.claim({ owner: 'b', limit: 3, leaseMs: 60_000 });
      expect(first).toHaveLength(3);
      expect(second).toHaveLength(2);
      expect(new Set([...first, ...second].map(({ id }) => id)).size).toBe(5);
      expect(await claimAll(spool, 'a')).toEqual([]);
    });

    it('gives what is due first first, and leaves alone what is due later than asked', async () => {
      const days = [3, 1, 2].map((day) => new Date(`2026-03-0${day}T00:00:00Z`));
      for (const receivedAt of days) await storeMessage(spool, Buffer.from('x'), makeEnvelope({ receivedAt }));
      const due = await spool.claim({
        owner: 'a',
        limit: 9,
        leaseMs: 60_000,
        dueBefore: new Date('2026-03-02T00:00:00Z'),
      });
      expect(due.map(({ nextAttemptAt }) => nextAttemptAt.getUTCDate())).toEqual([1, 2]);
      expect((await claimAll(spool)).map(({ nextAttemptAt }) => nextAttemptAt.getUTCDate())).toEqual([3]);
    });

    it('ends when its owner releases the message, and only then', async () => {
      const { id } = await storeMessage(spool, Buffer.from('x'));
      await spool.claim({ owner: 'a', limit: 1, leaseMs: 60_000 });
      await spool.release([id], 'b');
      expect(await claimAll(spool, 'b')).toEqual([]);
      await spool.release([id], 'a');
      expect((await claimAll(spool, 'b')).map((message) => message.id)).toEqual([id]);
    });

    it('is renewed for its owner only', async () => {
      const { id } = await storeMessage(spool, Buffer.from('x'));
      await spool.claim({ owner: 'a', limit: 1, leaseMs: 60_000 });
      expect(await spool.renew([id, id + 1], 'a', 60_000)).toEqual([id]);
      expect(await spool.renew([id], 'b', 60_000)).toEqual([]);
    });

    it('outlasts a settlement that leaves somebody pending', async () => {
      const { id } = await storeMessage(spool, Buffer.from('x'));
      await claimAll(spool, 'a');
      await spool.settle(id, { attempts: 1, nextAttemptAt: new Date('2026-01-01T01:00:00Z') });
      expect(await claimAll(spool, 'b')).toEqual([]);
      await spool.release([id], 'a');
      expect((await claimAll(spool, 'b'))[0]).toMatchObject({ id, attempts: 1 });
    });

    it('does not give out suspended messages until they are resumed', async () => {
      const { id } = await storeMessage(spool, Buffer.from('x'));
      await spool.settle(id, { suspended: true });
      expect(await claimAll(spool)).toEqual([]);
      await reopen();
      expect(await claimAll(spool)).toEqual([]);
      expect((await spool.get(id))?.suspended).toBe(true);
      await spool.settle(id, { suspended: false });
      expect((await claimAll(spool)).map((message) => message.id)).toEqual([id]);
    });

    it('gives out suspended messages to whoever asks for them, and the latest first', async () => {
      const first = await storeMessage(spool, Buffer.from('x'));
      const second = await storeMessage(spool, Buffer.from('y'));
      await spool.settle(first.id, { suspended: true, nextAttemptAt: new Date('2026-01-02T00:00:00Z') });
      await reopen();
      const options = { owner: 'a', limit: 1, leaseMs: 60_000, latestFirst: true };
      expect(await spool.claim({ ...options, limit: 2 })).toMatchObject([{ id: second.id, suspended: false }]);
      expect(await spool.claim({ ...options, withSuspended: true })).toMatchObject([{ id: first.id, suspended: true }]);
      expect(await spool.claim({ ...options, withSuspended: true })).toEqual([]);
    });

    it('by heads tells of each message what the whole message tells, and claims it as well', async () => {
      const fresh = await storeMessage(spool, Buffer.from('x'), FULL_ENVELOPE);
      const tried = await storeMessage(spool, Buffer.from('y'), FULL_ENVELOPE);
      const nextAttemptAt = new Date('2026-02-04T00:00:00Z');
      await spool.settle(tried.id, {
        attempts: 3,
        nextAttemptAt,
        suspended: true,
        recipients: [
          { index: 0, status: 'delivered' },
          { index: 2, status: 'pending', delayNotified: true, lastError: '451 4.4.0 no' },
        ],
      });
      await reopen();
      const heads = await spool.claimHeads({ owner: 'a', limit: 9, leaseMs: 60_000, withSuspended: true });
      for (const head of heads) expect(await spool.get(head.id)).toMatchObject(head);
      expect(heads).toMatchObject([
        { id: fresh.id, attempts: 0, suspended: false },
        { id: tried.id, attempts: 3, nextAttemptAt, suspended: true },
      ]);
      expect(heads[1]?.recipients.map(({ status, delayNotified }) => [status, delayNotified])).toEqual([
        ['delivered', false],
        ['pending', false],
        ['pending', true],
      ]);
      expect(await claimAll(spool, 'b')).toEqual([]);
      await spool.release([fresh.id], 'a');
      expect(await claimAll(spool, 'b')).toMatchObject([{ id: fresh.id }]);
    });

    it('takes the latest of those that are due', async () => {
      const ids: number[] = [];
      for (const hour of [1, 3, 2, 9]) {
        const { id } = await storeMessage(spool, Buffer.from('x'));
        ids[hour] = id;
        await spool.settle(id, { nextAttemptAt: new Date(Date.UTC(2026, 0, 1, hour)) });
      }
      const options = { owner: 'a', limit: 1, leaseMs: 60_000, latestFirst: true };
      const dueBefore = new Date(Date.UTC(2026, 0, 1, 4));
      expect(await spool.claim({ ...options, dueBefore })).toMatchObject([{ id: ids[3] }]);
      expect(await spool.claim({ ...options, dueBefore })).toMatchObject([{ id: ids[2] }]);
      expect(await spool.claim(options)).toMatchObject([{ id: ids[9] }]);
    });

    it('of a message that was suspended meanwhile is given back into suspension', async () => {
      const { id } = await storeMessage(spool, Buffer.from('x'));
      await claimAll(spool, 'a');
      await spool.settle(id, { suspended: true });
      await spool.release([id], 'a');
      expect(await claimAll(spool, 'b')).toEqual([]);
    });

    it('of nobody is needed to move a message in time', async () => {
      const { id } = await storeMessage(spool, Buffer.from('x'));
      await spool.settle(id, { nextAttemptAt: new Date('2027-01-01T00:00:00Z') });
      const dueBefore = new Date('2026-12-31T00:00:00Z');
      expect(await spool.claim({ owner: 'a', limit: 1, leaseMs: 60_000, dueBefore })).toEqual([]);
      expect(await claimAll(spool)).toHaveLength(1);
    });
  });

  describe('listeners', () => {
    it('hear of a message, of a release and of a resumption, until they cancel', async () => {
      let rings = 0;
      const cancel = spool.onArrival(() => {
        rings += 1;
      });
      const { id } = await storeMessage(spool, Buffer.from('x'));
      expect(rings).toBe(1);
      await claimAll(spool, 'a');
      await spool.release([id], 'a');
      expect(rings).toBe(2);
      await spool.settle(id, { suspended: true });
      expect(rings).toBe(2);
      await spool.settle(id, { suspended: false });
      expect(rings).toBe(3);
      cancel();
      await storeMessage(spool, Buffer.from('y'));
      expect(rings).toBe(3);
    });

    it('find in the spool what they were called for', async () => {
      const claimed = new Promise<number>((resolve) => {
        spool.onArrival(() => void claimAll(spool).then((messages) => resolve(messages.length)));
      });
      await storeMessage(spool, Buffer.from('x'));
      expect(await claimed).toBe(1);
    });
  });

  it('counts and lists in pages by id', async () => {
    for (const size of [1, 2, 3, 4, 5]) await storeMessage(spool, Buffer.alloc(size));
    expect(await spool.count()).toEqual({ messages: 5, bytes: 15, damaged: 0, poison: 0 });
    const first = await spool.list({ limit: 2 });
    const second = await spool.list({ limit: 9, afterId: first[1]?.id ?? 0 });
    expect([...first, ...second].map(({ bodySizeBytes }) => bodySizeBytes)).toEqual([1, 2, 3, 4, 5]);
    await reopen();
    expect(await spool.count()).toEqual({ messages: 5, bytes: 15, damaged: 0, poison: 0 });
    expect(await spool.listDamaged()).toEqual([]);
  });

  it('finishes what was handed in when it is closed, and takes nothing more', async () => {
    const before = storeMessage(spool, Buffer.from('x'));
    const writer = spool.receive();
    await writer.write(Buffer.from('too late'));
    const { id } = await before;
    const settling = spool.settle(id, { attempts: 3 });
    await spool.close();
    await spool.close();
    expect(await settling).toMatchObject({ attempts: 3 });
    await expect(writer.commit(makeEnvelope(), TRACE_FIELDS)).rejects.toMatchObject({ code: 'spool-closed' });
    await expect(claimAll(spool)).rejects.toMatchObject({ code: 'spool-closed' });
    expect(() => spool.receive()).toThrow('closed');
    spool = await backend.open(spoolOptions(folder));
    expect(await spool.get(id)).toMatchObject({ attempts: 3 });
  });
});
