// Transport put together over a directory: records, queue, receiver, listeners. The parts know each other only through what is
// handed to them here.

import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from './clock.ts';
import type { Endpoint, ListenAddress } from './config.ts';
import type { NodeState } from './cmdlets/server-context.ts';
import { beginDrillDuty } from './drill-duty.ts';
import { listenAddresses, openListeners } from './listeners.ts';
import { addMailGauges } from './mail-gauges.ts';
import { beginDuty } from './node-duty.ts';
import { type DirectoryView, receivingOptions } from './receiving.ts';
import type { Foundation } from './server.ts';
import { SmtpListener } from './smtp/listener.ts';
import { watchCertificates } from './transport/certificate-watch.ts';
import { ConnectionCounts } from './transport/connection-counts.ts';
import { CrashFolder } from './transport/crash-folder.ts';
import { openHop } from './transport/deliver.ts';
import { DRILL_HOP, isDrillAddress } from './transport/drill-hop.ts';
import { ExpiryWarnings } from './transport/expiry-warnings.ts';
import { LoadBalance } from './transport/load-balance.ts';
import type { Logins } from './transport/logins.ts';
import type { Organisation } from './transport/organisation.ts';
import { isOwnPlace } from './transport/own-address.ts';
import { judgeSuspects } from './transport/poison.ts';
import { MailQueue } from './transport/queue.ts';
import type { RecipientValidation } from './transport/recipient-validation.ts';
import type { Metrics } from './tracking/metrics.ts';
import { Records } from './transport/records.ts';
import { ResourceMonitor } from './transport/resource-monitor.ts';
import { measureResources } from './transport/resources.ts';
import { routeRecipient } from './transport/route.ts';
import { Settlement } from './transport/settlement.ts';
import { SuspendedQueues } from './transport/suspended-queues.ts';
import { watchWeakTls } from './transport/weak-tls-watch.ts';
import { openWorkers } from './worker-opening.ts';

/** The moving parts of transport, once the directory can be asked. */
export interface Transport {
  readonly queue: MailQueue;
  readonly resources: ResourceMonitor;
  /** Where SMTP listens, with the ports that port 0 became. */
  readonly addresses: readonly ListenAddress[];
  readonly nodeState: () => NodeState;
}

/** Starts queue and listeners. */
export async function openTransport(foundation: Foundation, view: DirectoryView): Promise<Transport> {
  const { live, clock, log, spool, contexts, parts, config } = foundation;
  const { organisation } = view;
  const records = new Records({
    clock,
    organisation,
    cards: foundation.cards,
    tracking: foundation.tracking,
    events: foundation.events,
    tally: foundation.metrics.mail,
    noteDelay: (seconds) => foundation.metrics.deliverySeconds.observe(seconds),
  });
  const { tap } = foundation.captureControl;
  const crashes = await openCrashFolder(foundation);
  let addresses: readonly ListenAddress[] = listenAddresses(config);
  const deliveryContext = {
    clock,
    log,
    organisation,
    addressBook: {
      get hosts() {
        return live.current().hosts;
      },
      resolver: foundation.resolver,
    },
    ownKeyPair: () => contexts.ownKeyPair(),
    get handshakeTimeoutMs() {
      return live.current().limits.handshakeTimeout;
    },
    balance: new LoadBalance({ clock, random: Math.random }),
    random: Math.random,
    drills: spool.nodes?.drills,
    tap,
    isOwnPlace: (place: Endpoint) => isOwnPlace(place, { listening: addresses, interfaces: interfaceAddresses() }),
  };
  const queue = new MailQueue({
    spool,
    clock,
    log,
    settings: () => {
      const { retry, limits } = live.current();
      return { retry, maxConnectionsPerHop: limits.maxConnectionsPerHop, idleTimeoutMs: limits.idleTimeout };
    },
    route: (address) =>
      spool.nodes && isDrillAddress(address)
        ? DRILL_HOP
        : routeRecipient(organisation(), live.current().deliver, address),
    open: (hop, hasWaited) => openHop(deliveryContext, hop, hasWaited),
    suspensions: new SuspendedQueues(join(config.folder, 'queues.json'), log),
    settlement: new Settlement({
      spool,
      clock,
      log,
      organisation,
      records,
      get expirationMs() {
        return live.current().retry.expiration;
      },
    }),
    underWork: crashes.underWork,
  });
  const resources = new ResourceMonitor({
    // Disk and memory are the machine's, and are measured by its time however a laboratory's clock runs.
    clock: new SystemClock(),
    log,
    events: foundation.events,
    metrics: foundation.metrics,
    resources: measureResources({
      spoolFolder: join(config.folder, 'spool'),
      logFolder: join(config.folder, 'logs'),
      spool,
      queue,
    }),
    limits: () => live.current().backPressure,
  });
  await resources.start();
  parts.add(() => resources.close());
  const validation = view.validation && countLookups(view.validation, foundation.metrics);
  const logins = view.logins && countLogins(view.logins, foundation.metrics);
  const workers =
    config.workers > 0 ? await openWorkers(foundation, { ...view, validation, logins }, resources) : undefined;
  // A node that is cut off from the spool's database would refuse each message, so fast that senders prefer it to the others.
  const isAccepting = (): boolean => !spool.nodes || (spool.nodes.suspendedBy === undefined && spool.nodes.isSure());
  const receiving = receivingOptions({
    ...foundation,
    config: () => live.current(),
    organisation,
    records,
    tap,
    decoySecret: view.decoySecret,
    pressure: () => resources.pressure(),
    counts: new ConnectionCounts(),
    isAccepting,
    validation,
    logins,
  });
  const own: SmtpListener[] = [];
  const listeners = await openListeners(foundation, organisation(), async (place) => {
    if (workers) return workers.listen(place);
    const listener = await SmtpListener.open({ ...receiving, ...place });
    own.push(listener);
    return listener;
  });
  const sessions = (): number => workers?.connections ?? own.reduce((sum, { open }) => sum + open, 0);
  addMailGauges(foundation.metrics, {
    clock,
    spool,
    queue,
    listeners,
    openConnections: sessions,
    expirationMs: () => live.current().retry.expiration,
  });
  addresses = listeners.map(({ door: { address }, service }) => ({
    host: address.address,
    port: address.port,
    service,
  }));
  const nodeState = beginDuty(foundation, { queue, sessions, directoryStatus: view.directoryStatus });
  beginDrillDuty(foundation, { isAccepting, die: foundation.crashDoor && endAbruptly });
  // Closed the other way round: first the listeners, then the queue, so that what was taken last can still leave.
  parts.add(() => queue.stop(live.current().limits.drainTimeout));
  parts.add(async () => {
    await Promise.all(listeners.map(({ door }) => door.close()));
    await workers?.stop();
  });
  parts.add(view.onChange(() => queue.resubmit()));
  // Where mail goes may have changed, and how often it is tried.
  parts.add(live.onChange(() => queue.resubmit()));
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
  parts.add(watchWeakTls({ events: foundation.events, organisation, onChange: (listener) => view.onChange(listener) }));
  return { queue, resources, addresses, nodeState };
}

/** As a loss of power would; the first process of a container is deaf to its own SIGKILL. */
function endAbruptly(): void {
  process.kill(process.pid, 'SIGKILL');
  process.abort();
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

function countLogins(logins: Logins, { logins: counter }: Metrics): Logins {
  return {
    addressesOf: (identity) => logins.addressesOf(identity),
    check: async (login) => {
      try {
        const answer = await logins.check(login);
        counter.inc({ result: answer.kind });
        return answer;
      } catch (error) {
        counter.inc({ result: 'failed' });
        throw error;
      }
    },
  };
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

function firstConnector(organisation: Organisation): string {
  return organisation.receiveConnectors[0]?.name ?? organisation.netbiosName;
}
