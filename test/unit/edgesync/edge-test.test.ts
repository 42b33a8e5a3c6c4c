import { describe, expect, it } from 'vitest';
import { testEdgeSynchronization } from '../../../src/cmdlets/test-edge-synchronization.ts';
import type { LdapOperation } from '../../../src/ldap/entry.ts';
import { makeContext, runCmdlet } from '../../helpers/cmdlet-context.ts';
import { benchDomain, type BenchHub, SyncBench } from '../../helpers/sync-bench.ts';

const DAY_MS = 86_400_000;

async function openBench() {
  const bench = await SyncBench.open();
  const hub = await bench.addHub();
  await bench.subscribe(hub);
  await hub.ad.addAcceptedDomain(benchDomain('contoso.test'));
  await hub.synchronizer.synchronize();
  return { bench, hub };
}

async function test(bench: SyncBench, hub: BenchHub, typed: Record<string, string> = {}) {
  const parts = { activeDirectory: hub.ad, synchronizer: hub.synchronizer };
  const context = makeContext({ clock: bench.clock, hub: parts });
  const { records, failures } = await runCmdlet(testEdgeSynchronization, context, {
    ExcludeRecipientTest: 'true',
    ...typed,
  });
  return { ...records[0], failures, differences: [records[0]?.['Differences'] ?? []].flat().map(String) };
}

function replace(dn: string, attribute: string, value: string): LdapOperation {
  return { kind: 'modify', dn, changes: [{ operation: 'replace', attribute, values: [Buffer.from(value)] }] };
}

describe('Test-EdgeSynchronization', () => {
  it('is Normal after a round, by the cookie and object by object', async () => {
    const { bench, hub } = await openBench();
    await using _bench = bench;
    expect(await test(bench, hub)).toMatchObject({
      SyncStatus: 'Normal',
      LeaseHolder: 'HUB01',
      LeaseType: 'Option',
      AcceptedDomainStatus: 'Skipped',
      CookieRecords: [expect.stringMatching(/^Configuration: version 2 by HUB01 at .*, up to date$/)],
      failures: [],
    });
    expect(await test(bench, hub, { FullCompareMode: 'true' })).toMatchObject({
      SyncStatus: 'Normal',
      TransportServerStatus: 'Synchronized',
      SendConnectorStatus: 'Synchronized',
      CredentialRecords: 'Synchronized',
      RecipientStatus: 'Skipped',
      DifferenceCount: 0,
      Differences: [],
    });
  });

  it('is Inconclusive while AD has what the next round carries', async () => {
    const { bench, hub } = await openBench();
    await using _bench = bench;
    await hub.ad.addAcceptedDomain(benchDomain('fabrikam.test'));
    expect(await test(bench, hub)).toMatchObject({
      SyncStatus: 'Inconclusive',
      FailureDetail: 'Configuration has changes that the next round carries',
    });
  });

  it('names each difference that somebody made in ADAM, with what both have, and changes nothing', async () => {
    const { bench, hub } = await openBench();
    await using _bench = bench;
    const { layout } = bench.adam;
    const own = bench.adam.snapshot().self.record.dn;
    await bench.adamDirectory.apply([
      { kind: 'delete', dn: `CN=contoso.test,${layout.acceptedDomains}` },
      replace(layout.transportSettings, 'msExchTransportExpiredCertificate', 'Defer'),
      replace(`CN=HUB01,${layout.servers}`, 'serialNumber', 'Version 9'),
      {
        kind: 'modify',
        dn: own,
        changes: [{ operation: 'replace', attribute: 'msExchEdgeSyncCredential', values: [] }],
      },
    ]);
    await bench.adam.refresh();
    const cookie = bench.cookie();
    const full = await test(bench, hub, { FullCompareMode: 'true' });
    expect(full).toMatchObject({
      SyncStatus: 'Failed',
      AcceptedDomainStatus: 'NotSynchronized',
      TransportConfigStatus: 'NotSynchronized',
      TransportServerStatus: 'NotSynchronized',
      CredentialRecords: 'NotSynchronized',
      SendConnectorStatus: 'Synchronized',
      DifferenceCount: 4,
      failures: ['EDGE01 differs from AD in 4 places'],
    });
    expect(full.differences.toSorted((a, b) => a.localeCompare(b, 'en'))).toEqual([
      `CN=contoso.test,${layout.acceptedDomains}: is in AD and missing in ADAM`,
      `${own}: msExchEdgeSyncCredential is 1 value (not shown) in AD and 0 values (not shown) in ADAM`,
      `CN=HUB01,${layout.servers}: serialNumber is absent in AD and "Version 9" in ADAM`,
      `${layout.transportSettings}: msExchTransportExpiredCertificate is "Plaintext" in AD and "Defer" in ADAM`,
    ]);
    expect(bench.cookie()).toEqual(cookie);
    const cut = await test(bench, hub, { FullCompareMode: 'true', MaxReportSize: '1' });
    expect(cut).toMatchObject({ DifferenceCount: 4, Differences: [expect.any(String)] });
    // The cookie alone cannot know what somebody does behind EdgeSync's back.
    expect(await test(bench, hub)).toMatchObject({ SyncStatus: 'Normal' });
  });

  it('is Failed when the cookie is too old, and when the Edge does not answer', async () => {
    const { bench, hub } = await openBench();
    await using _bench = bench;
    bench.clock.move(22 * DAY_MS);
    expect(await test(bench, hub)).toMatchObject({
      SyncStatus: 'Failed',
      FailureDetail: expect.stringMatching(/longer than/),
    });
    bench.clock.move(80 * DAY_MS);
    expect(await test(bench, hub)).toMatchObject({
      SyncStatus: 'Failed',
      FailureDetail: expect.stringMatching(/have expired: export a new/),
      LeaseType: 'None',
      LastSynchronizedUtc: null,
    });
  });
});
