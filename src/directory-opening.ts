// Which directory a server has, by its config: the embedded one in its own folder, or one on LDAP servers. What happens
// there that an administrator must hear of becomes events here.

import { join } from 'node:path';
import { DIRECTORY_BACKENDS } from './directory/backends.ts';
import type { Directory } from './directory/directory.ts';
import { keptCertificatesOf } from './directory/kept-certificates.ts';
import { KeptState } from './directory/kept-state.ts';
import { dialDirectory, type LdapDialingOptions } from './directory/ldap-dialing.ts';
import { type Endpoint, formatEndpoint } from './config.ts';
import type { Foundation } from './server.ts';
import { createEvent } from './tracking/events.ts';

export interface OpenedDirectory {
  readonly directory: Directory;
  /** The last good state of a directory that can be away; undefined for the embedded one. */
  readonly kept: KeptState | undefined;
}

/**
 * Opens it; `namingContext` is for an embedded one that is made now. Throws Problem, those of the backend and of
 * ldap-dialing.ts.
 */
export async function openDirectory(foundation: Foundation, namingContext: string): Promise<OpenedDirectory> {
  const { config, clock, log } = foundation;
  const { directory } = config;
  const backend = DIRECTORY_BACKENDS.find(({ name }) => name === directory.backend);
  if (!backend) throw new Error(`there is no directory backend ${directory.backend}`);
  const base = { folder: join(config.folder, 'directory'), clock, log };
  if (directory.backend === 'embedded') {
    return { directory: await backend.open({ ...base, namingContext }), kept: undefined };
  }
  const kept = new KeptState(join(base.folder, 'last-good-state.json'), log);
  const opened = await backend.open({
    ...base,
    namingContext: directory.namingContext ?? '',
    lastNamingContext: kept.namingContext,
    refreshMs: directory.refreshInterval,
    servers: directory.urls.map((url) => ({
      name: formatEndpoint(url),
      connect: dialDirectory({ config: directory, url, ...dialingParts(foundation, url, kept) }),
    })),
    onServerChange: ({ server, previous, isBehind }) =>
      foundation.events.record(
        createEvent(isBehind ? 'DirectoryServerBehind' : 'DirectoryServerChanged', { server, previous }),
      ),
  });
  return { directory: opened, kept };
}

function dialingParts(
  { config, clock, contexts, captureControl, events }: Foundation,
  url: Endpoint,
  kept: KeptState,
): Omit<LdapDialingOptions, 'config' | 'url'> {
  return {
    clock,
    ownKeyPair: () => contexts.ownKeyPair(),
    hostOf: (name) => config.hosts[name]?.host,
    tap: captureControl.tap,
    onRecord: () => keptCertificatesOf(kept, url.host, clock.now()),
    onOutOfDates: (certificate) =>
      events.record(
        createEvent('DirectoryCertificateOutOfDates', {
          server: formatEndpoint(url),
          thumbprint: certificate.thumbprint,
          notBefore: certificate.notBefore,
          notAfter: certificate.notAfter,
        }),
      ),
  };
}
