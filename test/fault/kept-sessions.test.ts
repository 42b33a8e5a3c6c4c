// Fault: what a session was opened with changes while the session is kept for the next message. The card of that message says
// what its session really is, and nothing is sent over one that would not be opened any more.

import { beforeAll, afterAll, expect, it } from 'vitest';
import { type Card, Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';

const LIMIT = { timeout: 360_000 };
/** For longer than a test lasts. */
const KEPT = { limits: { idleTimeout: '5m' } };

let relaying: Relaying;
beforeAll(async () => {
  // Their certificates end tomorrow.
  relaying = await Relaying.start({
    clocks: { hub: '-364d', edge: '-364d' },
    servers: { hubExtra: KEPT, edgeExtra: KEPT },
  });
}, LIMIT.timeout);
afterAll(() => relaying?.[Symbol.asyncDispose]());

it('goes on over a kept session when the other side has another certificate, and says with which', LIMIT, async () => {
  const { servers } = relaying;
  const { outbound: before } = await relaying.exchangeLetters('before');
  expect(before).toMatchObject(TRUSTED_TLS);
  const [made] = await servers.ask('edge', 'New-ExchangeCertificate');

  const kept = await relaying.sendLetter('outbound', 'over the kept session');
  const sent = await relaying.awaitHopCard('outbound', kept, 'delivered');
  expect(sent).toMatchObject({ ...TRUSTED_TLS, tls: before['tls'] });
  const [received] = servers
    .cards('edge')
    .filter((card) => card['side'] === 'receiver' && card['networkMessageId'] === sent['networkMessageId']);
  expect(received).toMatchObject({ ...TRUSTED_TLS, tls: { localThumbprint: tlsOf(before)['peerThumbprint'] } });

  // Whoever changed knows it, and does not use what was agreed before.
  const waiting = await relaying.sendLetter('inbound', 'over a new session');
  expect(await relaying.awaitHopCard('inbound', waiting, 'deferred')).toMatchObject({
    channel: 'none',
    reason: 'authentication-refused',
    tls: { localThumbprint: made?.['Thumbprint'] },
  });
  await servers.subscribe();
  await relaying.awaitArrival('inbound', waiting);
  const { outbound: after } = await relaying.exchangeLetters('after');
  expect(after).toMatchObject({ ...TRUSTED_TLS, tls: { peerThumbprint: made?.['Thumbprint'] } });
  expect(await relaying.reports()).toEqual([]);
});

it('sends nothing more over a kept session once a certificate of it has ended', LIMIT, async () => {
  const { servers } = relaying;
  for (const role of ['hub', 'edge'] as const) {
    await servers.stop(role);
    await servers.start(role, undefined, { isLab: true });
  }
  expect(await relaying.exchangeLetters('before the end')).toMatchObject({
    outbound: TRUSTED_TLS,
    inbound: TRUSTED_TLS,
  });
  for (const role of ['hub', 'edge'] as const) await servers.ask(role, 'Set-LabClock', { Offset: '+2d' });
  expect(await relaying.exchangeLetters('after the end')).toMatchObject({
    outbound: { channel: 'plaintext', reason: 'own-certificate-expired' },
    inbound: { channel: 'plaintext', reason: 'certificate-expired' },
  });
});

function tlsOf(card: Card): Record<string, unknown> {
  return card['tls'] as Record<string, unknown>;
}
