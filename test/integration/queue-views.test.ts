// The queues of a real Hub as an administrator sees them on the command line: which ones a filter picks, Submission, Unreachable until
// there is a way, and Retry-Queue where the next attempt is an hour away.

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { OutputRecord } from '../../src/cmdlets/output.ts';
import { freePort } from '../helpers/free-port.ts';
import { eventually, Servers } from '../helpers/servers.ts';
import { Sink, type SinkOptions } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';

const LIMIT = { timeout: 180_000 };
const HOUR_MS = 3_600_000;
/** The first failure makes a hop wait for an hour. */
const SLOW_RETRY = { glitchCount: 0, transientCount: 0, outboundInterval: '1h', messageInterval: '1h' };
/** How many messages wait for each of the dead destinations. */
const WAITING = { 'many.test': 12, 'few.test': 2 } as const;
const LARGE_AND_WAITING = `Status -eq 'Retry' -and MessageCount -gt 10`;
/** Longer than the Hub needs for a delivery, and shorter than the interval by far. */
const QUIET_MS = 3000;

let servers: Servers;
let manyPort: number;

beforeAll(async () => {
  servers = await Servers.prepare({ hubExtra: { retry: SLOW_RETRY } });
  manyPort = await freePort();
  await servers.start('hub');
  await connect('many.test', manyPort);
  await connect('few.test', await freePort());
  for (const [domain, count] of Object.entries(WAITING)) {
    for (let number = 0; number < count; number++) await send(`n${number}@${domain}`);
  }
  for (const name of Object.keys(WAITING)) await awaitRetry(name);
}, LIMIT.timeout);

afterAll(() => servers[Symbol.asyncDispose]());

/** Brings the mail for a domain to a port of this machine, by a connector of that name. */
async function connect(domain: string, port: number): Promise<void> {
  const smartHost = { SmartHosts: '127.0.0.1', Port: String(port) };
  await servers.ask('hub', 'New-SendConnector', { Name: domain, AddressSpaces: domain, ...smartHost });
}

async function send(to: string): Promise<void> {
  const content = Buffer.from(`Subject: for ${to}\r\n\r\nx\r\n`);
  const { reply } = await submit({ port: servers.ports.hub, from: 'anna@corp.test', to: [to], content });
  expect(reply).toMatch(/^250 /);
}

/** One that is closed with the test. */
async function openSink(options: SinkOptions = {}): Promise<Sink> {
  const sink = await Sink.open(options);
  onTestFinished(() => sink.close());
  return sink;
}

/** On the command line. */
function getQueue(...parameters: string[]): Promise<Record<string, unknown>[]> {
  return servers.cmdlet('hub', 'Get-Queue', ...parameters);
}

async function queueBy(connector: string): Promise<OutputRecord | undefined> {
  return (await servers.ask('hub', 'Get-Queue')).find(({ NextHopConnector }) => NextHopConnector === connector);
}

async function unreachableCount(): Promise<unknown> {
  const queues = await servers.ask('hub', 'Get-Queue');
  return queues.find(({ DeliveryType }) => DeliveryType === 'Unreachable')?.['MessageCount'] ?? 0;
}

/** Waits until everything for a dead destination is in its queue, and that waits. */
function awaitRetry(domain: string): Promise<OutputRecord> {
  const count = WAITING[domain as keyof typeof WAITING];
  return eventually(`the queue for ${domain}`, async () => {
    const queue = await queueBy(domain);
    return queue?.['Status'] === 'Retry' && queue['MessageCount'] === count ? queue : undefined;
  });
}

describe('the queues of a Hub on the command line', () => {
  it('shows by -Filter the queue with many waiting messages, and not the one with few', LIMIT, async () => {
    expect(await getQueue('-Filter', LARGE_AND_WAITING)).toMatchObject([
      {
        DeliveryType: 'SmartHostConnectorDelivery',
        NextHopConnector: 'many.test',
        Status: 'Retry',
        MessageCount: 12,
        LastError: expect.stringContaining('4.4.1'),
      },
    ]);
    expect(await getQueue('-Filter', `Status -eq 'Retry' -and MessageCount -le 10`)).toMatchObject([
      { NextHopConnector: 'few.test', MessageCount: 2 },
    ]);
    const piped = await servers.cmdlet('hub', 'Get-Queue | where MessageCount -gt 10 | select NextHopConnector');
    expect(piped).toEqual([{ NextHopConnector: 'many.test' }]);
  });

  it('shows Submission, which has nothing in it once all is sorted', LIMIT, async () => {
    const [submission, ...others] = await getQueue('Submission');
    expect(submission).toMatchObject({ Identity: 'HUB01\\Submission', Status: 'Ready', MessageCount: 0 });
    expect(others).toEqual([]);
    const { stdout } = await servers.run('hub', 'Get-Queue');
    expect(stdout).toMatch(/^HUB01\\Submission +Undefined +Ready +0 +Submission$/m);
  });

  it('keeps in Unreachable what no connector takes, until one does', LIMIT, async () => {
    const sink = await openSink();
    await send('anna@nowhere.test');
    await eventually('the message in Unreachable', async () => ((await unreachableCount()) === 1 ? true : undefined));
    expect(await getQueue('Unreachable')).toMatchObject([
      {
        Identity: 'HUB01\\Unreachable',
        DeliveryType: 'Unreachable',
        NextHopDomain: 'Unreachable Domain',
        MessageCount: 1,
        LastError: expect.stringContaining('A matching connector cannot be found'),
      },
    ]);
    expect(await servers.cmdlet('hub', 'Get-Message', '-Queue', 'Unreachable')).toMatchObject([
      { Subject: 'for anna@nowhere.test' },
    ]);
    await connect('nowhere.test', sink.port);
    await sink.messageFor('anna@nowhere.test');
    await eventually('an empty Unreachable', async () => ((await unreachableCount()) === 0 ? true : undefined));
    expect(await getQueue('-Filter', `NextHopConnector -eq 'nowhere.test'`)).toMatchObject([{ MessageCount: 0 }]);
  });

  it('tries a queue at once by Retry-Queue, and no other, where the next attempt is an hour away', LIMIT, async () => {
    const due = await awaitRetry('many.test');
    expect(due['NextRetryTime']).toBeInstanceOf(Date);
    expect(Number(due['NextRetryTime']) - Date.now()).toBeGreaterThan(HOUR_MS / 2);
    const sink = await openSink({ port: manyPort });
    await new Promise<void>((resolve) => {
      setTimeout(resolve, QUIET_MS);
    });
    expect(sink.messages).toEqual([]);
    expect(await queueBy('many.test')).toMatchObject({ Status: 'Retry', MessageCount: 12 });

    const { stdout, stderr, code } = await servers.run('hub', 'Retry-Queue', '-Filter', LARGE_AND_WAITING);
    expect({ code, said: `${stdout}${stderr}` }).toEqual({
      code: 0,
      said: expect.stringContaining('1 queue is retried now'),
    });
    await sink.waitFor((messages) => messages.length === WAITING['many.test']);
    const recipients = new Set(sink.messages.flatMap((message) => message.recipients));
    expect(recipients.size).toBe(WAITING['many.test']);
    await eventually('an empty queue', async () =>
      (await queueBy('many.test'))?.['MessageCount'] === 0 ? true : undefined,
    );
    expect(await queueBy('few.test')).toMatchObject({ Status: 'Retry', MessageCount: 2 });
  });
});
