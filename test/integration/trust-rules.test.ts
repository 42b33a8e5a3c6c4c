// The trust rules a second time: the same cases as the pure table, between a Hub and an Edge process over real sockets,
// with the fault box on the wire. The dates of a certificate are set by when its server first started.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Meddler } from '../../src/meddle/meddler.ts';
import { freePort } from '../helpers/free-port.ts';
import { eventually, type Role, Servers } from '../helpers/servers.ts';
import { submit } from '../helpers/submit.ts';
import { type Dates, TRUST_CASES, type TrustCase } from '../helpers/trust-cases.ts';
import { WIRE_FAULTS } from '../helpers/wire-faults.ts';

/** A server that first started then has a certificate that is so now; one that starts now has one that is in date. */
const FIRST_START: Record<Dates, string | undefined> = {
  'in-date': undefined,
  expired: '-400d',
  'not-yet-valid': '+2d',
};

interface World {
  readonly own: Dates;
  readonly peer: Dates;
  readonly isReplaced: boolean;
  readonly cases: readonly TrustCase[];
}

/** Cases that can share two servers, those that need a replaced certificate apart. */
function worlds(): World[] {
  const byDates = new Map<string, World & { cases: TrustCase[] }>();
  for (const row of TRUST_CASES) {
    const own = row.own ?? 'in-date';
    const peer = row.peer ?? 'in-date';
    const isReplaced = row.isReplaced ?? false;
    const key = `${own} ${peer} ${isReplaced}`;
    const world = byDates.get(key) ?? { own, peer, isReplaced, cases: [] };
    world.cases.push(row);
    byDates.set(key, world);
  }
  return [...byDates.values()];
}

describe.each(worlds())('with own $own, peer $peer, replaced: $isReplaced', (world) => {
  let servers: Servers;
  let meddler: Meddler;

  beforeAll(async () => {
    const edgePort = await freePort();
    meddler = await Meddler.open({ to: { host: '127.0.0.1', port: edgePort } });
    servers = await Servers.prepare({
      edgeSeenAt: meddler.port,
      edgePort,
      hubExtra: { limits: { handshakeTimeout: '500ms' } },
    });
    await Promise.all([startAsOf('hub', FIRST_START[world.own]), startAsOf('edge', FIRST_START[world.peer])]);
    await servers.subscribe();
    if (world.isReplaced) await servers.ask('edge', 'New-ExchangeCertificate');
  }, 180_000);

  afterAll(async () => {
    await servers[Symbol.asyncDispose]();
    await meddler.close();
  });

  /** Starts a server whose very first start was then. */
  async function startAsOf(role: Role, firstStart: string | undefined): Promise<void> {
    if (firstStart !== undefined) {
      await servers.start(role, firstStart);
      await servers.stop(role);
    }
    await servers.start(role);
  }

  it.each(world.cases)(
    '$when: $result, $reason',
    async (row) => {
      await settle(servers, row);
      meddler.setFaults(WIRE_FAULTS[row.wire ?? 'clean']);
      const card = await cardOf(servers, row);
      console.log(
        `${row.when.padEnd(48)} ${String(card['channel']).padEnd(9)} ${String(card['outcome']).padEnd(9)} ${String(card['reason']).padEnd(30)} ${String(card['protection'])}`,
      );
      expect(card).toMatchObject(expectedCard(row));
      meddler.setFaults([]);
      await clear(servers, world);
    },
    40_000,
  );
});

/** Brings both sides to the row's settings. */
async function settle(servers: Servers, row: TrustCase): Promise<void> {
  await servers.ask('hub', 'Set-TransportConfig', {
    ExpiredCertificate: row.expiredCertificate ?? 'Plaintext',
    UntrustedCertificate: row.untrustedCertificate ?? 'Defer',
    IntraOrgRequireTLS: String(row.switch === 'RequireTLS'),
    IntraOrgIgnoreSTARTTLS: String(row.switch === 'IgnoreSTARTTLS'),
  });
  if (row.isReplaced !== true) await servers.ask('hub', 'Start-EdgeSynchronization');
}

/** The card of the attempt that the row is about: the first one, or the second when the message is to have waited. */
async function cardOf(servers: Servers, row: TrustCase): Promise<Record<string, unknown>> {
  const id = `<${randomUUID()}@trust.test>`;
  const content = Buffer.from(`Message-ID: ${id}\r\nSubject: ${row.when}\r\n\r\nhello\r\n`);
  const submitted = await submit({
    port: servers.ports.hub,
    from: 'a@contoso.test',
    to: ['b@elsewhere.test'],
    content,
  });
  expect(submitted.reply).toMatch(/^250/);
  const wanted = row.hasWaited === true ? 1 : 0;
  return eventually(
    `attempt ${wanted + 1} of "${row.when}"`,
    () => servers.cards('hub').filter((card) => card['side'] === 'sender' && card['messageId'] === id)[wanted],
  );
}

function expectedCard(row: TrustCase): Record<string, unknown> {
  if (row.result === 'waits') return { outcome: 'deferred', channel: 'none', reason: row.reason };
  const protection = row.result === 'tls' ? 'authenticated-and-protected' : 'authenticated-not-protected';
  return { outcome: 'delivered', channel: row.result, reason: row.reason, protection };
}

/** What waited goes out under the default rules, so that the next row starts with an empty queue. */
async function clear(servers: Servers, world: World): Promise<void> {
  await servers.ask('hub', 'Set-TransportConfig', {
    ExpiredCertificate: 'Plaintext',
    UntrustedCertificate: world.isReplaced ? 'Encrypt' : 'Defer',
    IntraOrgRequireTLS: 'false',
    IntraOrgIgnoreSTARTTLS: 'false',
  });
  if (!world.isReplaced) await servers.ask('hub', 'Start-EdgeSynchronization');
  await eventually('an empty queue', async () => {
    const queues = await servers.ask('hub', 'Get-Queue');
    return queues.every((queue) => queue['MessageCount'] === 0) ? true : undefined;
  });
}
