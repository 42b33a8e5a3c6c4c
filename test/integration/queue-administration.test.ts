// Queues and messages of a real Hub, suspended, resumed and removed by cmdlets, over a restart too.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { eventually, Servers } from '../helpers/servers.ts';
import { Sink } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';

const LIMIT = { timeout: 180_000 };
const SENDER = 'sender@corp.test';

describe('the queues of a Hub under administration', () => {
  let servers: Servers;
  let mailbox: Sink;
  let good: Record<string, unknown>;

  beforeAll(async () => {
    mailbox = await Sink.open();
    servers = await Servers.prepare({ deliver: `smtp:127.0.0.1:${await freePort()}` });
    await servers.start('hub');
    await servers.ask('hub', 'New-AcceptedDomain', { Name: 'corp', DomainName: 'corp.test' });
    good = JSON.parse(readFileSync(join(servers.folder, 'hub.yaml'), 'utf8')) as Record<string, unknown>;
  }, LIMIT.timeout);

  afterAll(async () => {
    await servers[Symbol.asyncDispose]();
    await mailbox.close();
  });

  async function send(to: string): Promise<void> {
    const content = Buffer.from(`Subject: for ${to}\r\n\r\nx\r\n`);
    expect((await submit({ port: servers.ports.hub, from: SENDER, to: [to], content })).isAccepted).toBe(true);
  }

  /** Subjects in the queues, each with the message's status. */
  async function waiting(): Promise<string[]> {
    const messages = await servers.ask('hub', 'Get-Message');
    return messages.map(({ Subject, Status }) => `${JSON.stringify(Subject)} ${JSON.stringify(Status)}`).toSorted();
  }

  const arrived = (): string[] => mailbox.messages.flatMap(({ recipients }) => recipients).toSorted();

  it('keeps a suspended message while the others leave, and over a restart', LIMIT, async () => {
    for (const name of ['a', 'b', 'c']) await send(`${name}@corp.test`);
    await eventually('three messages', async () => ((await waiting()).length === 3 ? true : undefined));
    await servers.ask('hub', 'Suspend-Message', { Filter: `Subject -eq 'for b@corp.test'` });
    good = { ...good, deliver: `smtp:127.0.0.1:${mailbox.port}` };
    writeFileSync(join(servers.folder, 'hub.yaml'), JSON.stringify(good));
    await servers.ask('hub', 'Update-Configuration');
    await mailbox.waitFor((messages) => messages.length === 2);
    const isOnlyB = async () => ((await waiting()).join() === '"for b@corp.test" "Suspended"' ? true : undefined);
    // Until the two deliveries are recorded a kill would repeat them.
    await eventually('the suspended one alone', isOnlyB);
    await servers.stop('hub', 'SIGKILL');
    await servers.start('hub');
    await eventually('the suspended one after the restart', isOnlyB);
    await send('d@corp.test');
    await mailbox.messageFor('d@corp.test');
    expect(arrived()).toEqual(['a@corp.test', 'c@corp.test', 'd@corp.test']);
    await servers.ask('hub', 'Resume-Message', { Filter: `Status -eq 'Suspended'` });
    await mailbox.messageFor('b@corp.test');
  });

  it('sends nothing from a suspended queue, over a restart too, until it is resumed', LIMIT, async () => {
    await send('e@corp.test');
    await mailbox.messageFor('e@corp.test');
    const identity = `127.0.0.1:${mailbox.port}`;
    await servers.ask('hub', 'Suspend-Queue', { Identity: identity });
    await send('f@corp.test');
    await send('g@corp.test');
    await servers.stop('hub');
    await servers.start('hub');
    const suspended = await eventually('the suspended queue', async () => {
      const queues = await servers.ask('hub', 'Get-Queue', { Filter: `Status -eq 'Suspended'` });
      return queues.find(({ MessageCount }) => MessageCount === 2);
    });
    expect(suspended).toMatchObject({ NextHopDomain: identity });
    expect(arrived()).not.toContain('f@corp.test');
    const removed = { Filter: `Subject -eq 'for f@corp.test'`, Confirm: 'false' };
    await servers.ask('hub', 'Remove-Message', removed);
    await servers.ask('hub', 'Resume-Queue', { Identity: identity });
    await mailbox.messageFor('g@corp.test');
    const { reversePath, content } = await mailbox.messageFor(SENDER);
    expect(reversePath).toBe('');
    expect(content.toString()).toMatch(/f@corp\.test/);
    expect(arrived()).not.toContain('f@corp.test');
    // The mailbox has the report before the Hub has recorded that it is delivered.
    await eventually('empty queues', async () => ((await waiting()).length === 0 ? true : undefined));
  });

  it('removes without a report where none is wanted', LIMIT, async () => {
    const identity = `127.0.0.1:${mailbox.port}`;
    await servers.ask('hub', 'Suspend-Queue', { Identity: identity });
    await send('h@corp.test');
    await eventually('the message', async () => ((await waiting()).length === 1 ? true : undefined));
    const reports = mailbox.messages.filter((message) => message.reversePath === '').length;
    const all = { Filter: `FromAddress -eq '${SENDER}'`, WithNDR: '$false', Confirm: 'false' };
    await servers.ask('hub', 'Remove-Message', all);
    expect(await waiting()).toEqual([]);
    await servers.ask('hub', 'Resume-Queue', { Identity: identity });
    await send('i@corp.test');
    await mailbox.messageFor('i@corp.test');
    expect(mailbox.messages.filter((message) => message.reversePath === '')).toHaveLength(reports);
  });
});
