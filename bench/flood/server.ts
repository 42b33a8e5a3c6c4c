// The server under the floods: an Edge as it comes, in a folder of its own, that takes mail for bench.test and keeps it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callCmdlet } from '../../src/control/client.ts';
import { controlSocketPath } from '../../src/control/socket-path.ts';
import { PROGRAM } from '../published-program.ts';

const CONNECTOR = 'Default internal receive connector EDGE';

export interface FloodedServer {
  readonly port: number;
  /** MiB resident and open descriptors, now. */
  measure(): { readonly residentMiB: number; readonly descriptors: number };
  close(): Promise<void>;
}

/** `room`: lets so many connections stand, instead of the usual number. */
export async function openServer(room: number | undefined): Promise<FloodedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'relaypair-flood-'));
  const config = {
    role: 'edge',
    fqdn: 'edge.bench.test',
    folder: join(folder, 'edge'),
    workers: 0,
    listen: { smtp: ['127.0.0.1:0'], ldaps: '127.0.0.1:0' },
    ...(room !== undefined && { limits: { maxConnections: room } }),
    log: { level: 'error' },
  };
  writeFileSync(join(folder, 'edge.yaml'), JSON.stringify(config));
  const child = spawn(process.execPath, [PROGRAM, 'edge', '--config', join(folder, 'edge.yaml')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ready = JSON.parse(String((await once(child.stdout, 'data'))[0])) as { smtp: string[]; pid: number };
  const call = (cmdlet: string, parameters: Readonly<Record<string, readonly string[]>>) =>
    callCmdlet(controlSocketPath(config.folder), { cmdlet, parameters, files: {} }, { startCommand: '' });
  await call('New-AcceptedDomain', { Name: ['bench'], DomainName: ['bench.test'] });
  if (room !== undefined) {
    await call('Set-ReceiveConnector', {
      Identity: [CONNECTOR],
      MaxInboundConnection: [String(room)],
      MaxInboundConnectionPercentagePerSource: ['100'],
    });
  }
  return {
    port: Number(ready.smtp[0]?.split(':').at(-1)),
    measure: () => measure(ready.pid),
    close: () => close(child, folder),
  };
}

function measure(pid: number): { residentMiB: number; descriptors: number } {
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return { residentMiB: Number(kib) / 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

async function close(child: ChildProcess, folder: string): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
}
