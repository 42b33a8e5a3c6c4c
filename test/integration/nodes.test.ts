// Two Hubs on one spool: one of them is taken out of service by the word of the other, with mail waiting in it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { CmdletOutput, OutputRecord } from '../../src/cmdlets/output.ts';
import { rows } from '../helpers/cmdlet-context.ts';
import { freePort } from '../helpers/free-port.ts';
import { hasPostgres, type RunningPostgres, startPostgres } from '../helpers/postgres.ts';
import { relaypair } from '../helpers/pair.ts';
import { NO_NAME_SERVER, ServerProcesses } from '../helpers/server-processes.ts';
import { submit } from '../helpers/submit.ts';
import { isAlive, waitUntil } from '../helpers/wait.ts';

const MESSAGES = 20;
/** Short, since a test waits for it; long enough for a machine that is busy. */
const LEASE = '8s';
const LIMIT_MS = 300_000;

/** Mail of the test alone: everybody else's waits. */
const TRACKED = { EventId: 'SEND', ResultSize: 'unlimited' };

async function greeting(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    const [octets] = (await once(socket, 'data')) as [Buffer];
    return octets.toString('latin1');
  } finally {
    socket.destroy();
  }
}

describe.skipIf(!hasPostgres())('two Hubs on one spool', () => {
  const hubs = new ServerProcesses();
  const ports: Record<string, number> = {};
  let database: RunningPostgres | undefined;

  beforeAll(async () => {
    database = await startPostgres({ fsync: false });
    process.env['PGPASSWORD'] = database.password;
    const url = database.url().replace(`:${database.password}@`, '@');
    // Nobody listens there: mail waits.
    const deliver = `lmtp:127.0.0.1:${await freePort()}`;
    for (const name of ['hub01', 'hub02']) {
      const port = await freePort();
      ports[name] = port;
      hubs.configure(name, {
        role: 'hub',
        fqdn: `${name}.corp.test`,
        listen: { smtp: [`127.0.0.1:${port}`] },
        deliver,
        dns: NO_NAME_SERVER,
        spool: { backend: 'postgres', url, lease: LEASE, allowUnsafe: true },
      });
    }
    await relaypair(['spool', 'migrate', '--config', join(hubs.folder, 'hub01.yaml')], { cwd: hubs.folder });
    await Promise.all(['hub01', 'hub02'].map((name) => hubs.start(name)));
  }, LIMIT_MS);
  afterAll(async () => {
    await hubs[Symbol.asyncDispose]();
    await database?.stop();
  });

  async function nodes(): Promise<string[]> {
    return rows(await hubs.ask('hub01', 'Get-Node'), 'Name', 'State', 'Messages');
  }

  it('lose no mail when one is suspended, restarted and resumed', async () => {
    const port = ports['hub02'] ?? 0;
    for (let number = 0; number < MESSAGES; number++) {
      const content = Buffer.from(`Subject: ${number}\r\n\r\nbody\r\n`);
      const sent = await submit({ port, from: 'a@example.org', to: ['b@corp.test'], content });
      expect(sent.reply).toMatch(/^250 /);
    }
    await waitUntil('all mail in HUB02', async () => (await nodes())[1] === `HUB02 | Up | ${MESSAGES}`);
    await hubs.call('hub01', 'Suspend-Node', { Identity: 'HUB02' });
    await waitUntil('all mail in HUB01', async () => {
      return (await nodes()).join() === `HUB01 | Up | ${MESSAGES},HUB02 | Suspended | 0`;
    });
    expect(await greeting(port)).toMatch(/^421 4\.3\.2 /);
    expect(await greeting(ports['hub01'] ?? 0)).toMatch(/^220 /);
    await hubs.stop('hub02');
    await hubs.start('hub02');
    expect(await greeting(port)).toMatch(/^421 4\.3\.2 /);
    expect(await hubs.ask('hub02', 'Get-EventLog', { EventId: '30231' })).toHaveLength(2);
    await hubs.call('hub02', 'Resume-Node', { Identity: 'HUB02' });
    await waitUntil('HUB02 to greet', async () => (await greeting(port)).startsWith('220 '));
    await waitUntil(
      'HUB02 to say so',
      async () => (await nodes()).join() === `HUB01 | Up | ${MESSAGES},HUB02 | Up | 0`,
    );
  });

  /** Of the records of a step: the numbers of all nodes together, or of one. */
  function at(output: CmdletOutput, step: string, node = 'all'): OutputRecord {
    const record = output.records.find(({ Step, Node }) => Step === step && Node === node);
    if (!record) throw new Error(`no ${step} of ${node}: ${JSON.stringify(output)}`);
    return record;
  }

  it('count mail of a failover on purpose, which drains one and lets it in again', async () => {
    await expect(hubs.call('hub01', 'Test-Failover', { Identity: 'HUB02' })).rejects.toMatchObject({
      code: 'confirmation-needed',
    });
    const output = await hubs.call('hub01', 'Test-Failover', { Identity: 'HUB02', Confirm: 'true', Report: 'r.html' });
    expect(output.failures).toEqual([]);
    expect(
      rows(
        output.records.filter(({ Node }) => Node === 'HUB02'),
        'Step',
        'State',
      ),
    ).toEqual([
      ...['Before | Up', 'Loaded | Up', expect.stringMatching(/^During \| Suspend/), 'Over | Suspended'],
      ...['After | Suspended', 'Back | Up', 'End | Up'],
    ]);
    expect(at(output, 'Over', 'HUB02')).toMatchObject({ Held: 0 });
    expect(at(output, 'After', 'HUB02')['Accepted']).toBe(at(output, 'Over', 'HUB02')['Accepted']);
    const { Accepted, Delivered, Lost, Waiting } = at(output, 'End');
    expect([Delivered, Lost, Waiting]).toEqual([Accepted, 0, 0]);
    const [report] = output.files ?? [];
    expect(report?.content.toString()).toContain(`<h1>Failover of HUB02: drained</h1>`);
    // What nobody counted for the report: the servers' own records.
    await waitUntil('a record of each delivery', async () => {
      const logs = await Promise.all(
        ['hub01', 'hub02'].map((name) => hubs.ask(name, 'Get-MessageTrackingLog', TRACKED)),
      );
      return logs.flat().length === Delivered;
    });
    expect(await nodes()).toEqual([`HUB01 | Up | ${MESSAGES}`, 'HUB02 | Up | 0']);
  });

  it('lose nothing of what a node held that was killed on purpose', async () => {
    const pid = hubs.pid('hub02');
    const output = await hubs.call('hub01', 'Test-Failover', { Identity: 'HUB02', Kill: 'true', Confirm: 'true' });
    expect(isAlive(pid)).toBe(false);
    expect(output.failures).toEqual([]);
    expect(at(output, 'Loaded', 'HUB02')['Held']).toBeGreaterThanOrEqual(20);
    expect(at(output, 'Over', 'HUB02')).toMatchObject({ State: 'Gone', Held: 0 });
    const { Accepted, Delivered, Lost, Waiting } = at(output, 'End');
    expect([Delivered, Lost, Waiting]).toEqual([Accepted, 0, 0]);
    await expect(hubs.call('hub01', 'Test-Failover', { Identity: 'HUB01', Confirm: 'true' })).rejects.toMatchObject({
      code: 'node-alone',
    });
    await hubs.start('hub02');
  });
});
