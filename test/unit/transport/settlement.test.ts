import { describe, expect, it } from 'vitest';
import { DEFAULT_TRANSPORT_CONFIG, type TransportConfig } from '../../../src/directory/transport-config.ts';
import { silentLog } from '../../../src/log.ts';
import { Problem } from '../../../src/problem.ts';
import type {
  Envelope,
  EnvelopeRecipient,
  NewMessage,
  NotifyCondition,
  Spool,
  SpooledMessage,
} from '../../../src/spool/spool.ts';
import type { Attempt } from '../../../src/transport/attempt.ts';
import { factsWithoutPeer, type RecipientOutcome } from '../../../src/transport/hop.ts';
import type { Records } from '../../../src/transport/records.ts';
import { awaitingDelayNotice, statusOf } from '../../../src/transport/reporter.ts';
import { Settlement } from '../../../src/transport/settlement.ts';
import { formatDate } from '../../../src/transport/trace-header.ts';
import { REASONS } from '../../../src/trust/reasons.ts';
import { type ReadReport, readReport } from '../../helpers/mime.ts';
import { makeDelivery } from '../../helpers/queue-fixtures.ts';
import { claimAll, readBody } from '../../helpers/spool-fixtures.ts';
import { accepted, makeOrganisation } from './organisation-fixtures.ts';
import { hopTo, QueueBench, RETRY } from './queue-bench.ts';

const INTERNAL = 'X-MS-Exchange-Organization-AuthAs: Internal\r\n';
const FAILURE = '550 5.1.1 User unknown';

interface Bench {
  readonly queue: QueueBench;
  readonly settlement: Settlement;
  readonly reports: NewMessage[];
}

async function open(
  spool?: (real: Spool) => Spool,
  settings: Partial<TransportConfig> = {},
): Promise<Bench & AsyncDisposable> {
  const queue = await QueueBench.open();
  const reports: NewMessage[] = [];
  const records: Pick<Records, 'attempt' | 'gaveUp' | 'reported'> = {
    attempt: (_, made) => void reports.push(...made),
    gaveUp: (_, __, { reports: made }) => void reports.push(...made),
    reported: (_, made) => void reports.push(...made),
  };
  const settlement = new Settlement({
    spool: spool?.(queue.spool) ?? queue.spool,
    clock: queue.clock,
    log: silentLog(),
    organisation: () =>
      makeOrganisation({
        acceptedDomains: [accepted('contoso.test', { default: true })],
        transportConfig: { ...DEFAULT_TRANSPORT_CONFIG, ...settings },
      }),
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
): Promise<{ report: SpooledMessage | undefined; octets: Buffer }> {
  const message = await queue.store(
    [],
    { recipients: [{ address: 'nobody@one.test', ...recipient }], ...envelope },
    body,
  );
  await claimAll(queue.spool);
  const rest = await settlement.record(attemptAt(message, [{ index: 0, status: 'failed', reply: FAILURE }]));
  expect([rest, await queue.spool.get(message.id)]).toEqual([undefined, undefined]);
  const [report] = await claimAll(queue.spool);
  return { report, octets: report ? await readBody(queue.spool, report) : Buffer.alloc(0) };
}

/** The reports that the spool holds, in the order in which they were stored. */
async function readReports({ queue }: Bench): Promise<ReadReport[]> {
  const reports = await claimAll(queue.spool);
  return Promise.all(reports.map(async (report) => readReport(await readBody(queue.spool, report))));
}

/** Whom each group of a report is about, and what it says of them. */
function newsIn({ groups }: ReadReport): string[] {
  return groups
    .slice(1)
    .map((group) => `${group.get('action')} ${group.get('status')} ${group.get('final-recipient')}`);
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
      recipients: [{ address: 'sender@example.com', notify: ['NEVER'] }],
      source: 'DSN',
      subject: 'Undeliverable: a subject',
      hopCount: 0,
    });
    expect(report?.envelope.expiresAt.getTime()).toBe(bench.queue.clock.now().getTime() + RETRY.expiration);
    expect(bench.reports[0]?.envelope.messageId).toBe(report?.envelope.messageId);
  });

  it('reports what is known: the default domain, the peer, its words, the original recipient', async () => {
    await using bench = await open();
    const { octets } = await fail(bench, { originalRecipient: 'rfc822;first@one.test' }, { envelopeId: 'E1' });
    const { report, groups } = readReport(octets);
    const [message, recipient] = groups;
    expect(report.fields.get('from')).toBe('"Mail Delivery System" <postmaster@contoso.test>');
    expect(report.fields.get('in-reply-to')).toBe('<1@example.com>');
    expect(message?.get('original-envelope-id')).toBe('E1');
    expect(Object.fromEntries(recipient ?? [])).toEqual({
      'original-recipient': 'rfc822; first@one.test',
      'final-recipient': 'rfc822; nobody@one.test',
      action: 'failed',
      status: '5.1.1',
      'remote-mta': 'dns; mx.one.test',
      'diagnostic-code': `smtp; ${FAILURE}`,
      'last-attempt-date': expect.stringMatching(/ \+0000$/),
    });
  });

  it('reads the subject as its author wrote it', async () => {
    await using bench = await open();
    const { octets } = await fail(
      bench,
      {},
      { subject: '=?utf-8?B?R3LDvMOf?= =?iso-8859-1?q?e_f=FCr_alle?= =?x-none?q?=41?=' },
    );
    const { text } = readReport(octets);
    expect(text).toContain('  Subject: Grüße für alle=?x-none?q?=41?=\r\n');
  });

  it('comes from ExternalPostmasterAddress where that is set', async () => {
    await using bench = await open(undefined, { externalPostmasterAddress: 'help@contoso.test' });
    const { octets } = await fail(bench);
    expect(readReport(octets).report.fields.get('from')).toBe('"Mail Delivery System" <help@contoso.test>');
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
      'all but internal fields',
      { ret: 'FULL', internalFieldsBytes: INTERNAL.length },
      `Subject: x\r\n${INTERNAL}\r\nbody\r\n`,
      'message/rfc822',
      (text) => text.endsWith('Subject: x\r\n\r\nbody\r\n'),
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
      (text) => text.length > 65_000 && text.length <= 65_536 && text.endsWith('X: y\r\n'),
    ],
    [
      'headers of what has lines that no report can have',
      { ret: 'FULL' },
      `Subject: x\r\n\r\n${'x'.repeat(999)}\r\n`,
      'text/rfc822-headers',
      (text) => text.endsWith('Subject: x\r\n'),
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
    const { returned } = readReport((await fail(bench, {}, envelope, body)).octets);
    expect(returned.fields.get('content-type')).toBe(type);
    expect(returned.content.startsWith('Received: from a.example')).toBe(true);
    expect(isRight(returned.content)).toBe(true);
  });

  it('protects the report on a message with REQUIRETLS as that was, and returns no more than its header', async () => {
    await using bench = await open();
    const envelope = { requireTls: true, ret: 'FULL' } as const;
    const { report, octets } = await fail(bench, {}, envelope, 'Subject: secret\r\n\r\nthe body\r\n');
    expect(report?.envelope).toMatchObject({ reversePath: '', requireTls: true });
    expect(octets.toString()).toContain('Content-Type: text/rfc822-headers');
    expect(octets.toString()).not.toContain('the body');
  });

  it('tells the sender of a message with REQUIRETLS in words why it came back', async () => {
    await using bench = await open();
    const message = await bench.queue.store(['a@one.test'], { requireTls: true });
    await claimAll(bench.queue.spool);
    const reply = '550 5.7.10 Encryption needed (certificate-expired): it has';
    const attempt = attemptAt(message, [{ index: 0, status: 'failed', reply, isLocal: true }]);
    const facts = { ...attempt.facts, policy: 'sender-requires-tls', reason: 'certificate-expired' } as const;
    await bench.settlement.record({ ...attempt, facts });
    const [report] = await readReports(bench);
    expect(report && newsIn(report)).toEqual(['failed 5.7.10 rfc822; a@one.test']);
    const words = report?.text.replaceAll(/\s+/g, ' ');
    expect(words).toContain('must not travel without verified TLS all the way');
    expect(words).toContain(REASONS['certificate-expired']);
    expect(words).toContain('neither in clear nor otherwise');
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
    expect((await readReports(bench)).map(newsIn)).toEqual([['failed 5.1.1 rfc822; a@one.test']]);
  });

  it('returns a message whose time is up with 4.4.7 and the last error', async () => {
    await using bench = await open();
    const message = await bench.queue.store(['a@one.test']);
    await claimAll(bench.queue.spool);
    await bench.settlement.expire(makeDelivery(message), {
      lastError: '454 4.7.5 certificate-expired',
      reason: 'certificate-expired',
      hop: hopTo('one.test'),
    });
    const [report] = await readReports(bench);
    const recipient = report?.groups[1];
    expect(recipient?.get('status')).toBe('4.4.7');
    expect(recipient?.has('remote-mta')).toBe(false);
    expect(report?.text.replaceAll(/\r\n */g, ' ')).toMatch(
      /in the time that was set for it\. .* trust each other: the peer/,
    );
    expect(recipient?.get('diagnostic-code')).toBe(
      'x-relaypair; 550 4.4.7 QUEUE.Expired; message expired (454 4.7.5 certificate-expired)',
    );
  });

  it.each([
    ['421 4.4.1 Cannot use mx.one.test', /set for it\. The next mail server could not be reached/],
    [undefined, /set for it\. Show this notice/],
  ])('says what a message waited for until its time was up: %s', async (lastError, words) => {
    await using bench = await open();
    const message = await bench.queue.store(['a@one.test']);
    await claimAll(bench.queue.spool);
    await bench.settlement.expire(makeDelivery(message), { lastError, hop: hopTo('one.test') });
    const [report] = await readReports(bench);
    expect(report?.text.replaceAll(/\r\n */g, ' ')).toMatch(words);
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

describe('a success', () => {
  const delivered = (changes: Partial<RecipientOutcome>): RecipientOutcome => ({
    index: 0,
    status: 'delivered',
    reply: '250 2.1.5 Recipient OK',
    ...changes,
  });

  async function succeed(
    recipient: Partial<EnvelopeRecipient>,
    outcome: Partial<RecipientOutcome>,
  ): Promise<ReadReport[]> {
    await using bench = await open();
    const message = await bench.queue.store([], { recipients: [{ address: 'a@one.test', ...recipient }], ret: 'FULL' });
    await claimAll(bench.queue.spool);
    await bench.settlement.record(attemptAt(message, [delivered(outcome)]));
    return readReports(bench);
  }

  it.each<[string, readonly NotifyCondition[] | undefined, Partial<RecipientOutcome>, string[][]]>([
    ['here', ['SUCCESS'], { successAction: 'delivered' }, [['delivered 2.1.5 rfc822; a@one.test']]],
    [
      'of a hop without DSN',
      ['SUCCESS', 'FAILURE', 'DELAY'],
      { successAction: 'relayed', reply: '250 Taken' },
      [['relayed 2.0.0 rfc822; a@one.test']],
    ],
    ['of a hop that took NOTIFY', ['SUCCESS'], {}, []],
    ['nobody asked about', undefined, { successAction: 'delivered' }, []],
    ['of which nothing is wanted', ['NEVER'], { successAction: 'relayed' }, []],
    ['of which only failures are wanted', ['FAILURE', 'DELAY'], { successAction: 'relayed' }, []],
  ])('%s', async (_, notify, outcome, expected) => {
    const reports = await succeed(notify ? { notify } : {}, outcome);
    expect(reports.map(newsIn)).toEqual(expected);
    // Whatever RET said: that is about failures (RFC 3461 §4.3).
    expect(reports.every(({ returned }) => returned.fields.get('content-type') === 'text/rfc822-headers')).toBe(true);
  });

  it('of some recipients beside a failure of others makes a report of each kind, in one step', async () => {
    await using bench = await open();
    const all: readonly NotifyCondition[] = ['SUCCESS', 'FAILURE'];
    const recipients = ['a', 'b', 'c', 'd'].map((name) => ({ address: `${name}@one.test`, notify: all }));
    const message = await bench.queue.store([], { recipients });
    await claimAll(bench.queue.spool);
    await bench.settlement.record(
      attemptAt(message, [
        delivered({ successAction: 'relayed' }),
        { index: 1, status: 'failed', reply: '552 5.2.2 Full' },
        delivered({ index: 2, successAction: 'relayed' }),
        { index: 3, status: 'deferred', reply: '451 4.3.0 later' },
      ]),
    );
    expect((await readReports(bench)).map(newsIn)).toEqual([
      ['failed 5.2.2 rfc822; b@one.test'],
      ['relayed 2.1.5 rfc822; a@one.test', 'relayed 2.1.5 rfc822; c@one.test'],
    ]);
    expect(bench.reports.map(({ envelope }) => envelope.subject)).toEqual([
      'Undeliverable: a subject',
      'Relayed: a subject',
    ]);
  });
});

describe('a delay', () => {
  const waiting = { lastError: '421 4.4.1 Cannot use mx.one.test', hop: hopTo('one.test') };

  it('is told once, in the same step as the mark, and to those alone who want it', async () => {
    await using bench = await open();
    const recipients: EnvelopeRecipient[] = [
      { address: 'a@one.test' },
      { address: 'b@one.test', notify: ['NEVER'] },
      { address: 'c@one.test', notify: ['FAILURE'] },
      { address: 'd@one.test', notify: ['DELAY'] },
    ];
    const message = await bench.queue.store([], { recipients });
    await claimAll(bench.queue.spool);
    const delivery = makeDelivery(message, { indexes: [0, 1, 2, 3] });
    const rest = await bench.settlement.delay(delivery, waiting);
    expect(rest?.recipients.map(({ status, delayNotified }) => [status, delayNotified])).toEqual([
      ['pending', true],
      ['pending', false],
      ['pending', false],
      ['pending', true],
    ]);
    expect(rest && awaitingDelayNotice(rest, [0, 1, 2, 3])).toEqual([]);
    expect(rest && (await bench.settlement.delay({ ...delivery, message: rest }, waiting))).toBe(rest);

    const [report, ...others] = await readReports(bench);
    expect(others).toEqual([]);
    expect(report && newsIn(report)).toEqual(['delayed 4.4.1 rfc822; a@one.test', 'delayed 4.4.1 rfc822; d@one.test']);
    expect(report?.groups[1]?.get('will-retry-until')).toBe(formatDate(message.envelope.expiresAt));
    // One of them hears of no failure.
    expect(report?.text).not.toContain('You will be told');
  });

  it('is still told after a crash, and not twice: the mark is in the spool', async () => {
    await using bench = await open();
    const message = await bench.queue.store(['a@one.test']);
    await claimAll(bench.queue.spool);
    await bench.settlement.delay(makeDelivery(message), waiting);
    const stored = await bench.queue.spool.get(message.id);
    expect(stored && awaitingDelayNotice(stored, [0])).toEqual([]);
    expect(stored?.attempts).toBe(0);
  });

  it('says in words why trust makes it wait', async () => {
    await using bench = await open();
    const message = await bench.queue.store(['a@one.test']);
    await claimAll(bench.queue.spool);
    await bench.settlement.delay(makeDelivery(message), { ...waiting, reason: 'certificate-not-trusted' });
    const [report] = await readReports(bench);
    expect(report?.text.replaceAll(/\r\n */g, ' ')).toContain('a certificate that the directory does not hold');
  });

  it('of a notification is told to nobody', async () => {
    await using bench = await open();
    const message = await bench.queue.store(['a@one.test'], { reversePath: '' });
    await claimAll(bench.queue.spool);
    expect(awaitingDelayNotice(message, [0])).toEqual([]);
    await bench.settlement.delay(makeDelivery(message), waiting);
    expect(await readReports(bench)).toEqual([]);
  });

  it('of a message that is gone is told to nobody', async () => {
    await using bench = await open();
    const message = await bench.queue.store(['a@one.test']);
    await claimAll(bench.queue.spool);
    await bench.settlement.record(attemptAt(message, [{ index: 0, status: 'delivered', reply: '250 OK' }]));
    expect(await bench.settlement.delay(makeDelivery(message), waiting)).toBeUndefined();
    expect(await readReports(bench)).toEqual([]);
  });
});

describe('a removal by hand', () => {
  it.each([
    ['with a reason is reported', 'It was sent by mistake.', ['failed 5.3.2 rfc822; a@one.test']],
    ['without one is not', undefined, undefined],
  ])('%s', async (_, reason, news) => {
    await using bench = await open();
    const message = await bench.queue.store(['a@one.test']);
    await claimAll(bench.queue.spool);
    await bench.settlement.remove(makeDelivery(message), { reason, hop: hopTo('one.test') });
    expect(await bench.queue.spool.get(message.id)).toBeUndefined();
    const [report] = await readReports(bench);
    expect(report && newsIn(report)).toEqual(news);
    if (reason === undefined) return;
    expect(report?.groups[1]?.get('diagnostic-code')).toContain(reason);
    expect(report?.text).toContain(`An administrator has removed the message: ${reason}`);
  });
});

describe('statusOf', () => {
  it.each([
    ['delayed', '421 4.4.1 Cannot use', '4.4.1'],
    ['delayed', '454 4.7.5 certificate-expired', '4.7.5'],
    ['delayed', '', '4.0.0'],
    ['delivered', '250 2.1.5 OK', '2.1.5'],
    ['relayed', '250 Taken', '2.0.0'],
  ] as const)('of a recipient that is %s, "%s", is %s', (action, reply, expected) => {
    expect(statusOf(action, reply)).toBe(expected);
  });

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
    expect(statusOf('failed', reply)).toBe(expected);
  });
});
