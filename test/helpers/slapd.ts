// OpenLDAP's slapd as a real peer: own folder, own certificate, a free port on loopback, a directory with one suffix and an
// administrator who knows a password, and one who is known by a client certificate.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect } from 'node:tls';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { freePort } from './free-port.ts';
import { requirePeer } from './peers.ts';

const SLAPD = '/usr/sbin/slapd';
const START_TIMEOUT_MS = 10_000;
/** An UnbindRequest (RFC 4511 §4.3), message 1. */
const UNBIND = Buffer.from('30050201014200', 'hex');

export const SLAPD_SUFFIX = 'dc=adam,dc=test';
export const SLAPD_ADMIN = `cn=admin,${SLAPD_SUFFIX}`;
export const SLAPD_PASSWORD = 'secret';
/** The schema that the project ships. */
export const SLAPD_SCHEMA = new URL('../../docker/slapd/relaypair.schema', import.meta.url).pathname;

/** True where slapd and its modules are installed. Throws where they have to be. */
export function hasSlapd(): boolean {
  return requirePeer('slapd') && findModules() !== undefined;
}

export interface RunningSlapd {
  readonly port: number;
  /** Kills it; its data stay, and `resume` starts it again at the same port. */
  kill(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export interface SlapdOptions {
  server: KeyPair;
  /** Its certificate is known, and its subject is the administrator. */
  client: KeyPair;
  /** Of its one database; SLAPD_SUFFIX when absent. Its administrator is `cn=admin` under it. */
  suffix?: string;
  /** A schema file that it includes besides Debian's. */
  schemaFile?: string;
  /** Lines of the configuration before the database, and in it: access rules, overlays. @FOLDER@ is its own folder. */
  global?: readonly string[];
  database?: readonly string[];
  /** A port that was chosen before. */
  port?: number;
  /** Certificates of other slapds that it believes besides the client's. */
  peers?: readonly KeyPair[];
}

/** Starts slapd and waits until it takes connections. */
export async function startSlapd(options: SlapdOptions): Promise<RunningSlapd> {
  const folder = mkdtempSync(join(tmpdir(), 'relaypair-slapd-'));
  const port = options.port ?? (await freePort());
  writeConfiguration(folder, options);
  let end: (signal: NodeJS.Signals) => Promise<void>;
  const launch = async (): Promise<void> => {
    end = await launchSlapd(folder, port);
  };
  try {
    await launch();
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    port,
    kill: () => end('SIGKILL'),
    resume: launch,
    async stop() {
      await end('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What it gives ends the process and waits for its end. */
async function launchSlapd(folder: string, port: number): Promise<(signal: NodeJS.Signals) => Promise<void>> {
  const child = spawn(SLAPD, ['-f', join(folder, 'slapd.conf'), '-h', `ldaps://127.0.0.1:${port}/`, '-d', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-2000);
  });
  const exited = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  try {
    await waitForPort(child, port);
    return end;
  } catch (error) {
    await end('SIGKILL');
    throw new Error(`slapd did not start: ${said}`, { cause: error });
  }
}

function writeConfiguration(folder: string, options: SlapdOptions): void {
  const { server, client, suffix = SLAPD_SUFFIX, schemaFile } = options;
  const admin = `cn=admin,${suffix}`;
  mkdirSync(join(folder, 'db'));
  writeFileSync(join(folder, 'slapd.crt'), server.certificate.pem);
  writeFileSync(join(folder, 'slapd.key'), server.privateKeyPem);
  const believed = [client, ...(options.peers ?? [])].map(({ certificate }) => certificate.pem);
  writeFileSync(join(folder, 'servers.crt'), believed.join(''));
  const schemas = ['core', 'cosine', 'inetorgperson'].map((name) => `include /etc/ldap/schema/${name}.schema`);
  const lines = [
    ...schemas,
    ...(schemaFile === undefined ? [] : [`include ${schemaFile}`]),
    `modulepath ${findModules()}`,
    'moduleload back_mdb',
    `pidfile ${folder}/slapd.pid`,
    `TLSCertificateFile ${folder}/slapd.crt`,
    `TLSCertificateKeyFile ${folder}/slapd.key`,
    `TLSCACertificateFile ${folder}/servers.crt`,
    'TLSVerifyClient allow',
    ...(options.global ?? []),
    `authz-regexp "^${client.certificate.subject.toLowerCase()}$" "${admin}"`,
    'database mdb',
    `suffix "${suffix}"`,
    `rootdn "${admin}"`,
    `rootpw ${SLAPD_PASSWORD}`,
    `directory ${folder}/db`,
    'maxsize 67108864',
    ...(options.database ?? []),
  ];
  writeFileSync(join(folder, 'slapd.conf'), `${lines.join('\n').replaceAll('@FOLDER@', folder)}\n`);
}

function findModules(): string | undefined {
  try {
    const files = execFileSync('dpkg', ['-L', 'slapd'], { encoding: 'utf8' }).split('\n');
    const module = files.find((file) => /back_mdb.*\.so/.test(file));
    return module === undefined ? undefined : dirname(module);
  } catch {
    return undefined;
  }
}

async function waitForPort(child: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await takesConnections(port))) {
    if (child.exitCode !== null) throw new Error(`slapd ended with ${child.exitCode}`);
    if (performance.now() > deadline) throw new Error('slapd does not listen');
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    let isThere = false;
    socket.once('secureConnect', () => {
      isThere = true;
      socket.write(UNBIND);
    });
    // Not before it has closed the connection itself: what is broken off it notices later, when the next one may have its number.
    socket.once('close', () => resolve(isThere));
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
  });
}
