// PgBouncer as a real server in front of a test's PostgreSQL: own folder, a free port on loopback, an ordinary user.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from './free-port.ts';
import { peerPath, requirePeer } from './peers.ts';
import type { RunningPostgres } from './postgres.ts';
import { waitUntil } from './wait.ts';

/** True where Debian's PgBouncer is installed. Throws where it has to be. */
export function hasPgBouncer(): boolean {
  return requirePeer('pgbouncer');
}

export type PgBouncerMode = 'session' | 'transaction' | 'statement';

export class PgBouncer {
  readonly port: number;
  readonly #database: RunningPostgres;
  readonly #folder = mkdtempSync(join(tmpdir(), 'relaypair-pgbouncer-'));
  #child: ChildProcess | undefined;
  #said = '';

  private constructor(database: RunningPostgres, port: number) {
    this.#database = database;
    this.port = port;
  }

  /** Starts one that has up to `poolSize` connections to the database, and waits until it answers. */
  static async start(database: RunningPostgres, mode: PgBouncerMode, poolSize = 40): Promise<PgBouncer> {
    const pooler = new PgBouncer(database, await freePort());
    writeFileSync(join(pooler.#folder, 'users.txt'), `"${database.user}" "${database.password}"\n`);
    const settings: Record<string, string | number> = {
      listen_addr: '127.0.0.1',
      listen_port: pooler.port,
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: join(pooler.#folder, 'users.txt'),
      pool_mode: mode,
      default_pool_size: poolSize,
      max_client_conn: 200,
      // The database may be away for a moment: it is asked again at once.
      server_login_retry: 1,
      ...(process.getuid?.() === 0 && { user: 'nobody' }),
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    const places = `[databases]\n* = host=${database.host} port=${database.port}`;
    writeFileSync(join(pooler.#folder, 'pgbouncer.ini'), `${places}\n[pgbouncer]\n${lines.join('\n')}\n`);
    await pooler.resume();
    return pooler;
  }

  /** How a client reaches the database through it, password included. */
  url(): string {
    return this.#database.url().replace(`:${this.#database.port}/`, `:${this.port}/`);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async resume(): Promise<void> {
    const child = spawn(peerPath('pgbouncer'), [join(this.#folder, 'pgbouncer.ini')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => {
      this.#said = `${this.#said}${chunk.toString()}`.slice(-4000);
    });
    await waitUntil('PgBouncer answers', async () => {
      if (child.exitCode !== null) throw new Error(`PgBouncer did not start: ${this.#said}`);
      return this.#isAnswering();
    });
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #isAnswering(): Promise<boolean> {
    const client = new Client({ connectionString: this.url(), connectionTimeoutMillis: 5000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
