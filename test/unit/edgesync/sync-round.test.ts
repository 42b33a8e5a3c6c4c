import { describe, expect, it } from 'vitest';
import { LEASE_ATTRIBUTE, parseEdgeSyncLease } from '../../../src/directory/edge-sync-lease.ts';
import type { LdapOperation } from '../../../src/ldap/entry.ts';
import { eventually } from '../../helpers/servers.ts';
import { benchDomain, resultsOf, SyncBench } from '../../helpers/sync-bench.ts';

const MINUTE_MS = 60_000;

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
