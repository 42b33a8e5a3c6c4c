// EdgeSync is never in clear: the Hub's password travels on this connection. A certificate on record goes on even when it
// is out of its dates (event 12019); any other stops before a byte of LDAP is sent (event 10104).

import { validityAt } from '../tls/certificate.ts';
import { findOnRecord, isReissued } from '../tls/on-record.ts';
import { CLOCK_TOLERANCE_MS, defer, EVENT, proceedInTls, type TlsPolicy } from './tls-policy.ts';

export const edgeSync: TlsPolicy = {
  name: 'edge-sync',
  answers: (question) => question.purpose === 'edgesync',
  require: (question) => ({ policy: 'edge-sync', question, authenticate: true, startTls: 'attempt' }),
  judge: ({ question: { peer } }, outcome, { now }) => {
    if (outcome.kind !== 'established') return defer('handshake-failed', 'edge-sync');
    const shown = outcome.session.peerCertificate;
    const onRecord = peer && findOnRecord(peer, shown, now);
    if (!onRecord) {
      const reason = peer && isReissued(peer, shown, now) ? 'same-key-reissued' : 'certificate-not-trusted';
      return defer(reason, 'edge-sync', [EVENT.edgeSyncDirectTrustFailed]);
    }
    return validityAt(onRecord.certificate, now, CLOCK_TOLERANCE_MS) === 'valid'
      ? proceedInTls('direct-trust', 'edge-sync')
      : proceedInTls('expired-tls-kept', 'edge-sync', undefined, [EVENT.remoteCertificateExpired]);
  },
};
