// Fault: kill -9 of either server at each step of a staged renewal of either server. After every restart mail flows both ways in
// trusted TLS, and the renewal comes to its end: the new certificate in use, the old one withdrawn, on both sides.

import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';
import { eventually, type Role, type Servers } from '../helpers/servers.ts';

const FLOWING = { outbound: TRUSTED_TLS, inbound: TRUSTED_TLS };
const NAMES: Record<Role, string> = { hub: 'HUB01', edge: 'EDGE01' };
const GRACE = '8s';

const CASES: readonly { readonly renewed: Role; readonly killed: Role }[] = [
  { renewed: 'hub', killed: 'hub' },
  { renewed: 'hub', killed: 'edge' },
  { renewed: 'edge', killed: 'hub' },
  { renewed: 'edge', killed: 'edge' },
];

/** The certificates on record for a server in the directory of `holder`, as "part thumbprint". */
async function onRecord(servers: Servers, server: Role, holder: Role): Promise<string[]> {
  const rows = await servers.ask(holder, 'Get-TrustStatus', { Identity: NAMES[server] });
  return rows.map((row) => `${row['Certificate'] as string} ${row['Thumbprint'] as string}`);
}

async function killAndStart(servers: Servers, role: Role): Promise<void> {
  await servers.stop(role, 'SIGKILL');
  await servers.start(role);
}

/** A round that may be cut off by the kill, so many milliseconds after its start; then one that succeeds. */
async function killInRound(role: Role, afterMs: number): Promise<void> {
  const { servers } = relaying;
  const round = relaying.synchronize().catch(() => undefined);
  await pause(afterMs);
  await killAndStart(servers, role);
  await round;
  await eventually('a round that succeeds', () =>
    relaying.synchronize().then(
      () => true,
      () => undefined,
    ),
  );
}

/** One pair for all: each renewal begins where the one before has come to its end. */
let relaying: Relaying;
beforeAll(async () => {
  relaying = await Relaying.start();
}, 240_000);
afterAll(() => relaying?.[Symbol.asyncDispose]());

it.each(CASES)(
  'a staged renewal of the $renewed survives kill -9 of the $killed at every step',
  { timeout: 900_000 },
  async ({ renewed, killed }) => {
    const { servers } = relaying;
    const other: Role = renewed === 'hub' ? 'edge' : 'hub';
    const [old] = await onRecord(servers, renewed, renewed);
    const [made] = await servers.ask(renewed, 'New-ExchangeCertificate', { Staged: 'true', GracePeriod: GRACE });
    const current = `Current ${made?.['Thumbprint'] as string}`;

    await killAndStart(servers, killed);
    expect(await onRecord(servers, renewed, renewed)).toEqual([old, current.replace('Current', 'Next')]);
    expect(await relaying.exchangeLetters('staged')).toMatchObject(FLOWING);

    await killInRound(killed, Math.random() * 400);
    await eventually('the takeover', async () =>
      (await onRecord(servers, renewed, renewed))[0] === current ? true : undefined,
    );
    await killAndStart(servers, killed);
    expect(await relaying.exchangeLetters('taken over')).toMatchObject(FLOWING);

    await killInRound(killed, Math.random() * 400);
    expect((await onRecord(servers, renewed, other))[0]).toBe(current);
    // Down over the end of the grace period.
    const rows = await servers.ask(renewed, 'Get-TrustStatus', { Identity: NAMES[renewed] });
    const until = rows.find((row) => row['Certificate'] === 'Previous')?.['Until'] as Date | undefined;
    await servers.stop(killed, 'SIGKILL');
    await eventually('the end of the grace period', () => (new Date() > new Date(until ?? 0) ? true : undefined));
    await servers.start(killed);
    await relaying.synchronize();
    for (const holder of [renewed, other]) {
      await eventually(`withdrawal at the ${holder}`, async () => {
        await relaying.synchronize();
        return (await onRecord(servers, renewed, holder)).length === 1 ? true : undefined;
      });
      expect(await onRecord(servers, renewed, holder)).toEqual([current]);
    }
    const last = await relaying.exchangeLetters('withdrawn');
    expect(last).toMatchObject(FLOWING);
    expect(last[renewed === 'hub' ? 'inbound' : 'outbound']['tls']).toMatchObject({
      peerThumbprint: made?.['Thumbprint'],
    });
    // A server that is down makes mail wait; a certificate never does.
    const cards = [...servers.cards('hub'), ...servers.cards('edge')].filter(
      (card) => card['policy'] === 'direct-trust',
    );
    const reasons = new Set(cards.map((card) => card['reason']));
    expect([...reasons].filter((reason) => reason !== 'direct-trust' && reason !== 'connection-failed')).toEqual([]);
    expect(cards.filter((card) => card['channel'] === 'plaintext')).toEqual([]);
  },
);
