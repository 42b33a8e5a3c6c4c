// `relaypair up`: both servers on one machine, subscribed to each other, in the foreground until SIGTERM or SIGINT. Writes
// their configs, starts them as processes of their own, subscribes the Edge by the same cmdlets a person would type, and
// starts a half again that dies. It holds no lock and keeps no state but files, so that killing it harms nothing.

import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CmdletOutput } from '../cmdlets/output.ts';
import { describeOffset } from '../clock.ts';
import { type Endpoint, formatEndpoint, readConfig, type Role } from '../config.ts';
import { callCmdlet, isAnswering } from '../control/client.ts';
import { controlSocketPath } from '../control/socket-path.ts';
import { isProblem, Problem } from '../problem.ts';
import { ensurePrivateFolder, writeFileDurably } from '../storage/files.ts';
import { Child, type ReadyLine } from './child.ts';
import type { UpOptions } from './doors.ts';
import type { DeliveryTarget } from './endpoints.ts';

export interface UpRun extends UpOptions {
  /** How to start one half: the program and its first arguments. */
  readonly command: readonly string[];
  readonly onLine: (line: string) => void;
  readonly onProgress: (text: string) => void;
  /** Ends it in order. */
  readonly signal: AbortSignal;
}

const SITE = 'Default-First-Site-Name';
const HUB_FQDN = 'hub01.corp.test';
const EDGE_FQDN = 'edge01.perimeter.test';
/** The halves of a run that was killed stop by themselves, and close their control sockets first: five seconds at most. */
const FORMER_RUN_LIMIT_MS = 6000;
const FORMER_RUN_POLL_MS = 100;

interface Addresses {
  readonly hub: Endpoint;
  readonly edge: Endpoint;
  readonly ldaps: Endpoint;
}

/** Runs until `signal` aborts; resolves to the exit code. */
export async function runUp(options: UpRun): Promise<number> {
  ensurePrivateFolder(options.dir);
  await awaitEndOfFormerRun(options);
  const addresses = await chooseAddresses(options);
  writeConfigs(options, addresses);
  const edge = startChild(options, 'edge');
  const hub = startChild(options, 'hub');
  const stopped = aborted(options.signal);
  try {
    await Promise.race([stopped, bringUp(options, addresses, { hub, edge })]);
    await stopped;
    return 0;
  } finally {
    // The Hub first: what it still sends, the Edge can still take.
    await hub.stop();
    await edge.stop();
  }
}

async function bringUp(options: UpRun, addresses: Addresses, halves: { hub: Child; edge: Child }): Promise<void> {
  const [hub, edge] = await Promise.all([halves.hub.ready(), halves.edge.ready()]);
  try {
    await subscribe(options, addresses);
  } catch (error) {
    // Told to stop meanwhile: that the servers no longer answer is then no failure.
    if (options.signal.aborted && isProblem(error)) return;
    throw error;
  }
  options.onLine(JSON.stringify(describeReady(options, addresses, { hub, edge })));
}

/** Two runs in one folder would write each other's configs; throws Problem `in-use` when the other one does not end. */
async function awaitEndOfFormerRun(options: UpRun): Promise<void> {
  for (let waitedMs = 0; await isRunning(options.dir); waitedMs += FORMER_RUN_POLL_MS) {
    if (options.signal.aborted || waitedMs >= FORMER_RUN_LIMIT_MS) {
      throw new Problem('in-use', `another "relaypair up" runs in ${options.dir}: stop that one first`);
    }
    if (waitedMs === 0) options.onProgress('waiting for the servers of an earlier run to end');
    await delay(FORMER_RUN_POLL_MS);
  }
}

async function isRunning(dir: string): Promise<boolean> {
  const folders = ['hub', 'edge'].map((role) => join(dir, role)).filter((folder) => existsSync(folder));
  const answers = await Promise.all(folders.map((folder) => isAnswering(controlSocketPath(folder))));
  return answers.includes(true);
}

function startChild(options: UpRun, role: Role): Child {
  const [program = '', ...first] = options.command;
  const { clockOffsetMs } = options;
  const clock = clockOffsetMs === 0 ? [] : ['--clock', `${clockOffsetMs < 0 ? '-' : '+'}${Math.abs(clockOffsetMs)}ms`];
  return new Child({
    program,
    parameters: [...first, role, '--config', join(options.dir, `${role}.yaml`), ...clock],
    logFile: join(options.dir, `${role}.log`),
    onRestart: (detail) => options.onProgress(`the ${role} ended (${detail}) and is started again`),
  });
}

/** Port 0 is settled here, once, so that a half which is started again is found where it was. */
async function chooseAddresses(options: UpRun): Promise<Addresses> {
  const hub = await settlePort(options.hub);
  const edge = await settlePort(options.edge);
  const { host } = options.edge;
  return { hub, edge, ldaps: await settlePort({ host, port: await formerLdapsPort(options) }) };
}

/** The Hub has ADAM's port on record since the subscription, so the Edge keeps it while nobody else has taken it. */
async function formerLdapsPort({ dir, edge: { host } }: UpRun): Promise<number> {
  const path = join(dir, 'edge.yaml');
  if (!existsSync(path)) return 0;
  try {
    const { port } = readConfig(path).listen.ldaps;
    await probePort({ host, port });
    return port;
  } catch (error) {
    // A file that somebody broke is written anew, and a port that is taken is replaced.
    if (isProblem(error)) return 0;
    throw error;
  }
}

async function settlePort(endpoint: Endpoint): Promise<Endpoint> {
  return endpoint.port === 0 ? { host: endpoint.host, port: await probePort(endpoint) } : endpoint;
}

/** The port, free at this moment; throws Problem `cannot-listen`. */
function probePort(endpoint: Endpoint): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      reject(new Problem('cannot-listen', `cannot listen at ${formatEndpoint(endpoint)} (${error.code})`)),
    );
    probe.listen(endpoint.port, endpoint.host, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : endpoint.port));
    });
  });
}

function writeConfigs(options: UpRun, addresses: Addresses): void {
  // JSON is YAML: what is written here is read back by the same schema as a file by hand.
  const { retryMs } = options;
  const retry =
    retryMs === undefined
      ? {}
      : {
          glitchInterval: `${retryMs}ms`,
          transientInterval: `${retryMs}ms`,
          outboundInterval: `${retryMs}ms`,
          messageInterval: `${retryMs}ms`,
        };
  const common = { format: 1, site: SITE, retry };
  const hub = {
    ...common,
    role: 'hub',
    fqdn: HUB_FQDN,
    folder: 'hub',
    listen: { smtp: [formatEndpoint(addresses.hub)] },
    hosts: { [EDGE_FQDN]: formatEndpoint(addresses.edge) },
    ...(options.deliver && { deliver: formatDeliveryTarget(options.deliver) }),
  };
  const edge = {
    ...common,
    role: 'edge',
    fqdn: EDGE_FQDN,
    folder: 'edge',
    listen: { smtp: [formatEndpoint(addresses.edge)], ldaps: formatEndpoint(addresses.ldaps) },
    hosts: { [HUB_FQDN]: formatEndpoint(addresses.hub) },
  };
  const note = '# Written by "relaypair up" at each start; change its options, not this file.\n';
  writeFileDurably(join(options.dir, 'hub.yaml'), `${note}${JSON.stringify(hub, undefined, 2)}\n`);
  writeFileDurably(join(options.dir, 'edge.yaml'), `${note}${JSON.stringify(edge, undefined, 2)}\n`);
}

function formatDeliveryTarget(target: DeliveryTarget): string {
  return target.kind === 'maildir' ? `maildir:${target.folder}` : `${target.kind}:${formatEndpoint(target)}`;
}

/** Brings the pair to where the options want it; what is already so is left alone. */
async function subscribe(options: UpRun, addresses: Addresses): Promise<void> {
  await acceptDomains(options);
  const { records } = await call(options, 'hub', 'Get-EdgeSubscription', {});
  if (!records.some((record) => record['AdamSslPort'] === addresses.ldaps.port)) await subscribeEdge(options);
  await setSmartHost(options);
  const synchronized = await call(options, 'hub', 'Start-EdgeSynchronization', {});
  const failed = synchronized.records.find((record) => record['Result'] !== 'Success');
  if (failed) options.onProgress(`EdgeSync: ${String(failed['Result'])}, ${String(failed['FailureDetails'])}`);
}

async function acceptDomains(options: UpRun): Promise<void> {
  const known = await call(options, 'hub', 'Get-AcceptedDomain', {});
  const names = new Set(known.records.map((record) => String(record['DomainName']).toLowerCase()));
  for (const domain of options.acceptedDomains) {
    if (!names.has(domain.toLowerCase()))
      await call(options, 'hub', 'New-AcceptedDomain', { Name: [domain], DomainName: [domain] });
  }
}

async function subscribeEdge(options: UpRun): Promise<void> {
  options.onProgress('subscribing the Edge');
  const exported = await call(options, 'edge', 'New-EdgeSubscription', { FileName: ['edge.xml'] });
  const content = exported.files?.[0]?.content;
  if (!content) throw new Problem('no-subscription', 'the Edge exported no subscription file');
  writeFileDurably(join(options.dir, 'edge.xml'), content);
  await call(
    options,
    'hub',
    'New-EdgeSubscription',
    { FileName: ['edge.xml'], Site: [SITE] },
    { FileName: { name: 'edge.xml', content } },
  );
}

/** Without a smart host the Internet connector keeps DNS routing. */
async function setSmartHost(options: UpRun): Promise<void> {
  if (!options.smartHost) return;
  const name = `EdgeSync - ${SITE} to Internet`;
  const { host, port } = options.smartHost;
  await call(options, 'hub', 'Set-SendConnector', {
    Identity: [name],
    DNSRoutingEnabled: ['$false'],
    DomainSecureEnabled: ['$false'],
    SmartHosts: [host],
    Port: [String(port)],
  });
}

function call(
  options: UpRun,
  role: Role,
  cmdlet: string,
  parameters: Record<string, string[]>,
  files: Record<string, { name: string; content: Buffer }> = {},
): Promise<CmdletOutput> {
  const socket = controlSocketPath(join(options.dir, role));
  return callCmdlet(
    socket,
    { cmdlet, parameters, files },
    { startCommand: `relaypair up --dir ${options.dir}`, onProgress: options.onProgress },
  );
}

function describeReady(
  options: UpRun,
  addresses: Addresses,
  { hub, edge }: Record<Role, ReadyLine>,
): Record<string, unknown> {
  return {
    event: 'ready',
    folder: options.dir,
    hub: { pid: hub.pid, fqdn: HUB_FQDN, smtp: formatEndpoint(addresses.hub), folder: join(options.dir, 'hub') },
    edge: {
      pid: edge.pid,
      fqdn: EDGE_FQDN,
      smtp: formatEndpoint(addresses.edge),
      ldaps: formatEndpoint(addresses.ldaps),
      folder: join(options.dir, 'edge'),
    },
    ...(options.clockOffsetMs !== 0 && { clock: describeOffset(options.clockOffsetMs) }),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
