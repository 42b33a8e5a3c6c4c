// PostgreSQL as a real server: own folder, own password, a free port on loopback, run as an ordinary user since it refuses root.
// It can be killed with everything that belongs to it, started again, copied into a standby and promoted.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type QueryResult } from 'pg';
import { freePort } from './free-port.ts';
import { peerPath, requirePeer } from './peers.ts';
import { runToSuccess } from './program.ts';
import { waitUntil } from './wait.ts';

/** `nobody`, whom every Debian has; root may not run PostgreSQL. */
const ORDINARY_USER = 65_534;
const USER = 'relaypair';

/** True where Debian's PostgreSQL is installed. Throws where it has to be. */
export function hasPostgres(): boolean {
  return requirePeer('postgres');
}

export interface PostgresOptions {
  /** Lines of postgresql.conf, the last word: `{ synchronous_commit: 'off' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** False: nothing reaches the disk before the kernel likes, for tests that never cut the power. Default true. */
  readonly fsync?: boolean;
  /** Where it listens and is reached. Default 127.0.0.1. */
  readonly host?: string;
  /** A port that was chosen before. */
  readonly port?: number;
  /** What runs it: `['ip', 'netns', 'exec', 'NAME']`. */
  readonly within?: readonly string[];
}

export interface StandbyOptions extends PostgresOptions {
  /** Its `application_name`. Default `standby`. */
  readonly name?: string;
  /** The primary acknowledges no commit before this one has it. Default true. */
  readonly synchronous?: boolean;
}

/** Starts a server with an empty database `postgres` and waits until it answers. */
export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  const server = await RunningPostgres.prepare(options, randomBytes(12).toString('hex'));
  return server.begin(async () => {
    const passwordFile = join(server.folder, 'password');
    writeFileSync(passwordFile, server.password, { mode: 0o644 });
    const flags = [
      '-D',
      server.data,
      '-U',
      USER,
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
      '--auth=scram-sha-256',
      '--no-sync',
    ];
    await runAsOrdinaryUser('initdb', [...flags, `--pwfile=${passwordFile}`], server.folder);
    const everybody = ['host all all all scram-sha-256', 'host replication all all scram-sha-256'];
    writeFileSync(join(server.data, 'pg_hba.conf'), `${everybody.join('\n')}\n`);
  });
}

/** A copy of `primary` that follows it; with `synchronous` the primary then waits for it at every commit. */
export async function startStandby(primary: RunningPostgres, options: StandbyOptions = {}): Promise<RunningPostgres> {
  const { name = 'standby', synchronous = true } = options;
  const port = options.port ?? (await freePort());
  const server = await RunningPostgres.prepare({ ...primary.options, ...options, port }, primary.password);
  await server.begin(async () => {
    // A primary that is out of reach is given up and looked for again.
    const source = `${primary.url()}?application_name=${name}&connect_timeout=2`;
    const flags = ['-D', server.data, '-d', source, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'];
    await runAsOrdinaryUser('pg_basebackup', flags, server.folder, options.within);
  });
  if (synchronous) {
    await primary.query(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`);
    await primary.query('SELECT pg_reload_conf()');
    await waitUntil('a synchronous standby', async () => {
      const { rows } = await primary.query('SELECT sync_state FROM pg_stat_replication WHERE application_name = $1', [
        name,
      ]);
      return rows.some((row) => row.sync_state === 'sync');
    });
  }
  return server;
}

/** A server of a test's own; every way of ending it waits until nothing of it is left. */
export class RunningPostgres {
  readonly options: PostgresOptions;
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  readonly user = USER;
  readonly password: string;
  #child: ChildProcess | undefined;
  #said = '';

  private constructor(options: PostgresOptions, folder: string, port: number, password: string) {
    this.options = options;
    this.folder = folder;
    this.host = options.host ?? '127.0.0.1';
    this.port = port;
    this.password = password;
  }

  /** One that has a folder and a port and no data yet; `begin` it. */
  static async prepare(options: PostgresOptions, password: string): Promise<RunningPostgres> {
    const folder = mkdtempSync(join(tmpdir(), 'relaypair-postgres-'));
    if (process.getuid?.() === 0) chownSync(folder, ORDINARY_USER, ORDINARY_USER);
    return new RunningPostgres(options, folder, options.port ?? (await freePort()), password);
  }

  get data(): string {
    return join(this.folder, 'data');
  }

  /** Of the process that all others of it descend from. */
  get pid(): number {
    return this.#running().pid;
  }

  /** How a client reaches the database, password included. */
  url(database = 'postgres'): string {
    return `postgres://${USER}:${this.password}@${this.host}:${this.port}/${database}`;
  }

  /** Runs one statement over a connection of its own. */
  async query(sql: string, values: readonly unknown[] = [], database = 'postgres'): Promise<QueryResult> {
    const client = new Client({ connectionString: this.url(database), connectionTimeoutMillis: 10_000 });
    // What happens to it after its statement is nobody's concern.
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.query(sql, [...values]);
    } finally {
      await client.end();
    }
  }

  /** Makes an empty database and gives its URL. */
  async createDatabase(name: string): Promise<string> {
    await this.query(`CREATE DATABASE ${name}`);
    return this.url(name);
  }

  /** Kills every one of its processes at once, as a crash of the machine would; its data stay for `resume`. */
  async kill(): Promise<void> {
    const { pid } = this.#running();
    const exited = this.#exited();
    // The children first: they would serve their last query without it. None is begun while it is stopped.
    process.kill(pid, 'SIGSTOP');
    const children = childrenOf(pid);
    for (const id of [...children, pid]) end(id, 'SIGKILL');
    await exited;
    await waitUntil('the end of PostgreSQL', () => children.every(isGone));
  }

  /** Ends it, cutting off whoever is connected, and keeps its data for `resume`. */
  async shutDown(): Promise<void> {
    if (!this.#child) return;
    const exited = this.#exited();
    end(this.#running().pid, 'SIGINT');
    await exited;
  }

  /** Stops its processes where they are, as a machine that hangs, until `thaw`. */
  freeze(): void {
    const { pid } = this.#running();
    for (const id of [pid, ...childrenOf(pid)]) end(id, 'SIGSTOP');
  }

  thaw(): void {
    const { pid } = this.#running();
    for (const id of [...childrenOf(pid), pid]) end(id, 'SIGCONT');
  }

  /** Starts it again at the same port with the data it had. */
  async resume(): Promise<void> {
    await this.#launch();
  }

  async restart(): Promise<void> {
    await this.shutDown();
    await this.resume();
  }

  /** Makes a standby the primary. It waits for no standby of its own until it is told to. */
  async promote(): Promise<void> {
    await this.query("ALTER SYSTEM SET synchronous_standby_names = ''");
    await this.query('SELECT pg_reload_conf()');
    await this.query('SELECT pg_promote(true, 60)');
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.shutDown();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Makes the data, writes the settings and starts it; what fails leaves nothing. */
  async begin(makeData: () => Promise<void>): Promise<this> {
    try {
      await makeData();
      this.#writeSettings();
      await this.#launch();
      return this;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  #writeSettings(): void {
    const { fsync = true, settings } = this.options;
    const all: Record<string, string> = {
      listen_addresses: this.host,
      port: String(this.port),
      unix_socket_directories: '',
      max_connections: '200',
      shared_buffers: '32MB',
      fsync: fsync ? 'on' : 'off',
      logging_collector: 'off',
      ...settings,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
    const file = join(this.data, 'postgresql.conf');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\n${lines.join('\n')}\n`);
  }

  async #launch(): Promise<void> {
    const parameters = ['-D', this.data];
    const [program = '', ...rest] = asOrdinaryUser('postgres', parameters, this.options.within);
    const child = spawn(program, rest, { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => {
      this.#said = `${this.#said}${chunk.toString()}`.slice(-4000);
    });
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
    });
    try {
      await waitUntil('PostgreSQL answers', async () => {
        if (this.#child !== child) throw new Error('it ended');
        return this.query('SELECT 1').then(
          () => true,
          () => false,
        );
      });
    } catch (error) {
      throw new Error(`PostgreSQL did not start: ${this.#said}`, { cause: error });
    }
  }

  #running(): { pid: number } {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('PostgreSQL is not running');
    return { pid };
  }

  #exited(): Promise<void> {
    return new Promise((resolve) => void this.#child?.once('exit', () => resolve()));
  }
}

async function runAsOrdinaryUser(
  name: string,
  parameters: readonly string[],
  cwd: string,
  within?: readonly string[],
): Promise<void> {
  const [program = '', ...rest] = asOrdinaryUser(name, parameters, within);
  await runToSuccess(program, rest, { cwd });
}

function asOrdinaryUser(name: string, parameters: readonly string[], within: readonly string[] = []): string[] {
  const id = ORDINARY_USER;
  const drop = process.getuid?.() === 0 ? ['setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups', '--'] : [];
  return [...within, ...drop, peerPath(name), ...parameters];
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

/** True once no process has this id, or only its parent's memory of it. */
function isGone(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It was faster.
  }
}
