// Domains with more than one place to take their mail, on a real pair that asks a scripted name server: exchangers of one
// preference share it, and of an exchanger with two addresses the one that refuses connections costs nothing.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { DnsServer } from '../helpers/dns-server.ts';
import { INSIDER, writeLetter } from '../helpers/relaying.ts';
import { eventually, Servers } from '../helpers/servers.ts';
import { Sink } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';

const LIMIT = { timeout: 240_000 };
const COUNT = 40;
/** All of 127.0.0.0/8 is this machine: the sink listens at one of these alone. */
const [DEAD, LIVE] = ['127.0.0.2', '127.0.0.3'] as const;

let dns: DnsServer;
let servers: Servers;
let first: Sink;
let second: Sink;
let worse: Sink;
let live: Sink;

beforeAll(async () => {
  [first, second, worse] = await Promise.all([Sink.open(), Sink.open(), Sink.open()]);
  live = await Sink.open({ host: LIVE });
  dns = await DnsServer.open({
    'equal.test': { MX: ['10 mx1.equal.test', '10 mx2.equal.test', '20 mx3.equal.test'] },
    'mx1.equal.test': { A: ['127.0.0.1'] },
    'mx2.equal.test': { A: ['127.0.0.1'] },
    'mx3.equal.test': { A: ['127.0.0.1'] },
    'dead-first.test': { MX: ['10 mx.dead-first.test'] },
    'mx.dead-first.test': { A: [DEAD, LIVE] },
    'dead-last.test': { MX: ['10 mx.dead-last.test'] },
    'mx.dead-last.test': { A: [LIVE, DEAD] },
  });
  servers = await Servers.prepare();
  // Their ports; where they are, DNS says.
  const places = {
    'mx1.equal.test': first.port,
    'mx2.equal.test': second.port,
    'mx3.equal.test': worse.port,
    'mx.dead-first.test': live.port,
    'mx.dead-last.test': live.port,
  };
  servers.configureBoth({
    edgeExtra: {
      dns: { servers: [dns.address] },
      hosts: {
        'hub01.corp.test': `127.0.0.1:${servers.ports.hub}`,
        ...Object.fromEntries(Object.entries(places).map(([name, port]) => [name, `${name}:${port}`])),
      },
    },
  });
  await Promise.all([servers.start('hub'), servers.start('edge')]);
  await servers.ask('hub', 'New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
  await servers.subscribe();
  await servers.ask('hub', 'Start-EdgeSynchronization');
}, LIMIT.timeout);

afterAll(async () => {
  await servers[Symbol.asyncDispose]();
  await Promise.all([dns.close(), first.close(), second.close(), worse.close(), live.close()]);
});

/** Hands a letter in at the Hub; gives back its Message-ID. */
async function send(to: string): Promise<string> {
  const { messageId, content } = writeLetter(`for ${to}`);
  const { reply } = await submit({ port: servers.ports.hub, from: INSIDER, to: [to], content });
  expect(reply).toMatch(/^250 /);
  return messageId;
}

/** The Edge's cards of a message that it sent, oldest first; waits for one that says it is delivered. */
function awaitCards(messageId: string): Promise<Record<string, unknown>[]> {
  return eventually(`the delivery of ${messageId}`, () => {
    const isIt = (card: Record<string, unknown>): boolean =>
      card['side'] === 'sender' && card['messageId'] === messageId;
    const cards = servers.cards('edge').filter(isIt);
    return cards.some(({ outcome }) => outcome === 'delivered') ? cards : undefined;
  });
}

function recipientsAt(...sinks: readonly Sink[]): string[] {
  return sinks.flatMap(({ messages }) => messages.flatMap(({ recipients }) => recipients)).toSorted();
}

it('spreads mail over the exchangers of the best preference, and leaves the worse one alone', LIMIT, async () => {
  const sent = Array.from({ length: COUNT }, (_, number) => `n${number}@equal.test`).toSorted();
  for (const recipient of sent) {
    // One after the other: each by a connection of its own, for which chance decides anew.
    await send(recipient);
    await eventually(recipient, () => (recipientsAt(first, second).includes(recipient) ? true : undefined));
  }
  expect(recipientsAt(first, second)).toEqual(sent);
  // That one of the two gets less than an eighth would be a miracle.
  for (const { messages } of [first, second]) expect(messages.length).toBeGreaterThanOrEqual(COUNT / 8);
  expect(worse.messages).toEqual([]);
});

// Whichever of the two is tried first, in one of these domains it is the dead one.
it.each(['dead-first.test', 'dead-last.test'])(
  'delivers to the other address of an exchanger when one refuses connections: %s',
  LIMIT,
  async (domain) => {
    const messageId = await send(`anna@${domain}`);
    await live.messageFor(`anna@${domain}`);
    const cards = await awaitCards(messageId);
    // At once, and not by a retry.
    expect(cards).toMatchObject([
      { outcome: 'delivered', peer: { name: `mx.${domain}`, address: LIVE, port: live.port } },
    ]);
    expect(live.messages.filter(({ recipients }) => recipients.includes(`anna@${domain}`))).toHaveLength(1);
  },
);
