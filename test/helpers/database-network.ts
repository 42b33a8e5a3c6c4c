// Ways of their own to two databases, each of which is in a network namespace: for every client, and between the two, a wire that can
// be cut and mended by itself. A cut is silent: what is sent is lost, and nobody is told, neither by a reset nor by the kernel. Mail
// goes over loopback and is not touched. Only `ip` is needed, and root.

import { execFileSync } from 'node:child_process';
import { demand } from './peers.ts';

/** Places of the databases. */
export type Place = 0 | 1;
const PLACES: readonly Place[] = [0, 1];

/** Nobody has it: who sends to it sends to nobody. */
const NOBODY = '02:00:00:00:00:01';

interface End {
  /** The network namespace, or none for this process's own. */
  readonly namespace: string | undefined;
  readonly device: string;
  readonly address: string;
}

interface Wire {
  readonly client: End;
  readonly database: End;
}

/** What of a wire is cut: what goes both ways, or what the database says. */
export type CutWay = 'both ways' | 'answers';

export function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });
}

/** True when this process may make namespaces: root, and not in a container that forbids it. Throws where it has to be. */
export function canMakeNamespaces(): boolean {
  const name = `relaypair-try-${process.pid}`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'del', name);
    return demand(true, 'network namespaces');
  } catch {
    return demand(false, 'network namespaces');
  }
}

export class DatabaseNetwork {
  readonly #wires = new Map<string, Wire>();
  readonly #namespaces = PLACES.map((place) => `relaypair-${process.pid}-db${place}`);

  /** A wire to each database for each client, and for this process; another one between the two databases. */
  static make(clients: readonly string[]): DatabaseNetwork {
    const network = new DatabaseNetwork();
    try {
      for (const namespace of network.#namespaces) {
        ip('netns', 'add', namespace);
        ip('-n', namespace, 'link', 'set', 'lo', 'up');
      }
      for (const [number, client] of ['', ...clients].entries()) {
        for (const place of PLACES) network.#connect(client, place, number);
      }
      network.#connectDatabases();
      return network;
    } catch (error) {
      network.remove();
      throw error;
    }
  }

  /** What runs a program beside the database. */
  within(place: Place): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace(place)];
  }

  /** Where the client, or this process, finds the database. */
  address(place: Place, client = ''): string {
    return this.#wire(client, place).database.address;
  }

  /** Whom the database sees there. */
  clientAddress(place: Place, client: string): string {
    return this.#wire(client, place).client.address;
  }

  /** Cuts a client off from these databases; default: from both. */
  cut(client: string, way: CutWay = 'both ways', places: readonly Place[] = PLACES): void {
    for (const place of places) cutWire(this.#wire(client, place), way);
  }

  mend(client: string): void {
    for (const place of PLACES) mendWire(this.#wire(client, place));
  }

  /** Cuts the two databases off from each other. */
  cutBetween(): void {
    cutWire(this.#wire('standby', 0), 'both ways');
  }

  mendBetween(): void {
    mendWire(this.#wire('standby', 0));
  }

  /** The wires go with their namespaces. */
  remove(): void {
    for (const namespace of this.#namespaces) {
      try {
        ip('netns', 'del', namespace);
      } catch {
        // It was not made.
      }
    }
    for (const { client } of this.#wires.values()) {
      if (client.namespace !== undefined) continue;
      try {
        ip('link', 'del', client.device);
      } catch {
        // It is gone with its other end.
      }
    }
  }

  #connect(client: string, place: Place, number: number): void {
    const namespace = this.#namespace(place);
    const wire = {
      client: {
        namespace: undefined,
        device: `rp${process.pid % 100_000}-${number}-${place}`,
        address: at(number, 1 + place),
      },
      database: { namespace, device: `client${number}`, address: at(number, 11 + place) },
    };
    this.#wires.set(`${client} ${place}`, wire);
    lay(wire);
  }

  /** Each finds the other at the address that this process uses. */
  #connectDatabases(): void {
    const [first, second] = [this.#namespace(0), this.#namespace(1)];
    const wire = {
      client: { namespace: second, device: 'between', address: at(255, 12) },
      database: { namespace: first, device: 'between', address: at(255, 11) },
    };
    this.#wires.set('standby 0', wire);
    lay(wire);
    ip('-n', second, 'route', 'add', this.address(0), 'via', wire.database.address);
    ip('-n', first, 'route', 'add', this.address(1), 'via', wire.client.address);
  }

  #namespace(place: Place): string {
    return this.#namespaces[place] ?? '';
  }

  #wire(client: string, place: Place): Wire {
    const wire = this.#wires.get(`${client} ${place}`);
    if (!wire) throw new Error(`no wire leads from "${client}" to database ${place}`);
    return wire;
  }
}

function at(network: number, host: number): string {
  return `10.79.${network}.${host}`;
}

function lay({ client, database }: Wire): void {
  ip(
    'link',
    'add',
    client.device,
    ...inside(client),
    'type',
    'veth',
    'peer',
    'name',
    database.device,
    ...inside(database),
  );
  for (const [end, other] of [
    [client, database],
    [database, client],
  ] as const) {
    ipAt(end, 'addr', 'add', end.address, 'peer', other.address, 'dev', end.device);
    ipAt(end, 'link', 'set', end.device, 'up');
  }
}

function cutWire({ client, database }: Wire, way: CutWay): void {
  misdirect(database, client);
  if (way === 'both ways') misdirect(client, database);
}

/** From now on whatever `end` sends to the other goes nowhere. */
function misdirect(end: End, other: End): void {
  ipAt(end, 'neigh', 'replace', other.address, 'lladdr', NOBODY, 'dev', end.device, 'nud', 'permanent');
}

function mendWire({ client, database }: Wire): void {
  for (const [end, other] of [
    [client, database],
    [database, client],
  ] as const) {
    if (!ipAt(end, 'neigh', 'show', other.address, 'dev', end.device).includes(NOBODY)) continue;
    ipAt(end, 'neigh', 'del', other.address, 'dev', end.device);
  }
}

function ipAt({ namespace }: End, ...args: string[]): string {
  return ip(...(namespace === undefined ? [] : ['-n', namespace]), ...args);
}

function inside({ namespace }: End): string[] {
  return namespace === undefined ? [] : ['netns', namespace];
}
