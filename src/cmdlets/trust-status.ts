// Who holds which certificate of whom, as rows made of a directory's snapshot: pure. Here is this server's own directory; the
// other side is what the last round of EdgeSync left of it in writing (acknowledgements on the server objects).

import type { CertificateAcknowledgement } from '../directory/certificate-acknowledgement.ts';
import { isSameName, type OrganizationSnapshot } from '../directory/organization.ts';
import { heldBy, type TransportServer } from '../directory/transport-server.ts';
import type { Recorded } from '../directory/view.ts';
import { edgesServedBy, type Readiness, readinessOf } from '../edgesync/renewal-readiness.ts';
import { type Certificate, validityAt } from '../tls/certificate.ts';
import { type CertificateOnRecord, certificatesHeld } from '../tls/on-record.ts';
import { CLOCK_TOLERANCE_MS } from '../trust/tls-policy.ts';

export interface TrustScene {
  readonly snapshot: OrganizationSnapshot;
  readonly now: Date;
  /** What this server shows; differs from what is on record only until the directory could be written. */
  readonly shown: Certificate | undefined;
  /** Names of the Edges whose last synchronization met a certificate that is not on record. */
  readonly staleEdges: readonly string[];
}

export interface TrustRow {
  readonly server: string;
  readonly part: CertificateOnRecord['part'] | 'in use';
  readonly certificate: Certificate;
  /** The directory here that has it; undefined when none does. */
  readonly heldHere: 'AD' | 'ADAM' | undefined;
  /** Servers of the other side that are known to have it. */
  readonly heldThere: readonly string[];
  readonly acknowledgedAt: Date | undefined;
  readonly since: Date | undefined;
  readonly until: Date | undefined;
  readonly state: string;
}

/** A row for each server and certificate: this server first. */
export function listTrust(scene: TrustScene): readonly TrustRow[] {
  const { snapshot, shown } = scene;
  const { self } = snapshot;
  const others = [...snapshot.hubs, ...snapshot.edges].filter(({ name }) => !isSameName(name, self.name));
  const rows = [self, ...others].flatMap((server) =>
    certificatesHeld(heldBy(server)).map((held) => rowOf(scene, server, held)),
  );
  const isPublished = !shown || certificatesHeld(heldBy(self)).some((held) => held.certificate.sha256 === shown.sha256);
  return isPublished ? rows : [...rows, unpublished(scene, shown)];
}

function rowOf(scene: TrustScene, server: Recorded<TransportServer>, held: CertificateOnRecord): TrustRow {
  const { certificate, part, until } = held;
  const given = acknowledgementsOf(server, certificate);
  const at = given.map((acknowledgement) => acknowledgement.at.getTime());
  return {
    server: server.name,
    part,
    certificate,
    heldHere: directoryOf(scene),
    heldThere: heldThere(scene, server, given),
    acknowledgedAt: at.length === 0 ? undefined : new Date(Math.min(...at)),
    since: part === 'next' ? server.nextStagedAt : part === 'current' ? server.certificateSince : undefined,
    until: until ?? certificate.notAfter,
    state: [datesOf(certificate, scene.now), stateOf(scene, server, held)].filter((text) => text !== '').join('; '),
  };
}

function directoryOf({ snapshot }: TrustScene): 'AD' | 'ADAM' {
  return snapshot.self.role === 'HubTransport' ? 'AD' : 'ADAM';
}

function acknowledgementsOf(server: TransportServer, { sha256 }: Certificate): readonly CertificateAcknowledgement[] {
  const all = server.certificateAcknowledgements ?? [];
  return all.filter((given) => given.sha256 === sha256 && given.refused === undefined);
}

/** Who a hub's certificates are carried to is noted on the hub; an Edge has its own, and what ADAM says of hubs came from AD. */
function heldThere(
  { snapshot }: TrustScene,
  server: TransportServer,
  given: readonly CertificateAcknowledgement[],
): readonly string[] {
  const isOwn = isSameName(server.name, snapshot.self.name);
  if (snapshot.self.role === 'EdgeTransport' && !isOwn) return [server.name];
  return given.map((acknowledgement) => acknowledgement.server);
}

/** Empty for one in date. */
function datesOf(certificate: Certificate, now: Date): string {
  switch (validityAt(certificate, now, CLOCK_TOLERANCE_MS)) {
    case 'expired':
      return `expired on ${certificate.notAfter.toISOString()}`;
    case 'not-yet-valid':
      return `not valid before ${certificate.notBefore.toISOString()}`;
    default:
      return '';
  }
}

function stateOf(scene: TrustScene, server: Recorded<TransportServer>, held: CertificateOnRecord): string {
  const { snapshot, now } = scene;
  if (held.part === 'previous') return describePrevious(held, now);
  const isOwn = isSameName(server.name, snapshot.self.name);
  if (held.part === 'next') {
    if (isOwn) return describeReadiness(readinessOf(snapshot, now));
    return server.role === 'EdgeTransport' ? 'acknowledged, takes over there' : 'staged there';
  }
  if (server.role === 'EdgeTransport') return stateOfEdge(scene, server, held.certificate);
  return snapshot.self.role === 'HubTransport' ? stateOfHub(scene, server, held.certificate) : 'matches';
}

function describePrevious({ until }: CertificateOnRecord, now: Date): string {
  if (until && until.getTime() <= now.getTime()) return `withdrawn at ${until.toISOString()}`;
  return until ? `previous, on record until ${until.toISOString()}` : 'previous';
}

function stateOfEdge({ snapshot, staleEdges }: TrustScene, edge: TransportServer, certificate: Certificate): string {
  const isAcknowledged = acknowledgementsOf(edge, certificate).length > 0;
  if (snapshot.self.role === 'HubTransport') {
    if (staleEdges.some((name) => isSameName(name, edge.name))) return 'stale: it shows another one, subscribe again';
    return isAcknowledged ? 'matches' : 'waiting for the first synchronization';
  }
  if (isAcknowledged) return 'matches';
  if (!edge.subscriptionExportedAt) return 'not subscribed';
  // The transaction that brings the hubs also brings the answer to what was current then.
  return snapshot.hubs.length > 0 && edge.certificateSince
    ? 'stale: AD does not have it, subscribe again'
    : 'waiting for the next synchronization';
}

function stateOfHub({ snapshot }: TrustScene, hub: TransportServer, certificate: Certificate): string {
  const given = acknowledgementsOf(hub, certificate);
  const edges = edgesServedBy(snapshot, hub);
  if (edges.length === 0) return 'no Edge is subscribed';
  const missing = edges.filter(({ name }) => !given.some(({ server }) => isSameName(server, name)));
  if (missing.length === 0) return 'matches';
  return `waiting for acknowledgement by ${missing.map(({ name }) => name).join(' and ')}: Start-EdgeSynchronization`;
}

function unpublished({ now, snapshot }: TrustScene, certificate: Certificate): TrustRow {
  return {
    server: snapshot.self.name,
    part: 'in use',
    certificate,
    heldHere: undefined,
    heldThere: [],
    acknowledgedAt: undefined,
    since: undefined,
    until: certificate.notAfter,
    state: [datesOf(certificate, now), 'in use, the directory could not be written yet'].filter(Boolean).join('; '),
  };
}

/** What stands between a staged certificate and its taking over. */
export function describeReadiness(readiness: Readiness): string {
  switch (readiness.kind) {
    case 'waiting':
      return `waiting for acknowledgement by ${readiness.servers.join(' and ')}`;
    case 'settling':
      return `acknowledged, takes over at ${readiness.until.toISOString()}`;
    case 'refused':
      return `refused by ${readiness.server}: ${readiness.cause}`;
    case 'ready':
      return 'takes over now';
    default:
      return 'nothing is staged';
  }
}
