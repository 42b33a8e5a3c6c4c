import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedSpool } from '../../../src/spool/embedded-spool.ts';
import type { Spool } from '../../../src/spool/spool.ts';
import { EventLog } from '../../../src/tracking/event-log.ts';
import { MessageTracking } from '../../../src/tracking/message-tracking.ts';
import { silentLog } from '../../../src/log.ts';
import { CrashFolder } from '../../../src/transport/crash-folder.ts';
import { judgeSuspects } from '../../../src/transport/poison.ts';
import { CHRISTMAS, StillClock } from '../../helpers/cmdlet-context.ts';
import {
  claimAll,
  envelopeFor,
  makeEnvelope,
  makeFolder,
  removeFolder,
  spoolOptions,
  storeMessage,
} from '../../helpers/spool-fixtures.ts';

let folder: string;
let spool: Spool;
let events: EventLog;
let tracking: MessageTracking;
let crashes: CrashFolder;
const clock = new StillClock();
const FRESH = { receivedAt: CHRISTMAS, expiresAt: new Date(CHRISTMAS.getTime() + 1000) };

beforeEach(async () => {
  folder = makeFolder();
  spool = await EmbeddedSpool.open(spoolOptions(folder));
  const logs = { folder: join(folder, 'logs'), clock, log: silentLog(), version: '0' };
  events = new EventLog(logs);
  tracking = new MessageTracking(logs);
  crashes = new CrashFolder(join(folder, 'crash'));
});

afterEach(async () => {
  events.close();
  tracking.close();
  crashes.close();
  await spool.close();
  removeFolder(folder);
});

/** The server crashes at work on these and starts again. */
async function crashAndStart(...ids: number[]): Promise<void> {
  for (const id of ids) crashes.underWork.begin(id);
  crashes.note(new Error('boom'));
  await start();
}

async function start(): Promise<void> {
  crashes.close();
  crashes = new CrashFolder(join(folder, 'crash'));
  await judgeSuspects({ spool, clock, events, tracking, server: 'hub01.corp.test', folder: crashes });
}

async function claimable(): Promise<number[]> {
  const messages = await claimAll(spool);
  await spool.release(
    messages.map(({ id }) => id),
    'test',
  );
  return messages.map(({ id }) => id);
}

describe('a message under work in a crash', () => {
  it('is tried again after one crash, and poison after two', async () => {
    const { id } = await storeMessage(spool, Buffer.from('x'), envelopeFor('anna@x.test', 'bob@x.test'));
    await spool.settle(id, { recipients: [{ index: 0, status: 'delivered' }] });
    await crashAndStart(id);
    expect(await claimable()).toEqual([id]);
    await crashAndStart(id);
    expect(await claimable()).toEqual([]);
    const [message] = await spool.listPoison();
    expect(message).toMatchObject({ id, suspended: true, poison: true });
    expect(message?.recipients.map(({ status, lastError }) => [status, lastError])).toEqual([
      ['delivered', undefined],
      ['pending', '451 4.3.0 Poison: the server crashed 2 times while it worked on this message (boom)'],
    ]);
    expect((await events.read({ newestFirst: false })).map(({ symbolicName }) => symbolicName)).toEqual([
      'ServerCrashed',
      'ServerCrashed',
      'MessagePoisoned',
    ]);
    expect(await tracking.find({ eventId: 'POISONMESSAGE' })).toMatchObject([{ recipients: ['bob@x.test'] }]);
  });

  it('stays poison over restarts, and is free again once it is resumed', async () => {
    const { id } = await storeMessage(spool, Buffer.from('x'));
    await crashAndStart(id);
    await crashAndStart(id);
    await spool.close();
    spool = await EmbeddedSpool.open(spoolOptions(folder));
    await start();
    expect([await claimable(), (await spool.listPoison()).length]).toEqual([[], 1]);
    await spool.settle(id, { suspended: false });
    expect([await claimable(), (await spool.listPoison()).length]).toEqual([[id], 0]);
    await crashAndStart(id);
    expect(await claimable()).toEqual([id]);
  });

  it('has company, which is tried one after the other so that the guilty one is found', async () => {
    const stored = await Promise.all([1, 2, 3].map(() => storeMessage(spool, Buffer.from('x'), makeEnvelope(FRESH))));
    const ids = stored.map(({ id }) => id);
    await crashAndStart(...ids);
    const turns = await Promise.all(ids.map(async (id) => (await spool.get(id))?.nextAttemptAt.getTime()));
    expect(turns.map((turn) => (turn ?? 0) - CHRISTMAS.getTime())).toEqual([0, 2000, 4000]);
    await crashAndStart(ids[1] ?? 0);
    expect((await spool.listPoison()).map(({ id }) => id)).toEqual([ids[1]]);
  });

  it('is forgotten when it has left the spool', async () => {
    const { id } = await storeMessage(spool, Buffer.from('x'));
    await crashAndStart(id, 4711);
    expect([...crashes.counts.keys()]).toEqual([id]);
    await spool.settle(id, { recipients: [{ index: 0, status: 'delivered' }] });
    await start();
    expect([...crashes.counts]).toEqual([]);
  });
});
