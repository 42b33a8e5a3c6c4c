// A Send connector of a real Hub with two smart hosts: they share the mail while both are well, and one that refuses connections, or
// takes them and says nothing, costs no message and holds none of the others up.

import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { writeLetter } from '../helpers/relaying.ts';
import { openScriptedServer, type ScriptedServer } from '../helpers/scripted-smtp-server.ts';
import { eventually, Servers } from '../helpers/servers.ts';
import { Sink } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';

const LIMIT = { timeout: 240_000 };
const COUNT = 40;

let servers: Servers;
let first: Sink;
let second: Sink;
let silent: ScriptedServer;

beforeAll(async () => {
  [first, second] = await Promise.all([Sink.open(), Sink.open()]);
  silent = await openScriptedServer({ greeting: '' });
  servers = await Servers.prepare();
  servers.configureBoth({
    hubExtra: {
      hosts: {
        'first.relay.test': `127.0.0.1:${first.port}`,
        'second.relay.test': `127.0.0.1:${second.port}`,
        'dead.relay.test': `127.0.0.1:${await freePort()}`,
        'silent.relay.test': `127.0.0.1:${silent.port}`,
      },
    },
  });
  await servers.start('hub');
}, LIMIT.timeout);

afterAll(async () => {
  await servers[Symbol.asyncDispose]();
  await Promise.all([first.close(), second.close(), silent.close()]);
});

beforeEach(() => {
  first.messages.length = 0;
  second.messages.length = 0;
});

/** Makes a connector for `NAME.test` with two smart hosts and hands in many messages for it; gives back their recipients, sorted. */
async function sendBy(name: string, hosts: string): Promise<string[]> {
  await servers.ask('hub', 'New-SendConnector', { Name: name, AddressSpaces: `${name}.test`, SmartHosts: hosts });
  const recipients = Array.from({ length: COUNT }, (_, number) => `n${number}@${name}.test`).toSorted();
  for (const recipient of recipients) {
    const { content } = writeLetter(`for ${recipient}`);
    const { reply } = await submit({ port: servers.ports.hub, from: 'anna@corp.test', to: [recipient], content });
    expect(reply).toMatch(/^250 /);
  }
  return recipients;
}

function arrivedAt(...sinks: readonly Sink[]): string[] {
  return sinks.flatMap(({ messages }) => messages.flatMap(({ recipients }) => recipients)).toSorted();
}

async function awaitEmptyQueue(name: string): Promise<void> {
  await eventually(`an empty queue of ${name}`, async () => {
    const queues = await servers.ask('hub', 'Get-Queue', { Filter: `NextHopConnector -eq '${name}'` });
    return queues.every(({ MessageCount }) => MessageCount === 0) ? true : undefined;
  });
}

/** The cards of what was sent by a connector. */
function cardsOf(name: string): Record<string, unknown>[] {
  return servers.cards('hub').filter(({ side, connector }) => side === 'sender' && connector === name);
}

it('gives each of two smart hosts a part of the mail', LIMIT, async () => {
  const sent = await sendBy('both', 'first.relay.test,second.relay.test');
  await eventually('all of the mail', () => (arrivedAt(first, second).length >= COUNT ? true : undefined));
  await awaitEmptyQueue('both');
  expect(arrivedAt(first, second)).toEqual(sent);
  // They take turns by connection; how many messages one carries depends on how busy the machine is.
  for (const { messages } of [first, second]) expect(messages.length).toBeGreaterThanOrEqual(COUNT / 8);
});

it('sends all by the other while one refuses connections', LIMIT, async () => {
  const sent = await sendBy('dead', 'dead.relay.test,second.relay.test');
  await second.waitFor((messages) => messages.length >= COUNT);
  await awaitEmptyQueue('dead');
  expect(arrivedAt(second)).toEqual(sent);
  const cards = cardsOf('dead');
  // It was tried, and whoever tried it went on to the other at once: no message waited for a retry.
  expect(new Set(cards.map(({ outcome }) => outcome))).toEqual(new Set(['delivered']));
  expect(cards.flatMap(({ passedOver = [] }) => passedOver as unknown[])).toContainEqual(
    expect.objectContaining({ peer: 'dead.relay.test', detail: expect.stringContaining('ECONNREFUSED') }),
  );
});

it('lets a smart host that says nothing hold up no more than whoever waits for its greeting', LIMIT, async () => {
  const sent = await sendBy('silent', 'silent.relay.test,second.relay.test');
  const isStuck = (recipient: string): boolean => !arrivedAt(second).includes(recipient);
  const stuck = await eventually('what is stuck, and no more than that', () => {
    const left = sent.filter(isStuck);
    return silent.peers.length > 0 && left.length <= silent.peers.length ? left : undefined;
  });
  expect(stuck.length).toBeGreaterThan(0);
  // Without an answer from it, whoever comes next takes the other.
  expect(stuck.length).toBeLessThan(COUNT / 8);
  // The end of that wait, which would come after five minutes (RFC 5321 §4.5.3.2.1).
  for (const peer of silent.peers) peer.hangUp();
  await second.waitFor((messages) => messages.length >= COUNT);
  await awaitEmptyQueue('silent');
  expect(arrivedAt(second)).toEqual(sent);
  // Who had waited went on to the other at once.
  expect(new Set(cardsOf('silent').map(({ outcome }) => outcome))).toEqual(new Set(['delivered']));
});
