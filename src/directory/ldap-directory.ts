// A directory on LDAP servers: OpenLDAP's slapd, or another Hub's AD; one of them, or several with copies of it (a provider and
// its consumers, or several providers). Connects at first use and again after a break, then to the first that is there, and
// back to a better one when it returns; the connection's owner decides whom to trust and who to be. Several operations are one
// RFC 5805 transaction. What others change is found by asking again and again: cheaply where the server says how far it is.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Cancel } from '../clock.ts';
import type { ChangePage } from './change-feed.ts';
import { findOperation, type LdapEntry, type LdapOperations } from '../ldap/entry.ts';
import { fault, LdapFault } from '../ldap/result.ts';
import { isOwnServer, VENDOR_SEARCH } from '../ldap/vendor.ts';
import { isProblem, messageOf, Problem } from '../problem.ts';
import type { Directory, DirectoryOptions, DirectoryQuery } from './directory.ts';
import { readChangesByLdap } from './ldap-changes.ts';
import { isReferral, type LdapServer, LdapServers, type ReachedServer } from './ldap-servers.ts';
import {
  formatPosition,
  positionByCsn,
  positionByUsn,
  type ReplicaPosition,
  ROOT_ATTRIBUTES,
  TOP_ATTRIBUTES,
} from './replica-position.ts';
import { SharedConnection } from './shared-connection.ts';

type LdapDirectoryOptions = Pick<
  DirectoryOptions,
  'clock' | 'servers' | 'namingContext' | 'refreshMs' | 'lastNamingContext' | 'onServerChange'
>;

const DEFAULT_REFRESH_MS = 30_000;
const SOON_MS = 1000;
/** So often, and so long apart, a server that cannot do without is asked before it counts as away. */
const FIRST_TRIES = 3;
const FIRST_PAUSE_MS = 300;

/** Owns its connection. Throws `ldap-unreachable` and what `connect` throws besides the kind's own faults. */
export class LdapDirectory implements Directory {
  readonly backend = 'ldap';
  readonly namingContext: string;
  readonly #options: LdapDirectoryOptions;
  readonly #servers: LdapServers;
  readonly #listeners = new Set<() => void>();
  #connection: Promise<SharedConnection> | undefined;
  #server: LdapServer | undefined;
  #writes: Promise<unknown> = Promise.resolve();
  #position: ReplicaPosition | undefined;
  /** True when the listeners are to be told at the next look whatever the server says. */
  #isUnsettled = false;
  #cancelPoll: Cancel = () => undefined;
  #improveAtMs = 0;
  #isOpen = true;

  /**
   * The naming context is the server's; `options.namingContext` chooses among several. That no server can be had is no
   * hindrance when `lastNamingContext` is known: they are tried again at every use. Where it is not, a connection that could
   * not be made, or that broke at once, is tried again a little later. Throws Problem `ldap-not-configured`, `ldap-no-context`
   * or what `connect` throws.
   */
  static async open(options: LdapDirectoryOptions): Promise<LdapDirectory> {
    const { servers = [], clock, namingContext, lastNamingContext } = options;
    if (servers.length === 0)
      throw new Problem('ldap-not-configured', 'a directory on an LDAP server needs the address of that server');
    const several = new LdapServers({ servers, clock, namingContext });
    const isSame = namingContext === '' || namingContext.toLowerCase() === lastNamingContext?.toLowerCase();
    const known = isSame ? lastNamingContext : undefined;
    try {
      const reached = await reachFirst(several, known === undefined ? FIRST_TRIES : 1);
      return new LdapDirectory(options, several, { reached, namingContext: reached.namingContext });
    } catch (error) {
      if (known === undefined || isProblem(error, 'ldap-no-context')) throw error;
      return new LdapDirectory(options, several, { namingContext: known });
    }
  }

  private constructor(
    options: LdapDirectoryOptions,
    servers: LdapServers,
    found: { reached?: ReachedServer; namingContext: string },
  ) {
    this.#options = options;
    this.#servers = servers;
    this.namingContext = found.namingContext;
    if (found.reached) this.#connection = Promise.resolve(this.#take(found.reached));
    this.#schedulePoll();
  }

  get server(): string | undefined {
    return this.#server?.name;
  }

  get position(): ReplicaPosition | undefined {
    return this.#position;
  }

  async search(query: DirectoryQuery): Promise<LdapEntry[]> {
    const connection = await this.#use();
    try {
      return await connection.use((client) => client.search(query));
    } catch (error) {
      // The server may just have closed a connection that was idle; a search can be asked again without harm.
      if (connection.isOpen || !isProblem(error, 'ldap-unreachable')) throw error;
      return (await this.#use()).use((client) => client.search(query));
    }
  }

  async *scan(query: DirectoryQuery): AsyncGenerator<readonly LdapEntry[]> {
    const connection = await this.#use();
    yield* connection.pages(query);
  }

  /**
   * One change after the other: a connection has room for one transaction at a time (RFC 5805). Throws Problem
   * `directory-read-only` besides when none of the servers that can be reached takes changes.
   */
  async apply(operations: LdapOperations): Promise<void> {
    if (operations.length === 0) return;
    await refuseMoves(operations);
    const done = this.#writes.then(() => this.#write(operations));
    this.#writes = done.catch(() => undefined);
    await done;
    this.#notify();
  }

  readChanges(base: string, since?: string, limit?: number): Promise<ChangePage | undefined> {
    return readChangesByLdap(this, { base, since, limit });
  }

  /**
   * slapd (2.5) refuses, with `other`, a transaction that takes the last entry out of a container: it finds no children left
   * and takes that for a fault. So every container from which entries are taken needs one that stays.
   */
  async needsPlaceholders(): Promise<boolean> {
    return !isOwnServer(await this.search(VENDOR_SEARCH));
  }

  /** Hears of the changes made through this object at once, of those of others when the server is asked the next time. */
  onChange(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#cancelPoll();
    this.#listeners.clear();
    void this.#connection?.then((connection) => connection.close()).catch(() => undefined);
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }

  async #write(operations: LdapOperations): Promise<void> {
    const connection = await this.#use();
    try {
      await connection.use((client) => client.apply(operations));
    } catch (error) {
      if (!isReferral(error)) throw error;
      // Whoever waits for a server that takes changes hears at each look that there may be one.
      this.#isUnsettled = true;
      await this.#writeElsewhere(operations, connection.server, error);
    }
    // What was written here must be found at the next server too.
    if (this.#servers.areSeveral) await this.#readPosition().catch(() => undefined);
  }

  /** At the first other server that takes it, which is read from then on: it is the one that has what was written. */
  async #writeElsewhere(operations: LdapOperations, refusing: LdapServer, refusal: LdapFault): Promise<void> {
    const reasons = [`${refusing.name} takes no changes`];
    for (const server of this.#servers.writersBeside(refusing, refusal)) {
      let reached: ReachedServer;
      try {
        reached = await this.#servers.reachForChange(server);
      } catch (error) {
        reasons.push(messageOf(error));
        continue;
      }
      try {
        await reached.client.apply(operations);
        return this.#moveTo(reached);
      } catch (error) {
        if (!isReferral(error)) {
          this.#moveTo(reached);
          throw error;
        }
        await reached.client.close();
        reasons.push(`${server.name} takes no changes`);
      }
    }
    throw new Problem(
      'directory-read-only',
      `no LDAP server that takes changes can be reached, and nothing was changed: ${reasons.join('; ')}; mail goes on, try again when the provider is back`,
      { cause: refusal },
    );
  }

  /** The connection, made anew when it is over or could not be made the last time. */
  async #use(): Promise<SharedConnection> {
    if (!this.#isOpen) throw new Problem('ldap-unreachable', 'the connection to the LDAP server was closed');
    const last = this.#connection;
    const connection = await last?.catch(() => undefined);
    if (connection?.isOpen === true) return connection;
    // Of several that wait for the broken one, the first to come back connects for all.
    const waiting = this.#connection === last ? undefined : this.#connection;
    this.#connection = waiting ?? this.#servers.reach().then((reached) => this.#take(reached));
    return this.#connection;
  }

  /** Uses another server from now on; what goes on at the last one ends there. */
  #moveTo(reached: ReachedServer): void {
    const last = this.#connection;
    this.#connection = Promise.resolve(this.#take(reached));
    void last?.then((connection) => connection.retire()).catch(() => undefined);
  }

  /** A connection that ends is looked into soon: whoever reads finds out whether the server has gone. */
  #take(reached: ReachedServer): SharedConnection {
    const connection = new SharedConnection(reached);
    if (!this.#isOpen) void connection.close();
    void connection.closed.then(() => this.#pollSoon());
    const previous = this.#server;
    this.#server = reached.server;
    if (previous && previous !== reached.server) {
      const { server, isBehind } = reached;
      this.#options.onServerChange?.({ server: server.name, previous: previous.name, isBehind });
      this.#pollSoon();
    }
    return connection;
  }

  #pollSoon(): void {
    if (this.#isOpen) this.#schedulePoll(Math.min(SOON_MS, this.#refreshMs));
  }

  #schedulePoll(delayMs = this.#refreshMs): void {
    this.#cancelPoll();
    this.#cancelPoll = this.#options.clock.schedule(delayMs, () => void this.#poll());
  }

  /**
   * Tells the listeners unless the server says that nothing has changed since the last time. slapd moves its mark before the
   * last part of a transaction can be read (at a consumer, with the first part that comes): so each step is told twice.
   */
  async #poll(): Promise<void> {
    await this.#improve();
    const position = await this.#readPosition().catch(() => undefined);
    if (!this.#isOpen) return;
    const isNew = !position || !this.#position || formatPosition(position) !== formatPosition(this.#position);
    const isTold = isNew || this.#isUnsettled;
    this.#isUnsettled = isNew && position !== undefined;
    this.#position = position;
    if (isTold) this.#notify();
    if (this.#isUnsettled) this.#pollSoon();
    else this.#schedulePoll();
  }

  /**
   * Goes back to a server that is preferred, when it is there again and has what was read meanwhile. To ask is a handshake and a
   * bind, so that it is asked once in the interval between looks, however many changes are looked at meanwhile.
   */
  async #improve(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined);
    if (!this.#servers.areSeveral || connection?.isOpen !== true) return;
    const nowMs = this.#options.clock.elapsedMs();
    if (nowMs < this.#improveAtMs) return;
    this.#improveAtMs = nowMs + this.#refreshMs;
    const better = await this.#servers.reachBetter(connection.server);
    if (!better) return;
    const isSame = (await this.#connection?.catch(() => undefined)) === connection;
    if (isSame && this.#isOpen) this.#moveTo(better);
    else await better.client.close();
  }

  /** How far the server has come; undefined where it does not say so. */
  async #readPosition(): Promise<ReplicaPosition | undefined> {
    const position = await this.#askPosition();
    this.#servers.note(position);
    return position.size === 0 ? undefined : position;
  }

  async #askPosition(): Promise<ReplicaPosition> {
    const [root] = await this.search({ base: '', scope: 'base', attributes: ROOT_ATTRIBUTES });
    const byUsn = root && positionByUsn(root);
    if (byUsn) return byUsn;
    const [top] = await this.search({ base: this.namingContext, scope: 'base', attributes: TOP_ATTRIBUTES });
    return positionByCsn(top);
  }

  get #refreshMs(): number {
    return this.#options.refreshMs ?? DEFAULT_REFRESH_MS;
  }
}

/** slapd (2.5) ends itself when an entry is moved to another parent within a transaction. */
async function refuseMoves(operations: LdapOperations): Promise<void> {
  if (operations.length < 2) return;
  const place = await findOperation(operations, (each) => each.kind === 'rename' && each.newSuperior !== undefined);
  if (place === undefined) return;
  throw fault('unwillingToPerform', 'an entry is moved elsewhere by itself, not as one of several changes', {
    failedOperation: place,
  });
}

async function reachFirst(servers: LdapServers, tries: number): Promise<ReachedServer> {
  try {
    return await servers.reach();
  } catch (error) {
    if (tries === 1 || !isProblem(error, 'ldap-unreachable')) throw error;
    await sleep(FIRST_PAUSE_MS);
    return reachFirst(servers, tries - 1);
  }
}
