// What every spool backend promises about settlements: per recipient, once, and together with the messages they bring forth.

import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TESTED_SPOOLS } from '../helpers/spool-backends.ts';
import { useSpoolServer } from '../helpers/spool-server.ts';
import type { Spool } from '../../src/spool/spool.ts';
import {
  claimAll,
  envelopeFor,
  makeEnvelope,
  makeFolder,
  readBody,
  removeFolder,
  spoolOptions,
  storeMessage,
  TRACE_FIELDS,
} from '../helpers/spool-fixtures.ts';

const KIB = 1024;

useSpoolServer();

describe.each(TESTED_SPOOLS)('a settlement in spool backend $name', (backend) => {
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

  it('records each recipient for itself, also over a restart', async () => {
    const { id } = await storeMessage(spool, Buffer.from('x'), envelopeFor('a@x', 'b@x', 'c@x'));
    const nextAttemptAt = new Date('2026-01-01T00:15:00Z');
    const settled = await spool.settle(id, {
      recipients: [
        { index: 0, status: 'relayed' },
        { index: 2, status: 'pending', lastError: '451 4.3.0 later', delayNotified: true },
      ],
      attempts: 1,
      nextAttemptAt,
    });
    expect(settled).toMatchObject({ id, attempts: 1, nextAttemptAt });
    await reopen();
    const again = await spool.get(id);
    expect(again).toEqual(settled);
    expect(again?.recipients).toEqual([
      { address: 'a@x', status: 'relayed', delayNotified: false },
      { address: 'b@x', status: 'pending', delayNotified: false },
      { address: 'c@x', status: 'pending', delayNotified: true, lastError: '451 4.3.0 later' },
    ]);
  });

  it('makes poison, which nobody can claim until it is resumed, also over a restart', async () => {
    const { id } = await storeMessage(spool, Buffer.from('x'));
    const countPoison = async (): Promise<number> => (await spool.count()).poison;
    const claimIds = async (): Promise<number[]> => {
      const messages = await spool.claim({ owner: 'test', limit: 10, leaseMs: 60_000, withSuspended: true });
      const ids = messages.map((message) => message.id);
      await spool.release(ids, 'test');
      return ids;
    };
    expect(await spool.settle(id, { poison: true })).toMatchObject({ poison: true, suspended: true });
    await spool.settle(id, { attempts: 3, suspended: true });
    expect([await claimIds(), await spool.listPoison()]).toMatchObject([[], [{ id, attempts: 3 }]]);
    await reopen();
    expect([await claimIds(), await spool.listPoison()]).toMatchObject([[], [{ id, poison: true, attempts: 3 }]]);
    expect(await countPoison()).toBe(1);
    expect(await spool.settle(id, { suspended: false })).toMatchObject({ poison: false, suspended: false });
    expect([await claimIds(), await spool.listPoison(), await countPoison()]).toEqual([[id], [], 0]);
    await spool.settle(id, { poison: true });
    expect(await countPoison()).toBe(1);
    await spool.settle(id, { recipients: [{ index: 0, status: 'failed' }] });
    expect([await spool.listPoison(), await countPoison()]).toEqual([[], 0]);
  });

  it('lets the message go with its last pending recipient, for good', async () => {
    const body = randomBytes(400 * KIB);
    const { id } = await storeMessage(spool, body, envelopeFor('a@x', 'b@x'));
    expect(await spool.settle(id, { recipients: [{ index: 0, status: 'delivered' }] })).toBeDefined();
    expect(await spool.settle(id, { recipients: [{ index: 1, status: 'failed' }] })).toBeUndefined();
    await reopen();
    expect(await spool.get(id)).toBeUndefined();
    expect(await spool.count()).toEqual({ messages: 0, bytes: 0, damaged: 0, poison: 0 });
  });

  it('of a message that is gone says so', async () => {
    expect(await spool.settle(4711, { recipients: [{ index: 0, status: 'delivered' }] })).toBeUndefined();
  });

  it('does not change a recipient that is no longer pending', async () => {
    const { id } = await storeMessage(spool, Buffer.from('x'), envelopeFor('a@x', 'b@x'));
    await spool.settle(id, { recipients: [{ index: 0, status: 'delivered' }] });
    const settled = await spool.settle(id, { recipients: [{ index: 0, status: 'failed', lastError: 'no' }] });
    expect(settled?.recipients[0]).toEqual({ address: 'a@x', status: 'delivered', delayNotified: false });
  });

  it('names an unknown recipient only by mistake, and changes nothing then', async () => {
    const { id } = await storeMessage(spool, Buffer.from('x'));
    const settling = spool.settle(id, { recipients: [{ index: 1, status: 'delivered' }], attempts: 9 });
    await expect(settling).rejects.toThrow(RangeError);
    expect((await spool.get(id))?.attempts).toBe(0);
  });

  it('that fails by mistake does not take others of the same turn with it', async () => {
    const messages = await Promise.all(['1', '2', '3'].map((text) => storeMessage(spool, Buffer.from(text))));
    const settled = await Promise.allSettled(
      messages.map(({ id }, index) => spool.settle(id, { recipients: [{ index, status: 'delivered' }] })),
    );
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect((await spool.list({ limit: 9 })).map(({ id }) => id)).toEqual(messages.slice(1).map(({ id }) => id));
  });

  it.each([
    ['small', 100],
    ['large', 700 * KIB],
  ])('stores a %s DSN together with the failure it tells of', async (_name, sizeBytes) => {
    const { id } = await storeMessage(spool, Buffer.from('x'));
    await claimAll(spool);
    const dsn = {
      envelope: makeEnvelope({ reversePath: '', source: 'DSN' }),
      traceFields: TRACE_FIELDS,
      body: randomBytes(sizeBytes),
    };
    expect(await spool.settle(id, { recipients: [{ index: 0, status: 'failed' }] }, [dsn])).toBeUndefined();
    expect(await spool.count()).toEqual({ messages: 1, bytes: sizeBytes, damaged: 0, poison: 0 });
    const [stored] = await claimAll(spool);
    expect(stored?.envelope).toEqual(dsn.envelope);
    expect(stored && (await readBody(spool, stored)).equals(dsn.body)).toBe(true);
  });

  it('that is made twice, since its outcome was not known, stores its DSN once, though others still wait', async () => {
    const { id } = await storeMessage(spool, Buffer.from('x'), envelopeFor('a@x', 'b@x', 'c@x'));
    const settlement = {
      recipients: [
        { index: 0, status: 'relayed' as const },
        { index: 1, status: 'failed' as const, lastError: '550 5.1.1 nobody' },
        { index: 2, status: 'pending' as const, lastError: '451 4.3.0 later' },
      ],
      attempts: 1,
      nextAttemptAt: new Date('2026-01-01T00:15:00Z'),
    };
    const report = { envelope: makeEnvelope({ source: 'DSN' }), traceFields: TRACE_FIELDS, body: Buffer.from('no') };
    const first = await spool.settle(id, settlement, [report]);
    expect(await spool.settle(id, settlement, [report])).toEqual(first);
    expect(await spool.count()).toMatchObject({ messages: 2 });
    const next = { ...settlement, attempts: 2, nextAttemptAt: new Date('2026-01-01T00:30:00Z') };
    expect(await spool.settle(id, next)).toMatchObject({ attempts: 2 });
  });

  it('that comes too late stores no second DSN', async () => {
    const { id } = await storeMessage(spool, Buffer.from('x'), envelopeFor('a@x', 'b@x'));
    const failed = { recipients: [{ index: 0, status: 'failed' as const }] };
    const dsn = {
      envelope: makeEnvelope({ source: 'DSN' }),
      traceFields: TRACE_FIELDS,
      body: Buffer.alloc(600 * KIB),
    };
    await Promise.all([spool.settle(id, failed, [dsn]), spool.settle(id, failed, [dsn])]);
    expect((await spool.count()).messages).toBe(2);
    await spool.settle(id, { recipients: [{ index: 1, status: 'failed' }] }, [dsn]);
    await spool.settle(id, { recipients: [{ index: 1, status: 'failed' }] }, [dsn]);
    await reopen();
    expect((await spool.list({ limit: 9 })).map(({ envelope }) => envelope.source)).toEqual(['DSN', 'DSN']);
  });
});
