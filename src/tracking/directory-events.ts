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
  DirectoryUnreachable: define<{ directory: string; cause: string }>({
    id: 30_161,
    source: 'relaypair',
    level: 'Error',
    describe: (facts) =>
      `The directory (${facts.directory}) cannot be read: ${facts.cause}. Mail goes on with the last good state, and nothing can be changed in it until it is back. Get-DirectoryStatus shows how it stands.`,
  }),
  DirectoryReachable: define<{ directory: string; since: Date }>({
    id: 30_162,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) =>
      `The directory (${facts.directory}) can be read again after it could not be since ${formatMoment(facts.since)}. Nothing is to be done.`,
  }),
  DirectoryServerChanged: define<{ server: string; previous: string }>({
    id: 30_163,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) =>
      `The directory is read from ${facts.server} now, and no longer from ${facts.previous}. Nothing is to be done here; look after ${facts.previous} if it should be there.`,
  }),
  DirectoryServerBehind: define<{ server: string; previous: string }>({
    id: 30_164,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `The directory is read from ${facts.server} now, which lacks changes that were read from ${facts.previous}: no server that has them can be reached. What was changed last may be undone until ${facts.previous} is back. Look why ${facts.server} is behind in its replication.`,
  }),
};
