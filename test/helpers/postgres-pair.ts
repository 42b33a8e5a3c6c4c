// A PostgreSQL primary and its synchronous standby, at two addresses that stay the same whatever becomes of either. The primary
// can be killed and started again, or killed and replaced by its standby, which then gets a standby of its own.

import { freePort } from './free-port.ts';
import { type PostgresOptions, type RunningPostgres, startPostgres, startStandby } from './postgres.ts';

export interface PostgresPairOptions {
  /** Options of the server that is at the first address, and of the one at the second. Default: two ports of loopback. */
  readonly places?: readonly [PostgresOptions, PostgresOptions];
}

export class PostgresPair {
  #primary: RunningPostgres;
  /** Absent while it is made. */
  #standby: RunningPostgres | undefined;
  readonly #places: readonly [PostgresOptions, PostgresOptions];
  /** Servers that were replaced and may still run. */
  readonly #former: RunningPostgres[] = [];

  private constructor(places: readonly [PostgresOptions, PostgresOptions], primary: RunningPostgres) {
    this.#places = places;
    this.#primary = primary;
  }

  /** Starts both and waits until the second acknowledges what the first commits. */
  static async start(options: PostgresPairOptions = {}): Promise<PostgresPair> {
    const places = options.places ?? [{ port: await freePort() }, { port: await freePort() }];
    const pair = new PostgresPair(places, await startPostgres(places[0]));
    try {
      pair.#standby = await startStandby(pair.#primary, places[1]);
      return pair;
    } catch (error) {
      await pair.stop();
      throw error;
    }
  }

  get primary(): RunningPostgres {
    return this.#primary;
  }

  get standby(): RunningPostgres {
    if (!this.#standby) throw new Error('the standby is being made');
    return this.#standby;
  }

  /** True once the standby has taken over and nobody stands by for it. */
  get isAlone(): boolean {
    return !this.#standby;
  }

  get password(): string {
    return this.#primary.password;
  }

  /** What a server's config says: both hosts, no password. */
  get url(): string {
    const { user, host, port } = this.#primary;
    const [first, second] = this.#places.map((place) => `${place.host ?? host}:${place.port ?? port}`);
    return `postgres://${user}@${first},${second}/postgres`;
  }

  /** Lets the standby take over from a primary that is dead or cut off, which goes on for as long as it likes. */
  async promote(): Promise<void> {
    const { standby } = this;
    await standby.promote();
    this.#former.push(this.#primary);
    this.#primary = standby;
    this.#standby = undefined;
  }

  /** Removes those that were replaced, and makes a new standby in the place of the last. */
  async replaceStandby(): Promise<void> {
    for (const server of this.#former.splice(0)) await server.stop();
    const place = this.#places.find(({ port }) => port !== this.#primary.port) ?? {};
    this.#standby = await startStandby(this.#primary, place);
  }

  /** The one that was the primary before. */
  get former(): RunningPostgres {
    const last = this.#former.at(-1);
    if (!last) throw new Error('nobody was replaced');
    return last;
  }

  async stop(): Promise<void> {
    for (const server of [...this.#former, this.#standby, this.#primary]) await server?.stop();
  }
}
