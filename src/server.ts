// What a Hub and an Edge have in common: spool, certificate store, records, listeners, queue, in the order in which they
// depend on each other. The two roles (hub.ts, edge.ts) hand in their view of the directory and add their own parts.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SecureContext } from 'node:tls';
import type { Cancel, Clock } from './clock.ts';
import { describeOffset } from './clock.ts';
import { type Config, type Endpoint, formatEndpoint, parseEndpoint } from './config.ts';
import type { Log } from './log.ts';
import { messageOf } from './problem.ts';
import { type ServerIdentity, SmtpListener } from './smtp/listener.ts';
import { SPOOL_BACKENDS } from './spool/backends.ts';
import type { Spool } from './spool/spool.ts';
import { ensurePrivateFolder } from './storage/files.ts';
import type { Certificate } from './tls/certificate.ts';
import { CertificateStore, type KeyPair } from './tls/certificate-store.ts';
import { createServerContext } from './tls/secure-context.ts';
import { createSelfSigned } from './tls/self-signed.ts';
import { CardLog } from './tracking/card-log.ts';
import type { DecisionCard } from './tracking/decision-card.ts';
import { EventLog } from './tracking/event-log.ts';
import { createEvent } from './tracking/events.ts';
import { MessageTracking } from './tracking/message-tracking.ts';
import { watchCertificates } from './transport/certificate-watch.ts';
import { openHop } from './transport/deliver.ts';
import { type Resolver, systemResolver } from './transport/next-hop.ts';
import type { Organisation } from './transport/organisation.ts';
import { MailQueue } from './transport/queue.ts';
import { Receiver } from './transport/receive.ts';
import { Records } from './transport/records.ts';
import { routeRecipient } from './transport/route.ts';
import { Settlement } from './transport/settlement.ts';

export interface ServerOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly resolve?: Resolver;
}

/** A running server, as main.ts and tests see it. */
export interface RunningServer {
  /** What the ready line says. */
  readonly ready: Readonly<Record<string, unknown>>;
  stop(): Promise<void>;
}

/** The parts that exist before the directory does. */
export interface Foundation extends ServerOptions {
  readonly spool: Spool;
  readonly certificates: CertificateStore;
  readonly events: EventLog;
  readonly tracking: MessageTracking;
  readonly cards: CardLog<DecisionCard>;
  /** TLS contexts by certificate: a renewed one is a new thumbprint and so serves the next handshake. */
  readonly contexts: TlsContexts;
}

/** Opens the foundation. The spool comes first: its lock is what keeps a second server out of the folder. */
export async function openFoundation(options: ServerOptions): Promise<Foundation> {
  const { config, clock, log, version } = options;
  ensurePrivateFolder(config.folder);
  const [backend] = SPOOL_BACKENDS;
  if (!backend) throw new Error('there is no spool backend');
  const spool = await backend.open({ folder: join(config.folder, 'spool'), log, clock });
  const certificates = CertificateStore.open(join(config.folder, 'certificates'), { log });
  await ensureCertificate(certificates, options);
  const logs = { folder: join(config.folder, 'logs'), clock, log, version };
  return {
    ...options,
    spool,
    certificates,
    events: new EventLog(logs),
    tracking: new MessageTracking(logs),
    cards: new CardLog<DecisionCard>(logs),
    contexts: new TlsContexts(certificates, config.fqdn, clock),
  };
}

/** At first start a server makes its self-signed certificate, enabled for SMTP (exchange: the default certificate). */
async function ensureCertificate(store: CertificateStore, { config, clock, log }: ServerOptions): Promise<void> {
  if (store.internalTransport()) return;
  const pair = await createSelfSigned({ netbiosName: config.netbiosName, fqdn: config.fqdn, notBefore: clock.now() });
  const { thumbprint } = store.add(pair, { friendlyName: 'Microsoft Exchange' }).certificate;
  store.enable(thumbprint, 'SMTP');
  store.setInternalTransport(thumbprint);
  log.info({ thumbprint }, 'made a self-signed certificate');
}

/** TLS identities of this server, one context for each certificate. */
export class TlsContexts {
  readonly #store: CertificateStore;
  readonly #serverFqdn: string;
  readonly #clock: Clock;
  readonly #contexts = new Map<string, SecureContext>();

  constructor(store: CertificateStore, serverFqdn: string, clock: Clock) {
    this.#store = store;
    this.#serverFqdn = serverFqdn;
    this.#clock = clock;
  }

  /** The certificate for a name: SNI, else the connector's own. */
  select(servername: string | undefined, connectorFqdn: string): Certificate | undefined {
    return this.#store.selectFor({ servername, connectorFqdn, serverFqdn: this.#serverFqdn, now: this.#clock.now() })
      ?.certificate;
  }

  identityFor(servername: string | undefined, connectorFqdn: string): ServerIdentity | undefined {
    const certificate = this.select(servername, connectorFqdn);
    return certificate && { certificate, context: this.#contextOf(certificate) };
  }

  /** The internal transport certificate, for ADAM's LDAPS. */
  internal(): ServerIdentity | undefined {
    const certificate = this.#store.internalTransport()?.certificate;
    return certificate && { certificate, context: this.#contextOf(certificate) };
  }

  ownKeyPair(): KeyPair | undefined {
    const thumbprint = this.#store.internalTransport()?.certificate.thumbprint;
    return thumbprint === undefined ? undefined : this.#store.keyPair(thumbprint);
  }

  #contextOf({ thumbprint }: Certificate): SecureContext {
    const known = this.#contexts.get(thumbprint);
    if (known) return known;
    const made = createServerContext(this.#store.keyPair(thumbprint));
    this.#contexts.set(thumbprint, made);
    return made;
  }
}

/** The moving parts of transport, once the directory can be asked. */
export interface Transport {
  readonly queue: MailQueue;
  readonly addresses: readonly Endpoint[];
  stop(): Promise<void>;
}

export interface TransportParts {
  readonly organisation: () => Organisation;
  onChange(listener: () => void): Cancel;
}

/** Starts queue and listeners. */
export async function openTransport(foundation: Foundation, parts: TransportParts): Promise<Transport> {
  const { config, clock, log, spool, contexts } = foundation;
  const { organisation } = parts;
  const records = new Records({
    clock,
    organisation,
    cards: foundation.cards,
    tracking: foundation.tracking,
    events: foundation.events,
  });
  const expirationMs = config.retry.expiration;
  const deliveryContext = {
    clock,
    log,
    organisation,
    addressBook: { hosts: config.hosts, resolve: foundation.resolve ?? systemResolver },
    ownKeyPair: () => contexts.ownKeyPair(),
    handshakeTimeoutMs: config.limits.handshakeTimeout,
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
  });
  const receiver = new Receiver({
    clock,
    log,
    spool,
    organisation,
    records,
    expirationMs,
    decoySecret: randomBytes(32),
    identityFor: ({ servername, connectorFqdn }) => contexts.identityFor(servername, connectorFqdn),
    certificateFor: (connectorFqdn) => contexts.select(undefined, connectorFqdn),
  });
  const listeners = await openListeners(foundation, organisation(), receiver);
  queue.start();
  const cancels = [
    parts.onChange(() => queue.resubmit()),
    watchCertificates({
      clock,
      store: foundation.certificates,
      events: foundation.events,
      fqdn: config.fqdn,
      connectorName: firstConnector(organisation()),
    }),
  ];
  return {
    queue,
    addresses: listeners.map(({ address }) => ({ host: address.address, port: address.port })),
    stop: async () => {
      for (const cancel of cancels) cancel();
      await Promise.all(listeners.map((listener) => listener.close()));
      await queue.stop(config.limits.drainTimeout);
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
async function openListeners(foundation: Foundation, organisation: Organisation, policy: Receiver): Promise<SmtpListener[]> {
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
      log.error({ address: formatEndpoint(endpoint), error: messageOf(error) }, 'a binding of a Receive connector cannot be listened at');
    }
  }
  return listeners;
}

function openListener({ config, log }: Foundation, { host, port }: Endpoint, policy: Receiver): Promise<SmtpListener> {
  const { maxConnections, maxRecipients, drainTimeout } = config.limits;
  return SmtpListener.open({ host, port, fqdn: config.fqdn, policy, log, maxConnections, maxRecipients, timeouts: { closeMs: drainTimeout } });
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

/** Lets go of the foundation, last of all. */
export async function closeFoundation({ spool, events, tracking, cards }: Foundation): Promise<void> {
  await spool.close();
  events.close();
  tracking.close();
  cards.close();
}

/** The start's own record: the version, and the clock if it was moved. */
export function announceStart({ events, config, clock, version }: Foundation): void {
  events.record(createEvent('ServerStarted', { server: config.fqdn, role: config.role, version }));
  const moved = describeOffset(clock.offsetMs);
  if (moved === undefined) return;
  const to = clock.now();
  events.record(createEvent('ClockMoved', { from: new Date(to.getTime() - clock.offsetMs), to, offset: moved }));
}

/** Runs each step of a stop even when one before it failed. */
export async function stopInOrder(log: Log, steps: readonly (() => Promise<void> | void)[]): Promise<void> {
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      log.error({ error: messageOf(error) }, 'a part did not stop cleanly');
    }
  }
}

/** The package's version. */
export function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
