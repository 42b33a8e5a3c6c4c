// What of trust is measured when somebody reads the metrics: how long certificates on record are good, and how old the state is
// that EdgeSync brought. Servers are those of the organisation, a closed list that the directory keeps.

import { findCookie, SYNC_TYPE_NAMES } from '../directory/edge-sync-cookie.ts';
import type { OrganizationSnapshot } from '../directory/organization.ts';
import type { Reading } from '../tracking/metrics.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';
import { listTrust } from './trust-status.ts';

/** Adds the gauges of trust; a Hub knows of the rounds since its start, an Edge what its cookies say. */
export function addTrustGauges(context: ServerContext): void {
  const { metrics, clock } = context;
  metrics.gauge({
    name: 'certificate_expiry_seconds',
    help: 'Until the certificates on record expire, by server and part: current, next, previous, or in use; less than 0 when one has',
    labels: ['server', 'part'],
    read: () => readExpiry(context),
  });
  const readAges = context.hub
    ? watchRounds(context)
    : () => readCookieAges(organizationOf(context).snapshot(), clock.now());
  metrics.gauge({
    name: 'sync_age_seconds',
    help: 'Since EdgeSync last brought a type of data to an Edge, or found that nothing is to be brought',
    labels: ['edge', 'type'],
    read: readAges,
  });
}

function readExpiry(context: ServerContext): readonly Reading[] {
  const { certificates, clock } = context;
  const now = clock.now();
  const shown = certificates.internalTransport()?.certificate;
  const rows = listTrust({ snapshot: organizationOf(context).snapshot(), now, shown, staleEdges: [] });
  return rows.map(({ server, part, certificate }) => ({
    labels: { server, part },
    value: secondsBetween(now, certificate.notAfter),
  }));
}

function watchRounds({ hub, clock }: ServerContext): () => readonly Reading[] {
  const last = new Map<string, { readonly edge: string; readonly type: string; readonly at: Date }>();
  hub?.synchronizer.onReport(({ name: edge, type, result, endUtc: at }) => {
    if (result === 'Success') last.set(`${edge} ${type}`, { edge, type, at });
  });
  return () => {
    const edges = new Set(hub?.activeDirectory.snapshot().edges.map(({ name }) => name));
    return [...last.values()].flatMap(({ edge, type, at }) =>
      edges.has(edge) ? [{ labels: { edge, type }, value: secondsBetween(at, clock.now()) }] : [],
    );
  };
}

/** Version 0 stands for the export of the subscription, before any round. */
function readCookieAges({ self }: OrganizationSnapshot, now: Date): readonly Reading[] {
  return SYNC_TYPE_NAMES.flatMap((type) => {
    const cookie = findCookie(self.edgeSyncCookies ?? [], type);
    return cookie && cookie.version > 0
      ? [{ labels: { edge: self.name, type }, value: secondsBetween(cookie.time, now) }]
      : [];
  });
}

function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000;
}
