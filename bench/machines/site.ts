// Hubs as they are published, each a process, that take mail in and pass it on to one sink. They keep it in a spool of their own, or
// share one in a PostgreSQL of the bench's own.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { callCmdlet } from '../../src/control/client.ts';
import { controlSocketPath } from '../../src/control/socket-path.ts';
import type { RunningPostgres } from '../../test/helpers/postgres.ts';
import type { Layout } from './layouts.ts';
import { PROGRAM } from '../published-program.ts';

/** What the database has done so far; zeros where there is none. */
export interface Counters {
  /** Those that wrote something. */
  readonly transactions: number;
  readonly walBytes: number;
  readonly walSyncs: number;
}

export interface SiteOptions {
  readonly layout: Layout;
  readonly database: RunningPostgres;
  /** Where Hubs deliver to. */
  readonly sinkPort: number;
}

let number = 0;

export class Site {
  readonly ports: number[] = [];
  readonly hubPids: number[] = [];
  readonly #options: SiteOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'relaypair-bench-'));
  readonly #schema = `bench_${number++}`;
  readonly #hubs: ChildProcess[] = [];

  private constructor(options: SiteOptions) {
    this.#options = options;
  }

  static async open(options: SiteOptions): Promise<Site> {
    const site = new Site(options);
    try {
      for (let hub = 0; hub < options.layout.hubs; hub += 1) await site.#start(`hub${hub}`);
      await options.database.query('CHECKPOINT');
      return site;
    } catch (error) {
      await site.close();
      throw error;
    }
  }

  get databasePids(): readonly number[] {
    return this.#isShared ? [this.#options.database.pid] : [];
  }

  async counters(): Promise<Counters> {
    if (!this.#isShared) return { transactions: 0, walBytes: 0, walSyncs: 0 };
    const { rows } = await this.#options.database.query(
      `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 AS wal, wal_sync::float8 AS syncs,
        txid_snapshot_xmax(txid_current_snapshot())::float8 AS transactions FROM pg_stat_wal`,
    );
    const [row] = rows as { wal: number; syncs: number; transactions: number }[];
    if (!row) throw new Error('the database tells nothing of itself');
    return { transactions: row.transactions, walBytes: row.wal, walSyncs: row.syncs };
  }

  /** What the shared spool takes up on the disk, indexes included. */
  async storedBytes(): Promise<number> {
    const { rows } = await this.#options.database.query(
      `SELECT sum(pg_total_relation_size(c.oid))::float8 AS bytes FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'`,
      [this.#schema],
    );
    return Number((rows as { bytes: number }[])[0]?.bytes);
  }

  /** Ends the Hubs in good order: the database then has counted all that they did. */
  async stopHubs(): Promise<void> {
    await Promise.all(this.#hubs.splice(0).map(endProcess));
  }

  async close(): Promise<void> {
    await this.stopHubs();
    if (this.#isShared) await this.#options.database.query(`DROP SCHEMA IF EXISTS ${this.#schema} CASCADE`);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #isShared(): boolean {
    return this.#options.layout.backend === 'postgres';
  }

  async #start(name: string): Promise<void> {
    const { database, sinkPort } = this.#options;
    const env = { ...process.env, PGPASSWORD: database.password };
    const url = database.url().replace(`:${database.password}@`, '@');
    const config = join(this.#folder, `${name}.yaml`);
    const settings = {
      role: 'hub',
      fqdn: `${name}.bench.test`,
      folder: name,
      listen: { smtp: ['127.0.0.1:0'] },
      deliver: `smtp:127.0.0.1:${sinkPort}`,
      log: { level: 'warn' },
      ...(this.#isShared && { spool: { backend: 'postgres', url, schema: this.#schema } }),
    };
    writeFileSync(config, JSON.stringify(settings));
    if (this.#isShared) {
      const migrated = spawnSync(process.execPath, [PROGRAM, 'spool', 'migrate', '--config', config], { env });
      if (migrated.status !== 0) throw new Error(`the tables could not be made: ${String(migrated.stderr)}`);
    }
    const child = spawn(process.execPath, [PROGRAM, 'hub', '--config', config], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env,
    });
    this.#hubs.push(child);
    const ready = await readReady(child);
    this.hubPids.push(ready.pid);
    this.ports.push(Number(ready.smtp[0]?.split(':').at(-1)));
    const domain = { Name: ['bench'], DomainName: ['sink.bench.test'] };
    await callCmdlet(
      controlSocketPath(join(this.#folder, name)),
      { cmdlet: 'New-AcceptedDomain', parameters: domain, files: {} },
      { startCommand: '' },
    );
  }
}

function readReady(child: ChildProcess): Promise<{ pid: number; smtp: string[] }> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`a Hub ended with ${code}`)));
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).once('line', (line) =>
      resolve(JSON.parse(line) as { pid: number; smtp: string[] }),
    );
  });
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}
