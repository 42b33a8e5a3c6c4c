// What a cmdlet of one role needs of the server, or the sentence when it runs in the other.

import type { OrganizationDirectory } from '../directory/organization-directory.ts';
import type { OrganizationSnapshot } from '../directory/organization.ts';
import { Problem } from '../problem.ts';
import type { EdgeParts, HubParts, ServerContext } from './server-context.ts';

export function requireHub(context: ServerContext): HubParts {
  if (context.hub) return context.hub;
  throw new Problem('wrong-role', 'this cmdlet runs on a Hub');
}

export function requireEdge(context: ServerContext): EdgeParts {
  if (context.edge) return context.edge;
  throw new Problem('wrong-role', 'this cmdlet runs on an Edge');
}

/** AD on a Hub, ADAM on an Edge: connectors, domains and settings are changed in both in the same way. */
export function organizationOf(
  context: ServerContext,
): Pick<
  OrganizationDirectory<OrganizationSnapshot>,
  | 'snapshot'
  | 'renewCertificate'
  | 'addSendConnector'
  | 'replaceSendConnector'
  | 'removeSendConnector'
  | 'addReceiveConnector'
  | 'replaceReceiveConnector'
  | 'removeReceiveConnector'
  | 'addAcceptedDomain'
  | 'replaceAcceptedDomain'
  | 'removeAcceptedDomain'
  | 'setTransportConfig'
  | 'addDirectoryAccount'
  | 'removeDirectoryAccount'
> {
  return context.hub?.activeDirectory ?? requireEdge(context).adam;
}
