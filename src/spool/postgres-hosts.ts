// Which of the configured servers is the primary: libpq's target_session_attrs=read-write, which the driver has not. All are
// asked at once. Where two take writing, one of them was replaced by the other and does not know it: the later timeline counts,
// and a server on an earlier timeline than was seen before is never used again.

import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Client, type ClientConfig, type PoolClient } from 'pg';
import { formatEndpoint, type Endpoint } from '../config-values.ts';
import type { PostgresSpoolConfig } from '../config-spool.ts';
import { messageOf, Problem } from '../problem.ts';
import { unavailableProblem } from './postgres-fault.ts';
import { openSocket } from './postgres-names.ts';
import { findWeakSettings, SAFETY_COLUMNS, type ServerSettings } from './postgres-safety.ts';

/** After the first primary has answered, so long is waited for another on a later timeline. */
const OTHERS_MS = 250;

/** A database that is told goodbye may be out of reach: so long is waited for its answer. In milliseconds. */
const GOODBYE_MS = 1000;

/**
 * Columns that bound what a session may keep the database waiting for. A server of ours that lost its network says no farewell: the
 * database would keep its sessions for hours, and have none left in the end. Nor does a session notice its client's end while it
 * waits for a lock, which one whose COMMIT hangs at a former primary never gives back.
 */
export function patienceColumns(timeoutMs: number): string {
  const seconds = (part: number): number => Math.max(1, Math.round((timeoutMs * part) / 1000));
  const settings = {
    tcp_keepalives_idle: seconds(1),
    tcp_keepalives_interval: seconds(1 / 3),
    tcp_keepalives_count: 3,
    tcp_user_timeout: 2 * timeoutMs,
    lock_timeout: timeoutMs,
  };
  return Object.entries(settings)
    .map(([name, value]) => `set_config('${name}', '${value}', false)`)
    .join(', ');
}

/** Asks what the server is. */
function probeStatement(timeoutMs: number): string {
  return `SELECT pg_is_in_recovery() AS "isStandby", current_setting('transaction_read_only') AS "readOnly",
    ${SAFETY_COLUMNS}, pg_backend_pid() AS "pid", ${patienceColumns(timeoutMs)},
    CASE WHEN pg_is_in_recovery() THEN 0 ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END
      AS "timeline"`;
}

interface Probe extends ServerSettings {
  readonly isStandby: boolean;
  readonly readOnly: string;
  readonly timeline: number;
  readonly pid: number;
}

export interface Primary {
  readonly host: Endpoint;
  readonly timeline: number;
  /** The process that answered is not the one that it was said to be: a pooler stands between. */
  readonly isPooled: boolean;
}

/** Connection settings for one host. The password is read anew at each connection: it may have been changed. */
export function clientConfig(config: PostgresSpoolConfig, { host, port }: Endpoint): ClientConfig {
  const { user, database, certificate, passwordFile, timeout } = config;
  return {
    host,
    port,
    stream: () => openSocket(host),
    user,
    database,
    password: () => (passwordFile === undefined ? (process.env['PGPASSWORD'] ?? '') : readFile(passwordFile).trimEnd()),
    ...(certificate !== undefined && { ssl: { ca: readFile(certificate), rejectUnauthorized: true } }),
    application_name: 'relaypair',
    connectionTimeoutMillis: timeout,
    query_timeout: timeout,
    keepAlive: true,
  };
}

/** Waits for the end of connections, but not for that of one whose other side is out of reach. */
export async function sayGoodbye(end: Promise<unknown>): Promise<void> {
  const waiting = new AbortController();
  const answered = end.catch(() => undefined).finally(() => waiting.abort());
  await Promise.race([answered, wait(GOODBYE_MS, undefined, { signal: waiting.signal }).catch(() => undefined)]);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Problem(
      'spool-unavailable',
      `${path}, which the spool's database is reached with, cannot be read (${code})`,
    );
  }
}

/** What is asked of every connection before it is used. */
export class PrimaryCheck {
  readonly #config: PostgresSpoolConfig;
  readonly #onWeak: (weak: readonly string[]) => void;
  readonly #probe: string;
  #timeline = 0;

  /** `onWeak` hears what was found weak and is allowed. */
  constructor(config: PostgresSpoolConfig, onWeak: (weak: readonly string[]) => void) {
    this.#config = config;
    this.#probe = probeStatement(config.timeout);
    this.#onWeak = onWeak;
  }

  /**
   * The primary that this connection leads to; undefined when it takes no writing, or was replaced. Problem `spool-unsafe` when it
   * may lose what it acknowledges.
   */
  async check(client: Pick<PoolClient, 'query'>, host: Endpoint): Promise<Primary | undefined> {
    const { rows } = await client.query<Probe>(this.#probe);
    const [probe] = rows;
    if (!probe || probe.isStandby || probe.readOnly !== 'off' || probe.timeline < this.#timeline) return undefined;
    const weak = findWeakSettings(probe);
    if (weak.length > 0 && !this.#config.allowUnsafe) throw unsafeProblem(host, weak);
    if (weak.length > 0) this.#onWeak(weak);
    const { processID: saidPid } = client as { readonly processID?: number | null };
    return { host, timeline: probe.timeline, isPooled: saidPid !== probe.pid };
  }

  /** From now on no server on an earlier timeline passes. */
  settleOn({ timeline }: Primary): void {
    this.#timeline = Math.max(this.#timeline, timeline);
  }
}

function unsafeProblem(host: Endpoint, weak: readonly string[]): Problem {
  const text = `the database at ${formatEndpoint(host)} may lose mail that was acknowledged (${weak.join('; ')})`;
  return new Problem('spool-unsafe', `${text}: change that there, or set spool.allowUnsafe`);
}

/** Asks all hosts; Problem `spool-unavailable`, `spool-unsafe` or `spool-refused` when none of them is the primary. */
export async function findPrimary(config: PostgresSpoolConfig, check: PrimaryCheck): Promise<Primary> {
  const found: Primary[] = [];
  const reasons: unknown[] = [];
  const { promise: isEnough, resolve: stopWaiting } = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  const all = config.hosts.map(async (host) => {
    try {
      const primary = await probe(config, check, host);
      if (primary) {
        found.push(primary);
        timer ??= setTimeout(stopWaiting, OTHERS_MS);
      } else reasons.push(new Error(`${formatEndpoint(host)} is a standby, or was replaced as the primary`));
    } catch (error) {
      reasons.push(error);
    }
  });
  await Promise.race([Promise.all(all), isEnough]);
  clearTimeout(timer);
  const [best] = found.toSorted((a, b) => b.timeline - a.timeline);
  if (!best) throw explainAbsence(reasons);
  check.settleOn(best);
  return best;
}

async function probe(config: PostgresSpoolConfig, check: PrimaryCheck, host: Endpoint): Promise<Primary | undefined> {
  const client = new Client(clientConfig(config, host));
  client.on('error', () => {});
  try {
    await client.connect();
    return await check.check(client, host);
  } finally {
    // Nobody waits: a host that has gone silent would not say goodbye either.
    client.end().catch(() => {});
  }
}

function explainAbsence(reasons: readonly unknown[]): Problem {
  const problem = reasons.find((reason) => reason instanceof Problem);
  if (problem) return problem;
  const refusal = reasons.find((reason) => /^(?:28|3D|42)/.test(String((reason as { code?: unknown }).code)));
  const text = reasons.map(messageOf).join('; ');
  if (refusal !== undefined) {
    return new Problem(
      'spool-refused',
      `the spool's database refuses this server (${text}): correct the spool section`,
    );
  }
  return unavailableProblem(new Error(text));
}
