// Fault: damaged and foreign files in the spool of a Hub, as a person finds them out and puts them right: Test-Spool at the command
// line, beside the running server and without it, and what the server itself does and says when it is started on them.

import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { OutputRecord } from '../../src/cmdlets/output.ts';
import { rows } from '../helpers/cmdlet-context.ts';
import { freePort } from '../helpers/free-port.ts';
import { LoopbackProxy } from '../helpers/loopback-proxy.ts';
import type { Ran } from '../helpers/pair.ts';
import { eventually, Servers } from '../helpers/servers.ts';
import { Sink } from '../helpers/sink.ts';
import { flipBitOf, LARGE_BYTES, markLetter, type MarkedLetter, SMALL_BYTES } from '../helpers/stored-damage.ts';
import { submit } from '../helpers/submit.ts';

const LIMIT = { timeout: 360_000 };
const REASON = 'the checksum of its body is wrong';
const SET_ASIDE = `message | ${REASON} | set aside in Poison`;
const IN_USE = /^relaypair: [^\n]* is in use by another process: stop that one first\n$/;
/** Named as a body of the spool is, and none of any message. */
const ORPHAN = `${'0'.repeat(32)}.body`;

/** A Hub alone, whose mailboxes are out of reach until a test lets it to them. */
class WaitingHub {
  readonly servers: Servers;
  readonly sink: Sink;
  /** What the Hub has said on its way to the mailboxes, in whatever pieces. */
  readonly said: Buffer[] = [];
  readonly #port: number;
  #way: LoopbackProxy | undefined;

  private constructor(servers: Servers, sink: Sink, port: number) {
    this.servers = servers;
    this.sink = sink;
    this.#port = port;
  }

  static async start(): Promise<WaitingHub> {
    const [sink, port] = [await Sink.open(), await freePort()];
    const servers = await Servers.prepare({
      deliver: `smtp:127.0.0.1:${port}`,
      hubExtra: { log: { file: 'hub.log' } },
    });
    const hub = new WaitingHub(servers, sink, port);
    await servers.start('hub');
    await servers.ask('hub', 'New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
    return hub;
  }

  get folder(): string {
    return join(this.servers.folder, 'hub');
  }

  get bodies(): string {
    return join(this.folder, 'spool', 'bodies');
  }

  async hand(...letters: readonly MarkedLetter[]): Promise<void> {
    for (const { content } of letters) {
      const port = this.servers.ports.hub;
      const { reply } = await submit({ port, from: 'bob@contoso.test', to: ['anna@contoso.test'], content });
      expect(reply).toMatch(/^250 /);
    }
  }

  async openWay(): Promise<void> {
    this.#way = await LoopbackProxy.open({
      target: { host: '127.0.0.1', port: this.sink.port },
      port: this.#port,
      carry: (client, server) => {
        client.on('data', (chunk: Buffer) => this.said.push(chunk));
        client.pipe(server);
        server.pipe(client);
      },
    });
  }

  /** Each has arrived whole, and only once. */
  async awaitAll(...letters: readonly MarkedLetter[]): Promise<void> {
    const count = ({ content: sent }: MarkedLetter): number =>
      this.sink.messages.filter(({ content }) => content.includes(sent)).length;
    await this.sink.waitFor(() => letters.every((letter) => count(letter) > 0));
    expect(letters.map(count)).toEqual(letters.map(() => 1));
  }

  hasArrived({ messageId }: MarkedLetter): boolean {
    return this.sink.messages.some(({ content }) => content.includes(messageId));
  }

  /** Waits until there is nothing but Poison, which holds so many. */
  async awaitQueues(poisonCount: number): Promise<void> {
    await eventually(`nothing but ${poisonCount} in Poison`, async () => {
      const filled = rows(await this.servers.ask('hub', 'Get-Queue'), 'Identity', 'MessageCount');
      const told = filled.filter((row) => !row.endsWith(' | 0')).join();
      return told === (poisonCount === 0 ? '' : `HUB01\\Poison | ${poisonCount}`) || undefined;
    });
  }

  testSpool(...switches: string[]): Promise<Ran> {
    return this.servers.run('hub', 'Test-Spool', ...switches, '--json');
  }

  /** What the Hub has logged with this text. */
  logged(text: string): Record<string, unknown>[] {
    return readFileSync(join(this.servers.folder, 'hub.log'), 'utf8')
      .split('\n')
      .filter((line) => line.includes(text))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** The names of all files of the spool, but for those that SQLite makes when it opens one. */
  listFiles(): string[] {
    return readdirSync(join(this.folder, 'spool'), { recursive: true, encoding: 'utf8' })
      .filter((name) => !/-wal$|-shm$/.test(name))
      .toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.servers[Symbol.asyncDispose]();
    await this.#way?.close();
    await this.sink.close();
  }
}

/** Kind, reason and action of each finding. */
function findingsOf({ stdout }: Ran): string[] {
  return rows(JSON.parse(stdout) as OutputRecord[], 'Kind', 'Reason', 'Action').toSorted();
}

it(
  'finds nothing in a whole spool, at once and with the server stopped, and is refused -Offline beside it',
  LIMIT,
  async () => {
    await using hub = await WaitingHub.start();
    await hub.hand(markLetter('one', SMALL_BYTES), markLetter('two', LARGE_BYTES));
    const nothing = {
      code: 0,
      stdout: '[]\n',
      stderr: expect.stringMatching(/^2 messages with [\d,]+ octets are whole; no findings\.\n$/) as unknown,
    };
    expect(await hub.testSpool()).toEqual(nothing);
    for (const switches of [['-Offline'], ['-Offline', '-Repair']]) {
      expect(await hub.testSpool(...switches)).toEqual({
        code: 75,
        stdout: '',
        stderr: expect.stringMatching(IN_USE) as unknown,
      });
    }
    await hub.servers.stop('hub');
    expect(await hub.testSpool('-Offline')).toEqual(nothing);
  },
);

it('sets aside what is damaged in a running server before anybody reads it, and tells of it', LIMIT, async () => {
  await using hub = await WaitingHub.start();
  const [good, small, large] = [
    markLetter('good', SMALL_BYTES),
    markLetter('small', SMALL_BYTES),
    markLetter('large', LARGE_BYTES),
  ];
  await hub.hand(small, good, large);
  await hub.servers.stop('hub');
  for (const { mark } of [small, large]) expect(flipBitOf(mark, hub.folder)).toHaveLength(1);
  await hub.servers.start('hub');
  const ran = await hub.testSpool();
  expect([ran.code, ran.stderr]).toEqual([
    0,
    expect.stringMatching(/^1 messages with [\d,]+ octets are whole; 2 findings\.\n$/),
  ]);
  expect(findingsOf(ran)).toEqual(Array(2).fill(SET_ASIDE));
  expect(await hub.servers.cmdlet('hub', 'Get-EventLog', '-EventId', '30008')).toHaveLength(2);
  expect(hub.logged('is damaged and was set aside')).toMatchObject(
    [small, large].map(() => ({ level: 50, reason: REASON })),
  );
  await hub.openWay();
  await hub.awaitAll(good);
  await hub.awaitQueues(2);
  const said = Buffer.concat(hub.said);
  expect([small, large].filter(({ messageId }) => said.includes(messageId))).toEqual([]);
});

it('says nothing of a small message on the wire once it is damaged', LIMIT, async () => {
  await using hub = await WaitingHub.start();
  const [good, damaged] = [markLetter('good', SMALL_BYTES), markLetter('damaged', SMALL_BYTES)];
  await hub.hand(damaged, good);
  await hub.servers.stop('hub');
  expect(flipBitOf(damaged.mark, hub.folder)).toEqual(['spool.db']);
  await hub.openWay();
  await hub.servers.start('hub');
  await hub.awaitAll(good);
  await hub.awaitQueues(1);
  const said = Buffer.concat(hub.said);
  expect([good, damaged].map(({ messageId }) => said.includes(messageId))).toEqual([true, false]);
});

it(
  '-Offline names all damage and changes nothing, -Repair puts it right, and the server delivers the rest',
  LIMIT,
  async () => {
    await using hub = await WaitingHub.start();
    const [small, large] = [markLetter('small', SMALL_BYTES), markLetter('large', LARGE_BYTES)];
    const good = [markLetter('good and small', SMALL_BYTES), markLetter('good and large', LARGE_BYTES)];
    await hub.hand(small, large, ...good);
    await hub.servers.stop('hub');
    for (const { mark } of [small, large]) expect(flipBitOf(mark, hub.folder)).toHaveLength(1);
    writeFileSync(join(hub.bodies, 'readme.txt'), 'foreign');
    writeFileSync(join(hub.bodies, ORPHAN), 'of no message');
    const before = hub.listFiles();

    const look = await hub.testSpool('-Offline');
    expect(findingsOf(look)).toEqual([
      'foreign | it is no file of the spool | ',
      `message | ${REASON} | `,
      `message | ${REASON} | `,
      'orphan | it belongs to no message | ',
    ]);
    expect(look.code).toBe(1);
    expect(look.stderr.split('\n')).toEqual([
      expect.stringMatching(/^2 messages with [\d,]+ octets are whole; 4 findings\.$/),
      'relaypair: 4 findings nothing was done about: stop the server and run Test-Spool -Offline -Repair',
      '',
    ]);
    expect(hub.listFiles()).toEqual(before);

    const repair = await hub.testSpool('-Offline', '-Repair');
    expect(findingsOf(repair)).toEqual([
      'foreign | it is no file of the spool | moved to damaged',
      SET_ASIDE,
      SET_ASIDE,
      'orphan | it belongs to no message | removed',
    ]);
    expect([repair.code, repair.stderr]).toEqual([
      0,
      expect.stringMatching(/^2 messages with [\d,]+ octets are whole; 4 findings\.\n$/),
    ]);
    // What is set aside stays on the list until it is removed from Poison.
    const again = await hub.testSpool('-Offline');
    expect([again.code, findingsOf(again)]).toEqual([0, Array(2).fill(SET_ASIDE)]);

    await hub.openWay();
    await hub.servers.start('hub');
    await hub.awaitAll(...good);
    await hub.awaitQueues(2);
    expect([small, large].map((letter) => hub.hasArrived(letter))).toEqual([false, false]);
    for (const { Identity } of await hub.servers.cmdlet('hub', 'Get-Message', '-Queue', 'Poison')) {
      const { code } = await hub.servers.run('hub', 'Remove-Message', String(Identity), '-WithNDR', '$false');
      expect(code).toBe(0);
    }
    await hub.awaitQueues(0);
    await hub.servers.stop('hub');
    const end = await hub.testSpool('-Offline');
    expect(end).toEqual({ code: 0, stdout: '[]\n', stderr: '0 messages with 0 octets are whole; no findings.\n' });
  },
);

it(
  '-Offline -Repair begins anew where the database is none at all, beside what was there, and the server starts again',
  LIMIT,
  async () => {
    await using hub = await WaitingHub.start();
    await hub.hand(markLetter('lost', LARGE_BYTES));
    await hub.servers.stop('hub');
    const database = join(hub.folder, 'spool', 'spool.db');
    writeFileSync(database, 'no database '.repeat(1000));
    await expect(hub.servers.start('hub')).rejects.toThrow(/^hub ended with 1: [^\n]*spool\.db is damaged [^\n]*\n$/);

    const look = await hub.testSpool('-Offline');
    expect([look.code, findingsOf(look)]).toEqual([1, [expect.stringMatching(/^database \| .* is damaged .* \| $/)]]);
    const repair = await hub.testSpool('-Offline', '-Repair');
    // What was put right is nothing that is left to be done.
    expect([repair.code, repair.stderr]).toEqual([0, '0 messages with 0 octets are whole; 2 findings.\n']);
    expect(findingsOf(repair)).toEqual([
      `database | it was damaged | rebuilt with 0 messages; the old one is kept as ${database}.damaged-1`,
      expect.stringMatching(/^database \| .* is damaged .* \| rebuilt$/),
    ]);
    expect(readFileSync(`${database}.damaged-1`, 'utf8')).toMatch(/^no database/);
    expect(readdirSync(join(hub.folder, 'spool', 'damaged'))).toEqual([expect.stringMatching(/\.body$/)]);
    expect(await hub.testSpool('-Offline')).toMatchObject({ code: 0, stdout: '[]\n' });

    await hub.openWay();
    await hub.servers.start('hub');
    const letter = markLetter('afterwards', SMALL_BYTES);
    await hub.hand(letter);
    await hub.awaitAll(letter);
  },
);

it(
  'starts beside foreign things among the bodies, moves them out of the way unharmed, logs each, and mail flows',
  LIMIT,
  async () => {
    await using hub = await WaitingHub.start();
    const waiting = [markLetter('small', SMALL_BYTES), markLetter('large', LARGE_BYTES)];
    await hub.hand(...waiting);
    await hub.servers.stop('hub');
    writeFileSync(join(hub.bodies, 'readme.txt'), 'of somebody else');
    mkdirSync(join(hub.bodies, 'a folder'));
    writeFileSync(join(hub.bodies, 'a folder', 'inside.txt'), 'of somebody else');
    const stranger = join(hub.servers.folder, 'stranger.txt');
    writeFileSync(stranger, 'outside of the spool');
    symlinkSync(stranger, join(hub.bodies, ORPHAN));
    await hub.openWay();
    await hub.servers.start('hub');

    const [aside, names] = [join(hub.folder, 'spool', 'damaged'), ['readme.txt', 'a folder', ORPHAN]];
    const moved = readdirSync(aside);
    expect(moved.map((name) => name.replace(/^[0-9a-f]{8}-/, '')).toSorted()).toEqual(names.toSorted());
    const lines = hub.logged('moved a foreign file out of the body folder');
    expect(lines.map(({ level, path }) => `${String(level)} ${String(path)}`).toSorted()).toEqual(
      moved.map((name) => `50 ${join(aside, name)}`).toSorted(),
    );
    const pathOf = (name: string): string => join(aside, moved.find((each) => each.endsWith(`-${name}`)) ?? '');
    expect(readFileSync(pathOf('readme.txt'), 'utf8')).toBe('of somebody else');
    expect(existsSync(join(pathOf('a folder'), 'inside.txt'))).toBe(true);
    expect(readFileSync(stranger, 'utf8')).toBe('outside of the spool');

    const fresh = [markLetter('small and new', SMALL_BYTES), markLetter('large and new', LARGE_BYTES)];
    await hub.hand(...fresh);
    await hub.awaitAll(...waiting, ...fresh);
    await hub.awaitQueues(0);
    expect(await hub.servers.cmdlet('hub', 'Get-EventLog', '-EventId', '30008')).toEqual([]);
    expect(await hub.testSpool()).toMatchObject({ code: 0, stdout: '[]\n' });
  },
);
