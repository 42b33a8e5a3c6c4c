// How hubs come to an Edge's ADAM: through the Edge's own LDAPS door while the directory is embedded, else to the LDAP server
// that holds it, whose address and certificate the subscription file announces.

import { ADAM_ENDPOINT, formatEndpoint } from './config.ts';
import type { AdamAnnouncement } from './cmdlets/server-context.ts';
import { AccountKeeper } from './directory/account-keeper.ts';
import type { Account } from './directory/account.ts';
import type { Adam } from './directory/adam.ts';
import { makeAdamDoor } from './directory/adam-door.ts';
import type { Directory } from './directory/directory.ts';
import { readCertificates } from './directory/ldap-dialing.ts';
import { openLdapsDoor } from './ldaps-door.ts';
import type { Foundation } from './server.ts';
import { createEvent } from './tracking/events.ts';

export interface ServedAdam {
  /** For the ready line: where hubs find it. */
  readonly ldaps: string;
  readonly announce: () => AdamAnnouncement;
}

/** Serves it from now on, until the server stops. Throws Problem `listen-failed`. */
export async function serveAdam(foundation: Foundation, adam: Adam, directory: Directory): Promise<ServedAdam> {
  const { config, clock, log, parts } = foundation;
  if (config.directory.backend === 'ldap') {
    const keeper = new AccountKeeper({ adam, clock, log });
    parts.add(() => keeper.close());
    await keeper.look();
    const { urls, announce } = config.directory;
    return {
      ldaps: formatEndpoint({ host: urls[0].host, port: announce.port }),
      announce: () => ({ port: announce.port, certificate: readCertificates(announce.certificate)[0] }),
    };
  }
  const door = makeAdamDoor({
    adam,
    clock,
    onBound: (account, remoteAddress) => noteBootstrap(foundation, account, remoteAddress),
  });
  const ldaps = await openLdapsDoor(foundation, { door, directory, endpoint: config.listen.ldaps ?? ADAM_ENDPOINT });
  return { ldaps: formatEndpoint(ldaps), announce: () => ({ port: ldaps.port, certificate: undefined }) };
}

/** Whoever has the subscription file can use its account: the owner should hear when that happens. */
function noteBootstrap({ events }: Foundation, { name, kind }: Account, remoteAddress: string): void {
  if (kind === 'bootstrap') events.record(createEvent('BootstrapAccountUsed', { account: name, remoteAddress }));
}
