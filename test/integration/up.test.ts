// `relaypair up` as a whole: what it says, how it ends, and what becomes of mail when a process of it is killed.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Pair, type PairOptions, relaypair } from '../helpers/pair.ts';
import { Sink } from '../helpers/sink.ts';
import { submit, type Submitted } from '../helpers/submit.ts';
import { isAlive, waitUntil } from '../helpers/wait.ts';

const CONTENT = Buffer.from('From: a@origin.test\r\nSubject: up\r\n\r\nstill here\r\n');

let folder: string;
let internet: Sink;
let mailboxes: Sink;
let options: PairOptions;
/** What the smart host answers to the final dot; undefined takes the message. */
let smartHostAnswer: string | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
  internet = await Sink.open({ onMessage: () => smartHostAnswer });
  mailboxes = await Sink.open();
  options = { folder, smartHostPort: internet.port, deliver: `smtp:127.0.0.1:${mailboxes.port}` };
});
afterAll(async () => {
  await Promise.all([internet.close(), mailboxes.close()]);
  rmSync(folder, { recursive: true, force: true });
});

function send(port: number, recipient: string): Promise<Submitted> {
  return submit({ port, from: 'a@origin.test', to: [recipient], content: CONTENT });
}

async function expectMailBothWays(pair: Pair, tag: string): Promise<void> {
  expect((await send(pair.hubPort, `${tag}@elsewhere.test`)).reply).toMatch(/^250 2\.6\.0 /);
  expect((await send(pair.edgePort, `${tag}@contoso.test`)).reply).toMatch(/^250 2\.6\.0 /);
  await internet.messageFor(`${tag}@elsewhere.test`);
  await mailboxes.messageFor(`${tag}@contoso.test`);
}

/** A pair of processes that is looked after by nobody any more. */
async function expectEnded({ ready }: Pair): Promise<void> {
  for (const { pid } of [ready.hub, ready.edge]) await waitUntil(`process ${pid} has ended`, () => !isAlive(pid));
}

describe('relaypair up', () => {
  it('ends both servers in order also when every process of its group is asked to end at once, and more than once', async () => {
    const pair = await Pair.up(options);
    const { hub, edge } = pair.ready;
    for (const pid of [hub.pid, edge.pid, hub.pid, edge.pid]) process.kill(pid, 'SIGTERM');
    expect(await pair.stop()).toBe(0);
    for (const role of [hub, edge]) {
      // A server that was cut off instead of stopped leaves its socket behind.
      expect(existsSync(join(role.folder, 'control.sock'))).toBe(false);
      expect(isAlive(role.pid)).toBe(false);
    }
  });

  describe('while it runs', () => {
    let pair: Pair;
    beforeAll(async () => {
      pair = await Pair.up(options);
    });
    afterAll(async () => expect(await pair?.stop()).toBe(0));

    it('says where everything is once mail flows', async () => {
      const { ready } = pair;
      expect(ready).toEqual({
        event: 'ready',
        folder,
        hub: {
          pid: expect.any(Number),
          fqdn: 'hub01.corp.test',
          smtp: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
          folder: join(folder, 'hub'),
        },
        edge: {
          pid: expect.any(Number),
          fqdn: 'edge01.perimeter.test',
          smtp: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
          ldaps: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
          folder: join(folder, 'edge'),
        },
      });
      // Port 0 became two real ones.
      expect(new Set([0, pair.hubPort, pair.edgePort]).size).toBe(3);
      expect([ready.hub.pid, ready.edge.pid].every(isAlive)).toBe(true);
      await expectMailBothWays(pair, 'first');
    });

    it('tells the way of a message over both servers, and shows both at a look', async () => {
      const content = Buffer.from(
        'From: a@origin.test\r\nMessage-ID: <trail@origin.test>\r\nSubject: way\r\n\r\nx\r\n',
      );
      await submit({ port: pair.edgePort, from: 'a@origin.test', to: ['way@contoso.test'], content });
      await mailboxes.messageFor('way@contoso.test');
      // The last hop is recorded after the mailbox has said yes.
      const trail = await waitUntil('the record of the last hop', async () => {
        const { code, stdout } = await relaypair(['trail', 'trail@origin.test', '--dir', folder]);
        return code === 0 && stdout.includes(', delivered') && stdout;
      });
      const hops = trail.split('\n').filter((line) => /(?:IN CLEAR|TLSv1\.3|direct-trust|, delivered)/.test(line));
      expect(hops.join('\n')).toMatch(/IN CLEAR[^]*TLSv1\.3[^]*direct-trust[^]*hub01\.corp\.test, delivered: 250/);
      const unknown = await relaypair(['trail', 'nobody@origin.test', '--dir', folder]);
      expect([unknown.code, unknown.stderr]).toEqual([
        1,
        expect.stringMatching(/^relaypair: neither server knows a message "nobody@origin\.test"; .*\n$/),
      ]);
      const top = await relaypair(['top', '--json', '--dir', folder]);
      expect(JSON.parse(top.stdout)).toMatchObject([{ Servers: [{ Server: 'Hub' }, { Server: 'Edge' }], Missing: [] }]);
    });

    it('refuses a second run in its folder with one sentence, and is not disturbed', async () => {
      const second = await relaypair(['up', '--dir', folder, '--hub', '127.0.0.1:0', '--edge', '127.0.0.1:0']);
      expect(second.code).toBe(75);
      expect(second.stderr.split('\n')).toEqual([
        'relaypair: waiting for the servers of an earlier run to end',
        `relaypair: another "relaypair up" runs in ${folder}: stop that one first`,
        '',
      ]);
      await expectMailBothWays(pair, 'fourth');
    });

    it.each(['hub', 'edge'] as const)('starts the %s again when it is killed, and mail goes on', async (role) => {
      process.kill(pair.ready[role].pid, 'SIGKILL');
      await pair.waitForLine((line) => line.includes(`the ${role} ended (SIGKILL) and is started again`));
      const port = role === 'hub' ? pair.hubPort : pair.edgePort;
      await waitUntil(`the ${role} listens again`, () => accepts(port, `after-${role}@contoso.test`));
      await expectMailBothWays(pair, `with-a-new-${role}`);
    });
  });

  it('goes on in the same folder with the same subscription, new SMTP ports and one domain more, and ends with 0 on SIGTERM', async () => {
    const before = readFileSync(join(folder, 'edge.xml'), 'utf8');
    const pair = await Pair.up({ ...options, acceptedDomains: ['contoso.test', 'fabrikam.test'] });
    // The Edge was not subscribed again.
    expect(readFileSync(join(folder, 'edge.xml'), 'utf8')).toBe(before);
    expect(before).toContain(pair.ready.edge.ldaps.replace(/^.*:/, ''));
    await expectMailBothWays(pair, 'second');
    expect((await send(pair.edgePort, 'new@fabrikam.test')).isAccepted).toBe(true);
    await mailboxes.messageFor('new@fabrikam.test');
    const { hub, edge } = pair.ready;
    expect([hub.pid, edge.pid].every(isAlive)).toBe(true);
    expect(await pair.stop()).toBe(0);
    expect([hub.pid, edge.pid].some(isAlive)).toBe(false);
  });

  it('leaves no orphan when it is killed itself, and the next run delivers what was queued', async () => {
    smartHostAnswer = '451 4.3.0 not now';
    const killed = await Pair.up(options);
    expect((await send(killed.hubPort, 'queued-on-the-way@elsewhere.test')).isAccepted).toBe(true);
    await killed.kill();
    // Not waited for: a next run has to cope with servers that are still stopping.
    const next = await Pair.up(options);
    await expectEnded(killed);
    smartHostAnswer = undefined;
    await internet.messageFor('queued-on-the-way@elsewhere.test');
    const copies = internet.messages.filter(({ recipients }) =>
      recipients.includes('queued-on-the-way@elsewhere.test'),
    );
    expect(copies).toHaveLength(1);
    await expectMailBothWays(next, 'third');
    expect(await next.stop()).toBe(0);
  });

  it('says in one sentence that a port is taken, leaves nothing running, and exits with 1', async () => {
    const taken = `127.0.0.1:${internet.port}`;
    const ran = await relaypair(['up', '--dir', join(folder, 'taken'), '--hub', taken, '--edge', '127.0.0.1:0']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(
      /^relaypair: "relaypair hub --config .*" does not start: cannot listen on .*EADDRINUSE.*\n$/,
    );
    const asked = await relaypair(['edge', 'Get-ExchangeCertificate', '--dir', join(folder, 'taken')]);
    expect(asked.stderr).toMatch(/^relaypair: the server is not running; start it with/);
  });
});

/** False while nobody listens there. */
async function accepts(port: number, recipient: string): Promise<boolean> {
  try {
    return (await send(port, recipient)).isAccepted;
  } catch {
    return false;
  }
}

describe('relaypair up with options that make no sense', () => {
  it.each([
    ['no folder', [], /--dir/],
    [
      'a port that cannot be',
      ['--dir', 'x', '--hub', '127.0.0.1:70000'],
      /^relaypair: --hub: 127\.0\.0\.1:70000: there is no port 70000$/m,
    ],
    [
      'an address without a port',
      ['--dir', 'x', '--edge', 'localhost'],
      /^relaypair: --edge: localhost: write it as HOST:PORT/m,
    ],
    [
      'port 0 as a smart host',
      ['--dir', 'x', '--smart-host', 'mx.test:0'],
      /^relaypair: --smart-host: mx\.test:0: port 0/m,
    ],
    [
      'a domain that is none',
      ['--dir', 'x', '--accepted-domain', 'no domain'],
      /^relaypair: --accepted-domain: "no domain"/m,
    ],
    [
      'a delivery target of no kind',
      ['--dir', 'x', '--deliver', 'pop3:h:1'],
      /^relaypair: --deliver: pop3:h:1: write it as smtp:/m,
    ],
    [
      'a retry time without a unit',
      ['--dir', 'x', '--retry', 'soon'],
      /^relaypair: --retry: "soon" is not a duration/m,
    ],
    ['a clock that is none', ['--dir', 'x', '--clock', 'later'], /^relaypair: --clock: "later" is no clock setting/m],
    ['an option that does not exist', ['--dir', 'x', '--fast'], /^relaypair: unknown option '--fast'/m],
  ])('refuses %s with one sentence and exit code 2', async (_what, parameters, sentence) => {
    const ran = await relaypair(['up', ...parameters], { cwd: folder });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(sentence);
    expect(ran.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(existsSync(join(folder, 'x'))).toBe(false);
  });
});
