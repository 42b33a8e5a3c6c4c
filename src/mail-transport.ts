// Transport put together over a directory: records, queue, receiver, listeners. The parts know each other only through what is
// handed to them here.

import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Cancel } from './clock.ts';
import { type Endpoint, formatEndpoint, parseEndpoint } from './config.ts';
import { messageOf } from './problem.ts';
import type { Foundation } from './server.ts';
import { SmtpListener } from './smtp/listener.ts';
import { watchCertificates } from './transport/certificate-watch.ts';
import { CrashFolder } from './transport/crash-folder.ts';
import { openHop } from './transport/deliver.ts';
import { ExpiryWarnings } from './transport/expiry-warnings.ts';
import { LoadBalance } from './transport/load-balance.ts';
import type { Organisation } from './transport/organisation.ts';
import { isOwnPlace } from './transport/own-address.ts';
import { judgeSuspects } from './transport/poison.ts';
import { MailQueue } from './transport/queue.ts';
import { Receiver } from './transport/receive.ts';
import type { RecipientValidation } from './transport/recipient-validation.ts';
import type { Metrics } from './tracking/metrics.ts';
import { Records } from './transport/records.ts';
import { ResourceMonitor } from './transport/resource-monitor.ts';
import { measureResources } from './transport/resources.ts';
import { routeRecipient } from './transport/route.ts';
import { Settlement } from './transport/settlement.ts';

/** The moving parts of transport, once the directory can be asked. */
export interface Transport {
  readonly queue: MailQueue;
  readonly resources: ResourceMonitor;
  /** Where SMTP listens, with the ports that port 0 became. */
  readonly addresses: readonly Endpoint[];
}

/** A role's view of its directory. */
export interface DirectoryView {
  readonly organisation: () => Organisation;
  /** Makes the salts shown for user names that do not exist; the same at every start, or they would tell themselves. */
  readonly decoySecret: Buffer;
  /** On an Edge: whether a recipient is one of the organisation's. */
  readonly validation?: RecipientValidation;
  onChange(listener: () => void): Cancel;
}

/** Starts queue and listeners. */
export async function openTransport(foundation: Foundation, view: DirectoryView): Promise<Transport> {
  const { config, clock, log, spool, contexts, parts } = foundation;
  const { organisation } = view;
  const records = new Records({
    clock,
    organisation,
    cards: foundation.cards,
    tracking: foundation.tracking,
    events: foundation.events,
  });
  const crashes = await openCrashFolder(foundation);
  const expirationMs = config.retry.expiration;
  let addresses: readonly Endpoint[] = config.listen.smtp;
  const deliveryContext = {
    clock,
    log,
    organisation,
    addressBook: { hosts: config.hosts, resolver: foundation.resolver },
    ownKeyPair: () => contexts.ownKeyPair(),
    handshakeTimeoutMs: config.limits.handshakeTimeout,
    balance: new LoadBalance({ clock, random: Math.random }),
    random: Math.random,
    isOwnPlace: (place: Endpoint) => isOwnPlace(place, { listening: addresses, interfaces: interfaceAddresses() }),
  };
  const queue = new MailQueue({
    spool,
    clock,
    log,
    retry: config.retry,
    maxConnectionsPerHop: config.limits.maxConnectionsPerHop,
    maxMessagesPerConnection: MESSAGES_PER_CONNECTION,
    route: (address) => routeRecipient(organisation(), config.deliver, address),
    open: (hop, hasWaited) => openHop(deliveryContext, hop, hasWaited),
    settlement: new Settlement({ spool, clock, log, organisation, records, expirationMs }),
    underWork: crashes.underWork,
  });
  const resources = new ResourceMonitor({
    clock,
    log,
    events: foundation.events,
    metrics: foundation.metrics,
    resources: measureResources({
      spoolFolder: join(config.folder, 'spool'),
      logFolder: join(config.folder, 'logs'),
      spool,
      queue,
    }),
    limits: () => config.backPressure,
  });
  await resources.start();
  parts.add(() => resources.close());
  const receiver = new Receiver({
    clock,
    log,
    spool,
    organisation,
    records,
    expirationMs,
    decoySecret: view.decoySecret,
    pressure: () => resources.pressure(),
    validation: view.validation && countLookups(view.validation, foundation.metrics),
    identityFor: ({ servername, connectorFqdn }) => contexts.identityFor(servername, connectorFqdn),
    certificateFor: (connectorFqdn) => contexts.select(undefined, connectorFqdn),
  });
  const listeners = await openListeners(foundation, organisation(), receiver);
  addresses = listeners.map(({ address }) => ({ host: address.address, port: address.port }));
  queue.start();
  // Closed the other way round: first the listeners, then the queue, so that what was taken last can still leave.
  parts.add(() => queue.stop(config.limits.drainTimeout));
  parts.add(async () => void (await Promise.all(listeners.map((listener) => listener.close()))));
  parts.add(view.onChange(() => queue.resubmit()));
  parts.add(
    watchCertificates({
      clock,
      store: foundation.certificates,
      events: foundation.events,
      warnings: await ExpiryWarnings.open(foundation.events),
      peers: () => organisation().peers,
      onPeersChange: (listener) => view.onChange(listener),
      fqdn: config.fqdn,
      settings: () => organisation().transportConfig,
      connectorName: firstConnector(organisation()),
    }),
  );
  return { queue, resources, addresses };
}

function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((each = []) => each.map(({ address }) => address));
}

/** What the crash before this start, if there was one, means for the messages that were under work then. */
async function openCrashFolder(foundation: Foundation): Promise<CrashFolder> {
  const { config, parts, crashDoor } = foundation;
  const folder = new CrashFolder(join(config.folder, 'crash'));
  parts.add(() => folder.close());
  if (crashDoor) parts.add(crashDoor.watch((error) => folder.note(error), folder.reportPath));
  await judgeSuspects({ ...foundation, server: config.fqdn, folder });
  return folder;
}

function countLookups(validation: RecipientValidation, { recipientLookups }: Metrics): RecipientValidation {
  return {
    isOn: () => validation.isOn(),
    isKnown: async (mailbox) => {
      try {
        const isKnown = await validation.isKnown(mailbox);
        recipientLookups.inc({ result: isKnown ? 'known' : 'unknown' });
        return isKnown;
      } catch (error) {
        recipientLookups.inc({ result: 'failed' });
        throw error;
      }
    },
  };
}

/** IntraOrgConnectorSmtpMaxMessagesPerConnection and SmtpMaxMessagesPerConnection, Exchange's default for both. */
const MESSAGES_PER_CONNECTION = 20;

function firstConnector(organisation: Organisation): string {
  return organisation.receiveConnectors[0]?.name ?? organisation.netbiosName;
}

/**
 * One listener for each address of the config and of the connectors; which connector serves a client is chosen at each
 * connection. An address of the config that cannot be had stops the start, a connector's own is reported and left out.
 */
async function openListeners(
  foundation: Foundation,
  organisation: Organisation,
  policy: Receiver,
): Promise<SmtpListener[]> {
  const { config, log } = foundation;
  const listeners: SmtpListener[] = [];
  try {
    for (const endpoint of config.listen.smtp) listeners.push(await openListener(foundation, endpoint, policy));
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
  for (const endpoint of boundBeyond(config.listen.smtp, organisation)) {
    try {
      listeners.push(await openListener(foundation, endpoint, policy));
    } catch (error) {
      log.error(
        { address: formatEndpoint(endpoint), error: messageOf(error) },
        'a binding of a Receive connector cannot be listened at',
      );
    }
  }
  return listeners;
}

function openListener({ config, log }: Foundation, { host, port }: Endpoint, policy: Receiver): Promise<SmtpListener> {
  const { maxConnections, maxRecipients, drainTimeout, commandTimeout } = config.limits;
  return SmtpListener.open({
    host,
    port,
    ipv6Only: config.listen.smtp.some((other) => other.host === '0.0.0.0' && other.port === port),
    fqdn: config.fqdn,
    policy,
    log,
    maxConnections,
    maxRecipients,
    timeouts: { closeMs: drainTimeout, commandMs: commandTimeout },
  });
}

/** Bindings of enabled connectors that no address of the config covers. */
function boundBeyond(listened: readonly Endpoint[], { receiveConnectors }: Organisation): Endpoint[] {
  const bindings = receiveConnectors.filter(({ enabled }) => enabled).flatMap((connector) => connector.bindings);
  const endpoints = [...new Set(bindings)].flatMap((text) => parseEndpoint(text) ?? []);
  return endpoints.filter((endpoint) => endpoint.port !== 0 && !listened.some((other) => covers(other, endpoint)));
}

function covers(listened: Endpoint, { host, port }: Endpoint): boolean {
  const wildcard = host.includes(':') ? '::' : '0.0.0.0';
  return listened.port === port && (listened.host === host || listened.host === wildcard);
}
