// The lanes that settlements take: what ends a message that is in memory as it came takes the short one, a single statement for a
// whole group; everything else is read under a lock, decided and written (postgres-settle.ts).

import { BatchLane, type Failure } from './batch-lane.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import type { PostgresNode } from './postgres-node.ts';
import { NodeGone, type PostgresSettled, settleGroup, type SettleJob } from './postgres-settle.ts';
import { deleteStatement } from './postgres-store.ts';

export interface SettlingOptions {
  readonly connection: PostgresConnection;
  readonly node: PostgresNode;
}

const LANE = { width: 3, maxJobs: 128 };

export class PostgresSettling {
  readonly #options: SettlingOptions;
  readonly #settling: BatchLane<SettleJob, PostgresSettled>;
  readonly #removing: BatchLane<number, boolean>;

  constructor(options: SettlingOptions) {
    this.#options = options;
    this.#settling = new BatchLane({ ...LANE, run: (jobs) => this.#settleGroup(jobs) });
    this.#removing = new BatchLane({ ...LANE, run: (ids) => this.#removeGroup(ids) });
  }

  /** Problem `spool-unavailable`: do it again; if it was done nevertheless it is not done twice. */
  settle(job: SettleJob): Promise<PostgresSettled> {
    return this.#settling.add(job);
  }

  /** Deletes a message that this server holds as it came; false when it does not, or others have changed it. */
  removeUntouched(id: number): Promise<boolean> {
    return this.#removing.add(id);
  }

  close(): void {
    this.#settling.close();
    this.#removing.close();
  }

  async #settleGroup(jobs: readonly SettleJob[]): Promise<readonly (PostgresSettled | Failure)[]> {
    const { connection, node } = this.#options;
    const nodeId = node.id;
    try {
      return await settleGroup(connection, jobs, nodeId);
    } catch (error) {
      if (!(error instanceof NodeGone)) throw error;
      await node.renewRow(nodeId);
      return await settleGroup(connection, jobs, node.id);
    }
  }

  async #removeGroup(ids: readonly number[]): Promise<readonly boolean[]> {
    const { connection, node } = this.#options;
    const { text, values } = deleteStatement(connection.config.schema, ids, node.id);
    const gone = new Set((await connection.query<{ id: number }>(text, values)).map(({ id }) => id));
    return ids.map((id) => gone.has(id));
  }
}
