// Events of certificates that are renewed or run out: ids 30220 to 30229.

import { define, formatMoment } from './event.ts';

/** By symbolic name. */
export const RENEWAL_EVENTS = {
  CertificateStaged: define<{ thumbprint: string; notAfter: Date; waitsFor: string }>({
    id: 30_220,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) =>
      `The certificate ${facts.thumbprint}, valid until ${formatMoment(facts.notAfter)}, is staged as this server's next one. It takes over by itself once ${facts.waitsFor} has it on record: Start-EdgeSynchronization on the Hub brings that about at once.`,
  }),
  CertificateTakenOver: define<{ thumbprint: string; previous: string; previousUntil: Date }>({
    id: 30_221,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) =>
      `The staged certificate ${facts.thumbprint} has taken over as the internal transport certificate. ${facts.previous} stays on record until ${formatMoment(facts.previousUntil)}. Nothing is to be done.`,
  }),
  PreviousCertificateWithdrawn: define<{ thumbprint: string }>({
    id: 30_222,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) =>
      `The grace period of the previous certificate ${facts.thumbprint} is over: it is on record no more. It may be removed from the store with Remove-ExchangeCertificate.`,
  }),
  StagedCertificateRefused: define<{ server: string; thumbprint: string; cause: string }>({
    id: 30_223,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `${facts.server} announced ${facts.thumbprint} as its next certificate, and it was not put on record: ${facts.cause}. Stage another one there with New-ExchangeCertificate -Staged.`,
    key: (facts) => `${facts.server} ${facts.thumbprint}`,
  }),
  RemoteCertificateExpiresSoon: define<{
    server: string;
    thumbprint: string;
    notAfter: Date;
    hoursRemaining: number;
    thresholdDays: number;
  }>({
    id: 30_224,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `The certificate ${facts.thumbprint} of ${facts.server}, on record here, expires in ${facts.hoursRemaining} hours, on ${formatMoment(facts.notAfter)}. New-ExchangeCertificate -Staged there makes its successor, which takes over before then without a message waiting.`,
    key: (facts) => `${facts.server} ${facts.thumbprint} ${facts.thresholdDays}`,
  }),
};
