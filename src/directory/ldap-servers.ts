// The LDAP servers that hold copies of one directory, in the order in which they are preferred. Which one is used next is
// decided here: the first that can be reached and has come as far as what was read before, so that what a server knows of its
// organization never goes back because another copy is slower. For a directory on one server there is nothing to decide.

import type { Clock } from '../clock.ts';
import type { LdapClient } from '../ldap/client.ts';
import { isWithinDn } from '../ldap/dn.ts';
import { getValues, type LdapEntry } from '../ldap/entry.ts';
import { LdapFault, ResultCode } from '../ldap/result.ts';
import { isProblem, messageOf, Problem } from '../problem.ts';
import {
  compareToSeen,
  mergePositions,
  positionByCsn,
  positionByUsn,
  type ReplicaPosition,
  ROOT_ATTRIBUTES,
  TOP_ATTRIBUTES,
} from './replica-position.ts';

/** A server of the list. */
export interface LdapServer {
  /** Its address, host and port, for sentences and to find what a referral names. */
  readonly name: string;
  /** Gives a connection that is approved and bound; rejects with a Problem. */
  connect(): Promise<LdapClient>;
}

/** A server that is connected, with what it says of itself. */
export interface ReachedServer {
  readonly server: LdapServer;
  readonly client: LdapClient;
  readonly namingContext: string;
  readonly position: ReplicaPosition;
  /** True when it lacks what was read before, and none that has it could be reached in time. */
  readonly isBehind: boolean;
}

/** That another server of the list is in use now. */
export interface ServerChange {
  readonly server: string;
  readonly previous: string;
  /** True when it lacks changes that were read from `previous`. */
  readonly isBehind: boolean;
}

export interface LdapServersOptions {
  readonly servers: readonly LdapServer[];
  readonly clock: Clock;
  /** The one that the config asks for; '' for the first that the server names. */
  readonly namingContext: string;
}

/** One that did not answer is asked after the others for so long. */
const REST_MS = 30_000;
/** So long a copy that lacks what was read before is given to get it; then the older state counts. */
const CATCH_UP_MS = 10_000;

/** Owns no connection: what it gives is the caller's to close. */
export class LdapServers {
  readonly #options: LdapServersOptions;
  readonly #failedAtMs = new Map<LdapServer, number>();
  #seen: ReplicaPosition = new Map();
  #behindSinceMs: number | undefined;

  constructor(options: LdapServersOptions) {
    this.#options = options;
  }

  get areSeveral(): boolean {
    return this.#options.servers.length > 1;
  }

  /** Notes what was read or written, which another server must have before it is used. */
  note(position: ReplicaPosition): void {
    this.#seen = mergePositions(this.#seen, position);
  }

  /** Whether a server that is in use has all that was seen. */
  isCurrent(position: ReplicaPosition): boolean {
    return compareToSeen(position, this.#seen) === 'current';
  }

  /**
   * The first of the list that has come as far as what was seen. Rejects with Problem `ldap-unreachable` when none has, with
   * `ldap-no-context` or what `connect` throws when a server has another reason.
   */
  async reach(): Promise<ReachedServer> {
    const faults: unknown[] = [];
    const older: ReachedServer[] = [];
    for (const server of this.#inOrder()) {
      try {
        const reached = await this.#connect(server);
        if (!this.areSeveral || this.#isBest(reached)) {
          await closeAll(older);
          this.#behindSinceMs = undefined;
          this.note(reached.position);
          return reached;
        }
        older.push(reached);
      } catch (error) {
        faults.push(error);
      }
    }
    return this.#takeOlder(older, faults);
  }

  /** One that is preferred to `current` and as new; undefined when there is none. */
  async reachBetter(current: LdapServer): Promise<ReachedServer | undefined> {
    const { servers } = this.#options;
    for (const server of servers.slice(0, servers.indexOf(current))) {
      const reached = await this.#connect(server).catch(() => undefined);
      if (reached && this.isCurrent(reached.position)) return reached;
      await reached?.client.close();
    }
    return undefined;
  }

  /** Those that may take the change that `refusing` did not take: what its referral names goes first, and nothing outside the list. */
  writersBeside(refusing: LdapServer, refusal: LdapFault): LdapServer[] {
    const named = new Set(refusal.referrals.map(addressOf));
    const others = this.#inOrder().filter((server) => server !== refusing);
    return others.toSorted((a, b) => Number(named.has(b.name.toLowerCase())) - Number(named.has(a.name.toLowerCase())));
  }

  /**
   * Connects to one of the list for a change. It may be behind: where changes are made is what counts, and a change says what
   * it was planned upon (slapd killed after a transaction comes back with an earlier mark, and all entries). Rejects with
   * Problem when it cannot be reached or has no copy.
   */
  async reachForChange(server: LdapServer): Promise<ReachedServer> {
    const reached = await this.#connect(server);
    if (compareToSeen(reached.position, this.#seen) !== 'apart') return reached;
    await reached.client.close();
    throw apart(server);
  }

  /** A copy without a position may be an empty one: while nothing is known, one that has a position is better. */
  #isBest({ position }: ReachedServer): boolean {
    return this.isCurrent(position) && (this.#seen.size > 0 || position.size > 0);
  }

  /** None was current: the first that has a copy, when its time to catch up is over or nothing was known before. */
  async #takeOlder(older: readonly ReachedServer[], faults: readonly unknown[]): Promise<ReachedServer> {
    const usable = older.find(({ position }) => compareToSeen(position, this.#seen) !== 'apart');
    await closeAll(older.filter((each) => each !== usable));
    if (!usable) throw explain([...faults, ...older.map(({ server }) => apart(server))], this.areSeveral);
    if (this.#seen.size === 0) return usable;
    this.#behindSinceMs ??= this.#options.clock.elapsedMs();
    if (this.#options.clock.elapsedMs() - this.#behindSinceMs < CATCH_UP_MS) {
      await usable.client.close();
      throw explain([...faults, ...older.map(({ server }) => behind(server))], this.areSeveral);
    }
    this.#behindSinceMs = undefined;
    this.#seen = usable.position;
    return { ...usable, isBehind: true };
  }

  async #connect(server: LdapServer): Promise<ReachedServer> {
    try {
      const client = await server.connect();
      try {
        const root = await readRoot(client);
        const namingContext = findNamingContext(root, this.#options.namingContext);
        const position = positionByUsn(root) ?? (await readCsn(client, namingContext));
        this.#failedAtMs.delete(server);
        return { server, client, namingContext, position, isBehind: false };
      } catch (error) {
        await client.close();
        throw error;
      }
    } catch (error) {
      this.#failedAtMs.set(server, this.#options.clock.elapsedMs());
      throw error;
    }
  }

  #inOrder(): readonly LdapServer[] {
    const now = this.#options.clock.elapsedMs();
    const rests = (server: LdapServer): boolean => now - (this.#failedAtMs.get(server) ?? -Infinity) < REST_MS;
    return this.#options.servers.toSorted((a, b) => Number(rests(a)) - Number(rests(b)));
  }
}

/** True when a server says that changes are made elsewhere (RFC 4511 §4.1.10). */
export function isReferral(error: unknown): error is LdapFault {
  return error instanceof LdapFault && error.resultCode === ResultCode.referral;
}

/** Host and port of an LDAPS URL (RFC 4516); '' for what is none. */
function addressOf(url: string): string {
  const [, host = '', port = '636'] = /^ldaps:\/\/(\[[0-9a-f:.]+\]|[^/:?]+)(?::(\d+))?(?:[/?]|$)/i.exec(url) ?? [];
  return host === '' ? '' : `${host}:${port}`.toLowerCase();
}

function behind({ name }: LdapServer): Problem {
  return new Problem('ldap-unreachable', `${name} has not come as far as what was read before`);
}

function apart({ name }: LdapServer): Problem {
  return new Problem('ldap-unreachable', `${name} has no copy of the directory that was read before`);
}

/** One fault for those of all servers; its code is the first that is not about the network. */
function explain(faults: readonly unknown[], areSeveral: boolean): unknown {
  const worst = faults.find((each) => isProblem(each) && each.code !== 'ldap-unreachable') ?? faults[0];
  if (!areSeveral || !isProblem(worst)) return worst;
  const sentence = `no LDAP server of directory.urls can be used: ${faults.map(messageOf).join('; ')}`;
  return new Problem(worst.code, sentence, { cause: worst });
}

async function closeAll(reached: readonly ReachedServer[]): Promise<void> {
  await Promise.all(reached.map(({ client }) => client.close()));
}

async function readRoot(client: LdapClient): Promise<LdapEntry> {
  const [root] = await client.search({ base: '', scope: 'base', attributes: ROOT_ATTRIBUTES });
  return root ?? { dn: '', attributes: new Map() };
}

async function readCsn(client: LdapClient, base: string): Promise<ReplicaPosition> {
  try {
    const [top] = await client.search({ base, scope: 'base', attributes: TOP_ATTRIBUTES });
    return positionByCsn(top);
  } catch (error) {
    // An empty copy, or a directory that is to be made.
    if (error instanceof LdapFault && error.resultCode === ResultCode.noSuchObject) return new Map();
    throw error;
  }
}

/** The context asked for, which may lie below one of the server's; the first of the server's when none is asked for. */
function findNamingContext(root: LdapEntry, wanted: string): string {
  const contexts = getValues(root, 'namingContexts').map((value) => value.toString('utf8'));
  const [first] = contexts;
  if (first === undefined)
    throw new Problem('ldap-no-context', 'the LDAP server names no naming context in its root DSE');
  if (wanted === '') return first;
  if (contexts.some((context) => isWithinDn(wanted, context))) return wanted;
  throw new Problem(
    'ldap-no-context',
    `the LDAP server has no naming context ${wanted}, only ${contexts.join(' and ')}: name one of them or what is below it`,
  );
}
