// EdgeSync is never in clear: the Hub's password travels on this connection. A certificate on record goes on even when it
// is out of its dates (event 12019); any other stops before a byte of LDAP is sent (event 10104).

import { isSameCertificate, validityAt } from '../tls/certificate.ts';
import { CLOCK_TOLERANCE_MS, defer, EVENT, proceedInTls, type TlsPolicy } from './tls-policy.ts';

export const edgeSync: TlsPolicy = {
  name: 'edge-sync',
  answers: (question) => question.purpose === 'edgesync',
  require: (question) => ({ policy: 'edge-sync', question, authenticate: true, startTls: 'attempt' }),
  judge: ({ question: { peer } }, outcome, { now }) => {
    if (outcome.kind !== 'established') return defer('handshake-failed', 'edge-sync');
    const shown = outcome.session.peerCertificate;
    if (!peer || !shown || !isSameCertificate(shown, peer.certificate)) {
      return defer('certificate-not-trusted', 'edge-sync', [EVENT.edgeSyncDirectTrustFailed]);
    }
    return validityAt(shown, now, CLOCK_TOLERANCE_MS) === 'valid'
      ? proceedInTls('direct-trust', 'edge-sync')
      : proceedInTls('expired-tls-kept', 'edge-sync', undefined, [EVENT.remoteCertificateExpired]);
  },
};
