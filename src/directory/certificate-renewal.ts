// A staged renewal as the states of one server object, pure. Steps: staged (next beside current) -> acknowledged by the other
// side -> taken over (next became current, the old one previous) -> withdrawn (previous removed after its grace period).
// Each is a function from what is on record to what shall be; doing one again changes nothing, so a crash between two costs
// nothing. Who acknowledges, and when to take over, is edgesync's.

import { type Certificate, isSameCertificate } from '../tls/certificate.ts';
import { certificatesHeld } from '../tls/on-record.ts';
import type { CertificateAcknowledgement } from './certificate-acknowledgement.ts';
import { isSameName } from './organization.ts';
import { heldBy, type TransportServer } from './transport-server.ts';

/** What of a server object a renewal changes. */
export type RenewalState = Pick<
  TransportServer,
  | 'certificate'
  | 'certificateSince'
  | 'nextCertificate'
  | 'nextStagedAt'
  | 'previousCertificate'
  | 'previousUntil'
  | 'gracePeriodS'
  | 'certificateAcknowledgements'
>;

const NO_NEXT = { nextCertificate: undefined, nextStagedAt: undefined, gracePeriodS: undefined };
const NO_PREVIOUS = { previousCertificate: undefined, previousUntil: undefined };

/** One week, as New-ExchangeCertificate says. */
export const DEFAULT_GRACE_PERIOD_MS = 7 * 86_400_000;

/** Puts `next` on record beside the current one, over another that was staged. */
export function stageCertificate(
  self: RenewalState,
  next: Certificate,
  { gracePeriodMs, now }: { readonly gracePeriodMs: number; readonly now: Date },
): RenewalState {
  const isThere = self.nextCertificate !== undefined && isSameCertificate(self.nextCertificate, next);
  return withHeldAcknowledgements({
    ...renewalOf(self),
    nextCertificate: next,
    nextStagedAt: isThere ? self.nextStagedAt : now,
    gracePeriodS: Math.ceil(gracePeriodMs / 1000),
  });
}

/** Takes a staged certificate off the record. */
export function unstageCertificate(self: RenewalState): RenewalState {
  return withHeldAcknowledgements({ ...renewalOf(self), ...NO_NEXT });
}

/**
 * What the server's object says once `internal` is the certificate that the server uses: the staged one takes over and its
 * predecessor stays for the grace period; any other takes the place of the current one at once, and what was staged is off.
 */
export function publishCertificate(self: RenewalState, internal: Certificate | undefined, now: Date): RenewalState {
  if (!internal || (self.certificate && isSameCertificate(self.certificate, internal))) return renewalOf(self);
  const isStaged = self.nextCertificate !== undefined && isSameCertificate(self.nextCertificate, internal);
  const graceMs = self.gracePeriodS === undefined ? DEFAULT_GRACE_PERIOD_MS : self.gracePeriodS * 1000;
  return withHeldAcknowledgements({
    ...renewalOf(self),
    ...NO_NEXT,
    certificate: internal,
    certificateSince: now,
    ...(isStaged && { previousCertificate: self.certificate, previousUntil: new Date(now.getTime() + graceMs) }),
  });
}

/** Removes the previous certificate when its grace period is over. */
export function withdrawPrevious(self: RenewalState, now: Date): RenewalState {
  if (!self.previousCertificate || (self.previousUntil && now.getTime() < self.previousUntil.getTime()))
    return renewalOf(self);
  return withHeldAcknowledgements({ ...renewalOf(self), ...NO_PREVIOUS });
}

/** Notes what another server said of a certificate, in place of what it said of it before; one that is gone is left out. */
export function acknowledge(self: RenewalState, acknowledgement: CertificateAcknowledgement): RenewalState {
  const others = (self.certificateAcknowledgements ?? []).filter(
    ({ server, sha256 }) => !isSameName(server, acknowledgement.server) || sha256 !== acknowledgement.sha256,
  );
  return withHeldAcknowledgements({
    ...renewalOf(self),
    certificateAcknowledgements: [...others, acknowledgement],
  });
}

/** What `server` said of the certificate, if anything. */
export function findAcknowledgement(
  self: RenewalState,
  server: string,
  { sha256 }: Certificate,
): CertificateAcknowledgement | undefined {
  return self.certificateAcknowledgements?.find((given) => given.sha256 === sha256 && isSameName(given.server, server));
}

/** The fields of a renewal alone. */
export function renewalOf(server: RenewalState): RenewalState {
  return {
    certificate: server.certificate,
    certificateSince: server.certificateSince,
    nextCertificate: server.nextCertificate,
    nextStagedAt: server.nextStagedAt,
    previousCertificate: server.previousCertificate,
    previousUntil: server.previousUntil,
    gracePeriodS: server.gracePeriodS,
    certificateAcknowledgements: server.certificateAcknowledgements,
  };
}

/** What was said of certificates that are gone goes with them. */
export function withHeldAcknowledgements(state: RenewalState): RenewalState {
  const held = new Set(certificatesHeld(heldBy(state)).map(({ certificate }) => certificate.sha256));
  const kept = state.certificateAcknowledgements?.filter(({ sha256 }) => held.has(sha256));
  return { ...state, certificateAcknowledgements: kept?.length === 0 ? undefined : kept };
}
