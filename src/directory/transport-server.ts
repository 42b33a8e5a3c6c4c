// A server of the organisation, hub or Edge: its certificate for direct trust (msExchServerInternalTLSCert, the whole of
// it, not a thumbprint), its key for sealed secrets, the credentials that are kept for it. An Edge in AD has more to it:
// edge-subscription.ts.

import { type Certificate, isSameCertificate, parseCertificate } from '../tls/certificate.ts';
import { Problem } from '../problem.ts';
import {
  type Field,
  integerField,
  listField,
  optionalOctets,
  optionalText,
  optionalTime,
  requiredText,
} from './attribute-field.ts';
import { type EdgeSyncCredential, formatEdgeSyncCredential, parseEdgeSyncCredential } from './edge-sync-credential.ts';
import { defineView, type Fields, type View } from './view.ts';

export type ServerRole = 'HubTransport' | 'EdgeTransport';

export interface TransportServer {
  /** NetBIOS name, upper case. */
  readonly name: string;
  readonly fqdn: string;
  readonly role: ServerRole;
  readonly site?: string | undefined;
  /** What direct trust compares with. */
  readonly certificate?: Certificate | undefined;
  /** Public half of the key that secrets for this server are sealed to, PEM. */
  readonly encryptionKeyPem?: string | undefined;
  readonly credentials: readonly EdgeSyncCredential[];
  /** What EdgeSync last said about this server; its text is edgesync's. */
  readonly edgeSyncStatus?: string | undefined;
  /** How far EdgeSync has come; its text is edgesync's. */
  readonly edgeSyncCookie?: string | undefined;
  /** `Version 8.1 (Build 30240.6)`. */
  readonly serialNumber?: string | undefined;
  /** On an Edge, in its own ADAM: when it was subscribed by New-EdgeSubscription; absent while it is on its own. */
  readonly subscriptionExportedAt?: Date | undefined;
}

/** msExchCurrentServerRoles as Exchange numbers them. */
const ROLE_NUMBERS: Readonly<Record<ServerRole, number>> = { HubTransport: 32, EdgeTransport: 64 };

const certificateForm = { format: (certificate: Certificate) => certificate.der, parse: parseCertificate };

export const transportServerFields: Fields<TransportServer> = {
  name: requiredText('cn'),
  fqdn: requiredText('dNSHostName'),
  role: roleField(),
  site: optionalText('msExchServerSite'),
  certificate: optionalOctets('msExchServerInternalTLSCert', certificateForm),
  encryptionKeyPem: optionalText('msExchServerEKPKPublicKey', 'exact'),
  credentials: listField(
    'msExchEdgeSyncCredential',
    { format: formatEdgeSyncCredential, parse: parseEdgeSyncCredential },
    'exact',
  ),
  edgeSyncStatus: optionalText('msExchEdgeSyncStatus', 'exact'),
  edgeSyncCookie: optionalText('msExchEdgeSyncCookie', 'exact'),
  serialNumber: optionalText('serialNumber'),
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

/** Who a certificate proves is told by the certificate alone: throws Problem `certificate-on-two-servers` if another server has it. */
export function refuseSharedCertificate(servers: readonly TransportServer[], candidate: TransportServer): void {
  const { certificate } = candidate;
  if (!certificate) return;
  const other = servers.find(
    (server) =>
      server.name.toLowerCase() !== candidate.name.toLowerCase() &&
      server.certificate !== undefined &&
      isSameCertificate(server.certificate, certificate),
  );
  if (!other) return;
  throw new Problem(
    'certificate-on-two-servers',
    `the certificate ${certificate.thumbprint} of ${candidate.name} is already the certificate of ${other.name}: every server needs one of its own`,
  );
}
