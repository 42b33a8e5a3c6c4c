// Fault: a running Hub has no file descriptor left, since more clients hold connections than it may have. Who has an open session is
// answered; a large body, which needs a file, is refused for now and never acknowledged without being there; what waits in the
// queue goes on waiting. When the clients are gone mail is taken again by itself, and all that got a 250 arrives once.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { requirePeer } from '../helpers/peers.ts';
import { eventually, Servers } from '../helpers/servers.ts';
import { Sink } from '../helpers/sink.ts';
import { CAN_STRACE, injectFailures } from '../helpers/strace.ts';
import { answersSmtp, Conversation, transact } from '../helpers/submit.ts';
import { isAlive, waitUntil } from '../helpers/wait.ts';

const LIMIT = { timeout: 240_000 };
const SMALL = 2000;
/** The spool keeps such a body in a file of its own. */
const LARGE = 600_000;
/** Descriptors that the Hub may have beyond those of a moment of rest. */
const ROOM = 40;
const MANY = 4 * ROOM;
const COME_AGAIN_MS = 200;

/** Clients that connect and say nothing. */
class Flood {
  readonly #port: number;
  readonly #isStubborn: boolean;
  readonly #sockets = new Set<Socket>();
  #isOver = false;
  turnedAway = 0;

  /** `isStubborn`: who is turned away comes again. */
  constructor(port: number, isStubborn: boolean) {
    this.#port = port;
    this.#isStubborn = isStubborn;
    for (let at = 0; at < MANY; at++) this.#come();
  }

  end(): void {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #come(): void {
    if (this.#isOver) return;
    const socket = connect(this.#port, '127.0.0.1').on('error', () => {});
    this.#sockets.add(socket.resume());
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.turnedAway += 1;
      if (this.#isStubborn) setTimeout(() => this.#come(), COME_AGAIN_MS);
    });
  }
}

/** A Hub alone, which delivers to a sink that defers everything until it is told to take mail. */
class Bench {
  readonly servers: Servers;
  readonly sink: Sink;
  readonly accepted: string[] = [];
  readonly refused: string[] = [];
  readonly #door: { isOpen: boolean };
  #flood: Flood | undefined;

  private constructor(servers: Servers, sink: Sink, door: { isOpen: boolean }) {
    this.servers = servers;
    this.sink = sink;
    this.#door = door;
  }

  static async start(maxConnections: number): Promise<Bench> {
    const door = { isOpen: false };
    const sink = await Sink.open({ onMessage: () => (door.isOpen ? undefined : '451 4.3.2 Later') });
    const servers = await Servers.prepare({
      deliver: `smtp:127.0.0.1:${sink.port}`,
      hubExtra: { limits: { maxConnections } },
    });
    await servers.start('hub');
    await servers.ask('hub', 'New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
    return new Bench(servers, sink, door);
  }

  /** A session that has said EHLO. */
  async greet(): Promise<Conversation> {
    const session = await Conversation.open(this.servers.ports.hub);
    expect(await session.reply()).toMatch(/^220 /);
    expect(await session.say('EHLO client.test')).toMatch(/^250/);
    return session;
  }

  /** The reply to a message in this session, which is noted as accepted or refused. */
  async hand(session: Conversation, name: string, sizeBytes: number): Promise<string> {
    const body = 'x'
      .repeat(70)
      .concat('\r\n')
      .repeat(Math.ceil(sizeBytes / 72));
    const { reply, isAccepted } = await transact(session, {
      from: 'inside@contoso.test',
      to: ['anna@contoso.test'],
      content: Buffer.from(`Message-ID: <${name}@descriptors.test>\r\nSubject: ${name}\r\n\r\n${body}`),
    });
    (isAccepted ? this.accepted : this.refused).push(name);
    if (!isAccepted) await session.say('RSET');
    return reply;
  }

  /** How many descriptors the Hub has. */
  descriptors(): number {
    return readdirSync(`/proc/${this.servers.pid('hub')}/fd`).length;
  }

  /** Lets the Hub have so many more descriptors and no more. */
  limitDescriptors(more: number): number {
    const limit = this.descriptors() + more;
    // The soft limit alone: to lower it is anybody's right.
    const ran = spawnSync('prlimit', ['--pid', String(this.servers.pid('hub')), `--nofile=${limit}:`]);
    expect(ran.status, String(ran.stderr)).toBe(0);
    return limit;
  }

  /** Connects more often than there are descriptors. */
  flood(isStubborn: boolean): Flood {
    this.#flood = new Flood(this.servers.ports.hub, isStubborn);
    return this.#flood;
  }

  /** How often its delivery was put off. */
  countDeferrals(name: string): number {
    const cards = this.servers.cards('hub').filter(({ messageId }) => messageId === `<${name}@descriptors.test>`);
    return cards.filter(({ outcome }) => outcome === 'deferred').length;
  }

  /** Lets the sink take what comes. */
  open(): void {
    this.#door.isOpen = true;
  }

  /** Every acknowledged message is there once and nothing of the others. */
  async expectNoneLost(): Promise<void> {
    const count = (name: string): number =>
      this.sink.messages.filter(({ content }) => content.includes(`<${name}@descriptors.test>`)).length;
    await this.sink.waitFor(() => this.accepted.every((name) => count(name) > 0));
    await eventually('an empty queue', async () => {
      const queues = await this.servers.ask('hub', 'Get-Queue');
      return queues.every((queue) => queue['MessageCount'] === 0) || undefined;
    });
    expect(this.accepted.map(count)).toEqual(this.accepted.map(() => 1));
    // No report either.
    expect(this.sink.messages.length).toBe(this.accepted.length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#flood?.end();
    await this.servers[Symbol.asyncDispose]();
    await this.sink.close();
  }
}

describe.skipIf(!requirePeer('prlimit'))('a Hub that may have few file descriptors (needs prlimit)', () => {
  it.each(['goes on', 'is killed and started'])(
    'and whose clients hold all of them loses nothing that it acknowledged, and takes mail again when it %s',
    LIMIT,
    async (ending) => {
      await using bench = await Bench.start(100_000);
      const pid = bench.servers.pid('hub');
      const session = await bench.greet();
      for (const size of [SMALL, LARGE]) expect(await bench.hand(session, `before-${size}`, size)).toMatch(/^250 /);
      const limit = bench.limitDescriptors(ROOM);
      const flood = bench.flood(true);
      await waitUntil('no descriptor is left', () => bench.descriptors() >= limit && flood.turnedAway > MANY);

      // What the attempts at delivery let go of somebody may have for a moment.
      await waitUntil('a large body is refused', async () => {
        const reply = await bench.hand(session, `large-${bench.accepted.length}`, LARGE);
        expect(reply).toMatch(/^(?:250|45[12]) /);
        return reply.startsWith('45');
      });
      expect(await bench.hand(session, 'small', SMALL)).toMatch(/^(?:250|45[12]) /);
      expect(await session.say('NOOP')).toMatch(/^250 /);
      expect(isAlive(pid)).toBe(true);

      if (ending === 'is killed and started') {
        await bench.servers.stop('hub', 'SIGKILL');
        await bench.servers.start('hub');
      }
      flood.end();
      await waitUntil('somebody else is greeted', () => answersSmtp(bench.servers.ports.hub));
      const next = ending === 'goes on' ? session : await bench.greet();
      for (const size of [SMALL, LARGE]) expect(await bench.hand(next, `after-${size}`, size)).toMatch(/^250 /);
      bench.open();
      await bench.expectNoneLost();
      for (const each of [session, next]) each.close();
    },
  );

  it('but lets in fewer connections than that serves whoever comes, since the silent go', LIMIT, async () => {
    await using bench = await Bench.start(ROOM / 2);
    const limit = bench.limitDescriptors(ROOM);
    const flood = bench.flood(false);
    await waitUntil('there is no room', () => flood.turnedAway >= MANY - ROOM / 2);
    bench.open();
    for (const size of [SMALL, LARGE]) {
      const session = await bench.greet();
      expect(await bench.hand(session, `crowded-${size}`, size)).toMatch(/^250 /);
      session.close();
    }
    expect(bench.descriptors()).toBeLessThan(limit);
    await bench.expectNoneLost();
  });
});

describe.skipIf(!CAN_STRACE)('a Hub that gets no descriptor for a file (needs strace)', () => {
  it('keeps a large body that it cannot read, delivers the others, and delivers it when it can', LIMIT, async () => {
    await using bench = await Bench.start(5000);
    const session = await bench.greet();
    for (const size of [SMALL, LARGE]) expect(await bench.hand(session, `before-${size}`, size)).toMatch(/^250 /);
    const release = await injectFailures(bench.servers.pid('hub'), 'openat', 'EMFILE');
    const twoMore = async (): Promise<void> => {
      const before = bench.countDeferrals(`before-${LARGE}`);
      await waitUntil('two more attempts', () => bench.countDeferrals(`before-${LARGE}`) >= before + 2);
    };
    // The attempt under way may have its file already: it is to end before the sink takes mail.
    await twoMore();
    bench.open();
    await twoMore();
    expect(await bench.hand(session, 'faulty-large', LARGE)).toMatch(/^45[12] /);
    expect(await bench.hand(session, 'faulty-small', SMALL)).toMatch(/^250 /);
    await bench.sink.waitFor((messages) => messages.length === 2);
    await release();
    await bench.expectNoneLost();
    session.close();
  });
});
