// The pairs that are compared, each in the same place: it takes mail at a port and passes it on, over a second server of its own
// and STARTTLS, to the sink.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { Postfix } from '../../test/helpers/postfix.ts';
import { PROGRAM } from '../published-program.ts';

export interface Contestant {
  /** Where mail is handed in. */
  readonly port: number;
  /** Its processes; their descendants belong to it. */
  readonly pids: readonly number[];
  close(): Promise<void>;
}

export interface Entry {
  readonly name: string;
  open(sinkPort: number): Promise<Contestant>;
}

const RELAYPAIR: Entry = { name: 'relaypair', open: openRelaypair };
const POSTFIX: Entry = { name: 'postfix', open: openPostfix };

/** Ours, and Postfix where it is installed and may be started. */
export function entries(): readonly Entry[] {
  const hasPostfix = existsSync('/usr/sbin/postfix') && process.getuid?.() === 0;
  return hasPostfix ? [POSTFIX, RELAYPAIR] : [RELAYPAIR];
}

interface Ready {
  readonly hub: { readonly pid: number; readonly smtp: string };
  readonly edge: { readonly pid: number };
}

async function openRelaypair(sinkPort: number): Promise<Contestant> {
  const folder = mkdtempSync(join(tmpdir(), 'relaypair-bench-'));
  const words = ['up', '--dir', folder, '--hub', '127.0.0.1:0', '--edge', '127.0.0.1:0'];
  const child = spawn(
    process.execPath,
    [PROGRAM, ...words, '--smart-host', `127.0.0.1:${sinkPort}`, '--accepted-domain', 'bench.test'],
    { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, RELAYPAIR_WATCH_STDIN: '1' } },
  );
  const { hub, edge } = await readReady(child);
  return {
    port: Number(hub.smtp.replace(/^.*:/, '')),
    pids: [hub.pid, edge.pid],
    close: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function readReady(child: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`relaypair up ended with ${code}`)));
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{"event":"ready"')) resolve(JSON.parse(line) as Ready);
    });
  });
}

async function openPostfix(sinkPort: number): Promise<Contestant> {
  const names = { netbiosName: 'RELAY', fqdn: 'relay.bench.test', notBefore: new Date() };
  const second = await Postfix.open({
    name: 'second',
    transports: { '*': sinkPort },
    keyPair: await createSelfSigned(names),
  });
  const first = await Postfix.open({
    name: 'first',
    transports: { '*': second.port },
    keyPair: await createSelfSigned(names),
  });
  return {
    port: first.port,
    pids: [first.masterPid, second.masterPid],
    close: async () => {
      await first.close();
      await second.close();
    },
  };
}
