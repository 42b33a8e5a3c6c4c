// Get-EdgeSyncServiceConfig: when and how the hubs of this site synchronize its Edges.

import type { EdgeSyncServiceConfig } from '../directory/edge-sync-service-config.ts';
import { defineCmdlet } from './cmdlet.ts';
import { type OutputRecord, timeSpanValue } from './output.ts';
import { requireHub } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const getEdgeSyncServiceConfig = defineCmdlet({
  name: 'Get-EdgeSyncServiceConfig',
  roles: ['hub'],
  synopsis: 'Show when and how the Edges of this site are synchronized',
  parameters: {},
  table: [],
  view: 'list',
  changes: false,
  run(context: ServerContext) {
    const { edgeSyncServiceConfig, site } = requireHub(context).activeDirectory.snapshot();
    return { records: [describeConfig(edgeSyncServiceConfig, site)] };
  },
});

function describeConfig(config: EdgeSyncServiceConfig, site: string): OutputRecord {
  return {
    Name: config.name,
    SiteName: site,
    ConfigurationSyncInterval: timeSpanValue(config.configurationSyncIntervalMs),
    RecipientSyncInterval: timeSpanValue(config.recipientSyncIntervalMs),
    LockDuration: timeSpanValue(config.lockDurationMs),
    LockRenewalDuration: timeSpanValue(config.lockRenewalDurationMs),
    OptionDuration: timeSpanValue(config.optionDurationMs),
    CookieValidDuration: timeSpanValue(config.cookieValidDurationMs),
    CarryNewHubs: config.carryNewHubs,
  };
}
