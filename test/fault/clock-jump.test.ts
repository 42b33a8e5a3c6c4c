// Fault: the machine's clock jumps under a running pair, as a wrong time server or a restored virtual machine makes it jump.
// Meanwhile mail waits on the Hub for the mailboxes and on the Edge for the smart host, which are both down. How long it has waited
// is counted by time that passes: three days ahead, beyond its expiration, return nothing and announce no delay; five days back
// stop no retry; in the end each letter is there once. Needs Debian's package faketime.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canFakeClock, MachineClock } from '../helpers/machine-clock.ts';
import { DIRECTIONS, type Letter, Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';
import { eventually, type Role } from '../helpers/servers.ts';
import { Sink } from '../helpers/sink.ts';
import { Conversation } from '../helpers/submit.ts';
import { waitUntil } from '../helpers/wait.ts';

const LIMIT = { timeout: 540_000 };
const DAY_MS = 86_400_000;
const RETRY_MS = 500;
/** So far a timer may ring early. */
const EARLY_MS = 20;
const MINUTE_MS = 60_000;
const FEW = 4;
/** Within a minute a server looks for what has expired. */
const OF_A_MINUTE = MINUTE_MS / RETRY_MS + FEW;
const ROLES: readonly Role[] = ['hub', 'edge'];

/** A mail server that is down: it refuses whoever connects, and remembers when they came. */
class Down {
  readonly #server: Server;
  /** In milliseconds of time that passes. */
  readonly attempts: number[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async at(port: number): Promise<Down> {
    const server = createServer();
    const down = new Down(server);
    server.on('connection', (socket) => {
      down.attempts.push(performance.now());
      socket.on('error', () => {});
      socket.end('421 4.3.2 Not now\r\n');
    });
    await new Promise<void>((resolve) => {
      server.listen(port, '127.0.0.1', resolve);
    });
    return down;
  }

  /** Resolves when so many more have come. */
  async attempted(count: number): Promise<void> {
    const enough = this.attempts.length + count;
    await waitUntil(`${count} attempts`, () => this.attempts.length >= enough, 3 * MINUTE_MS);
  }

  /** The shortest time between two attempts. */
  get shortestGapMs(): number {
    return Math.min(...this.attempts.slice(1).map((at, index) => at - (this.attempts[index] ?? 0)));
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-clock-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The date in a server's greeting. */
async function dateOf(port: number): Promise<Date> {
  const conversation = await Conversation.open(port);
  const [, date = ''] = /ready at (.+ GMT)/.exec(await conversation.reply()) ?? [];
  conversation.close();
  return new Date(date);
}

/** So many messages wait on each of the two. */
async function waitForQueued(relaying: Relaying, count: number): Promise<void> {
  for (const role of ROLES)
    await eventually(`${count} messages on the ${role}`, async () => {
      const queues = await relaying.servers.ask(role, 'Get-Queue');
      return queues.some(({ Status, MessageCount }) => Status === 'Retry' && MessageCount === count) || undefined;
    });
}

describe.skipIf(!canFakeClock())("a jump of the machine's clock (needs faketime)", () => {
  it(
    'under a Hub and an Edge with mail in retry returns, delays and doubles nothing, and stops no retry',
    LIMIT,
    async () => {
      const clock = new MachineClock(folder);
      await using relaying = await Relaying.start({
        retry: { outboundInterval: `${RETRY_MS}ms` },
        // Their certificates are in date all the while.
        clocks: { hub: '-40d', edge: '-40d' },
        launch: { environment: clock.environment },
      });
      const ports = [relaying.inside.port, relaying.outside.port];
      await Promise.all([relaying.inside.close(), relaying.outside.close()]);
      const downs = await Promise.all(ports.map((port) => Down.at(port)));

      const letters: Letter[] = [];
      for (const [era, jumpMs, attempts] of [
        ['before', 0, 0],
        ['three days ahead', 3 * DAY_MS, OF_A_MINUTE],
        ['five days back', -5 * DAY_MS, FEW],
      ] as const) {
        clock.jump(jumpMs);
        for (const role of ROLES) {
          const seen = await dateOf(relaying.servers.ports[role]);
          expect(Math.abs(seen.getTime() - clock.now().getTime()), `${role} ${era}`).toBeLessThan(MINUTE_MS);
        }
        await Promise.all(downs.map((down) => down.attempted(attempts)));
        for (const direction of DIRECTIONS) {
          const letter = await relaying.sendLetter(direction, era);
          // Between the two mail flows on.
          expect(await relaying.awaitHopCard(direction, letter, 'delivered'), era).toMatchObject(TRUSTED_TLS);
          letters.push(letter);
        }
        await waitForQueued(relaying, letters.length / 2);
      }

      // None came early for a jump.
      for (const { shortestGapMs } of downs) expect(shortestGapMs).toBeGreaterThan(RETRY_MS - EARLY_MS);
      await Promise.all(downs.map((down) => down.close()));
      const sinks = await Promise.all(ports.map((port) => Sink.open({ port })));
      try {
        await relaying.awaitEmptyQueues();
        const arrived = sinks.flatMap(({ messages }) => messages.map(({ content }) => content.toString('latin1')));
        expect(letters.map(({ messageId }) => arrived.filter((text) => text.includes(messageId)).length)).toEqual(
          letters.map(() => 1),
        );
        // No report is among them, and none was made.
        expect([arrived.length, await relaying.reports()]).toEqual([letters.length, []]);
      } finally {
        await Promise.all(sinks.map((sink) => sink.close()));
      }
    },
  );
});
