// A staged renewal between a Hub and an Edge process: the next certificate goes on record on both sides, takes over by itself,
// and the old one is withdrawn after its grace period. Mail is exchanged at every step, always in trusted TLS.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirePeer } from '../helpers/peers.ts';
import { Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';
import { eventually, type Role, type Servers } from '../helpers/servers.ts';
import { SlapdPair } from '../helpers/slapd-pair.ts';

const FLOWING = { outbound: TRUSTED_TLS, inbound: TRUSTED_TLS };
const LIMIT = { timeout: 360_000 };
const ROLES: readonly Role[] = ['hub', 'edge'];

/** The thumbprint and the state of every certificate of a server that has a part in a renewal. */
async function renewals(servers: Servers, role: Role): Promise<Record<string, string | null>> {
  const records = await servers.ask(role, 'Get-ExchangeCertificate');
  return Object.fromEntries(
    records.map((record) => [record['Thumbprint'] as string, record['Renewal'] as string | null]),
  );
}

describe('between two servers', () => {
  let relaying: Relaying;
  beforeAll(async () => {
    relaying = await Relaying.start();
  }, LIMIT.timeout);
  afterAll(() => relaying?.[Symbol.asyncDispose]());

  it.each(ROLES)('a certificate staged on the %s takes over without a message waiting', LIMIT, (role) =>
    renewStaged(relaying, role),
  );
});

describe.skipIf(!requirePeer('slapd'))('between two servers over slapd', () => {
  let pair: SlapdPair;
  beforeAll(async () => {
    pair = await SlapdPair.start();
  }, LIMIT.timeout);
  afterAll(() => pair?.[Symbol.asyncDispose]());

  it.each(ROLES)('so does one staged on the %s', LIMIT, (role) => renewStaged(pair.relaying, role));
});

async function renewStaged(relaying: Relaying, role: Role): Promise<void> {
  const { servers } = relaying;
  const [old] = Object.keys(await renewals(servers, role));
  const [made] = await servers.ask(role, 'New-ExchangeCertificate', { Staged: 'true', GracePeriod: '3s' });
  const next = made?.['Thumbprint'] as string;
  const waitsFor = role === 'hub' ? 'EDGE01' : 'a Hub';
  expect(await renewals(servers, role)).toEqual({
    [old!]: 'Current',
    [next]: `Next: waiting for acknowledgement by ${waitsFor}`,
  });
  expect(await relaying.exchangeLetters('staged')).toMatchObject(FLOWING);

  await relaying.synchronize();
  await eventually(
    'the takeover',
    async () => ((await renewals(servers, role))[next] === 'Current' ? true : undefined),
    150_000,
  );
  const taken = await relaying.exchangeLetters('taken over');
  expect(taken).toMatchObject(FLOWING);
  const shown = role === 'hub' ? taken.inbound : taken.outbound;
  expect(shown['tls']).toMatchObject({ peerThumbprint: next });

  await eventually('the end of the grace period', async () =>
    (await renewals(servers, role))[old!] === null ? true : undefined,
  );
  await relaying.synchronize();
  expect(await relaying.exchangeLetters('withdrawn')).toMatchObject(FLOWING);
  const deferred = ROLES.flatMap((each) => servers.cards(each)).filter((card) => card['outcome'] === 'deferred');
  expect(deferred).toEqual([]);
}
