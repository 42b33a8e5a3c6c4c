// What stands on the demo's stage: a folder with both configs, the two servers, the world outside and the mailbox inside. What
// is typed there, and what must come of it, is typing.ts's.

import { join } from 'node:path';
import type { CmdletOutput } from '../cmdlets/output.ts';
import type { Role } from '../config.ts';
import { callCmdlet } from '../control/client.ts';
import { controlSocketPath } from '../control/socket-path.ts';
import { findFreePort } from '../free-port.ts';
import { Problem } from '../problem.ts';
import { claimPrivateFolder, writeFileDurably } from '../storage/files.ts';
import { isServerData } from '../storage/folder-owner.ts';
import { Binary } from './binary.ts';
import { Mailbox } from './mailbox.ts';
import { type SampleMessage, supplyMessages } from './sample-messages.ts';
import { Sink } from './sink.ts';
import type { Story } from './story.ts';

export const SITE = 'Default-First-Site-Name';
export const INTERNET_CONNECTOR = `EdgeSync - ${SITE} to Internet`;
export const INBOUND_CONNECTOR = `EdgeSync - Inbound to ${SITE}`;
export const SMART_HOST = 'smarthost.fabrikam.test';
export const INSIDE = { domain: 'contoso.test', person: 'anna@contoso.test' } as const;
export const OUTSIDE = { domain: 'fabrikam.test', person: 'bob@fabrikam.test' } as const;

const HOST = '127.0.0.1';
const FQDN: Record<Role, string> = { hub: 'hub01.corp.test', edge: 'edge01.perimeter.test' };

export interface Stage {
  readonly folder: string;
  readonly story: Story;
  readonly signal: AbortSignal;
  readonly binary: Binary;
  readonly outside: Sink;
  readonly inside: Mailbox;
  readonly messages: Iterator<SampleMessage, never>;
  readonly ports: Readonly<Record<Role, number>>;
}

/** Sets the stage in `folder`; throws Problem `folder-in-use` when an earlier demo's servers live there. */
export async function openStage(options: { folder: string; story: Story; signal: AbortSignal }): Promise<Stage> {
  const { folder, signal } = options;
  const outside = await Sink.open();
  try {
    const ports = await writeConfigs(folder, outside.port);
    const inside = new Mailbox(join(folder, 'mailboxes', INSIDE.person));
    return { ...options, binary: new Binary(folder, signal), outside, inside, messages: supplyMessages(), ports };
  } catch (error) {
    await outside.close();
    throw error;
  }
}

/** Writes both configs and returns the ports in them. */
async function writeConfigs(folder: string, smartHostPort: number): Promise<Stage['ports']> {
  // The same over a restart, which port 0 in the configs would not be.
  const hub = await findFreePort(HOST);
  const edge = await findFreePort(HOST);
  const ldaps = await findFreePort(HOST);
  claimPrivateFolder(folder, isServerData);
  writeConfig(folder, 'hub', {
    listen: { smtp: [loopback(hub)] },
    hosts: { [FQDN.edge]: loopback(edge) },
    deliver: 'maildir:mailboxes',
  });
  writeConfig(folder, 'edge', {
    listen: { smtp: [loopback(edge)], ldaps: loopback(ldaps) },
    hosts: { [FQDN.hub]: loopback(hub), [SMART_HOST]: loopback(smartHostPort) },
    // The play's Internet is the smart host: until the connector names it, no name is found and mail waits.
    dns: { servers: ['127.0.0.1:9'], timeout: '1s' },
  });
  return { hub, edge };
}

export async function closeStage({ binary, outside }: Stage): Promise<void> {
  await binary.stopAll();
  await outside.close();
}

function loopback(port: number): string {
  return `${HOST}:${port}`;
}

/** JSON is YAML. Attempts follow each other quickly, so that nobody has to wait for mail that waits. */
function writeConfig(folder: string, role: Role, own: object): void {
  const every = '500ms';
  const retry = { glitchInterval: every, transientInterval: every, outboundInterval: every, messageInterval: every };
  // Each message is to show how its connection was opened: none goes by one that was opened before.
  const limits = { idleTimeout: '0s' };
  const config = { format: 1, role, fqdn: FQDN[role], folder: role, site: SITE, ...own, limits, retry };
  const text = `${JSON.stringify(config, undefined, 2)}\n`;
  try {
    writeFileDurably(join(folder, `${role}.yaml`), text, { overwrite: false });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new Problem('folder-in-use', `${folder} already holds a ${role}.yaml: name a folder that is new or empty`);
  }
}

/** Starts both servers as a person would in two terminals. */
export async function startServers(stage: Stage): Promise<void> {
  const roles = ['edge', 'hub'] as const;
  const commands = roles.map((role) => [role, '--config', `${role}.yaml`, '--lab']);
  const lines = roles.map((role, index) => stage.binary.start(role, commands[index] ?? []));
  for (const [index, line] of lines.entries()) {
    stage.story.command(commands[index] ?? []);
    stage.story.output(await line);
  }
}

/** Runs a cmdlet beside the story, straight over the control socket. */
export function askServer(
  { folder }: Stage,
  role: Role,
  cmdlet: string,
  parameters: Readonly<Record<string, readonly string[]>>,
): Promise<CmdletOutput> {
  const request = { cmdlet, parameters };
  return callCmdlet(controlSocketPath(join(folder, role)), request, { startCommand: `relaypair ${role}` });
}
