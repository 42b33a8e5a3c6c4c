import { describe, expect, it } from 'vitest';
import { COOKIE_ATTRIBUTE, makeCookieStep } from '../../../src/directory/edge-sync-cookie.ts';
import { LEASE_ATTRIBUTE, parseEdgeSyncLease } from '../../../src/directory/edge-sync-lease.ts';
import type { LdapOperation } from '../../../src/ldap/entry.ts';
import { eventually } from '../../helpers/servers.ts';
import { benchDomain, resultsOf, SyncBench } from '../../helpers/sync-bench.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

function leaseOf(bench: SyncBench) {
  return parseEdgeSyncLease(bench.adam.snapshot().self.edgeSyncLease);
}

describe('a round', () => {
  it('carries the configuration, moves the cookie by one and leaves an option behind', async () => {
    await using bench = await SyncBench.open();
    const hub = await bench.addHub();
    expect(resultsOf(await bench.subscribe(hub))).toContain('Configuration Success');
    expect(bench.cookie()).toMatchObject({ version: 1, hub: 'HUB01', source: 'CN=Configuration,DC=contoso,DC=test' });
    await hub.ad.addAcceptedDomain(benchDomain('contoso.test'));
    const [report] = await hub.synchronizer.synchronize();
    expect(report).toMatchObject({ result: 'Success', added: 1 });
    expect(bench.adam.snapshot().acceptedDomains).toMatchObject([{ domainName: 'contoso.test' }]);
    expect(bench.cookie()?.version).toBe(2);
    expect(leaseOf(bench)).toMatchObject({ holder: 'HUB01', kind: 'Option' });
  });

  it('leaves an option behind the very first time too, although it ends the account that it began with', async () => {
    await using bench = await SyncBench.open();
    await bench.subscribe(await bench.addHub());
    expect(leaseOf(bench)).toMatchObject({ holder: 'HUB01', kind: 'Option' });
  });

  it('leaves the Edge alone while AD cannot be read: another hub may have carried something newer', async () => {
    await using bench = await SyncBench.open();
    const hub = await bench.addHub();
    await bench.subscribe(hub);
    const before = [bench.cookie(), leaseOf(bench)];
    bench.adDirectory.close();
    const [report] = await hub.synchronizer.synchronize();
    expect(report).toMatchObject({
      result: 'Aborted',
      failureDetails: expect.stringMatching(/^AD cannot be read now/),
    });
    expect([bench.cookie(), leaseOf(bench)]).toEqual(before);
  });

  it('moves no cookie and writes nothing when the Edge refuses a part of it', async () => {
    await using bench = await SyncBench.open();
    const hub = await bench.addHub();
    await bench.subscribe(hub);
    const before = bench.cookie();
    // Something that EdgeSync may not delete stands where a connector has to go.
    await bench.adamDirectory.apply(blockDomain(bench, 'contoso.test'));
    await hub.ad.addAcceptedDomain(benchDomain('contoso.test'));
    await hub.ad.addAcceptedDomain(benchDomain('fabrikam.test'));
    const [report] = await hub.synchronizer.synchronize();
    expect(report).toMatchObject({ result: 'Aborted', added: 0 });
    expect(bench.cookie()).toEqual(before);
    expect(bench.adam.snapshot().acceptedDomains).toEqual([]);
    const [forced] = await hub.synchronizer.synchronize({ forceUpdateCookie: true });
    expect(forced).toMatchObject({ result: 'Incomplete', failureDetails: expect.stringMatching(/cookie was updated/) });
    expect(bench.cookie()?.version).toBe((before?.version ?? 0) + 1);
    expect(bench.adam.snapshot().acceptedDomains).toEqual([]);
  });
});

describe('the lease', () => {
  it('of another hub keeps this one out while it is a lock, and no longer', async () => {
    await using bench = await SyncBench.open();
    const hub = await bench.addHub();
    await bench.subscribe(hub);
    const before = bench.cookie();
    await setLease(bench, { holder: 'HUB02', kind: 'Lock' });
    const [held] = await hub.synchronizer.synchronize();
    expect(held).toMatchObject({
      result: 'CouldNotLease',
      failureDetails: expect.stringMatching(/^HUB02 .*lock until/),
    });
    expect(bench.cookie()).toEqual(before);
    bench.clock.move(6 * MINUTE_MS);
    expect(resultsOf(await hub.synchronizer.synchronize())).toContain('Configuration Success');
    expect(leaseOf(bench)).toMatchObject({ holder: 'HUB01', kind: 'Option' });
  });

  it('as an option of another hub stops the schedule, and no person', async () => {
    await using bench = await SyncBench.open();
    const hub = await bench.addHub();
    await bench.subscribe(hub);
    hub.synchronizer.start();
    await setLease(bench, { holder: 'HUB02', kind: 'Option' });
    const { version = 0 } = bench.cookie() ?? {};
    bench.clock.move(3 * MINUTE_MS);
    // A manual round queues behind the scheduled one.
    await hub.synchronizer.synchronize();
    expect(bench.cookie()?.version).toBe(version + 1);
    expect(leaseOf(bench)).toMatchObject({ holder: 'HUB01', kind: 'Option' });
    bench.clock.move(3 * MINUTE_MS);
    await eventually('a scheduled round', () => bench.cookie()?.version === version + 2 || undefined);
  });
});

describe('a round that another hub overtakes', () => {
  it('is a LostLease that writes nothing, since the cookie it was planned on is gone', async () => {
    await using bench = await SyncBench.open();
    const hub = await bench.addHub();
    await bench.subscribe(hub);
    await hub.ad.addAcceptedDomain(benchDomain('contoso.test'));
    // Between its look at the cookie and its transaction somebody else carries a round.
    const readChanges = hub.ad.readChanges.bind(hub.ad);
    hub.ad.readChanges = async (...parameters) => {
      hub.ad.readChanges = readChanges;
      await advanceCookie(bench);
      return readChanges(...parameters);
    };
    const [report] = await hub.synchronizer.synchronize();
    expect(report).toMatchObject({
      result: 'LostLease',
      added: 0,
      failureDetails: expect.stringMatching(/older state/),
    });
    expect(bench.adam.snapshot().acceptedDomains).toEqual([]);
    const [next] = await hub.synchronizer.synchronize();
    expect(next).toMatchObject({ result: 'Success', added: 1 });
  });
});

describe('a delta', () => {
  it('looks at nothing when nothing has changed in AD, and at everything when it is told to', async () => {
    await using bench = await SyncBench.open();
    const hub = await bench.addHub();
    await bench.subscribe(hub);
    await hub.ad.addAcceptedDomain(benchDomain('contoso.test'));
    await hub.synchronizer.synchronize();
    await hub.synchronizer.synchronize();
    expect(bench.cookie()?.position).toBeDefined();
    // Nothing has changed since: whoever compares Edges finds them where AD is.
    expect(bench.cookie()?.reached).toEqual(hub.ad.position);
    // Somebody changes ADAM behind EdgeSync's back: only a full round sees that.
    await bench.adamDirectory.apply([{ kind: 'delete', dn: `CN=contoso.test,${bench.adam.layout.acceptedDomains}` }]);
    const [quiet] = await hub.synchronizer.synchronize();
    expect(quiet).toMatchObject({ result: 'Success', added: 0, scanned: 0, targetScanned: 0 });
    const [full] = await hub.synchronizer.synchronize({ forceFullSync: true });
    expect(full).toMatchObject({ result: 'Success', added: 1 });
  });

  it('is a full round once the cookie is older than CookieValidDuration, or of another AD', async () => {
    await using bench = await SyncBench.open();
    const hub = await bench.addHub();
    await bench.subscribe(hub);
    await hub.synchronizer.synchronize();
    const scanned = async () => (await hub.synchronizer.synchronize())[0]?.scanned;
    expect(await scanned()).toBe(0);
    bench.clock.move(21 * DAY_MS + 1000);
    expect(await scanned()).toBeGreaterThan(0);
    expect(await scanned()).toBe(0);
    await renameSource(bench);
    expect(await scanned()).toBeGreaterThan(0);
  });
});

describe('the accounts of a hub', () => {
  it('are rotated with overlap over a year, and every round of it is carried', async () => {
    await using bench = await SyncBench.open();
    const hub = await bench.addHub();
    await bench.subscribe(hub);
    const names = new Set<string>();
    // Into the week in which the successor is made, past the day it comes into force, and so on.
    for (const days of [84, 4, 83, 4, 83, 4, 83, 4]) {
      bench.clock.move(days * DAY_MS);
      const [report] = await hub.synchronizer.synchronize();
      expect(report).toMatchObject({ result: 'Success' });
      const accounts = bench.adam.snapshot().accounts.filter(({ kind }) => kind === 'replication');
      expect(accounts.length).toBeLessThanOrEqual(2);
      for (const { name } of accounts) names.add(name);
    }
    expect([...names]).toEqual([0, 1, 2, 3, 4].map((number) => `ESRA.EDGE01.HUB01.${number}`));
    expect(hub.events.filter(({ level }) => level !== 'Information')).toEqual([]);
  });

  it('fall back on the one before, with event 1004, when the Edge does not take the successor', async () => {
    await using bench = await SyncBench.open();
    const hub = await bench.addHub();
    await bench.subscribe(hub);
    bench.clock.move(84 * DAY_MS);
    await hub.synchronizer.synchronize();
    await bench.adamDirectory.apply([{ kind: 'delete', dn: `CN=ESRA.EDGE01.HUB01.1,${bench.adam.layout.services}` }]);
    await bench.adam.refresh();
    bench.clock.move(4 * DAY_MS);
    const [report] = await hub.synchronizer.synchronize();
    expect(report).toMatchObject({ result: 'Success', added: 1 });
    expect(hub.events.filter(({ id }) => id === 1004)).toMatchObject([
      { facts: { edge: 'EDGE01', account: 'ESRA.EDGE01.HUB01.1', present: 'ESRA.EDGE01.HUB01.0' } },
    ]);
    bench.clock.move(3 * DAY_MS);
    expect(resultsOf(await hub.synchronizer.synchronize())).toContain('Configuration Success');
  });

  it('that have ended while nobody synchronized need a new subscription, and say so', async () => {
    await using bench = await SyncBench.open();
    const hub = await bench.addHub();
    await bench.subscribe(hub);
    bench.clock.move(100 * DAY_MS);
    const [report] = await hub.synchronizer.synchronize();
    expect(report).toMatchObject({
      result: 'Aborted',
      failureDetails: expect.stringMatching(/have expired: export a new/),
    });
    expect(resultsOf(await bench.subscribe(hub))).toContain('Configuration Success');
  });
});

describe('a hub that came after the subscription', () => {
  it('takes no part in EdgeSync until the Edge is subscribed again, and takes over then', async () => {
    await using bench = await SyncBench.open();
    const first = await bench.addHub('HUB01');
    await bench.subscribe(first);
    const second = await bench.addHub('HUB02');
    const [disabled] = await second.synchronizer.synchronize();
    expect(disabled).toMatchObject({ result: 'SyncDisabled', failureDetails: expect.stringMatching(/export a new/) });
    bench.clock.move(1000);
    await bench.subscribe(first);
    await setLease(bench, { holder: 'HUB01', kind: 'Lock' });
    await second.ad.refresh();
    expect(resultsOf(await second.synchronizer.synchronize())).toContain('Configuration CouldNotLease');
    bench.clock.move(6 * MINUTE_MS);
    expect(resultsOf(await second.synchronizer.synchronize())).toContain('Configuration Success');
    expect(bench.cookie()?.hub).toBe('HUB02');
  });
});

/** An object of another kind under the name that an accepted domain of that name would have. */
function blockDomain(bench: SyncBench, name: string): LdapOperation[] {
  const attributes = new Map([['objectClass', [Buffer.from('msExchContainer')]]]);
  return [{ kind: 'add', dn: `CN=${name},${bench.adam.layout.acceptedDomains}`, attributes }];
}

async function setLease(bench: SyncBench, lease: { holder: string; kind: 'Lock' | 'Option' }): Promise<void> {
  const expires = new Date(bench.clock.now().getTime() + 6 * MINUTE_MS).toISOString();
  const values = [Buffer.from(JSON.stringify({ ...lease, expires }))];
  const { dn } = bench.adam.snapshot().self.record;
  await bench.adamDirectory.apply([
    { kind: 'modify', dn, changes: [{ operation: 'replace', attribute: LEASE_ATTRIBUTE, values }] },
  ]);
}

/** The cookie says that it was read from another AD. */
async function renameSource(bench: SyncBench): Promise<void> {
  const cookie = bench.cookie();
  const values = [Buffer.from((cookie?.text ?? '').replace('DC=contoso', 'DC=fabrikam'))];
  const { dn } = bench.adam.snapshot().self.record;
  await bench.adamDirectory.apply([
    {
      kind: 'modify',
      dn,
      changes: [
        { operation: 'delete', attribute: COOKIE_ATTRIBUTE, values: [Buffer.from(cookie?.text ?? '')] },
        { operation: 'add', attribute: COOKIE_ATTRIBUTE, values },
      ],
    },
  ]);
}

/** What a round of another hub does to the cookie for Configuration. */
async function advanceCookie(bench: SyncBench): Promise<void> {
  const next = { type: 'Configuration', hub: 'HUB02', source: 'elsewhere', time: bench.clock.now() } as const;
  const { dn } = bench.adam.snapshot().self.record;
  await bench.adamDirectory.apply([makeCookieStep(dn, bench.cookie(), next)]);
}
