// Events of a directory that is on an LDAP server: ids 30160 to 30169. Who raises them is directory-opening.ts' business.

import { define, formatMoment } from './event.ts';

/** By symbolic name. */
export const DIRECTORY_EVENTS = {
  DirectoryCertificateOutOfDates: define<{ server: string; thumbprint: string; notBefore: Date; notAfter: Date }>({
    id: 30_160,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `The LDAP server ${facts.server} shows the certificate on record, ${facts.thumbprint}, which is valid from ${formatMoment(facts.notBefore)} to ${formatMoment(facts.notAfter)} only. The connection goes on, since it is the right one. Renew it, and put the new one into the file that directory.certificate names.`,
    key: (facts) => facts.thumbprint,
  }),
};
