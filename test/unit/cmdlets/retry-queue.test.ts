import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { getQueue } from '../../../src/cmdlets/get-queue.ts';
import { retryQueue } from '../../../src/cmdlets/retry-queue.ts';
import type { ServerContext } from '../../../src/cmdlets/server-context.ts';
import { SystemClock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import type { Spool } from '../../../src/spool/spool.ts';
import type { HopFacts } from '../../../src/transport/hop.ts';
import { MailQueue } from '../../../src/transport/queue.ts';
import type { Settlement } from '../../../src/transport/settlement.ts';
import { column, makeContext, runCmdlet } from '../../helpers/cmdlet-context.ts';
import { TO_EDGE, TO_MAILBOX } from '../../helpers/queue-fixtures.ts';
import {
  envelopeFor,
  findBackend,
  makeFolder,
  removeFolder,
  spoolOptions,
  storeMessage,
} from '../../helpers/spool-fixtures.ts';

const HOUR_MS = 3_600_000;
const RETRY = {
  glitchCount: 4,
  glitchInterval: HOUR_MS,
  transientCount: 6,
  transientInterval: HOUR_MS,
  outboundInterval: HOUR_MS,
  messageInterval: HOUR_MS,
  expiration: 48 * HOUR_MS,
  delayNotification: 4 * HOUR_MS,
};

describe('Retry-Queue', () => {
  let folder: string;
  let spool: Spool;
  let queue: MailQueue;
  let context: ServerContext;
  /** The hops can never be used; each attempt is an event named for the hop's kind. */
  let attempts: EventEmitter;

  beforeEach(async () => {
    folder = makeFolder();
    spool = await findBackend('embedded').open(spoolOptions(folder));
    attempts = new EventEmitter();
    const settlement = {
      record: (attempt: { delivery: { message: unknown } }) => Promise.resolve(attempt.delivery.message),
    };
    queue = new MailQueue({
      spool,
      clock: new SystemClock(),
      log: silentLog(),
      settings: () => ({ retry: RETRY, maxConnectionsPerHop: 2, idleTimeoutMs: 2000 }),
      suspensions: new Set(),
      route: (address) => (address.endsWith('@contoso.test') ? TO_MAILBOX : TO_EDGE),
      open: (hop) => {
        attempts.emit(hop.kind);
        return Promise.resolve({ kind: 'deferred', facts: {} as HopFacts, reply: '451 4.4.0 closed' });
      },
      settlement: settlement as unknown as Settlement,
    });
    context = makeContext({ spool, queue });
  });

  afterEach(async () => {
    await queue.stop(1000);
    await spool.close();
    removeFolder(folder);
  });

  /** One message in a queue that has failed. */
  async function fail(address: string, kind: string): Promise<void> {
    const attempted = once(attempts, kind);
    const far = { expiresAt: new Date(Date.now() + 48 * HOUR_MS) };
    await storeMessage(spool, Buffer.from('x'), { ...envelopeFor(address), ...far });
    await attempted;
    await expect.poll(() => queue.queues().every(({ status }) => status === 'Retry')).toBe(true);
  }

  it('is declared soundly', () => {
    expect(faultsOf(retryQueue)).toEqual([]);
  });

  it('tries the queue at once that -Identity names, and no other', async () => {
    queue.start();
    await fail('anna@contoso.test', 'mailbox');
    await fail('olaf@outside.test', 'pair');
    const { records } = await runCmdlet(getQueue, context, { Identity: TO_EDGE.nextHopDomain });
    const mailboxAttempts: string[] = [];
    attempts.on('mailbox', () => mailboxAttempts.push('again'));
    const attempted = once(attempts, 'pair');
    const [identity = ''] = column(records, 'Identity');
    const output = await runCmdlet(retryQueue, context, { Identity: identity });
    expect(output).toEqual({ records: [], notices: ['1 queue is retried now.'] });
    await attempted;
    expect(mailboxAttempts).toEqual([]);
    await expect.poll(() => queue.queues().map(({ failures }) => failures)).toEqual([1, 2]);
  });

  it('tries every queue that -Filter describes', async () => {
    queue.start();
    await fail('anna@contoso.test', 'mailbox');
    await fail('olaf@outside.test', 'pair');
    const attempted = Promise.all([once(attempts, 'mailbox'), once(attempts, 'pair')]);
    const { notices } = await runCmdlet(retryQueue, context, { Filter: `Status -eq 'Retry' -and MessageCount -ge 1` });
    expect(notices).toEqual(['2 queues are retried now.']);
    await attempted;
  });

  it('leaves a suspended queue alone, and says so', async () => {
    queue.start();
    await fail('anna@contoso.test', 'mailbox');
    for (const each of queue.queues()) queue.administration.suspendQueue(each);
    expect(await runCmdlet(retryQueue, context, { Identity: '1' })).toMatchObject({
      notices: [expect.stringMatching(/^No queue is retried/)],
      warnings: ['Suspended, and so not retried: HUB01\\1. Resume-Queue lets a queue go on.'],
    });
  });

  it('says that nothing waits when the filter finds nothing', async () => {
    const { notices } = await runCmdlet(retryQueue, context, { Filter: `Status -eq 'Retry'` });
    expect(notices).toEqual(['No queue is retried: nothing in what was chosen waits for a retry.']);
  });

  it.each(['7', 'Submission', 'EDGE01\\1'])(
    'refuses an -Identity that names no queue of a hop: %s',
    async (identity) => {
      await expect(runCmdlet(retryQueue, context, { Identity: identity })).rejects.toMatchObject({
        code: 'queue-not-found',
      });
    },
  );

  it.each<Record<string, string>>([{}, { Identity: '1', Filter: 'MessageCount -gt 0' }])(
    'wants one of -Identity and -Filter, not %j',
    async (typed) => {
      await expect(runCmdlet(retryQueue, context, typed)).rejects.toMatchObject({
        message: 'Retry-Queue needs either -Identity or -Filter',
      });
    },
  );
});
