// On the Edge: says in an event when a hub's replication account comes to its end and no successor has arrived, while there is
// still time to see to it (exchange: 1006 of the credential service). Looks at start and every six hours.

import type { Cancel, Clock } from '../clock.ts';
import type { Account } from '../directory/account.ts';
import type { EventLog } from '../tracking/event-log.ts';
import { createEvent } from '../tracking/events.ts';
import { ACCOUNT_ROTATION } from './credential-rotation.ts';

const LOOK_EVERY_MS = 6 * 3_600_000;

export interface AccountWatchOptions {
  readonly clock: Clock;
  readonly events: EventLog;
  readonly accounts: () => readonly Account[];
}

/** Starts watching; call what it returns to stop. */
export function watchAccounts({ clock, events, accounts }: AccountWatchOptions): Cancel {
  let cancel: Cancel = () => undefined;
  const look = (): void => {
    for (const account of findUnrenewed(accounts(), clock.now())) {
      const { name, expiration } = account;
      events.record(createEvent('EsraRenewalFailed', { account: name, hub: hubOf(account), expiration }));
    }
    cancel = clock.schedule(LOOK_EVERY_MS, look);
  };
  look();
  return () => cancel();
}

/** Accounts that should have a successor by now, one for each hub. Those that have ended are past helping. */
export function findUnrenewed(accounts: readonly Account[], now: Date): readonly Account[] {
  const replication = accounts.filter(({ kind, superseded }) => kind === 'replication' && !superseded);
  const byHub = Map.groupBy(replication, hubOf);
  return [...byHub.values()].flatMap((ofHub) => {
    const last = ofHub.toSorted((a, b) => b.expiration.getTime() - a.expiration.getTime())[0];
    const leftMs = last ? last.expiration.getTime() - now.getTime() : 0;
    return last && leftMs > 0 && leftMs <= ACCOUNT_ROTATION.effectiveBeforeMs ? [last] : [];
  });
}

/** HUB01 of `ESRA.EDGE01.HUB01.0`. */
function hubOf({ name }: Account): string {
  return name.split('.').at(-2) ?? name;
}
