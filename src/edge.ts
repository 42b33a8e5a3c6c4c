// The Edge: ADAM with its LDAPS door, and transport over it. Built here, one part after the other, and stopped the other way
// round. The Edge reaches for nothing inside: what it knows of the organisation, EdgeSync has brought.

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { serveAdam } from './adam-serving.ts';
import { EDGE_CMDLETS } from './cmdlets/cmdlets.ts';
import type { ServerContext } from './cmdlets/server-context.ts';
import { openDirectory } from './directory-opening.ts';
import { openDoors } from './doors-opening.ts';
import { watchDirectory } from './directory-watch.ts';
import { Adam } from './directory/adam.ts';
import { carriedPosition, findCookie } from './directory/edge-sync-cookie.ts';
import { isValidating } from './directory/recipient-filter.ts';
import { adamNamingContext } from './directory/layout.ts';
import { deriveServerSecret, openSecretKey } from './directory/sealed-secret.ts';
import { watchAccounts } from './edgesync/account-watch.ts';
import { CertificateRenewal } from './edgesync/certificate-renewal.ts';
import { watchSilence } from './edgesync/silence-watch.ts';
import { type Foundation, openServer, type RunningServer, type ServerOptions } from './server.ts';
import { describeAddresses } from './listeners.ts';
import { openTransport } from './mail-transport.ts';
import { createOrganisationView } from './transport/organisation-view.ts';

/** Starts an Edge; throws Problem when something a person can put right is in the way, and then nothing is left running. */
export function openEdge(options: ServerOptions): Promise<RunningServer> {
  return openServer(options, build);
}

async function build(foundation: Foundation): Promise<Readonly<Record<string, unknown>>> {
  const { config, clock, log, parts, events, certificates } = foundation;
  const secretKey = openSecretKey(join(config.folder, 'keys'));
  // ADAM's naming context is made at first start and stays.
  const { directory, kept } = await openDirectory(foundation, adamNamingContext(randomUUID()));
  parts.add(() => directory.close());
  // slapd checks passwords itself, by what it can.
  const passwordScheme = config.directory.backend === 'ldap' ? 'SSHA' : undefined;
  const server = { name: config.netbiosName, fqdn: config.fqdn };
  const adam = await Adam.open({ directory, server, clock, log, kept, passwordScheme });
  parts.add(() => adam.close());
  const directoryStatus = watchDirectory(foundation, {
    directory,
    organization: adam,
    position: () => carriedPosition(adam.snapshot().self.edgeSyncCookies ?? []),
  });
  const publish = (): Promise<void> => adam.publishServer({ encryptionKeyPem: secretKey.publicKeyPem });
  parts.add(await adam.keepDone(publish));
  const renewal = await CertificateRenewal.open({ clock, log, events, store: certificates, directory: adam });
  parts.add(() => renewal.close());
  // A directory that was away learns at once what it missed.
  parts.add(await adam.keepDone(() => renewal.look()));
  const hubs = (): readonly string[] => adam.snapshot().hubs.map(({ name }) => name);
  parts.add(watchSilence({ clock, events, hubs, lastRound: () => lastRound(adam) }));
  const { ldaps, announce } = await serveAdam(foundation, adam, directory);
  parts.add(watchAccounts({ clock, events, accounts: () => adam.snapshot().accounts }));
  const organisation = createOrganisationView({ clock, log, secretKey, snapshot: () => adam.snapshot() });
  const transport = await openTransport(foundation, {
    organisation,
    directoryStatus,
    decoySecret: deriveServerSecret(secretKey, 'SCRAM decoy'),
    onChange: (listener) => adam.onChange(listener),
    validation: {
      isOn: () => isValidating(adam.snapshot().recipientFilter),
      isKnown: (mailbox) => adam.isKnownRecipient(mailbox),
    },
  });
  const context: ServerContext = {
    ...foundation,
    directoryStatus,
    organisation,
    ...transport,
    edge: { adam, announce },
  };
  const doors = await openDoors(foundation, { cmdlets: EDGE_CMDLETS, context });
  return {
    event: 'ready',
    role: 'edge',
    pid: process.pid,
    fqdn: config.fqdn,
    ...describeAddresses(transport.addresses),
    ldaps,
    workers: config.workers,
    folder: config.folder,
    ...doors,
  };
}

/** Undefined until the first round after an export: who has just subscribed knows. */
function lastRound(adam: Adam): Date | undefined {
  const { subscriptionState, self } = adam.snapshot();
  if (subscriptionState !== 'Subscribed') return undefined;
  return findCookie(self.edgeSyncCookies ?? [], 'Configuration')?.time;
}
