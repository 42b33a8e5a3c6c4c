// A server of the organisation, hub or Edge: its certificate for direct trust (msExchServerInternalTLSCert, the whole of
// it, not a thumbprint), its key for sealed secrets, the credentials that are kept for it. An Edge in AD has more to it:
// edge-subscription.ts.

import { type Certificate, isSameCertificate, parseCertificate } from '../tls/certificate.ts';
import { type CertificateAside, certificatesHeld, type CertificatesHeld } from '../tls/on-record.ts';
import { Problem } from '../problem.ts';
import {
  type CertificateAcknowledgement,
  formatCertificateAcknowledgement,
  parseCertificateAcknowledgement,
} from './certificate-acknowledgement.ts';
import {
  type Field,
  integerField,
  listField,
  optionalChoice,
  optionalInteger,
  optionalList,
  optionalOctets,
  optionalText,
  optionalTextList,
  optionalTime,
  requiredText,
} from './attribute-field.ts';
import { COOKIE_ATTRIBUTE } from './edge-sync-cookie.ts';
import { type EdgeSyncCredential, formatEdgeSyncCredential, parseEdgeSyncCredential } from './edge-sync-credential.ts';
import { LEASE_ATTRIBUTE } from './edge-sync-lease.ts';
import { PASSWORD_SCHEMES, type PasswordScheme } from './password-verifier.ts';
import { defineView, type Fields, type View } from './view.ts';

export type ServerRole = 'HubTransport' | 'EdgeTransport';

export interface TransportServer {
  /** NetBIOS name, upper case. */
  readonly name: string;
  readonly fqdn: string;
  readonly role: ServerRole;
  readonly site?: string | undefined;
  /** What direct trust compares with: the current one. */
  readonly certificate?: Certificate | undefined;
  /** Since when it has been the current one, where that is known. */
  readonly certificateSince?: Date | undefined;
  /** Staged: on record beside the current one until it takes over. */
  readonly nextCertificate?: Certificate | undefined;
  readonly nextStagedAt?: Date | undefined;
  /** The one before the current one, on record until `previousUntil`. */
  readonly previousCertificate?: Certificate | undefined;
  readonly previousUntil?: Date | undefined;
  /** How long the current one stays on record once the next has taken over, in seconds. */
  readonly gracePeriodS?: number | undefined;
  /** Who on the other side has which of these certificates on record. */
  readonly certificateAcknowledgements?: readonly CertificateAcknowledgement[] | undefined;
  /** Public half of the key that secrets for this server are sealed to, PEM. */
  readonly encryptionKeyPem?: string | undefined;
  readonly credentials: readonly EdgeSyncCredential[];
  /** What EdgeSync last said about this server; its text is edgesync's. */
  readonly edgeSyncStatus?: string | undefined;
  /** On an Edge, in its own ADAM: how far EdgeSync has come with each type, see edge-sync-cookie.ts. */
  readonly edgeSyncCookies?: readonly string[] | undefined;
  /** On an Edge, in its own ADAM: which hub synchronizes it, see edge-sync-lease.ts. */
  readonly edgeSyncLease?: string | undefined;
  /** On an Edge whose ADAM is not the embedded one: what its accounts' passwords are kept as there. */
  readonly passwordScheme?: PasswordScheme | undefined;
  /** `Version 8.1 (Build 30240.6)`. */
  readonly serialNumber?: string | undefined;
  /** On an Edge, in its own ADAM: when it was subscribed by New-EdgeSubscription; absent while it is on its own. */
  readonly subscriptionExportedAt?: Date | undefined;
}

/** msExchCurrentServerRoles as Exchange numbers them. */
const ROLE_NUMBERS: Readonly<Record<ServerRole, number>> = { HubTransport: 32, EdgeTransport: 64 };

/** A certificate as its DER. */
export const certificateForm = { format: (certificate: Certificate) => certificate.der, parse: parseCertificate };

export const transportServerFields: Fields<TransportServer> = {
  name: requiredText('cn'),
  fqdn: requiredText('dNSHostName'),
  role: roleField(),
  site: optionalText('msExchServerSite'),
  certificate: optionalOctets('msExchServerInternalTLSCert', certificateForm),
  certificateSince: optionalTime('msExchServerTLSCertSince'),
  nextCertificate: optionalOctets('msExchServerNextTLSCert', certificateForm),
  nextStagedAt: optionalTime('msExchServerNextTLSCertStagedAt'),
  previousCertificate: optionalOctets('msExchServerPreviousTLSCert', certificateForm),
  previousUntil: optionalTime('msExchServerPreviousTLSCertWithdrawnAt'),
  gracePeriodS: optionalInteger('msExchServerTLSCertGracePeriod'),
  certificateAcknowledgements: optionalList(
    'msExchServerTLSCertAcknowledged',
    { format: formatCertificateAcknowledgement, parse: parseCertificateAcknowledgement },
    'exact',
  ),
  encryptionKeyPem: optionalText('msExchServerEKPKPublicKey', 'exact'),
  credentials: listField(
    'msExchEdgeSyncCredential',
    { format: formatEdgeSyncCredential, parse: parseEdgeSyncCredential },
    'exact',
  ),
  edgeSyncStatus: optionalText('msExchEdgeSyncStatus', 'exact'),
  edgeSyncCookies: optionalTextList(COOKIE_ATTRIBUTE, 'exact'),
  edgeSyncLease: optionalText(LEASE_ATTRIBUTE, 'exact'),
  passwordScheme: optionalChoice('msExchEdgeSyncPasswordScheme', PASSWORD_SCHEMES),
  serialNumber: optionalText('serialNumber', 'printable'),
  subscriptionExportedAt: optionalTime('msExchEdgeSubscriptionExportedAt'),
};

export const SERVER_CLASS = 'msExchExchangeServer';

export const transportServerView: View<TransportServer> = defineView('server', SERVER_CLASS, transportServerFields);

function roleField(): Field<ServerRole> {
  const number = integerField('msExchCurrentServerRoles', 0);
  return {
    ...number,
    encode: (role) => number.encode(ROLE_NUMBERS[role]),
    decode: (values) => {
      const found = number.decode(values);
      if (found === ROLE_NUMBERS.HubTransport) return 'HubTransport';
      if (found === ROLE_NUMBERS.EdgeTransport) return 'EdgeTransport';
      throw new RangeError('neither 32 (hub) nor 64 (Edge)');
    },
  };
}

/** The certificates of a server object; tls/on-record.ts says which of them are on record at a time. */
export function heldBy(server: Partial<TransportServer>): CertificatesHeld {
  const { certificate, nextCertificate, previousCertificate, previousUntil } = server;
  const others: CertificateAside[] = [];
  if (nextCertificate) others.push({ part: 'next', certificate: nextCertificate });
  if (previousCertificate) others.push({ part: 'previous', certificate: previousCertificate, until: previousUntil });
  return { certificate, ...(others.length > 0 && { others }) };
}

/**
 * Who a certificate proves is told by the certificate alone: throws Problem `certificate-on-two-servers` if another server
 * has one of the candidate's, current, next or previous. One past its grace period counts until it is removed.
 */
export function refuseSharedCertificate(servers: readonly TransportServer[], candidate: TransportServer): void {
  const others = servers.filter(({ name }) => name.toLowerCase() !== candidate.name.toLowerCase());
  for (const { certificate } of certificatesHeld(heldBy(candidate))) {
    const other = others.find((server) => hasCertificate(server, certificate));
    if (other === undefined) continue;
    throw new Problem(
      'certificate-on-two-servers',
      `the certificate ${certificate.thumbprint} of ${candidate.name} is already the certificate of ${other.name}: every server needs one of its own`,
    );
  }
}

/** True when the server's object holds the certificate in whatever part. */
export function hasCertificate(server: Partial<TransportServer>, certificate: Certificate): boolean {
  return certificatesHeld(heldBy(server)).some((held) => isSameCertificate(held.certificate, certificate));
}
