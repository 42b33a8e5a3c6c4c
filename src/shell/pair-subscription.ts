// How the two servers of `relaypair up` come to trust each other and to know where mail goes: by the same cmdlets that a person
// would type, each only where it is still needed.

import { join } from 'node:path';
import type { CmdletOutput, OutputRecord, OutputValue } from '../cmdlets/output.ts';
import type { Role } from '../config.ts';
import { callCmdlet } from '../control/client.ts';
import { controlSocketPath } from '../control/socket-path.ts';
import { Problem } from '../problem.ts';
import { writeFileDurably } from '../storage/files.ts';
import type { UpOptions } from './doors.ts';
import { type Addresses, SITE } from './pair-config.ts';

interface Subscribing extends UpOptions {
  readonly onProgress: (text: string) => void;
}

/** Brings the running pair to where the options want it; what is already so is left alone. Throws Problem. */
export async function subscribePair(options: Subscribing, addresses: Addresses): Promise<void> {
  await acceptDomains(options);
  if (options.unsubscribed) return;
  const { records } = await call(options, 'hub', 'Get-EdgeSubscription', {});
  if (!records.some((record) => record['AdamSslPort'] === addresses.ldaps.port)) await subscribeEdge(options);
  await setSmartHost(options);
  const synchronized = await call(options, 'hub', 'Start-EdgeSynchronization', {});
  const failed = synchronized.records.find((record) => record['Result'] !== 'Success');
  if (failed) options.onProgress(`EdgeSync: ${textOf(failed, 'Result')}, ${textOf(failed, 'FailureDetails')}`);
}

async function acceptDomains(options: Subscribing): Promise<void> {
  const known = await call(options, 'hub', 'Get-AcceptedDomain', {});
  const names = new Set(known.records.map((record) => textOf(record, 'DomainName').toLowerCase()));
  for (const domain of new Set(options.acceptedDomains)) {
    if (!names.has(domain)) await call(options, 'hub', 'New-AcceptedDomain', { Name: [domain], DomainName: [domain] });
  }
}

async function subscribeEdge(options: Subscribing): Promise<void> {
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
async function setSmartHost(options: Subscribing): Promise<void> {
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

/** Runs a cmdlet in one of the two. */
export function call(
  options: Subscribing,
  role: Role,
  cmdlet: string,
  parameters: Readonly<Record<string, readonly string[]>>,
  files: Record<string, { name: string; content: Buffer }> = {},
): Promise<CmdletOutput> {
  const socket = controlSocketPath(join(options.dir, role));
  return callCmdlet(
    socket,
    { cmdlet, parameters, files },
    { startCommand: `relaypair up --dir ${options.dir}`, onProgress: options.onProgress },
  );
}

function textOf(record: OutputRecord, property: string): string {
  const value: OutputValue = record[property];
  return typeof value === 'string' ? value : '';
}
