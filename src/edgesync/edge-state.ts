// What every round reads of an Edge before anything else: where things stand in its ADAM, its own object, and the accounts
// that are there. What a type of data needs beyond that it reads itself.

import { accountView } from '../directory/account.ts';
import { type Layout, layoutOf, serverDn } from '../directory/layout.ts';
import { type TransportServer, transportServerView } from '../directory/transport-server.ts';
import type { Recorded } from '../directory/view.ts';
import type { LdapClient } from '../ldap/client.ts';
import { getText } from '../ldap/entry.ts';
import { LdapFault, ResultCode } from '../ldap/result.ts';
import { Problem } from '../problem.ts';

/** ADAM as it was found. */
export interface EdgeState {
  readonly layout: Layout;
  /** The Edge's own server object, with everything that the Edge publishes on it. */
  readonly self: Recorded<TransportServer>;
  /** Names of the EdgeSync accounts, bootstrap and replication. */
  readonly accountNames: readonly string[];
}

/** Reads it; throws Problem `edge-incomplete` when it is no ADAM of that Edge. */
export async function readEdgeState(client: LdapClient, edgeName: string): Promise<EdgeState> {
  const layout = await readLayout(client, edgeName);
  const accounts = await client.search({
    base: layout.services,
    scope: 'one',
    filter: `(objectClass=${accountView.objectClass})`,
    attributes: ['cn'],
  });
  return {
    layout,
    self: await readOwnObject(client, layout, edgeName),
    accountNames: accounts.flatMap((entry) => getText(entry, 'cn') ?? []),
  };
}

/** Where things stand in an Edge's ADAM, by its root DSE, which needs no bind. Throws Problem `edge-incomplete`. */
export async function readLayout(client: LdapClient, edgeName: string): Promise<Layout> {
  const [rootDse] = await client.search({ base: '', scope: 'base', attributes: ['namingContexts'] });
  const namingContext = rootDse && getText(rootDse, 'namingContexts');
  if (namingContext === undefined)
    throw new Problem('edge-incomplete', `${edgeName} names no naming context: is it an Edge of this relaypair?`);
  return layoutOf(namingContext);
}

/** The Edge's own object as it is at this moment. Throws Problem `edge-incomplete`. */
async function readOwnObject(client: LdapClient, layout: Layout, edgeName: string): Promise<Recorded<TransportServer>> {
  const found = await client
    .search({ base: serverDn(layout, edgeName), scope: 'base', attributes: ['*', '+'] })
    .catch((error: unknown) => {
      if (error instanceof LdapFault && error.resultCode === ResultCode.noSuchObject) return [];
      throw error;
    });
  const [entry] = found;
  if (entry) return transportServerView.fromEntry(entry);
  throw new Problem('edge-incomplete', `the directory at ${edgeName} has no server of that name: is it another Edge?`);
}
