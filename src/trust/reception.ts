// The receiver's side of trust: whether to offer STARTTLS, and who a client is. The rules of the pair bind the sender;
// a client with an unknown certificate is simply anonymous.

import { type Certificate, validityAt } from '../tls/certificate.ts';
import { findOnRecord } from '../tls/on-record.ts';
import type { TlsSession } from '../tls/tls-session.ts';
import type { Reason } from './reasons.ts';
import { CLOCK_TOLERANCE_MS, type TrustedPeer, type TrustSettings } from './tls-policy.ts';

/** Whether STARTTLS is offered, and, when not, why. */
export type StartTlsOffer = { readonly offered: true } | { readonly offered: false; readonly reason: Reason };

type TlsReason = Extract<Reason, 'direct-trust' | 'expired-tls-kept' | 'untrusted-encrypted' | 'tls-verified'>;

/** A receiver whose own certificate is out of its dates withdraws STARTTLS, unless the organisation keeps TLS or defers. */
export function offerStartTls(own: Certificate | undefined, settings: TrustSettings, now: Date): StartTlsOffer {
  if (!own) return { offered: false, reason: 'own-certificate-missing' };
  const validity = validityAt(own, now, CLOCK_TOLERANCE_MS);
  if (validity === 'valid' || settings.expiredCertificate !== 'Plaintext') return { offered: true };
  return {
    offered: false,
    reason: validity === 'expired' ? 'own-certificate-expired' : 'own-certificate-not-yet-valid',
  };
}

/** The member of the pair whose certificate on record the client showed; its dates do not matter, being on record does. */
export function recognisePeer<Peer extends TrustedPeer>(
  session: TlsSession | undefined,
  peers: readonly Peer[],
  now: Date,
): Peer | undefined {
  return peers.find((peer) => findOnRecord(peer, session?.peerCertificate, now) !== undefined);
}

/** What TLS with a member of the pair came to: the reason on the sender's card too, by this server's clock. */
export function peerReason(tls: TlsSession | undefined, mechanism: string | undefined, now: Date): TlsReason {
  // A sender that has met the certificate on record gives no password: whoever gives one may have somebody else's session.
  if (mechanism !== 'EXTERNAL') return 'untrusted-encrypted';
  const isInDate = [tls?.localCertificate, tls?.peerCertificate].every(
    (shown) => shown === undefined || validityAt(shown, now, CLOCK_TOLERANCE_MS) === 'valid',
  );
  return isInDate ? 'direct-trust' : 'expired-tls-kept';
}

/** The receiver's own reason for its card and the Received field; `proof` is what the client proved in TLS. */
export function receptionReason(
  tls: TlsSession | undefined,
  offer: StartTlsOffer,
  proof: TlsReason | undefined,
): Reason {
  if (tls) return proof ?? 'tls-opportunistic';
  return offer.offered ? 'starttls-not-used' : offer.reason;
}
