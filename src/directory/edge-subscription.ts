// An Edge Subscription: the Edge's server object in AD with what its subscription file said. An Edge belongs to exactly one
// site; subscribing again overwrites. Reading the file is edgesync's.

import { integerField, optionalOctets, requiredTime } from './attribute-field.ts';
import type { Certificate } from '../tls/certificate.ts';
import { certificateForm, SERVER_CLASS, type TransportServer, transportServerFields } from './transport-server.ts';
import { defineView, type View } from './view.ts';

export interface EdgeSubscription extends TransportServer {
  readonly role: 'EdgeTransport';
  /** Where the Edge's ADAM listens with TLS. */
  readonly adamSslPort: number;
  /** What that door shows when it is not the Edge itself: slapd's own certificate. */
  readonly adamCertificate?: Certificate | undefined;
  /** From when and until when the bootstrap credential of the file works. A file is known by this date. */
  readonly subscriptionEffective: Date;
  readonly subscriptionExpires: Date;
  /** When the file was imported. */
  readonly subscribedAt: Date;
}

/** For server objects that `isEdgeEntry` says are an Edge's. */
export const edgeSubscriptionView: View<EdgeSubscription> = defineView<EdgeSubscription>(
  'Edge Subscription',
  SERVER_CLASS,
  {
    ...transportServerFields,
    role: { ...transportServerFields.role, decode: decodeEdgeRole },
    adamSslPort: integerField('msExchEdgeSyncAdamSslPort', 50_636),
    adamCertificate: optionalOctets('msExchEdgeSyncAdamCertificate', certificateForm),
    subscriptionEffective: requiredTime('msExchEdgeSubscriptionEffective'),
    subscriptionExpires: requiredTime('msExchEdgeSubscriptionExpires'),
    subscribedAt: requiredTime('msExchEdgeSubscriptionSubscribedAt'),
  },
);

function decodeEdgeRole(values: readonly Buffer[]): 'EdgeTransport' {
  const role = transportServerFields.role.decode(values);
  if (role !== 'EdgeTransport') throw new RangeError('not the role of an Edge');
  return role;
}
