// Serves a directory over LDAPS: ADAM on every Edge, AD on a hub whose config says where. The server's own certificate is
// what the other side has on record.

import { type Endpoint, formatEndpoint } from './config.ts';
import { type Directory, isServable } from './directory/directory.ts';
import { DirectoryDoor } from './directory/directory-door.ts';
import type { Door } from './directory/door.ts';
import { LdapListener } from './ldap/server.ts';
import type { Foundation } from './server.ts';

export interface LdapsDoorOptions {
  readonly door: Door;
  readonly directory: Directory;
  readonly endpoint: Endpoint;
}

/** Listens from now on, until the server stops; resolves with the address, its port settled. Throws Problem `listen-failed`. */
export async function openLdapsDoor(foundation: Foundation, options: LdapsDoorOptions): Promise<Endpoint> {
  const { clock, log, parts, contexts, captureControl } = foundation;
  const { door, directory, endpoint } = options;
  if (!isServable(directory)) throw new Error('a directory on an LDAP server is served by that server');
  const listener = await LdapListener.open({
    ...endpoint,
    security: { kind: 'tls', keyPair: () => contexts.ownKeyPair() },
    handler: new DirectoryDoor({ door, directory, clock, log }),
    log,
    tap: captureControl.tap,
  });
  parts.add(() => listener.close());
  const opened: Endpoint = { host: listener.address.address, port: listener.address.port };
  log.info({ address: formatEndpoint(opened) }, `${door.name} is served over LDAPS`);
  return opened;
}
