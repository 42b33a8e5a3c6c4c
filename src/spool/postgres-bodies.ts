// Large bodies in the database: pieces that are written while the message comes in, each a transaction of its own, so that memory
// stays bounded and no transaction lasts as long as a slow sender. A row in `intake` says that the message is not there yet; it
// goes in the transaction that stores the message. What a dead server left is removed by whoever takes over from it.

import type { NewBodyFile } from './body-folder.ts';
import { asBuffer } from './body-reader.ts';
import type { PostgresConnection } from './postgres-connection.ts';

export interface BodyStoreOptions {
  readonly connection: PostgresConnection;
  /** Gives the id that the message will have. */
  readonly nextId: () => Promise<number>;
  /** The row of `node` that this server is. */
  readonly node: () => number;
}

export class PostgresBodies {
  readonly #options: BodyStoreOptions;
  readonly #schema: string;

  constructor(options: BodyStoreOptions) {
    this.#options = options;
    this.#schema = options.connection.config.schema;
  }

  /** Begins a body; its name is the id of its message. Problem `spool-unavailable`, as everything here. */
  async create(): Promise<NewBodyFile> {
    const { connection, nextId, node } = this.#options;
    const id = await nextId();
    const schema = this.#schema;
    await connection.query(`INSERT INTO ${schema}.intake (id, node) VALUES ($1, $2)`, [id, node()]);
    let number = 0;
    return {
      name: String(id),
      write: async (octets) => {
        number += 1;
        const values = [id, number, asBuffer(octets)];
        const isOurs = `SELECT $1::bigint, $2::integer, $3::bytea FROM ${schema}.intake WHERE id = $1 FOR KEY SHARE`;
        await connection.query(`INSERT INTO ${schema}.chunk (message, number, octets) ${isOurs}`, values);
      },
      publish: async () => undefined,
      discard: () => this.#discard(id),
    };
  }

  /** The pieces of the body of message `name`, in their order. */
  async *read(name: string): AsyncGenerator<Buffer> {
    const id = Number(name);
    for (let number = 1; ; number += 1) {
      const [row] = await this.#options.connection.query<{ octets: Buffer }>(
        `SELECT octets FROM ${this.#schema}.chunk WHERE message = $1 AND number = $2`,
        [id, number],
      );
      if (!row) return;
      yield row.octets;
    }
  }

  /** Does nothing to the body of a message that was stored: its row in `intake` went with that. */
  async #discard(id: number): Promise<void> {
    const { connection } = this.#options;
    const text = `WITH gone AS (DELETE FROM ${this.#schema}.intake WHERE id = $1 RETURNING id)
      DELETE FROM ${this.#schema}.chunk USING gone WHERE chunk.message = gone.id`;
    // What cannot be removed now goes with this server's row in `node`.
    await connection.query(text, [id]).catch(() => undefined);
  }
}
