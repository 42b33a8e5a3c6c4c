// A Hub and an Edge as two processes with configs of the test's own, so that their clocks can differ and something can
// stand between them on the wire.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { OutputRecord } from '../../src/cmdlets/output.ts';
import { callCmdlet } from '../../src/control/client.ts';
import { controlSocketPath } from '../../src/control/socket-path.ts';
import { relaypair, type Ran } from './pair.ts';

const LAUNCHER = new URL('../../bin/relaypair.js', import.meta.url).pathname;

export type Role = 'hub' | 'edge';

export interface Ports {
  readonly hub: number;
  readonly edge: number;
  readonly ldaps: number;
}

export interface ServersOptions {
  /** Where the Hub believes the Edge to be, when something stands between them. */
  readonly edgeSeenAt?: number;
  /** A port that was chosen before, for the Edge. */
  readonly edgePort?: number;
  readonly deliver?: string;
  readonly hubExtra?: Record<string, unknown>;
  readonly edgeExtra?: Record<string, unknown>;
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => {
    probe.listen(0, '127.0.0.1', resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise<void>((resolve) => {
    probe.close(() => resolve());
  });
  return port;
}

export class Servers {
  readonly folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
  readonly ports: Ports;
  readonly #processes = new Map<Role, ChildProcess>();

  private constructor(ports: Ports) {
    this.ports = ports;
  }

  static async prepare(options: ServersOptions = {}): Promise<Servers> {
    const servers = new Servers({
      hub: await freePort(),
      edge: options.edgePort ?? (await freePort()),
      ldaps: await freePort(),
    });
    servers.configure(options);
    return servers;
  }

  configure(options: ServersOptions): void {
    const { ports, folder } = this;
    const retry = { glitchCount: 0, transientCount: 0, outboundInterval: '300ms', messageInterval: '300ms' };
    const edgeSeenAt = options.edgeSeenAt ?? ports.edge;
    const hub = {
      role: 'hub',
      fqdn: 'hub01.corp.test',
      folder: 'hub',
      listen: { smtp: [`127.0.0.1:${ports.hub}`] },
      hosts: { 'edge01.perimeter.test': `127.0.0.1:${edgeSeenAt}` },
      deliver: options.deliver ?? `maildir:${join(folder, 'mail')}`,
      retry,
      ...options.hubExtra,
    };
    const edge = {
      role: 'edge',
      fqdn: 'edge01.perimeter.test',
      folder: 'edge',
      listen: { smtp: [`127.0.0.1:${ports.edge}`], ldaps: `127.0.0.1:${ports.ldaps}` },
      hosts: { 'hub01.corp.test': `127.0.0.1:${ports.hub}` },
      retry,
      ...options.edgeExtra,
    };
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'hub.yaml'), JSON.stringify(hub));
    writeFileSync(join(folder, 'edge.yaml'), JSON.stringify(edge));
  }

  /** Starts a server and waits for its ready line. */
  async start(role: Role, clock?: string): Promise<void> {
    const child = spawn(
      process.execPath,
      [LAUNCHER, role, '--config', `${role}.yaml`, ...(clock === undefined ? [] : ['--clock', clock])],
      {
        cwd: this.folder,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#processes.set(role, child);
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = `${stderr}${chunk.toString()}`.slice(-20_000);
    });
    await new Promise<void>((resolve, reject) => {
      if (child.stdout) createInterface({ input: child.stdout }).once('line', () => resolve());
      child.once('exit', (code) => reject(new Error(`the ${role} ended with ${code}: ${stderr}`)));
    });
  }

  pid(role: Role): number {
    return this.#processes.get(role)?.pid ?? 0;
  }

  async stop(role: Role, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#processes.get(role);
    this.#processes.delete(role);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    child.kill(signal);
    await ended;
  }

  run(role: Role, ...parameters: string[]): Promise<Ran> {
    return relaypair([role, ...parameters, '--config', join(this.folder, `${role}.yaml`)], { cwd: this.folder });
  }

  /** A cmdlet's records; fails when it is refused. */
  async cmdlet(role: Role, ...parameters: string[]): Promise<Record<string, unknown>[]> {
    const ran = await this.run(role, ...parameters, '--json');
    if (ran.code !== 0) throw new Error(`${role} ${parameters.join(' ')}: ${ran.stderr}`);
    return ran.stdout.trim() === '' ? [] : (JSON.parse(ran.stdout) as Record<string, unknown>[]);
  }

  /** The same straight over the control socket: many times faster than a command, for tests that ask often. */
  async ask(role: Role, cmdlet: string, parameters: Record<string, string> = {}): Promise<readonly OutputRecord[]> {
    const texts = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, [value]]));
    const socket = controlSocketPath(join(this.folder, role));
    const output = await callCmdlet(socket, { cmdlet, parameters: texts }, { startCommand: `relaypair ${role}` });
    return output.records;
  }

  async subscribe(): Promise<void> {
    await this.cmdlet('edge', 'New-EdgeSubscription', '-FileName', 'edge.xml', '-Force');
    await this.cmdlet('hub', 'New-EdgeSubscription', '-FileName', 'edge.xml', '-Site', 'Default-First-Site-Name');
  }

  /** The decision cards that a server has written so far, oldest first. */
  cards(role: Role): Record<string, unknown>[] {
    return readLogs(join(this.folder, role, 'logs'), 'CARD').map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.stop('hub'), this.stop('edge')]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function readLogs(folder: string, prefix: string): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder)
      .filter((name) => name.startsWith(prefix))
      .toSorted();
  } catch {
    return [];
  }
  return names.flatMap((name) =>
    readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}')),
  );
}

/** Waits until `look` gives something, asking again and again; a condition, not a time, ends it. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  timeoutMs = 20_000,
): Promise<T> {
  const limit = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > limit) throw new Error(`${what} did not come about`);
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}
