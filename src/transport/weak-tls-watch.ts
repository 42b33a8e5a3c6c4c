// Says in an event, at the start and whenever the directory changes, which connectors allow TLS that can be broken.

import type { Cancel } from '../clock.ts';
import { findWeakTls, type WeakTls } from '../directory/tls-settings.ts';
import { intraOrgTls } from '../directory/transport-config.ts';
import type { EventLog } from '../tracking/event-log.ts';
import { createEvent } from '../tracking/events.ts';
import type { Organisation } from './organisation.ts';
import { INTRA_ORG_CONNECTOR } from './route.ts';

export interface WeakTlsWatchOptions {
  readonly events: Pick<EventLog, 'record'>;
  readonly organisation: () => Organisation;
  readonly onChange: (listener: () => void) => Cancel;
}

/** Starts watching; call what it returns to stop. */
export function watchWeakTls({ events, organisation, onChange }: WeakTlsWatchOptions): Cancel {
  const look = (): void => {
    for (const weak of weakConnectors(organisation())) events.record(createEvent('WeakTlsAllowed', { ...weak }));
  };
  look();
  return onChange(look);
}

/** Of this server: the hidden connector is a Hub's. */
function weakConnectors({
  role,
  sendConnectors,
  receiveConnectors,
  transportConfig,
}: Organisation): readonly WeakTls[] {
  const hidden = role === 'hub' ? [{ name: INTRA_ORG_CONNECTOR, ...intraOrgTls(transportConfig) }] : [];
  return findWeakTls([...receiveConnectors, ...sendConnectors, ...hidden]);
}
