// What the contract does not show of a worker's spool: a refusal leaves nothing behind, an answer that never comes everything.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { SystemClock } from '../../../src/clock.ts';
import { EmbeddedSpool } from '../../../src/spool/embedded-spool.ts';
import type { HandedMessage } from '../../../src/spool/spool-door.ts';
import { adoptMessage } from '../../../src/spool/spool-door.ts';
import { WorkerSpool } from '../../../src/spool/worker-spool.ts';
import { makeEnvelope, makeFolder, readBody, removeFolder, TRACE_FIELDS } from '../../helpers/spool-fixtures.ts';

const LARGE = Buffer.alloc(300 * 1024, 'x');

describe('the spool of a worker', () => {
  let base: string;
  let folder: string;
  let owner: EmbeddedSpool;

  beforeEach(async () => {
    base = makeFolder();
    folder = join(base, 'spool');
    owner = await open();
  });

  afterEach(async () => {
    await owner.close();
    removeFolder(base);
  });

  const open = (reserveSizeBytes = 0): Promise<EmbeddedSpool> =>
    EmbeddedSpool.open({ folder, log: silentLog(), clock: new SystemClock(), reserveSizeBytes });

  const bodies = (): string[] => readdirSync(join(folder, 'bodies'));

  function openWorker(hand: (message: HandedMessage) => Promise<number>): Promise<WorkerSpool> {
    return WorkerSpool.open({ folder, hand, reserveSizeBytes: 0 });
  }

  it('takes the body file away again when the owner refused the message', async () => {
    await owner.close();
    owner = await open(Number.MAX_SAFE_INTEGER);
    const worker = await openWorker((message) => adoptMessage(owner, message));
    const writer = worker.receive();
    await writer.write(LARGE);
    expect(bodies()).toHaveLength(1);
    await expect(writer.commit(makeEnvelope(), TRACE_FIELDS)).rejects.toMatchObject({ code: 'spool-unavailable' });
    expect(bodies()).toEqual([]);
    await worker.close();
  });

  it('leaves the body file where it is when the owner does not answer any more: its row may be there', async () => {
    const stored = Promise.withResolvers<number>();
    const worker = await openWorker(async (message) => {
      stored.resolve(await adoptMessage(owner, message));
      return new Promise(() => undefined);
    });
    const writer = worker.receive();
    await writer.write(LARGE);
    let isSettled = false;
    void writer.commit(makeEnvelope(), TRACE_FIELDS).finally(() => {
      isSettled = true;
    });
    const id = await stored.promise;
    await turn();
    expect(isSettled).toBe(false);
    await worker.close();
    await owner.close();
    owner = await open();
    const message = await owner.get(id);
    expect(message && (await readBody(owner, message)).equals(LARGE)).toBe(true);
  });

  it('loses an unfinished body of a dead worker at the next start, and no other', async () => {
    const worker = await openWorker((message) => adoptMessage(owner, message));
    const writer = worker.receive();
    await writer.write(LARGE);
    const message = await writer.commit(makeEnvelope(), TRACE_FIELDS);
    await worker.receive().write(LARGE);
    expect(bodies()).toHaveLength(2);
    await worker.close();
    await owner.close();
    owner = await open();
    expect(bodies()).toHaveLength(1);
    expect((await readBody(owner, message)).equals(LARGE)).toBe(true);
  });
});
