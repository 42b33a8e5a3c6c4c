// The pairs that are compared, each in the same place: it takes mail at a port and passes it on, over a second server of its own
// and STARTTLS, to the sink.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createEcCertificate, provideEcCertificate } from '../../src/lab/ec-certificate.ts';
import { EDGE_FQDN, HUB_FQDN } from '../../src/shell/pair-config.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned, endOfValidity } from '../../src/tls/self-signed.ts';
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

/** What the servers of both pairs show: RSA 2048, as ours make by themselves, or P-256. */
export type BenchKey = 'rsa' | 'ecdsa';

/** Ours, and Postfix where it is installed and may be started. */
export function entries(key: BenchKey = 'ecdsa'): readonly Entry[] {
  const relaypair: Entry = { name: 'relaypair', open: (sinkPort) => openRelaypair(sinkPort, key) };
  const postfix: Entry = { name: 'postfix', open: (sinkPort) => openPostfix(sinkPort, key) };
  const hasPostfix = existsSync('/usr/sbin/postfix') && process.getuid?.() === 0;
  return hasPostfix ? [postfix, relaypair] : [relaypair];
}

interface Ready {
  readonly hub: { readonly pid: number; readonly smtp: string };
  readonly edge: { readonly pid: number };
}

async function openRelaypair(sinkPort: number, key: BenchKey): Promise<Contestant> {
  const folder = mkdtempSync(join(tmpdir(), 'relaypair-bench-'));
  if (key === 'ecdsa') {
    provideEcCertificate(join(folder, 'hub'), certificateFor(HUB_FQDN));
    provideEcCertificate(join(folder, 'edge'), certificateFor(EDGE_FQDN));
  }
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

function certificateFor(fqdn: string): { domains: readonly string[]; notBefore: Date; notAfter: Date } {
  const notBefore = new Date();
  return { domains: [fqdn], notBefore, notAfter: endOfValidity(notBefore) };
}

async function createPair(key: BenchKey): Promise<KeyPair> {
  const fqdn = 'relay.bench.test';
  if (key === 'ecdsa') return createEcCertificate(certificateFor(fqdn));
  return createSelfSigned({ netbiosName: 'RELAY', fqdn, notBefore: new Date() });
}

async function openPostfix(sinkPort: number, key: BenchKey): Promise<Contestant> {
  const second = await Postfix.open({
    name: 'second',
    transports: { '*': sinkPort },
    keyPair: await createPair(key),
  });
  const first = await Postfix.open({
    name: 'first',
    transports: { '*': second.port },
    keyPair: await createPair(key),
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
