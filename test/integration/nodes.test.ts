// Two Hubs on one spool: one of them is taken out of service by the word of the other, with mail waiting in it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { rows } from '../helpers/cmdlet-context.ts';
import { freePort } from '../helpers/free-port.ts';
import { hasPostgres, type RunningPostgres, startPostgres } from '../helpers/postgres.ts';
import { relaypair } from '../helpers/pair.ts';
import { NO_NAME_SERVER, ServerProcesses } from '../helpers/server-processes.ts';
import { submit } from '../helpers/submit.ts';
import { waitUntil } from '../helpers/wait.ts';

const MESSAGES = 20;

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
    database = await startPostgres();
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
        spool: { backend: 'postgres', url },
      });
    }
    await relaypair(['spool', 'migrate', '--config', join(hubs.folder, 'hub01.yaml')], { cwd: hubs.folder });
    await Promise.all(['hub01', 'hub02'].map((name) => hubs.start(name)));
  });
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
});
