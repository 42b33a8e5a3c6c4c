// Whether a staged certificate may take over: pure. On a Hub every Edge of its site must have it on record, on an Edge one hub
// must have put it into AD; and after that, as long as servers that read their directory at intervals need to have read it.

import type { CertificateAcknowledgement } from '../directory/certificate-acknowledgement.ts';
import { hubsOfSite, isSameName, type OrganizationSnapshot } from '../directory/organization.ts';
import type { TransportServer } from '../directory/transport-server.ts';

/** Longer than servers that share a directory wait between two looks at it (30 s unless configured otherwise), in milliseconds. */
export const DEFAULT_SETTLE_MS = 60_000;

export type Readiness =
  | { readonly kind: 'nothing-staged' }
  | { readonly kind: 'ready' }
  /** Acknowledged, but not surely read by everybody before that time. */
  | { readonly kind: 'settling'; readonly until: Date }
  /** Names of the servers that have not acknowledged; on an Edge "a Hub". */
  | { readonly kind: 'waiting'; readonly servers: readonly string[] }
  | { readonly kind: 'refused'; readonly server: string; readonly cause: string };

/** What stands between the staged certificate of this server and its taking over. */
export function readinessOf(snapshot: OrganizationSnapshot, now: Date): Readiness {
  const { self } = snapshot;
  const { nextCertificate } = self;
  if (!nextCertificate) return { kind: 'nothing-staged' };
  const given = (self.certificateAcknowledgements ?? []).filter(({ sha256 }) => sha256 === nextCertificate.sha256);
  const refusal = given.find(({ refused }) => refused !== undefined);
  if (refusal?.refused !== undefined) return { kind: 'refused', server: refusal.server, cause: refusal.refused };
  return self.role === 'HubTransport' ? readinessOfHub(snapshot, given, now) : readinessOfEdge(self, given, now);
}

/** The Edges that a round brings this hub's certificates to. */
export function edgesServedBy(snapshot: OrganizationSnapshot, hub: TransportServer): readonly TransportServer[] {
  return snapshot.edges.filter(({ site }) => hubsOfSite(snapshot, site).some(({ name }) => isSameName(name, hub.name)));
}

function readinessOfHub(
  snapshot: OrganizationSnapshot,
  given: readonly CertificateAcknowledgement[],
  now: Date,
): Readiness {
  const found = edgesServedBy(snapshot, snapshot.self).map(({ name }) => ({
    name,
    given: given.find(({ server }) => isSameName(server, name)),
  }));
  const missing = found.filter((each) => each.given === undefined);
  if (missing.length > 0) return { kind: 'waiting', servers: missing.map(({ name }) => name) };
  const { nextStagedAt } = snapshot.self;
  // Other hubs may reach AD through this one, and must know what its door will show.
  const sharedMs = snapshot.hubs.length > 1 && nextStagedAt ? nextStagedAt.getTime() + DEFAULT_SETTLE_MS : 0;
  return settle(Math.max(sharedMs, ...found.map((each) => each.given?.effective.getTime() ?? 0)), now);
}

/** Without a subscription nobody has this Edge's certificate on record, and nobody has to. */
function readinessOfEdge(
  { subscriptionExportedAt }: TransportServer,
  given: readonly CertificateAcknowledgement[],
  now: Date,
): Readiness {
  if (!subscriptionExportedAt) return { kind: 'ready' };
  if (given.length === 0) return { kind: 'waiting', servers: ['a Hub'] };
  return settle(Math.min(...given.map(({ effective }) => effective.getTime())), now);
}

function settle(effectiveMs: number, now: Date): Readiness {
  return effectiveMs > now.getTime() ? { kind: 'settling', until: new Date(effectiveMs) } : { kind: 'ready' };
}
