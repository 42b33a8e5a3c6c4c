// Fault: a server is killed while one connection carries message after message, each on its way while the result of the one before is
// still being written. Cards may be missing afterwards and messages doubled, but no card says what did not happen.

import { expect, it } from 'vitest';
import { MailFlow } from '../helpers/mail-flow.ts';
import { type Card, INSIDER, Relaying } from '../helpers/relaying.ts';
import type { Role } from '../helpers/servers.ts';

const KILLS = 2;
const ONE_CONNECTION = { limits: { maxConnectionsPerHop: 1, idleTimeout: '2s' } };
/** Nobody is turned away: it is not the limits that are tried here. */
const UNLIMITED = {
  Identity: 'Default internal receive connector EDGE01',
  MessageRateLimit: 'unlimited',
  MaxInboundConnectionPerSource: 'unlimited',
};

/** How many messages may come twice by one kill: of each connection that the victim has a part in, two. */
const DOUBLED: Record<Role, number> = { hub: 2, edge: 4 };

it.each<Role>(['hub', 'edge'])('tell the truth when the %s is killed with mail under way', async (victim) => {
  await using relaying = await Relaying.start({ servers: { hubExtra: ONE_CONNECTION, edgeExtra: ONE_CONNECTION } });
  const { servers, outside } = relaying;
  await servers.ask('edge', 'Set-ReceiveConnector', UNLIMITED);
  const flow = new MailFlow(servers.ports.hub, { from: INSIDER, domain: 'elsewhere.test' });
  for (let kill = 0; kill < KILLS; kill++) {
    const before = outside.messages.length;
    flow.release(100);
    await outside.waitFor(({ length }) => length > before + 10 + 7 * kill);
    await servers.stop(victim, 'SIGKILL');
    await servers.start(victim);
    await flow.untilIdle();
    await relaying.awaitEmptyQueues();
  }
  await flow.stop();

  const arrived = outside.messages.map(({ content }) => /^Message-ID: (.*)\r$/m.exec(content.toString('latin1'))?.[1]);
  const copies = Map.groupBy(arrived, (messageId) => messageId);
  for (const { messageId, isAcknowledged } of flow.messages.values())
    if (isAcknowledged) expect(copies.has(messageId), messageId).toBe(true);
  expect(arrived.length - copies.size).toBeLessThanOrEqual(DOUBLED[victim] * KILLS);

  const received = servers.cards('edge').filter(({ side }) => side === 'receiver');
  const sent = servers.cards('hub').filter(({ side, outcome }) => side === 'sender' && outcome === 'delivered');
  expect(sent.length).toBeGreaterThan(0);
  expect(new Set(sent.map(idOf)).size, 'deliveries of one message').toBe(sent.length);
  // The Edge's card is written before its 250 is said, and names the copy that the Hub's card means.
  const taken = new Set(received.map((card) => `${idOf(card)} ${String(card['internalMessageId'])}`));
  expect(sent.filter((card) => !taken.has(`${idOf(card)} ${acceptedAs(card)}`))).toEqual([]);
  expect(received.filter((card) => !copies.has(String(card['messageId'])))).toEqual([]);
  if (victim === 'edge') return;
  // Who was not killed has a card of each copy.
  const countOf = Map.groupBy(received, (card) => String(card['messageId']));
  for (const [messageId, { length }] of copies) expect(countOf.get(String(messageId))?.length, messageId).toBe(length);
});

function idOf(card: Card): string {
  return String(card['networkMessageId']);
}

/** The next hop's number of the message, which stands in its 250. */
function acceptedAs(card: Card): string | undefined {
  return /\[InternalId=(\d+),/.exec(String(card['detail']))?.[1];
}
