// Fault: kill -9 of a worker, and of the owner of workers, under load. Nothing that was acknowledged is lost; the server goes on
// and starts the worker again; workers never outlive their owner, and the spool is free at once.

import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { MailFlow, sha256 } from '../helpers/mail-flow.ts';
import { Relaying } from '../helpers/relaying.ts';
import { eventually, Servers } from '../helpers/servers.ts';
import { Conversation } from '../helpers/submit.ts';
import { isAlive, waitUntil } from '../helpers/wait.ts';
import { awaitWorkers, TWO_WORKERS } from '../helpers/worker-processes.ts';

const LIMIT = { timeout: 720_000 };
const KILLS = 4;
const MESSAGES_A_KILL = 120;

/** Every message that a client read the 250 for is at the end of its way, octet for octet. */
async function expectAllThere(relaying: Relaying, flow: MailFlow): Promise<void> {
  const acknowledged = [...flow.messages.values()].filter(({ isAcknowledged }) => isAcknowledged);
  expect(acknowledged.length).toBeGreaterThan(MESSAGES_A_KILL);
  const missing = (): number[] => {
    const arrived = new Map(relaying.outside.messages.map(({ recipients, content }) => [recipients[0], content]));
    return acknowledged
      .filter(({ number, sizeBytes, sha256: digest }) => {
        const content = arrived.get(`n${number}@elsewhere.test`);
        return !content || sha256(content.subarray(content.length - sizeBytes)) !== digest;
      })
      .map(({ number }) => number);
  };
  await eventually('all that was acknowledged', () => (missing().length === 0 ? true : undefined), 180_000).catch(() =>
    expect(missing()).toEqual([]),
  );
}

it('a worker that is killed takes nothing along that was acknowledged, and has a successor', LIMIT, async () => {
  await using relaying = await Relaying.start({ servers: TWO_WORKERS });
  const { servers } = relaying;
  const pid = servers.pid('hub');
  const flow = new MailFlow(servers.ports.hub);
  const dead: number[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const workers = await awaitWorkers(pid, 2, dead);
    flow.release(MESSAGES_A_KILL);
    await flow.untilBegun(flow.messages.size + MESSAGES_A_KILL / 2);
    const victim = workers[kill % 2] ?? 0;
    process.kill(victim, 'SIGKILL');
    dead.push(victim);
    await flow.untilIdle();
  }
  const unanswered = [...flow.messages.values()].filter(({ isAcknowledged }) => !isAcknowledged);
  expect(unanswered.length).toBeGreaterThan(0);
  await flow.stop();
  await awaitWorkers(pid, 2, dead);
  await expectAllThere(relaying, flow);
  await relaying.awaitEmptyQueues();
  const events = await servers.ask('hub', 'Get-EventLog', { EventId: '30300' });
  expect(events.length).toBeGreaterThan(0);
  expect(events[0]).toMatchObject({ Message: expect.stringContaining('SIGKILL') });
});

it(
  'connections that a killed worker had not taken yet are closed, and their clients are free to come again',
  LIMIT,
  async () => {
    await using servers = await Servers.prepare(TWO_WORKERS);
    await servers.start('hub');
    const workers = await awaitWorkers(servers.pid('hub'), 2);
    for (const worker of workers) process.kill(worker, 'SIGSTOP');
    const sockets = Array.from({ length: 20 }, () => connect(servers.ports.hub, '127.0.0.1').resume());
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const closed = sockets.map(async (socket) => {
      socket.on('error', () => undefined);
      await once(socket, 'close');
    });
    for (const worker of workers) process.kill(worker, 'SIGKILL');
    await Promise.all(closed);
    await awaitWorkers(servers.pid('hub'), 2, workers);
    const again = await Conversation.open(servers.ports.hub);
    expect(await again.reply()).toMatch(/^220 /);
    again.close();
  },
);

it('workers end with an owner that is killed, and its successor takes the spool over at once', LIMIT, async () => {
  await using relaying = await Relaying.start({ servers: TWO_WORKERS });
  const { servers } = relaying;
  const flow = new MailFlow(servers.ports.hub);
  for (let kill = 0; kill < 3; kill += 1) {
    const workers = await awaitWorkers(servers.pid('hub'), 2);
    flow.release(MESSAGES_A_KILL);
    await flow.untilBegun(flow.messages.size + MESSAGES_A_KILL / 2);
    await servers.stop('hub', 'SIGKILL');
    // Refused if the lock of the spool or the port were still held by anybody.
    await servers.start('hub');
    await Promise.all(workers.map((worker) => waitUntil(`the end of worker ${worker}`, () => !isAlive(worker))));
    await flow.untilIdle();
  }
  await flow.stop();
  await expectAllThere(relaying, flow);
  await relaying.awaitEmptyQueues();
});
