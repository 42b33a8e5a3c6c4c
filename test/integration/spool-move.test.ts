// `relaypair spool migrate` and `relaypair spool copy` as whole processes: a Hub's mail goes from the embedded spool into PostgreSQL and
// back, the command is killed in the middle again and again, and each message is delivered once.

import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/clock.ts';
import { silentLog } from '../../src/log.ts';
import { EmbeddedSpool } from '../../src/spool/embedded-spool.ts';
import { rows } from '../helpers/cmdlet-context.ts';
import { freePort } from '../helpers/free-port.ts';
import { relaypair } from '../helpers/pair.ts';
import { hasPostgres, type RunningPostgres, startPostgres } from '../helpers/postgres.ts';
import { NO_NAME_SERVER, QUICK_RETRY, ServerProcesses } from '../helpers/server-processes.ts';
import { Sink } from '../helpers/sink.ts';
import { makeEnvelope, storeMessage } from '../helpers/spool-fixtures.ts';
import { submit } from '../helpers/submit.ts';
import { waitUntil } from '../helpers/wait.ts';

const LAUNCHER = new URL('../../bin/relaypair.js', import.meta.url).pathname;
/** Enough for a copy to be met in the middle. */
const STORED = 90;
const SENT = 5;
const ALL = STORED + SENT;

describe.skipIf(!hasPostgres())('the spool of a Hub', () => {
  const hubs = new ServerProcesses();
  let database: RunningPostgres;
  let config: Parameters<ServerProcesses['configure']>[1];
  let port: number;

  beforeAll(async () => {
    database = await startPostgres();
    process.env['PGPASSWORD'] = database.password;
    const url = database.url().replace(`:${database.password}@`, '@');
    port = await freePort();
    config = {
      role: 'hub',
      fqdn: 'hub01.corp.test',
      listen: { smtp: [`127.0.0.1:${port}`] },
      deliver: `smtp:127.0.0.1:${await freePort()}`,
      dns: NO_NAME_SERVER,
      retry: QUICK_RETRY,
      spool: { backend: 'postgres', url },
    };
  });
  afterAll(async () => {
    await hubs[Symbol.asyncDispose]();
    await database.stop();
  });

  function spoolCommand(...words: string[]) {
    return relaypair(['spool', ...words, '--config', join(hubs.folder, 'hub01.yaml')], { cwd: hubs.folder });
  }

  async function countShared(): Promise<number> {
    const { rows: found } = await database.query('SELECT count(*)::int AS count FROM relaypair_hub.message');
    return (found as { count: number }[])[0]?.count ?? 0;
  }

  /** Kills a copy as soon as so many messages have gone; false where it was faster. */
  async function killCopy(from: string, to: string, isTime: (shared: number) => boolean): Promise<boolean> {
    const words = ['spool', 'copy', '--from', from, '--to', to, '--config', join(hubs.folder, 'hub01.yaml')];
    const child = spawn(process.execPath, [LAUNCHER, ...words], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    await waitUntil('the copy to be under way', async () => child.exitCode !== null || isTime(await countShared()));
    child.kill('SIGKILL');
    const [code] = (await ended) as [number | null];
    return code === null;
  }

  /** Kills it at a third and at two thirds of the way, then lets it end. */
  async function copyThroughKills(from: string, to: string): Promise<void> {
    let kills = 0;
    for (const share of [1 / 3, 2 / 3]) {
      const isTime = (shared: number): boolean =>
        to === 'postgres' ? shared >= ALL * share : shared <= ALL * (1 - share);
      if (await killCopy(from, to, isTime)) kills += 1;
    }
    expect(kills).toBeGreaterThan(0);
    const refused = await hubs.start('hub01').then(
      () => '',
      (error: Error) => error.message,
    );
    expect(refused).toMatch(/relaypair: [^\n]*copy [^\n]*begun and not finished: run "relaypair spool copy[^\n]*\n$/);
    const { code, stdout, stderr } = await spoolCommand('copy', '--from', from, '--to', to);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^\\d+ messages with \\d+ octets are in ${to} now`));
  }

  it('goes into the database and back, though the command is killed each time, and each message is delivered once', async () => {
    hubs.configure('hub01', config);
    const before = await hubs.start('hub01').then(
      () => '',
      (error: Error) => error.message,
    );
    expect(before).toContain('has no spool in the schema relaypair_hub: run "relaypair spool migrate"');
    expect(await spoolCommand('migrate')).toMatchObject({ code: 0 });
    expect((await spoolCommand('migrate')).stdout).toContain('already');

    hubs.configure('hub01', { ...config, spool: { backend: 'embedded' } });
    await hubs.start('hub01');
    for (let number = 0; number < SENT; number += 1) {
      const content = Buffer.from(`Subject: sent ${number}\r\n\r\nbody\r\n`);
      expect((await submit({ port, from: 'a@example.org', to: ['b@corp.test'], content })).isAccepted).toBe(true);
    }
    await hubs.stop('hub01');
    const folder = join(hubs.folder, 'hub01', 'spool');
    const spool = await EmbeddedSpool.open({ folder, log: silentLog(), clock: new SystemClock() });
    const now = Date.now();
    for (let number = 0; number < STORED; number += 1) {
      const body = `Subject: stored ${number}\r\n\r\n${randomBytes(number % 50 === 0 ? 300_000 : 1000).toString('base64')}\r\n`;
      const envelope = makeEnvelope({
        networkMessageId: `stored ${number}`,
        recipients: [{ address: 'b@corp.test' }],
        receivedAt: new Date(now),
        expiresAt: new Date(now + 86_400_000),
      });
      await storeMessage(spool, Buffer.from(body.replaceAll(/.{998}(?=.)/g, '$&\r\n')), envelope);
    }
    await spool.close();

    hubs.configure('hub01', config);
    await copyThroughKills('embedded', 'postgres');
    expect(await countShared()).toBe(ALL);
    await hubs.start('hub01');
    await waitUntil('the Hub to hold all of it', async () => {
      return rows(await hubs.ask('hub01', 'Get-Node'), 'Messages').join() === String(ALL);
    });
    await hubs.stop('hub01');
    await copyThroughKills('postgres', 'embedded');
    expect(await countShared()).toBe(0);

    const sink = await Sink.open();
    hubs.configure('hub01', { ...config, deliver: `smtp:127.0.0.1:${sink.port}`, spool: { backend: 'embedded' } });
    await hubs.start('hub01');
    await hubs.ask('hub01', 'New-AcceptedDomain', { Name: 'corp', DomainName: 'corp.test' });
    await sink.waitFor((messages) => messages.length >= ALL, 100_000);
    await waitUntil('the queues to be empty', async () => {
      return (await hubs.ask('hub01', 'Get-Message')).length === 0;
    });
    const subjects = sink.messages.map(({ content }) => /^Subject: (.*)\r$/m.exec(content.toString('latin1'))?.[1]);
    expect(new Set(subjects).size).toBe(ALL);
    expect(subjects).toHaveLength(ALL);
    await hubs.stop('hub01');
    await sink.close();
  }, 400_000);
});
