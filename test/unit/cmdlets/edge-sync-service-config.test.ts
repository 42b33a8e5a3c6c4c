import { describe, expect, it } from 'vitest';
import { getEdgeSyncServiceConfig } from '../../../src/cmdlets/get-edge-sync-service-config.ts';
import { setEdgeSyncServiceConfig } from '../../../src/cmdlets/set-edge-sync-service-config.ts';
import { hubFixture } from './organization-context.ts';

const MINUTE_MS = 60_000;

describe('Set-EdgeSyncServiceConfig', () => {
  it('starts from the current intervals and changes what was given, on the object of the site', async () => {
    const hub = await hubFixture();
    expect(hub.snapshot().edgeSyncServiceConfig).toMatchObject({
      configurationSyncIntervalMs: 3 * MINUTE_MS,
      recipientSyncIntervalMs: 5 * MINUTE_MS,
      cookieValidDurationMs: 21 * 24 * 60 * MINUTE_MS,
      carryNewHubs: true,
      record: { dn: expect.stringMatching(/^CN=EdgeSyncService,CN=Default-First-Site-Name,CN=Sites,/) },
    });
    await hub.run(setEdgeSyncServiceConfig, { ConfigurationSyncInterval: '10m', CarryNewHubs: '$false' });
    const { records } = await hub.run(getEdgeSyncServiceConfig);
    expect(records).toMatchObject([
      {
        ConfigurationSyncInterval: { $timeSpan: 10 * MINUTE_MS },
        CarryNewHubs: false,
        SiteName: 'Default-First-Site-Name',
      },
    ]);
    expect(hub.snapshot().edgeSyncServiceConfig.recipientSyncIntervalMs).toBe(5 * MINUTE_MS);
  });

  it('knows the intervals of 2007, and takes one that is given beside them', async () => {
    const hub = await hubFixture();
    await hub.run(setEdgeSyncServiceConfig, { Intervals: 'exchange2007', RecipientSyncInterval: '2h' });
    expect(hub.snapshot().edgeSyncServiceConfig).toMatchObject({
      configurationSyncIntervalMs: 60 * MINUTE_MS,
      recipientSyncIntervalMs: 120 * MINUTE_MS,
    });
  });

  it('refuses what cannot work, and changes nothing', async () => {
    const hub = await hubFixture();
    const before = hub.snapshot().edgeSyncServiceConfig;
    await expect(hub.run(setEdgeSyncServiceConfig, { LockRenewalDuration: '6m' })).rejects.toMatchObject({
      code: 'bad-edge-sync-config',
      message: expect.stringMatching(/shorter than LockDuration/),
    });
    await expect(hub.run(setEdgeSyncServiceConfig, { ConfigurationSyncInterval: '1ms' })).rejects.toMatchObject({
      code: 'bad-edge-sync-config',
    });
    expect(hub.snapshot().edgeSyncServiceConfig).toEqual(before);
  });
});
