// Drills in the database of a shared spool: one row in `drill` while one is under way, a row in `drill_mail` for each piece of mail that
// was accepted, one in `drill_delivery` for each delivery. They go with their drill.

import { randomUUID } from 'node:crypto';
import { Problem } from '../problem.ts';
import { WISH } from './postgres-bell.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import {
  DRILL_LIFE_MS,
  type Drill,
  type DrillCount,
  type DrillNodeCount,
  type DrillStage,
  type SpoolDrills,
} from './spool-drills.ts';

export interface DrillsOptions {
  readonly connection: PostgresConnection;
  /** The row of this server. */
  readonly node: { readonly id: number };
  /** Of this server. */
  readonly name: string;
}

interface DrillRow {
  readonly id: string;
  readonly stage: DrillStage;
  readonly kill: number | null;
}

interface CountRow extends Omit<DrillCount, 'nodes'> {
  readonly nodes: readonly DrillNodeCount[] | null;
}

export class PostgresDrills implements SpoolDrills {
  readonly #options: DrillsOptions;
  readonly #schema: string;

  constructor(options: DrillsOptions) {
    this.#options = options;
    this.#schema = options.connection.config.schema;
  }

  async current(): Promise<Drill | undefined> {
    const { connection, node } = this.#options;
    const [row] = await connection.query<DrillRow>(
      `SELECT id, stage, kill FROM ${this.#schema}.drill WHERE shown_at > clock_timestamp() - ${LIFE}`,
    );
    if (!row) return undefined;
    const isToDie = row.kill !== null && row.kill === node.id;
    return { id: row.id, stage: row.stage, isGateOpen: row.stage !== 'hold' && !isToDie, isToDie };
  }

  async begin(by: string): Promise<string> {
    const { connection } = this.#options;
    await connection.query(`DELETE FROM ${this.#schema}.drill WHERE shown_at <= clock_timestamp() - ${LIFE}`);
    const id = randomUUID();
    const begun = await connection.query(
      `INSERT INTO ${this.#schema}.drill (id, asked_by) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id`,
      [id, by],
    );
    if (begun.length > 0) {
      // Who does not hear it sees it with the next beat.
      await connection.query('SELECT pg_notify($1, $2)', [this.#schema, WISH]).catch(() => undefined);
      return id;
    }
    const [other] = await connection.query<{ asked_by: string }>(`SELECT asked_by FROM ${this.#schema}.drill`);
    const place = other ? ` at ${other.asked_by}` : '';
    throw new Problem('drill-under-way', `a failover is being tested${place}: wait until it has ended`);
  }

  async conduct(id: string, { stage, kill }: Parameters<SpoolDrills['conduct']>[1] = {}): Promise<void> {
    await this.#options.connection.query(
      `UPDATE ${this.#schema}.drill SET shown_at = clock_timestamp(), stage = coalesce($2, stage), kill = coalesce($3::bigint, kill)
        WHERE id = $1`,
      [id, stage ?? null, kill ?? null],
    );
  }

  async end(id: string): Promise<void> {
    await this.#options.connection.query(`DELETE FROM ${this.#schema}.drill WHERE id = $1`, [id]);
  }

  async noteAccepted(id: string, mail: string, message: number): Promise<void> {
    const { connection, name } = this.#options;
    await connection.query(
      `INSERT INTO ${this.#schema}.drill_mail (drill, mail, node, message)
        SELECT id, $2, $3, $4 FROM ${this.#schema}.drill WHERE id = $1`,
      [id, mail, name, message],
    );
  }

  async noteDelivered(id: string, mail: string): Promise<boolean> {
    const { connection, name } = this.#options;
    const noted = await connection.query(
      `INSERT INTO ${this.#schema}.drill_delivery (drill, mail, node)
        SELECT id, $2, $3 FROM ${this.#schema}.drill WHERE id = $1 RETURNING drill`,
      [id, mail, name],
    );
    return noted.length > 0;
  }

  /** One statement, and so one moment: what leaves the spool meanwhile is counted as delivered or as waiting, never as neither. */
  async count(id: string): Promise<DrillCount> {
    const schema = this.#schema;
    const [row] = await this.#options.connection.query<CountRow>(
      `WITH
        accepted AS (SELECT mail, node, message FROM ${schema}.drill_mail WHERE drill = $1),
        delivery AS (SELECT mail, node FROM ${schema}.drill_delivery WHERE drill = $1),
        fate AS (
          SELECT arrived.mail IS NOT NULL AS delivered, message.id IS NOT NULL AS there FROM accepted
            LEFT JOIN (SELECT DISTINCT mail FROM delivery) AS arrived ON arrived.mail = accepted.mail
            LEFT JOIN ${schema}.message ON message.id = accepted.message AND damage IS NULL),
        tally AS (
          SELECT node AS name, 1 AS accepted, 0 AS delivered, 0 AS held FROM accepted
          UNION ALL SELECT node, 0, 1, 0 FROM delivery
          UNION ALL SELECT node.name, 0, 0, 1 FROM accepted JOIN ${schema}.message ON message.id = accepted.message
            JOIN ${schema}.node ON node.id = message.owner),
        by_node AS (
          SELECT name, sum(accepted)::int AS accepted, sum(delivered)::int AS delivered, sum(held)::int AS held
            FROM tally GROUP BY name ORDER BY name)
      SELECT (SELECT json_agg(by_node) FROM by_node) AS nodes,
        count(*) AS accepted,
        count(*) FILTER (WHERE delivered) AS delivered,
        count(*) FILTER (WHERE NOT delivered AND there) AS waiting,
        count(*) FILTER (WHERE NOT delivered AND NOT there) AS lost,
        (SELECT count(*) - count(DISTINCT mail) FROM delivery) AS duplicated,
        (SELECT count(DISTINCT delivery.mail) FROM delivery LEFT JOIN accepted ON accepted.mail = delivery.mail
          WHERE accepted.mail IS NULL) AS unacknowledged
        FROM fate`,
      [id],
    );
    if (!row) throw new Problem('spool-unavailable', 'the database did not count');
    return { ...row, nodes: row.nodes ?? [] };
  }
}

const LIFE = `interval '${DRILL_LIFE_MS} milliseconds'`;
