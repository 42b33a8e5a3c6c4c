// Which hubs a round carries to an Edge: their certificates, their places as smart hosts of the inbound connector, and what
// they and the Edge prove themselves with in mail.

import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import { hubsOfSite, type OrganizationSnapshot } from '../directory/organization.ts';
import type { TransportServer } from '../directory/transport-server.ts';
import { takesPartInSync } from './credential.ts';

/**
 * Every hub of the Edge's site; with CarryNewHubs off those alone that were there when the Edge was subscribed, which is the
 * stricter reading of Exchange's documents.
 */
export function carriedHubs(organization: OrganizationSnapshot, edge: EdgeSubscription): readonly TransportServer[] {
  const hubs = hubsOfSite(organization, edge.site);
  if (organization.edgeSyncServiceConfig.carryNewHubs) return hubs;
  return hubs.filter((hub) => takesPartInSync(hub, edge.fqdn));
}
