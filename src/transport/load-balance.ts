// Several servers for one next hop: in which order to try them. They take turns, so that each gets its share of connections,
// and one that could not be used stands behind the others for a short while, so that a dead server costs one connection its
// wait and not every message. Until that wait is over nobody knows: but those who try it pile up, so of servers that are being tried the one with
// the fewest comes first. Only the order changes: whoever is last is still tried when all others fail.

import { BoundedMap } from '../bounded-map.ts';
import type { Clock } from '../clock.ts';

export interface LoadBalanceOptions {
  readonly clock: Pick<Clock, 'elapsedMs'>;
  /** From 0 up to, and without, 1: where the first turn begins; servers started together must not all begin with the same. */
  readonly random: () => number;
}

/** One minute, as the first retry of a dead hop (exchange: QueueGlitchRetryInterval). */
export const SHUN_MS = 60_000;
/** Connectors and servers that are gone are forgotten at last; the servers may be those of the whole Internet. */
const MAX_KEYS = 10_000;

/** In the order in which they are tried: time to look again, well, somebody is just finding out, could not be used. */
const PLACES = ['due', 'well', 'being tried', 'shunned'] as const;
type Place = (typeof PLACES)[number];

/** Remembers turns by hop and failures by server; both are lost with the process, which is as it should be. */
export class LoadBalance {
  readonly #options: LoadBalanceOptions;
  readonly #turns = new BoundedMap<string, number>(MAX_KEYS);
  readonly #shunnedUntilMs = new BoundedMap<string, number>(MAX_KEYS);
  /** How many are trying a server now. */
  readonly #trying = new Map<string, number>();

  constructor(options: LoadBalanceOptions) {
    this.#options = options;
  }

  /**
   * The servers of the hop `key` in the order in which to try them now. `idOf` names a server and what is known of it: one
   * whose certificate on record is another is judged afresh.
   */
  order<T>(key: string, servers: readonly T[], idOf: (server: T) => string): readonly T[] {
    if (servers.length < 2) return servers;
    const turn = this.#nextTurn(key);
    const triesOf = (server: T): number => this.#trying.get(idOf(server)) ?? 0;
    return this.#byPlace(servers, idOf).flatMap((group) =>
      rotate(group, turn).toSorted((a, b) => triesOf(a) - triesOf(b)),
    );
  }

  /** The same for servers whose order is given, and kept among those that did alike. */
  rank<T>(servers: readonly T[], idOf: (server: T) => string): readonly T[] {
    return this.#byPlace(servers, idOf).flat();
  }

  /** Whether it could not be used a moment ago. */
  isShunned(id: string): boolean {
    return this.#placeOf(id) === 'shunned';
  }

  #byPlace<T>(servers: readonly T[], idOf: (server: T) => string): readonly (readonly T[])[] {
    const placed = servers.map((server) => ({ server, place: this.#placeOf(idOf(server)) }));
    return PLACES.map((wanted) => placed.filter(({ place }) => place === wanted).map(({ server }) => server));
  }

  /** Tries a server by `attempt`, which says whether it could be used. */
  async try<T>(id: string, attempt: () => Promise<T>, isUsable: (result: T) => boolean): Promise<T> {
    this.#trying.set(id, (this.#trying.get(id) ?? 0) + 1);
    try {
      const result = await attempt();
      this.note(id, isUsable(result));
      return result;
    } finally {
      const left = (this.#trying.get(id) ?? 1) - 1;
      if (left === 0) this.#trying.delete(id);
      else this.#trying.set(id, left);
    }
  }

  /** What became of a server that was looked at otherwise. */
  note(id: string, isUsable: boolean): void {
    if (isUsable) this.#shunnedUntilMs.delete(id);
    else this.#shunnedUntilMs.set(id, this.#options.clock.elapsedMs() + SHUN_MS);
  }

  #placeOf(id: string): Place {
    const untilMs = this.#shunnedUntilMs.get(id);
    const isTried = this.#trying.has(id);
    if (untilMs === undefined) return isTried ? 'being tried' : 'well';
    return isTried || this.#options.clock.elapsedMs() < untilMs ? 'shunned' : 'due';
  }

  #nextTurn(key: string): number {
    const turn = this.#turns.get(key) ?? Math.floor(this.#options.random() * MAX_KEYS);
    this.#turns.set(key, turn + 1);
    return turn;
  }
}

function rotate<T>(servers: readonly T[], turn: number): readonly T[] {
  const start = servers.length === 0 ? 0 : turn % servers.length;
  return [...servers.slice(start), ...servers.slice(0, start)];
}
