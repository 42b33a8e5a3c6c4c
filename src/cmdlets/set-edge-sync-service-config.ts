// Set-EdgeSyncServiceConfig: when and how the hubs of this site synchronize its Edges. All of them read the same object in AD.

import { type EdgeSyncServiceConfig, SYNC_INTERVAL_PRESETS } from '../directory/edge-sync-service-config.ts';
import { defineCmdlet } from './cmdlet.ts';
import { changesOf, unchangedWarnings, wholeMs } from './given-changes.ts';
import { requireHub } from './roles.ts';
import type { ServerContext } from './server-context.ts';

type Preset = keyof typeof SYNC_INTERVAL_PRESETS;
const PRESETS = Object.keys(SYNC_INTERVAL_PRESETS) as Preset[];

export const setEdgeSyncServiceConfig = defineCmdlet({
  name: 'Set-EdgeSyncServiceConfig',
  roles: ['hub'],
  synopsis: 'Change when and how the Edges of this site are synchronized',
  examples: [
    'Set-EdgeSyncServiceConfig -ConfigurationSyncInterval 10m',
    'Set-EdgeSyncServiceConfig -Intervals Exchange2007',
  ],
  parameters: {
    Intervals: {
      type: 'enum',
      choices: PRESETS,
      help: 'Both intervals at once: Exchange2007 is 1 hour and 4 hours, Current is 3 and 5 minutes',
    },
    ConfigurationSyncInterval: { type: 'duration', help: 'From one round of the configuration to the next' },
    RecipientSyncInterval: { type: 'duration', help: 'From one round of the recipients to the next' },
    LockDuration: { type: 'duration', help: 'How long a lock holds when its hub is silent: then another takes over' },
    LockRenewalDuration: { type: 'duration', help: 'How long before its end a lock is renewed' },
    OptionDuration: { type: 'duration', help: 'How long after a round its hub stays the preferred one' },
    CookieValidDuration: { type: 'duration', help: 'After this everything is compared again' },
    CarryNewHubs: {
      type: 'boolean',
      help: 'Make a hub that joined the site after an Edge was subscribed known to that Edge; $false waits for a new subscription',
    },
  },
  table: [],
  changes: true,
  async run(context: ServerContext, given) {
    const { activeDirectory } = requireHub(context);
    const preset = given.Intervals === undefined ? {} : SYNC_INTERVAL_PRESETS[given.Intervals];
    const changes = {
      ...preset,
      ...changesOf<EdgeSyncServiceConfig>({
        configurationSyncIntervalMs: wholeMs(given.ConfigurationSyncInterval),
        recipientSyncIntervalMs: wholeMs(given.RecipientSyncInterval),
        lockDurationMs: wholeMs(given.LockDuration),
        lockRenewalDurationMs: wholeMs(given.LockRenewalDuration),
        optionDurationMs: wholeMs(given.OptionDuration),
        cookieValidDurationMs: wholeMs(given.CookieValidDuration),
        carryNewHubs: given.CarryNewHubs,
      }),
    };
    const { edgeSyncServiceConfig: config } = activeDirectory.snapshot();
    await activeDirectory.setEdgeSyncServiceConfig({ ...config, ...changes });
    return { records: [], warnings: unchangedWarnings(config.name, changes) };
  },
});
