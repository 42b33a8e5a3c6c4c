// What forgetting a hub that is gone comes to in AD: first its place in connectors and what Edges keep to prove themselves to it,
// then its object with what stands under it. Pure. Exchange removes the object when the server is uninstalled; a server that is
// dead cannot do that itself.

import { normalizeDn, parseDn } from '../ldap/dn.ts';
import type { LdapOperation } from '../ldap/entry.ts';
import { Problem } from '../problem.ts';
import { isSameName } from './organization.ts';
import { requireServer, type Scene, serverShelf } from './organization-plans.ts';
import { planReplace } from './shelf.ts';
import { planConnectorsWithout } from './subscription-plans.ts';

/**
 * Everything that other objects say of the hub. Throws Problem `not-found`, `server-is-edge`, or `server-is-own` for the hub
 * that is asked itself.
 */
export function planServerFarewell(scene: Scene, name: string): LdapOperation[] {
  const server = requireServer(scene, name);
  const { edges, self } = scene.snapshot;
  if (server.role === 'EdgeTransport')
    throw new Problem('server-is-edge', `${server.name} is an Edge: run Remove-EdgeSubscription ${server.name}`);
  if (isSameName(server.name, self.name))
    throw new Problem(
      'server-is-own',
      `${server.name} is this hub, which would make its object again at its next start: stop it for good, and remove it on another hub of the site`,
    );
  return [
    ...edges.flatMap((edge) =>
      planReplace(serverShelf(scene), edge.name, {
        ...edge,
        credentials: edge.credentials.filter(({ targetServerFqdn }) => !isSameName(targetServerFqdn, server.fqdn)),
      }),
    ),
    ...planConnectorsWithout(scene, server.name),
  ];
}

/** The deletes of a subtree whose names these are, from the leaves, each to be made by itself: slapd 2.5 refuses them as one. */
export function planSubtreeRemoval(dns: readonly string[]): LdapOperation[] {
  const names = [...new Map(dns.map((dn) => [normalizeDn(dn), dn])).values()];
  return names
    .toSorted((a, b) => parseDn(b).length - parseDn(a).length)
    .map((dn): LdapOperation => ({ kind: 'delete', dn }));
}
