// `relaypair up`: both servers on one machine, subscribed to each other, in the foreground until SIGTERM or SIGINT. Writes
// their configs, starts them as processes of their own, subscribes the Edge by the same cmdlets a person would type, and
// starts a half again that dies. It holds no lock and keeps no state but files, so that killing it harms nothing.

import { createServer } from 'node:net';
import { join } from 'node:path';
import type { CmdletOutput } from '../cmdlets/output.ts';
import { describeOffset } from '../clock.ts';
import { type Endpoint, formatEndpoint, type Role } from '../config.ts';
import { callCmdlet } from '../control/client.ts';
import { controlSocketPath } from '../control/socket-path.ts';
import { Problem } from '../problem.ts';
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

interface Addresses {
  readonly hub: Endpoint;
  readonly edge: Endpoint;
  readonly ldaps: Endpoint;
}

/** Runs until `signal` aborts; resolves to the exit code. */
export async function runUp(options: UpRun): Promise<number> {
  ensurePrivateFolder(options.dir);
  const addresses = await chooseAddresses(options);
  writeConfigs(options, addresses);
  const edge = startChild(options, 'edge');
  const hub = startChild(options, 'hub');
  try {
    const ready = await Promise.all([hub.ready(), edge.ready()]);
    await subscribe(options);
    options.onLine(JSON.stringify(readyLine(options, addresses, ready)));
    await aborted(options.signal);
    return 0;
  } finally {
    // The Hub first: what it still sends, the Edge can still take.
    await hub.stop();
    await edge.stop();
  }
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
  return { hub, edge, ldaps: await settlePort({ host: options.edge.host, port: 0 }) };
}

function settlePort(endpoint: Endpoint): Promise<Endpoint> {
  if (endpoint.port !== 0) return Promise.resolve(endpoint);
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      reject(new Problem('cannot-listen', `cannot listen at ${formatEndpoint(endpoint)} (${error.code})`)),
    );
    probe.listen(endpoint.port, endpoint.host, () => {
      const address = probe.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      probe.close(() => resolve({ host: endpoint.host, port }));
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
async function subscribe(options: UpRun): Promise<void> {
  await acceptDomains(options);
  const subscriptions = await call(options, 'hub', 'Get-EdgeSubscription', {});
  if (subscriptions.records.length === 0) await subscribeEdge(options);
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

function readyLine(options: UpRun, addresses: Addresses, [hub, edge]: readonly ReadyLine[]): Record<string, unknown> {
  return {
    event: 'ready',
    folder: options.dir,
    hub: { pid: hub?.pid, fqdn: HUB_FQDN, smtp: formatEndpoint(addresses.hub), folder: join(options.dir, 'hub') },
    edge: {
      pid: edge?.pid,
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
