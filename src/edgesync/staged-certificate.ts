// A staged renewal in a round of EdgeSync, in both directions. What the Edge announces on its own object in ADAM is taken into
// AD before anything is carried, and the answer goes back with the type Configuration, in its transaction. What the Edge has
// been brought of the hubs' certificates is noted in AD afterwards. All of it is harmless when repeated.

import type { CertificateAcknowledgement } from '../directory/certificate-acknowledgement.ts';
import {
  acknowledge,
  findAcknowledgement,
  type RenewalState,
  renewalOf,
  withHeldAcknowledgements,
} from '../directory/certificate-renewal.ts';
import { isSameName } from '../directory/organization.ts';
import { hasCertificate, type TransportServer } from '../directory/transport-server.ts';
import { isOwnServer, VENDOR_SEARCH } from '../ldap/vendor.ts';
import { type Certificate, isSameCertificate, namesServer } from '../tls/certificate.ts';
import { createEvent } from '../tracking/events.ts';
import { DEFAULT_SETTLE_MS } from './renewal-readiness.ts';
import type { SyncPreparation } from './sync-preparation.ts';
import type { SyncScene } from './sync-type.ts';

export const prepareStagedCertificate: SyncPreparation = { name: 'staged-certificate', prepare: adoptAnnounced };

/** Takes into AD what the Edge announced of its certificates. The connection was judged by one that is on record. */
async function adoptAnnounced({ activeDirectory, clock, edge, events, settleMs, state }: SyncScene): Promise<void> {
  const { servers, self, hubs } = activeDirectory.snapshot();
  const now = clock.now();
  // Other hubs of the site read the same AD, but only at intervals: they need time before the Edge may count on them.
  const effective = new Date(now.getTime() + (hubs.length > 1 ? (settleMs ?? DEFAULT_SETTLE_MS) : 0));
  const next = state.self.nextCertificate;
  const refused = next && whyRefused(next, edge, servers);
  const answer = { server: self.name, at: now, effective, ...(refused && { refused }) };
  if (refused && !edge.certificateAcknowledgements?.some(({ sha256 }) => sha256 === next.sha256)) {
    const { thumbprint } = next;
    events.record(createEvent('StagedCertificateRefused', { server: edge.name, thumbprint, cause: refused }));
  }
  // By what AD says then: a subscription file that was imported meanwhile has put another certificate on record.
  await activeDirectory.changeServer(edge.name, (onRecord) => adopt(onRecord, state.self, answer));
}

/** A sentence when the certificate must not go on record for that Edge. */
function whyRefused(next: Certificate, edge: TransportServer, servers: readonly TransportServer[]): string | undefined {
  if (!namesServer(next, edge.fqdn)) return `it does not name ${edge.fqdn}`;
  const other = servers.find((server) => !isSameName(server.name, edge.name) && hasCertificate(server, next));
  return other && `it is the certificate of ${other.name}`;
}

type Answer = Omit<CertificateAcknowledgement, 'sha256'>;

/**
 * What AD shall say of the Edge's certificates, given what the Edge says of them itself. An Edge that uses a certificate
 * which AD does not have on record is left as it is: that is what a new subscription is for.
 */
export function adopt(onRecord: RenewalState, announced: RenewalState, answer: Answer): RenewalState {
  const taken = takeOver(onRecord, announced);
  const { certificate: current } = taken;
  if (!current || !announced.certificate || !isSameCertificate(current, announced.certificate)) return taken;
  const { refused, ...accepted } = answer;
  const withNext = refused === undefined ? withAnnouncedNext(taken, announced) : withoutNext(taken);
  const acknowledged = [current, withNext.nextCertificate].reduce<RenewalState>(
    (state, certificate) => (certificate ? acknowledgeOnce(state, certificate, accepted) : state),
    withNext,
  );
  const { nextCertificate } = announced;
  if (refused === undefined || !nextCertificate) return acknowledged;
  return refuse(acknowledged, { ...answer, sha256: nextCertificate.sha256 }, onRecord);
}

/** The Edge has taken over what AD has as its next one: so has AD, and the old one stays as long as the Edge says. */
function takeOver(onRecord: RenewalState, announced: RenewalState): RenewalState {
  const state = renewalOf(onRecord);
  const { certificate: current, nextCertificate: next } = state;
  const { certificate, certificateSince, previousCertificate, previousUntil } = announced;
  const isTakenOver = certificate && next && isSameCertificate(certificate, next);
  const known = isTakenOver ? current : state.previousCertificate;
  const isKept = known && previousCertificate && isSameCertificate(known, previousCertificate);
  const previous = {
    previousCertificate: isKept ? known : undefined,
    previousUntil: isKept ? previousUntil : undefined,
  };
  if (!isTakenOver) return { ...state, ...previous };
  return { ...withoutNext(state), certificate, certificateSince, ...previous };
}

function withAnnouncedNext(state: RenewalState, announced: RenewalState): RenewalState {
  const { nextCertificate, nextStagedAt } = announced;
  return nextCertificate ? { ...state, nextCertificate, nextStagedAt } : withoutNext(state);
}

function withoutNext(state: RenewalState): RenewalState {
  return { ...state, nextCertificate: undefined, nextStagedAt: undefined };
}

/** One hub answers for all that share its AD. */
function acknowledgeOnce(state: RenewalState, { sha256 }: Certificate, answer: Answer): RenewalState {
  const isThere = state.certificateAcknowledgements?.some(
    (given) => given.sha256 === sha256 && given.refused === undefined,
  );
  return isThere === true ? withHeldAcknowledgements(state) : acknowledge(state, { ...answer, sha256 });
}

/** A refusal keeps its first date, so that a round which finds the same again changes nothing. */
function refuse(state: RenewalState, refusal: CertificateAcknowledgement, before: RenewalState): RenewalState {
  const known = before.certificateAcknowledgements?.find(
    ({ sha256, refused }) => sha256 === refusal.sha256 && refused === refusal.refused,
  );
  const others = state.certificateAcknowledgements ?? [];
  return { ...state, certificateAcknowledgements: [...others, known ?? refusal] };
}

/** What the Edge is told of its certificates; part of the type Configuration. */
export function answerTo(edge: TransportServer): Pick<TransportServer, 'certificateAcknowledgements'> {
  return { certificateAcknowledgements: edge.certificateAcknowledgements };
}

/** Notes in AD that the Edge now has the certificates of these hubs on record; they were read before the round planned. */
export async function noteCarried(hubs: readonly TransportServer[], scene: SyncScene): Promise<void> {
  const { activeDirectory, clock, edge } = scene;
  const news = hubs.flatMap((hub) => {
    const certificates = [hub.certificate, hub.nextCertificate].filter((certificate) => certificate !== undefined);
    const unknown = certificates.filter((certificate) => !findAcknowledgement(hub, edge.name, certificate));
    return unknown.map(({ sha256 }) => ({ name: hub.name, sha256 }));
  });
  if (news.length === 0) return;
  const at = clock.now();
  const effective = new Date(at.getTime() + (await settleTimeOf(scene)));
  for (const { name, sha256 } of news) {
    await activeDirectory.changeServer(name, (hub) => acknowledge(hub, { server: edge.name, sha256, at, effective }));
  }
}

/** An Edge reads its embedded ADAM at once, one on another server only at intervals. */
async function settleTimeOf({ client, settleMs }: SyncScene): Promise<number> {
  const isEmbedded = isOwnServer(await client.search(VENDOR_SEARCH));
  return isEmbedded ? 0 : (settleMs ?? DEFAULT_SETTLE_MS);
}
