// What a Hub and an Edge have in common: spool, certificate store, records, listeners, queue, in the order in which they
// depend on each other. The two roles (hub.ts, edge.ts) hand in their view of the directory and add their own parts.

import { join } from 'node:path';
import { type Capturing, openCaptures, refuseCaptures } from './capturing.ts';
import { type Cancel, type Clock, describeClock, type SystemClock } from './clock.ts';
import type { Config } from './config.ts';
import { LiveConfig, type Reload } from './config-live.ts';
import { reloadConfig } from './config-reloading.ts';
import { AccessTokens } from './cmdlets/access-tokens.ts';
import type { House, OpenedDoor } from './cmdlets/house.ts';
import { CachedResolver } from './dns/cached-resolver.ts';
import { withHostsFile } from './dns/hosts-file.ts';
import { NetworkResolver } from './dns/network-resolver.ts';
import type { Resolver } from './dns/resolver.ts';
import type { Log } from './log.ts';
import { isProblem } from './problem.ts';
import { findSpoolBackend } from './spool/backends.ts';
import { refuseUnfinishedCopy } from './spool/copy-mark.ts';
import { spoolOptions } from './spool/spool-settings.ts';
import type { DamagedMessage, Spool } from './spool/spool.ts';
import { claimPrivateFolder } from './storage/files.ts';
import { logLimitsOf } from './storage/log-files.ts';
import { isServerData, signFolder } from './storage/folder-owner.ts';
import { CertificateStore } from './tls/certificate-store.ts';
import { createSelfSigned } from './tls/self-signed.ts';
import { TlsContexts } from './tls-contexts.ts';
import { CardLog } from './tracking/card-log.ts';
import type { DecisionCard } from './tracking/decision-card.ts';
import { EventLog } from './tracking/event-log.ts';
import { createEvent, type ServerEvent } from './tracking/events.ts';

import { MessageTracking } from './tracking/message-tracking.ts';
import { Metrics } from './tracking/metrics.ts';

export interface ServerOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** The same clock where it may be moved while the server runs: in a laboratory alone. */
  readonly labClock?: Pick<SystemClock, 'run' | 'onMove'> | undefined;
  readonly log: Log;
  readonly version: string;
  /** The process's own door for what nobody catches; absent where a server is one of many in a process. */
  readonly crashDoor?: CrashDoor;
  /** Opens a further door, where the config asks for one; throws Problem as `openHub` does. */
  readonly openWeb?: ((house: House) => Promise<OpenedDoor>) | undefined;
}

/** Lets somebody note the end of the process; returns how to stop that. */
export interface CrashDoor {
  /** `note` is called with an exception that nobody caught; `reportPath` gets Node's report on a heap that ran over. */
  watch(note: (error: unknown) => void, reportPath: string): Cancel;
}

/** A running server, as program.ts and tests see it. */
export interface RunningServer {
  /** What the ready line says. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Reads the config file again; what is wrong with it is on record, and the one in force stays. */
  reload(): void;
  stop(): Promise<void>;
}

/** What was opened, in that order; closed the other way round, each part even when one before it failed. */
export class OpenParts {
  readonly #log: Log;
  readonly #closers: (() => Promise<void> | void)[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  add(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).toReversed()) {
      try {
        await close();
      } catch (error) {
        this.#log.error({ err: error }, 'a part did not stop cleanly');
      }
    }
  }
}

/** Builds a server; when a part cannot be opened, those before it are closed again and the error goes on. */
export async function openServer(
  options: ServerOptions,
  build: (foundation: Foundation) => Promise<Readonly<Record<string, unknown>>>,
): Promise<RunningServer> {
  const parts = new OpenParts(options.log);
  try {
    const foundation = await openFoundation(options, parts);
    const ready = await build(foundation);
    await announceStart(foundation);
    return { ready, reload: () => tryReload(foundation), stop: () => stop(foundation) };
  } catch (error) {
    await parts.close();
    throw error;
  }
}

/** The parts that exist before the directory does. */
export interface Foundation extends ServerOptions, Capturing {
  /** The config in force; `config` is the one of the start. */
  readonly live: LiveConfig;
  /** Reads the config file again; throws the Problem of one that cannot be used. */
  readonly reloadConfig: () => Reload;
  readonly parts: OpenParts;
  /** By the clock's elapsed time. */
  readonly startedMs: number;
  readonly spool: Spool;
  readonly certificates: CertificateStore;
  readonly accessTokens: AccessTokens;
  readonly events: EventLog;
  readonly tracking: MessageTracking;
  readonly cards: CardLog<DecisionCard>;
  readonly metrics: Metrics;
  /** TLS contexts by certificate: a renewed one is a new thumbprint and so serves the next handshake. */
  readonly contexts: TlsContexts;
  /** DNS, behind the system's hosts file. */
  readonly resolver: Resolver;
}

/** Opens the foundation. The spool comes first: its lock is what keeps a second server out of the folder. */
async function openFoundation(options: ServerOptions, parts: OpenParts): Promise<Foundation> {
  const { config, clock, log, version } = options;
  refuseCaptures(options);
  claimPrivateFolder(config.folder, isServerData);
  const settings = spoolOptions({ config, log, clock });
  refuseUnfinishedCopy(settings.folder);
  let heard: EventLog | undefined;
  const onSetAside = (damaged: Damage): void => heard?.record(damagedEvent(damaged));
  const spool = await findSpoolBackend(config.spool.backend).open({ ...settings, onSetAside });
  parts.add(() => spool.close());
  signFolder(config.folder, { role: config.role, name: config.netbiosName });
  const certificates = CertificateStore.open(join(config.folder, 'certificates'), { log });
  await ensureCertificate(certificates, options);
  const logs = { folder: join(config.folder, 'logs'), clock, log, version, ...logLimitsOf(config) };
  const events = new EventLog(logs);
  heard = events;
  const tracking = new MessageTracking(logs);
  const cards = new CardLog<DecisionCard>(logs);
  for (const records of [events, tracking, cards]) parts.add(() => records.close());
  const capturing = openCaptures(options, events);
  parts.add(() => capturing.captureControl.close());
  const live = new LiveConfig(config);
  parts.add(
    live.onChange(() => {
      log.level = live.current().log.level;
    }),
  );
  return {
    ...options,
    ...capturing,
    live,
    reloadConfig: () => reloadConfig(live, events),
    parts,
    startedMs: clock.elapsedMs(),
    spool,
    certificates,
    accessTokens: AccessTokens.open(join(config.folder, 'access-tokens.json')),
    events,
    tracking,
    cards,
    metrics: new Metrics(),
    contexts: new TlsContexts(certificates, config.fqdn, clock),
    resolver: openResolver(live, clock),
  };
}

/** Made anew, with an empty cache, when the config was read again. */
function openResolver(live: LiveConfig, clock: Clock): Resolver {
  const make = (): Resolver => {
    const { servers, timeout } = live.current().dns;
    return new CachedResolver({ clock, source: withHostsFile(new NetworkResolver({ servers, timeoutMs: timeout })) });
  };
  let resolver = make();
  live.onChange(() => {
    resolver = make();
  });
  return {
    mailExchangers: (name) => resolver.mailExchangers(name),
    addresses: (name) => resolver.addresses(name),
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

function tryReload({ reloadConfig: reload, log }: Foundation): void {
  try {
    reload();
  } catch (error) {
    // A Problem is in the event log already.
    if (!isProblem(error)) log.error({ err: error }, 'the config could not be read again');
  }
}

async function stop({ events, config, clock, startedMs, parts }: Foundation): Promise<void> {
  events.record(createEvent('ServerStopped', { server: config.fqdn, upForMs: clock.elapsedMs() - startedMs }));
  await parts.close();
}

type Damage = Pick<DamagedMessage, 'id' | 'reason'>;

function damagedEvent({ id, reason }: Damage): ServerEvent {
  return createEvent('DamagedSpoolEntry', { entry: String(id), cause: reason });
}

/** The start's own record: the version, and the clock if it was moved. */
async function announceStart({ events, config, clock, version, spool }: Foundation): Promise<void> {
  for (const damaged of await spool.listDamaged()) events.record(damagedEvent(damaged));
  events.record(createEvent('ServerStarted', { server: config.fqdn, role: config.role, version }));
  const moved = describeClock(clock);
  if (moved === undefined) return;
  const to = clock.now();
  events.record(createEvent('ClockMoved', { from: new Date(to.getTime() - clock.offsetMs), to, offset: moved }));
}

/** What every cmdlet's answer says while the clock is not the machine's, since dates in it mean something else then. */
export function cautionAboutClock(clock: Clock): string | undefined {
  const moved = describeClock(clock);
  return moved === undefined ? undefined : `the clock of this server is moved: ${moved}`;
}
