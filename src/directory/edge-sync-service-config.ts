// When and how the hubs of a site synchronize its Edges (exchange: CN=EdgeSyncService under the site, Set-EdgeSyncServiceConfig).
// Every hub of the site reads the same object in AD. Durations are kept in whole milliseconds.

import { Problem } from '../problem.ts';
import { flagField, integerField, requiredText } from './attribute-field.ts';
import { defineView, type View } from './view.ts';

export interface EdgeSyncServiceConfig {
  /** Always `EdgeSyncService`. */
  readonly name: string;
  /** From the end of one round of this type to the start of the next. */
  readonly configurationSyncIntervalMs: number;
  readonly recipientSyncIntervalMs: number;
  /** How long a hub's lock on an Edge holds when nothing more is heard of the hub. */
  readonly lockDurationMs: number;
  /** So long before its end a lock is renewed. */
  readonly lockRenewalDurationMs: number;
  /** How long after a round its hub stays the preferred one. */
  readonly optionDurationMs: number;
  /** A cookie older than this is not built upon: all of it is compared. */
  readonly cookieValidDurationMs: number;
  /** Whether hubs that were added to the site after an Edge was subscribed are made known to that Edge. */
  readonly carryNewHubs: boolean;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const NAME = 'EdgeSyncService';

/** Exchange's intervals, by the versions that had them. */
export const SYNC_INTERVAL_PRESETS = {
  Exchange2007: { configurationSyncIntervalMs: HOUR_MS, recipientSyncIntervalMs: 4 * HOUR_MS },
  Current: { configurationSyncIntervalMs: 3 * MINUTE_MS, recipientSyncIntervalMs: 5 * MINUTE_MS },
} as const;

export const DEFAULT_EDGE_SYNC_SERVICE_CONFIG: EdgeSyncServiceConfig = {
  name: NAME,
  ...SYNC_INTERVAL_PRESETS.Current,
  lockDurationMs: 6 * MINUTE_MS,
  lockRenewalDurationMs: 4 * MINUTE_MS,
  optionDurationMs: 30 * MINUTE_MS,
  cookieValidDurationMs: 21 * DAY_MS,
  carryNewHubs: true,
};

export const edgeSyncServiceConfigView: View<EdgeSyncServiceConfig> = defineView(
  'EdgeSync service configuration',
  'msExchEdgeSyncServiceConfig',
  {
    name: requiredText('cn'),
    configurationSyncIntervalMs: milliseconds('msExchEdgeSyncConfigurationSyncInterval', 'configurationSyncIntervalMs'),
    recipientSyncIntervalMs: milliseconds('msExchEdgeSyncRecipientSyncInterval', 'recipientSyncIntervalMs'),
    lockDurationMs: milliseconds('msExchEdgeSyncLockDuration', 'lockDurationMs'),
    lockRenewalDurationMs: milliseconds('msExchEdgeSyncLockRenewalDuration', 'lockRenewalDurationMs'),
    optionDurationMs: milliseconds('msExchEdgeSyncOptionDuration', 'optionDurationMs'),
    cookieValidDurationMs: milliseconds('msExchEdgeSyncCookieValidDuration', 'cookieValidDurationMs'),
    carryNewHubs: flagField('msExchEdgeSyncCarryNewHubs', DEFAULT_EDGE_SYNC_SERVICE_CONFIG.carryNewHubs),
  },
);

type DurationName = Exclude<keyof EdgeSyncServiceConfig, 'name' | 'carryNewHubs'>;

function milliseconds(attribute: string, name: DurationName) {
  return integerField(attribute, DEFAULT_EDGE_SYNC_SERVICE_CONFIG[name]);
}

/** The parameter of each duration, and how long it may be. */
const RANGES: Readonly<Record<DurationName, readonly [parameter: string, low: number, high: number]>> = {
  configurationSyncIntervalMs: ['ConfigurationSyncInterval', SECOND_MS, 20 * DAY_MS],
  recipientSyncIntervalMs: ['RecipientSyncInterval', SECOND_MS, 20 * DAY_MS],
  lockDurationMs: ['LockDuration', 10 * SECOND_MS, DAY_MS],
  lockRenewalDurationMs: ['LockRenewalDuration', SECOND_MS, DAY_MS],
  optionDurationMs: ['OptionDuration', 0, 20 * DAY_MS],
  cookieValidDurationMs: ['CookieValidDuration', MINUTE_MS, 60 * DAY_MS],
};

/** Throws Problem `bad-edge-sync-config`. */
export function validateEdgeSyncServiceConfig(config: EdgeSyncServiceConfig): void {
  for (const [name, [parameter, low, high]] of Object.entries(RANGES)) {
    const value = config[name as DurationName];
    if (!Number.isSafeInteger(value) || value < low || value > high) {
      throw refuse(`${parameter} must be from ${low / SECOND_MS} s to ${high / SECOND_MS} s`);
    }
  }
  if (config.lockRenewalDurationMs >= config.lockDurationMs) {
    throw refuse('LockRenewalDuration must be shorter than LockDuration: a lock is renewed so long before its end');
  }
}

function refuse(sentence: string): Problem {
  return new Problem('bad-edge-sync-config', sentence);
}
