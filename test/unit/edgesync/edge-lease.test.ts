import { describe, expect, it } from 'vitest';
import { formatEdgeSyncLease, parseEdgeSyncLease } from '../../../src/directory/edge-sync-lease.ts';
import { DEFAULT_EDGE_SYNC_SERVICE_CONFIG } from '../../../src/directory/edge-sync-service-config.ts';
import { EdgeLease, findHolder } from '../../../src/edgesync/edge-lease.ts';
import type { LdapClient } from '../../../src/ldap/client.ts';
import type { LdapOperation } from '../../../src/ldap/entry.ts';
import { fault } from '../../../src/ldap/result.ts';
import { silentLog } from '../../../src/log.ts';
import { Problem } from '../../../src/problem.ts';
import { HandClock } from '../../helpers/hand-clock.ts';

const NOW = new Date('2026-01-01T12:00:00.000Z');
const LATER = new Date('2026-01-01T12:05:00.000Z');

/** `holder kind expires | manual` to whether HUB01 has to stay away. */
const CASES: readonly [string, string | undefined, boolean, boolean][] = [
  ['nobody', undefined, false, false],
  ['what is no lease', '{"holder":3}', false, false],
  ['itself', formatEdgeSyncLease({ holder: 'hub01', kind: 'Lock', expires: LATER }), false, false],
  ['the lock of another', formatEdgeSyncLease({ holder: 'HUB02', kind: 'Lock', expires: LATER }), false, true],
  ['the lock of another, by hand', formatEdgeSyncLease({ holder: 'HUB02', kind: 'Lock', expires: LATER }), true, true],
  ['the option of another', formatEdgeSyncLease({ holder: 'HUB02', kind: 'Option', expires: LATER }), false, true],
  [
    'the option of another, by hand',
    formatEdgeSyncLease({ holder: 'HUB02', kind: 'Option', expires: LATER }),
    true,
    false,
  ],
  ['a lock that has just ended', formatEdgeSyncLease({ holder: 'HUB02', kind: 'Lock', expires: NOW }), false, false],
];

describe('who stands in the way of HUB01', () => {
  it.each(CASES)('%s', (_who, text, isManual, isHeld) => {
    expect(findHolder(text, { hubName: 'HUB01', isManual }, NOW) !== undefined).toBe(isHeld);
  });
});

const MINUTE_MS = 60_000;
const OWN_DN = 'CN=EDGE01,CN=Servers';

/** The Edge's own object, reduced to its lease, and what a hub that takes it needs. */
function openEdge() {
  const clock = new HandClock(NOW);
  const edge = { lease: undefined as string | undefined, connections: 0, isAway: false };
  const client = {
    // A compare and swap as a directory does it.
    apply: ([operation]: readonly LdapOperation[]): Promise<void> => {
      const changes = operation?.kind === 'modify' ? operation.changes : [];
      for (const { operation: kind, values } of changes) {
        const text = values[0]?.toString();
        if (kind === 'delete' && edge.lease !== text) return Promise.reject(fault('noSuchAttribute', 'gone'));
        if (kind === 'add' && edge.lease !== undefined)
          return Promise.reject(fault('constraintViolation', 'one value'));
        edge.lease = kind === 'add' ? text : undefined;
      }
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  } as unknown as LdapClient;
  const take = (hubName: string): Promise<EdgeLease> =>
    EdgeLease.take(client, edge.lease, {
      edgeName: 'EDGE01',
      ownDn: OWN_DN,
      hubName,
      isManual: false,
      durations: DEFAULT_EDGE_SYNC_SERVICE_CONFIG,
      clock,
      log: silentLog(),
      connect: () => {
        edge.connections += 1;
        return edge.isAway ? Promise.reject(new Problem('ldap-unreachable', 'away')) : Promise.resolve(client);
      },
    });
  const held = () => parseEdgeSyncLease(edge.lease);
  return { clock, edge, client, take, held };
}

/** Lets what a rung timer has started come to its end. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe('a lock', () => {
  it('is renewed over a connection of its own, four minutes before its end, as long as the round lasts', async () => {
    const { clock, edge, client, take, held } = openEdge();
    const lease = await take('HUB01');
    for (let minute = 0; minute < 20; minute++) {
      clock.advance(MINUTE_MS);
      await settle();
      expect(held()?.expires.getTime()).toBeGreaterThan(clock.now().getTime());
      lease.insist();
    }
    expect(edge.connections).toBe(10);
    await lease.release(client);
    expect(held()).toMatchObject({ holder: 'HUB01', kind: 'Option' });
    clock.advance(60 * MINUTE_MS);
    await settle();
    expect(edge.connections).toBe(10);
  });

  it('is not renewed any more once it was released, although a renewal was under way then', async () => {
    const { clock, edge, client, take, held } = openEdge();
    const lease = await take('HUB01');
    clock.advance(2 * MINUTE_MS);
    await lease.release(client);
    expect([edge.connections, clock.appointments]).toEqual([1, 0]);
    expect(held()).toMatchObject({ holder: 'HUB01', kind: 'Option' });
  });

  it('that could not be renewed in time is lost, and says so before anything is written', async () => {
    const { clock, edge, take } = openEdge();
    const lease = await take('HUB01');
    edge.isAway = true;
    clock.advance(5 * MINUTE_MS);
    await settle();
    lease.insist();
    clock.advance(MINUTE_MS);
    expect(() => lease.insist()).toThrow(expect.objectContaining({ code: 'lease-lost' }));
  });

  it('that another hub took over is lost at the next renewal, and is not released over it', async () => {
    const { clock, edge, client, take, held } = openEdge();
    const lease = await take('HUB01');
    edge.lease = formatEdgeSyncLease({ holder: 'HUB02', kind: 'Lock', expires: LATER });
    clock.advance(2 * MINUTE_MS);
    await settle();
    expect(() => lease.insist()).toThrow(expect.objectContaining({ code: 'lease-lost' }));
    await lease.release(client);
    expect(held()).toMatchObject({ holder: 'HUB02', kind: 'Lock' });
  });

  it('goes to one of two hubs that reach for it at the same time', async () => {
    const { take, held } = openEdge();
    const both = await Promise.allSettled([take('HUB01'), take('HUB02')]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'lease-held' } });
    expect(held()?.holder).toBe('HUB01');
  });
});
