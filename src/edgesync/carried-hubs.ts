// Which hubs a round carries to an Edge: their certificates, their places as smart hosts of the inbound connector, and what
// they and the Edge prove themselves with in mail.

import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import { hubsOfSite, type OrganizationSnapshot } from '../directory/organization.ts';
import type { TransportServer } from '../directory/transport-server.ts';

/** Every hub of the Edge's site. */
export function carriedHubs(organization: OrganizationSnapshot, edge: EdgeSubscription): readonly TransportServer[] {
  return hubsOfSite(organization, edge.site);
}
