// Fault: a message at which the server crashes, by an exception that nobody catches or by a heap that runs over. It is tried
// twice and then kept in the queue Poison; the others go on. Being killed never makes poison.

import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually, Servers } from '../helpers/servers.ts';
import { Sink } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';

const LIMIT = { timeout: 300_000 };
const HEAP_MIB = 96;

/** Runs inside the server: does its worst once the marked message is on its way out, as a bug in any package would. */
const BUG = `
import { Socket } from 'node:net';
const write = Socket.prototype.write;
Socket.prototype.write = function (chunk, ...rest) {
  const text = typeof chunk === 'string' || chunk instanceof Uint8Array ? Buffer.from(chunk) : Buffer.alloc(0);
  if (text.includes('X-Bug: exception')) setImmediate(() => { throw new Error('a bug in a package'); });
  if (text.includes('X-Bug: memory')) setImmediate(() => { const all = []; for (;;) all.push(new Array(1000).fill({})); });
  return write.call(this, chunk, ...rest);
};
`;

class Bugged {
  readonly servers: Servers;
  readonly sink: Sink;

  constructor(servers: Servers, sink: Sink) {
    this.servers = servers;
    this.sink = sink;
  }

  static async start(): Promise<Bugged> {
    const sink = await Sink.open();
    const servers = await Servers.prepare({ deliver: `smtp:127.0.0.1:${sink.port}` });
    const bug = join(servers.folder, 'bug.mjs');
    writeFileSync(bug, BUG);
    process.env['NODE_OPTIONS'] = `--import ${bug} --max-old-space-size=${HEAP_MIB}`;
    const bugged = new Bugged(servers, sink);
    await servers.start('hub');
    await servers.ask('hub', 'New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
    return bugged;
  }

  async send(subject: string, more = ''): Promise<void> {
    const content = Buffer.from(`Subject: ${subject}\r\n${more}\r\nhello\r\n`);
    const port = this.servers.ports.hub;
    const { isAccepted } = await submit({ port, from: 'anna@contoso.test', to: ['bob@contoso.test'], content });
    expect(isAccepted).toBe(true);
  }

  /** Waits for the end of the Hub's process and starts it again. */
  async startAgain(): Promise<void> {
    const pid = this.servers.pid('hub');
    await eventually('the end of the Hub', () => isGone(pid) || undefined, 120_000);
    await this.servers.start('hub');
  }

  queue(identity: string): Promise<readonly Record<string, unknown>[]> {
    return this.servers.ask('hub', 'Get-Message', { Queue: identity });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    delete process.env['NODE_OPTIONS'];
    await this.servers[Symbol.asyncDispose]();
    await this.sink.close();
  }
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

it.each([
  ['an exception that nobody catches', 'exception', 'a bug in a package'],
  ['a heap that runs over', 'memory', 'heap out of memory'],
])('keeps a message that ends the server twice by %s', LIMIT, async (_what, bug, cause) => {
  await using bugged = await Bugged.start();
  const { servers, sink } = bugged;
  await bugged.send('guilty', `X-Bug: ${bug}\r\n`);
  await bugged.startAgain();
  await bugged.startAgain();
  const [poison] = await eventually('the message in Poison', async () => {
    const found = await bugged.queue('Poison');
    return found.length > 0 ? found : undefined;
  });
  expect(poison).toMatchObject({ Subject: 'guilty', Status: 'Suspended', LastError: expect.stringContaining(cause) });
  await bugged.send('innocent');
  await sink.waitFor((messages) => messages.some(({ content }) => content.includes('Subject: innocent')));
  expect(await bugged.queue('Poison')).toHaveLength(1);
  // Back pressure does not take it for one that is still to be sorted.
  await eventually('nothing to be sorted', async () => {
    const resources = await servers.ask('hub', 'Get-ExchangeDiagnosticInfo');
    return (
      resources.some((each) => each['Resource'] === 'SubmissionQueueLength' && each['Pressure'] === 0) || undefined
    );
  });
  const events = await servers.ask('hub', 'Get-EventLog', {});
  const ids = events.map((event) => event['EventId'] ?? event['Id']);
  expect([ids.filter((id) => id === 30_060).length, ids.filter((id) => id === 30_061).length]).toEqual([2, 1]);
  const exported = await servers.call('hub', 'Export-Message', { Identity: String(poison?.['Identity']) });
  expect(exported.files?.[0]?.content.toString()).toContain(`X-Bug: ${bug}\r\n\r\nhello`);
});

it('is not made by being killed, however often', LIMIT, async () => {
  await using bugged = await Bugged.start();
  const { servers, sink } = bugged;
  await sink.close();
  await bugged.send('patient');
  for (let round = 0; round < 4; round++) {
    await servers.stop('hub', 'SIGKILL');
    await servers.start('hub');
  }
  expect(await bugged.queue('Poison')).toEqual([]);
  expect(await servers.ask('hub', 'Get-Message')).toMatchObject([{ Subject: 'patient' }]);
});

it('leaves nothing of a server that others can read', LIMIT, async () => {
  await using bugged = await Bugged.start();
  const { servers, sink } = bugged;
  await bugged.send('private');
  await sink.waitFor((messages) => messages.length > 0);
  const root = join(servers.folder, 'hub');
  const open = readdirSync(root, { recursive: true })
    .map((name) => join(root, String(name)))
    .filter((path) => (statSync(path).mode & 0o077) !== 0 && !path.endsWith('.sock'));
  expect([open, statSync(root).mode & 0o777]).toEqual([[], 0o700]);
});
