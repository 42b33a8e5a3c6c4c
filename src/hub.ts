// The Hub: AD, EdgeSync, and transport over them. Built here, one part after the other, and stopped the other way round.

import { join } from 'node:path';
import { HUB_CMDLETS } from './cmdlets/cmdlets.ts';
import type { ServerContext } from './cmdlets/server-context.ts';
import { formatEndpoint } from './config.ts';
import { openDirectory } from './directory-opening.ts';
import { openDoors } from './doors-opening.ts';
import { makeAdDoor } from './directory/ad-door.ts';
import { watchDirectory } from './directory-watch.ts';
import { ActiveDirectory } from './directory/active-directory.ts';
import { adNamingContext } from './directory/layout.ts';
import { deriveServerSecret, openSecretKey } from './directory/sealed-secret.ts';
import { UserLogins } from './directory/user-logins.ts';
import { CertificateRenewal } from './edgesync/certificate-renewal.ts';
import { Synchronizer } from './edgesync/synchronizer.ts';
import { openLdapsDoor } from './ldaps-door.ts';
import { type Foundation, openServer, type RunningServer, type ServerOptions } from './server.ts';
import { describeAddresses } from './listeners.ts';
import { openTransport } from './mail-transport.ts';
import { createOrganisationView } from './transport/organisation-view.ts';

/** Starts a Hub; throws Problem when something a person can put right is in the way, and then nothing is left running. */
export function openHub(options: ServerOptions): Promise<RunningServer> {
  return openServer(options, build);
}

async function build(foundation: Foundation): Promise<Readonly<Record<string, unknown>>> {
  const { config, live, clock, log, parts, events, certificates, contexts } = foundation;
  const secretKey = openSecretKey(join(config.folder, 'keys'));
  const { directory, kept } = await openDirectory(foundation, adNamingContext(foundation.config.fqdn));
  parts.add(() => directory.close());
  const activeDirectory = await ActiveDirectory.open({
    directory,
    server: { name: config.netbiosName, fqdn: config.fqdn, site: config.site },
    log,
    kept,
  });
  parts.add(() => activeDirectory.close());
  const directoryStatus = watchDirectory(foundation, {
    directory,
    organization: activeDirectory,
    position: () => activeDirectory.position,
  });
  const publish = (): Promise<void> => activeDirectory.publishServer({ encryptionKeyPem: secretKey.publicKeyPem });
  parts.add(await activeDirectory.keepDone(publish));
  const renewal = await CertificateRenewal.open({
    clock,
    log,
    events,
    store: certificates,
    directory: activeDirectory,
  });
  parts.add(() => renewal.close());
  // A directory that was away learns at once what it missed.
  parts.add(await activeDirectory.keepDone(() => renewal.look()));
  const organisation = createOrganisationView({ clock, log, secretKey, snapshot: () => activeDirectory.snapshot() });
  const synchronizer = new Synchronizer({
    activeDirectory,
    secretKey,
    clock,
    log,
    events,
    ownKeyPair: () => contexts.ownKeyPair(),
    hostOf: (fqdn) => live.current().hosts[fqdn]?.host,
    tap: foundation.captureControl.tap,
    ...(config.directory.backend === 'ldap' && { settleMs: 2 * config.directory.refreshInterval }),
  });
  const door = makeAdDoor(activeDirectory);
  const ldaps =
    config.listen.ldaps && (await openLdapsDoor(foundation, { door, directory, endpoint: config.listen.ldaps }));
  parts.add(() => synchronizer.close());
  const transport = await openTransport(foundation, {
    organisation,
    directoryStatus,
    decoySecret: deriveServerSecret(secretKey, 'SCRAM decoy'),
    logins: new UserLogins(activeDirectory.recipients, clock),
    onChange: (listener) => activeDirectory.onChange(listener),
  });
  const context: ServerContext = {
    ...foundation,
    directoryStatus,
    organisation,
    ...transport,
    hub: { activeDirectory, synchronizer },
  };
  synchronizer.start();
  const doors = await openDoors(foundation, { cmdlets: HUB_CMDLETS, context });
  return {
    event: 'ready',
    role: 'hub',
    pid: process.pid,
    fqdn: config.fqdn,
    ...describeAddresses(transport.addresses),
    ...(ldaps && { ldaps: formatEndpoint(ldaps) }),
    workers: config.workers,
    folder: config.folder,
    ...doors,
  };
}
