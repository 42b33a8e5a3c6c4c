import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { Problem } from '../../../src/problem.ts';
import type { Envelope, EnvelopeRecipient, NewMessage, Spool, SpooledMessage } from '../../../src/spool/spool.ts';
import type { Attempt } from '../../../src/transport/attempt.ts';
import { factsWithoutPeer, type RecipientOutcome } from '../../../src/transport/hop.ts';
import type { Records } from '../../../src/transport/records.ts';
import { failureStatusOf, Settlement } from '../../../src/transport/settlement.ts';
import { makeDelivery } from '../../helpers/queue-fixtures.ts';
import { claimAll, readBody } from '../../helpers/spool-fixtures.ts';
import { readGroups, readPart, readParts } from './mime.ts';
import { accepted, makeOrganisation } from './organisation-fixtures.ts';
import { hopTo, QueueBench, RETRY } from './queue-bench.ts';

const FAILURE = '550 5.1.1 User unknown';

interface Bench {
  readonly queue: QueueBench;
  readonly settlement: Settlement;
  readonly reports: (NewMessage | undefined)[];
}

async function open(spool?: (real: Spool) => Spool): Promise<Bench & AsyncDisposable> {
  const queue = await QueueBench.open();
  const reports: (NewMessage | undefined)[] = [];
  const records: Pick<Records, 'attempt' | 'expired'> = {
    attempt: (_, report) => void reports.push(report),
    expired: (_, __, { report }) => void reports.push(report),
  };
  const settlement = new Settlement({
    spool: spool?.(queue.spool) ?? queue.spool,
    clock: queue.clock,
    log: silentLog(),
    organisation: () => makeOrganisation({ acceptedDomains: [accepted('contoso.test', { default: true })] }),
    records: records as Records,
    expirationMs: RETRY.expiration,
  });
  return { queue, settlement, reports, [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose]() };
}

function attemptAt(message: SpooledMessage, outcomes: readonly RecipientOutcome[]): Attempt {
  const delivery = makeDelivery(message, { indexes: outcomes.map(({ index }) => index) });
  return {
    delivery,
    facts: factsWithoutPeer(hopTo('one.test'), 'mx.one.test'),
    outcomes,
    nextAttemptAt: new Date(),
    queueName: 'q',
  };
}

/** Stores a message for one recipient and lets its delivery fail; returns the report that the spool then holds. */
async function fail(
  { queue, settlement }: Bench,
  recipient: Partial<EnvelopeRecipient> = {},
  envelope: Partial<Envelope> = {},
  body?: string,
): Promise<{ report: SpooledMessage | undefined; text: string }> {
  const message = await queue.store(
    [],
    { recipients: [{ address: 'nobody@one.test', ...recipient }], ...envelope },
    body,
  );
  await claimAll(queue.spool);
  const rest = await settlement.record(attemptAt(message, [{ index: 0, status: 'failed', reply: FAILURE }]));
  expect([rest, await queue.spool.get(message.id)]).toEqual([undefined, undefined]);
  const [report] = await claimAll(queue.spool);
  return { report, text: report ? (await readBody(queue.spool, report)).toString('latin1') : '' };
}

describe('Settlement', () => {
  it('stores a failure and the report on it in one step', async () => {
    const settled: unknown[] = [];
    await using bench = await open(
      (real) =>
        new Proxy(real, {
          get: (target, name) => {
            const own: unknown = Reflect.get(target, name);
            if (typeof own !== 'function') return own;
            return (...parameters: unknown[]) => {
              if (name === 'settle') settled.push((parameters[2] as unknown[]).length);
              return Reflect.apply(own, target, parameters);
            };
          },
        }),
    );
    const { report } = await fail(bench);
    expect(settled).toEqual([1]);
    expect(report?.envelope).toMatchObject({
      reversePath: '',
      recipients: [{ address: 'sender@example.com' }],
      source: 'DSN',
      subject: 'Undeliverable: a subject',
      hopCount: 0,
    });
    expect(report?.envelope.expiresAt.getTime()).toBe(bench.queue.clock.now().getTime() + RETRY.expiration);
    expect(bench.reports[0]?.envelope.messageId).toBe(report?.envelope.messageId);
  });

  it('reports what is known: the default domain, the peer, its words, the original recipient', async () => {
    await using bench = await open();
    const { text } = await fail(bench, { originalRecipient: 'rfc822;first@one.test' }, { envelopeId: 'E1' });
    const report = readPart(text);
    const [, status] = readParts(report);
    const [message, recipient] = readGroups(status?.content ?? '');
    expect(report.fields.get('from')).toBe('<postmaster@contoso.test>');
    expect(message?.get('original-envelope-id')).toBe('E1');
    expect(Object.fromEntries(recipient ?? [])).toEqual({
      'original-recipient': 'rfc822; first@one.test',
      'final-recipient': 'rfc822; nobody@one.test',
      action: 'failed',
      status: '5.1.1',
      'remote-mta': 'dns; mx.one.test',
      'diagnostic-code': `smtp; ${FAILURE}`,
    });
  });

  it.each<[string, Partial<EnvelopeRecipient>, Partial<Envelope>, boolean]>([
    ['nothing was said about it', {}, {}, true],
    ['NOTIFY has FAILURE', { notify: ['FAILURE', 'DELAY'] }, {}, true],
    ['NOTIFY is NEVER', { notify: ['NEVER'] }, {}, false],
    ['NOTIFY is SUCCESS only', { notify: ['SUCCESS'] }, {}, false],
    ['the reverse-path is null', {}, { reversePath: '' }, false],
    ['the reverse-path is null and FAILURE is wished for', { notify: ['FAILURE'] }, { reversePath: '' }, false],
  ])('when %s', async (_, recipient, envelope, isReported) => {
    await using bench = await open();
    const { report } = await fail(bench, recipient, envelope);
    expect(report !== undefined).toBe(isReported);
    expect((await bench.queue.spool.count()).messages).toBe(isReported ? 1 : 0);
  });

  it.each<[string, Partial<Envelope>, string, string, (returned: string) => boolean]>([
    [
      'headers when nothing was said',
      {},
      'Subject: x\r\n\r\nbody\r\n',
      'text/rfc822-headers',
      (text) => !text.includes('body'),
    ],
    [
      'headers for RET=HDRS',
      { ret: 'HDRS' },
      'Subject: x\r\n\r\nbody\r\n',
      'text/rfc822-headers',
      (text) => !text.includes('body'),
    ],
    [
      'all of it for RET=FULL',
      { ret: 'FULL' },
      'Subject: x\r\n\r\nbody\r\n',
      'message/rfc822',
      (text) => text.endsWith('\r\n\r\nbody\r\n'),
    ],
    [
      'headers of what is too large',
      { ret: 'FULL' },
      `Subject: x\r\n\r\n${'body\r\n'.repeat(200_000)}`,
      'text/rfc822-headers',
      (text) => text.length < 1000,
    ],
    [
      'a part of a header without end',
      {},
      `Subject: x\r\n${'X: y\r\n'.repeat(100_000)}`,
      'text/rfc822-headers',
      (text) => text.length === 65_536,
    ],
    [
      'trace fields alone for a message without header',
      {},
      '\r\nbody\r\n',
      'text/rfc822-headers',
      (text) => /^Received: [^\r]+\r\n$/.test(text),
    ],
  ])('returns %s', async (_, envelope, body, type, isRight) => {
    await using bench = await open();
    const { text } = await fail(bench, {}, envelope, body);
    const [, , returned] = readParts(readPart(text));
    expect(returned?.fields.get('content-type')).toBe(type);
    expect(returned?.content.startsWith('Received: from a.example')).toBe(true);
    expect(isRight(returned?.content ?? '')).toBe(true);
  });

  it('reports only on those recipients that want it, in one report', async () => {
    await using bench = await open();
    const recipients: EnvelopeRecipient[] = [
      { address: 'a@one.test' },
      { address: 'b@one.test', notify: ['NEVER'] },
      { address: 'c@one.test' },
      { address: 'd@one.test' },
    ];
    const message = await bench.queue.store([], { recipients });
    await claimAll(bench.queue.spool);
    const rest = await bench.settlement.record(
      attemptAt(message, [
        { index: 0, status: 'failed', reply: FAILURE },
        { index: 1, status: 'failed', reply: FAILURE },
        { index: 2, status: 'deferred', reply: '451 4.3.0 later' },
        { index: 3, status: 'delivered', reply: '250 2.1.5 OK' },
      ]),
    );
    expect(rest?.recipients.map(({ status, lastError }) => `${status} ${lastError}`)).toEqual([
      `failed ${FAILURE}`,
      `failed ${FAILURE}`,
      'pending 451 4.3.0 later',
      'delivered 250 2.1.5 OK',
    ]);
    expect(rest?.attempts).toBe(1);
    const [report] = await claimAll(bench.queue.spool);
    const [, status] = readParts(readPart(report ? (await readBody(bench.queue.spool, report)).toString() : ''));
    expect(readGroups(status?.content ?? '').map((group) => group.get('final-recipient'))).toEqual([
      undefined,
      'rfc822; a@one.test',
    ]);
  });

  it('returns a message whose time is up with 4.4.7 and the last error', async () => {
    await using bench = await open();
    const message = await bench.queue.store(['a@one.test']);
    await claimAll(bench.queue.spool);
    await bench.settlement.expire(makeDelivery(message), {
      lastError: '454 4.7.5 certificate-expired',
      hop: hopTo('one.test'),
    });
    const [report] = await claimAll(bench.queue.spool);
    const [, status] = readParts(readPart(report ? (await readBody(bench.queue.spool, report)).toString() : ''));
    const [, recipient] = readGroups(status?.content ?? '');
    expect(recipient?.get('status')).toBe('4.4.7');
    expect(recipient?.get('diagnostic-code')).toBe(
      'smtp; 550 4.4.7 QUEUE.Expired; message expired (454 4.7.5 certificate-expired)',
    );
  });

  it('gives up waiting for the disk when it is told to stop', async () => {
    const ending = new AbortController();
    await using bench = await open(
      (real) =>
        new Proxy(real, {
          get: (target, name) =>
            name === 'settle'
              ? () => {
                  ending.abort();
                  return Promise.reject(new Problem('spool-unavailable', 'the disk is full'));
                }
              : Reflect.get(target, name),
        }),
    );
    const message = await bench.queue.store(['a@one.test']);
    const outcome: RecipientOutcome = { index: 0, status: 'delivered', reply: '250 OK' };
    await expect(bench.settlement.record(attemptAt(message, [outcome]), ending.signal)).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(bench.reports).toEqual([]);
  });
});

describe('failureStatusOf', () => {
  it.each([
    ['550 5.1.1 User unknown', '5.1.1'],
    ['550 4.1.1 strange', '5.1.1'],
    ['554 5.7.1', '5.7.1'],
    ['550 4.4.7 QUEUE.Expired; message expired', '4.4.7'],
    ['550 5.4.7 expired', '5.4.7'],
    ['550 No such user', '5.0.0'],
    ['550 No such user 4.2.2', '5.0.0'],
    ['550 5.6.7.8 is on a list', '5.0.0'],
    ['550', '5.0.0'],
    ['', '5.0.0'],
  ])('of "%s" is %s', (reply, expected) => {
    expect(failureStatusOf(reply)).toBe(expected);
  });
});
