// Fault: a running Hub whose disk is full, read-only or does not sync. New mail gets 4xx and never a 250, the listener stays,
// what is queued goes out, and mail is taken again by itself. A full disk of records stops no mail. Each message that was
// acknowledged arrives once, none that was refused does. Needs to mount a tmpfs, and strace.

import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually, Servers } from '../helpers/servers.ts';
import { Sink } from '../helpers/sink.ts';
import { CAN_STRACE, injectFailures } from '../helpers/strace.ts';
import { submit } from '../helpers/submit.ts';
import { canMount, mountTmpfs, unmount } from '../helpers/tmpfs.ts';

const LIMIT = { timeout: 540_000 };
const SMALL = 2000;
/** The spool keeps such a body in a file of its own. */
const LARGE = 600_000;

/** Writes until the disk takes not one octet more. */
function fillUp(path: string): void {
  const descriptor = openSync(path, 'w');
  try {
    for (let size = 2 ** 20; size >= 1; ) {
      try {
        writeSync(descriptor, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        size = Math.floor(size / 2);
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

/** A Hub alone, which delivers to a sink that defers everything until it is told to take mail. */
class DiskBench {
  readonly servers: Servers;
  readonly sink: Sink;
  readonly accepted: string[] = [];
  readonly refused: string[] = [];
  readonly #mounts: readonly string[];
  readonly #door: { isOpen: boolean };

  private constructor(servers: Servers, sink: Sink, mounts: readonly string[], door: { isOpen: boolean }) {
    this.servers = servers;
    this.sink = sink;
    this.#mounts = mounts;
    this.#door = door;
  }

  /** With a small disk of its own at each of these folders below the Hub's. */
  static async start(disks: Readonly<Record<string, string>> = {}): Promise<DiskBench> {
    const door = { isOpen: false };
    const sink = await Sink.open({ onMessage: () => (door.isOpen ? undefined : '451 4.3.2 Later') });
    const servers = await Servers.prepare({ deliver: `smtp:127.0.0.1:${sink.port}` });
    const mounts = Object.entries(disks).map(([name, size]) => {
      const folder = join(servers.folder, 'hub', name);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      if (!mountTmpfs(folder, size)) throw new Error(`no tmpfs at ${folder}`);
      return folder;
    });
    await servers.start('hub');
    await servers.ask('hub', 'New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
    return new DiskBench(servers, sink, mounts, door);
  }

  /** The reply to a message, which is noted as accepted or refused. */
  async hand(name: string, sizeBytes: number): Promise<string> {
    const body = 'x'
      .repeat(70)
      .concat('\r\n')
      .repeat(Math.ceil(sizeBytes / 72));
    const { reply, isAccepted } = await submit({
      port: this.servers.ports.hub,
      from: 'inside@contoso.test',
      to: ['anna@contoso.test'],
      content: Buffer.from(`Message-ID: <${name}@disk.test>\r\nSubject: ${name}\r\n\r\n${body}`),
    });
    (isAccepted ? this.accepted : this.refused).push(name);
    return reply;
  }

  /** Lets the sink take what comes. */
  open(): void {
    this.#door.isOpen = true;
  }

  async awaitArrival(name: string): Promise<void> {
    await this.sink.waitFor(() => this.countArrivals(name) > 0);
  }

  countArrivals(name: string): number {
    return this.sink.messages.filter(({ content }) => content.includes(`<${name}@disk.test>`)).length;
  }

  /** Hands in messages until one is taken, as clients that come back do. */
  takesAgain(): Promise<string> {
    let tries = 0;
    return eventually('mail is taken again', async () => {
      const reply = await this.hand(`again-${tries++}`, SMALL);
      return reply.startsWith('250') ? reply : undefined;
    });
  }

  /** Every acknowledged message is there once and nothing of the others, now and when the Hub has been killed and started. */
  async expectNoneLost(): Promise<void> {
    for (const name of this.accepted) await this.awaitArrival(name);
    await eventually('an empty queue', async () => {
      const queues = await this.servers.ask('hub', 'Get-Queue');
      return queues.every((queue) => queue['MessageCount'] === 0) ? true : undefined;
    });
    await this.servers.stop('hub', 'SIGKILL');
    await this.servers.start('hub');
    await this.hand('last', SMALL);
    await this.awaitArrival('last');
    expect(this.accepted.map((name) => this.countArrivals(name))).toEqual(this.accepted.map(() => 1));
    expect(this.refused.filter((name) => this.countArrivals(name) > 0)).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.servers.stop('hub', 'SIGKILL');
    for (const folder of this.#mounts) unmount(folder);
    await this.servers[Symbol.asyncDispose]();
    await this.sink.close();
  }
}

describe.skipIf(!canMount())('a Hub on a small disk (needs to mount a tmpfs)', () => {
  it(
    'that others filled to the last octet refuses mail, delivers what it has, and takes mail again',
    LIMIT,
    async () => {
      await using bench = await DiskBench.start({ '': '96m' });
      for (const size of [SMALL, LARGE]) expect(await bench.hand(`before-${size}`, size)).toMatch(/^250 /);
      const ballast = join(bench.servers.folder, 'hub', 'ballast');
      fillUp(ballast);
      for (const size of [SMALL, LARGE]) expect(await bench.hand(`full-${size}`, size)).toMatch(/^45[12] /);
      await eventually('it is refused at MAIL already', async () => {
        const states = await bench.servers.ask('hub', 'Get-ExchangeDiagnosticInfo');
        return (
          states.some(({ Resource, Level }) => Resource === 'UsedDiskSpace[Spool]' && Level === 'High') || undefined
        );
      });
      expect(await bench.hand('pressed', SMALL)).toMatch(/^452 4\.3\.1 /);
      bench.open();
      for (const size of [SMALL, LARGE]) await bench.awaitArrival(`before-${size}`);
      rmSync(ballast);
      await bench.takesAgain();
      await bench.expectNoneLost();
    },
  );

  it('for its records goes on with mail when that one is full', LIMIT, async () => {
    await using bench = await DiskBench.start({ logs: '1m' });
    fillUp(join(bench.servers.folder, 'hub', 'logs', 'ballast'));
    bench.open();
    await eventually('the full disk is noticed', async () => {
      const states = await bench.servers.ask('hub', 'Get-ExchangeDiagnosticInfo');
      return states.some(({ Resource, Level }) => Resource === 'UsedDiskSpace[Logs]' && Level === 'High') || undefined;
    });
    for (const size of [SMALL, LARGE]) expect(await bench.hand(`logless-${size}`, size)).toMatch(/^250 /);
    await bench.expectNoneLost();
  });
});

describe.skipIf(!CAN_STRACE)('a Hub under strace (needs strace)', () => {
  it.each([
    ['is read-only', 'pwrite64,ftruncate,rename,unlink,fsync,fdatasync', 'EROFS'],
    ['syncs nothing', 'fsync,fdatasync', 'EIO'],
  ])('whose disk %s refuses mail, delivers what it has, and takes mail again', LIMIT, async (_what, calls, error) => {
    await using bench = await DiskBench.start();
    for (const size of [SMALL, LARGE]) expect(await bench.hand(`before-${size}`, size)).toMatch(/^250 /);
    const release = await injectFailures(bench.servers.pid('hub'), calls, error);
    for (const size of [SMALL, LARGE]) expect(await bench.hand(`faulty-${size}`, size)).toMatch(/^45[12] /);
    bench.open();
    for (const size of [SMALL, LARGE]) await bench.awaitArrival(`before-${size}`);
    await release();
    await bench.takesAgain();
    await bench.expectNoneLost();
  });
});
