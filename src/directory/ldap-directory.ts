// A directory on a server that speaks LDAP: OpenLDAP's slapd, or another Hub's AD. Connects at first use and again after a
// break; the connection's owner decides whom to trust and who to be. Several operations are one RFC 5805 transaction. What
// others change is found by asking again and again: cheaply where the server says how far it has come.

import type { Cancel } from '../clock.ts';
import { isWithinDn } from '../ldap/dn.ts';
import type { ChangePage } from './change-feed.ts';
import { findOperation, getText, getValues, type LdapEntry, type LdapOperations } from '../ldap/entry.ts';
import type { LdapClient } from '../ldap/client.ts';
import { fault } from '../ldap/result.ts';
import { isProblem, Problem } from '../problem.ts';
import type { Directory, DirectoryOptions, DirectoryQuery } from './directory.ts';
import { readChangesByLdap } from './ldap-changes.ts';

type Connect = () => Promise<LdapClient>;
type LdapDirectoryOptions = Pick<
  DirectoryOptions,
  'clock' | 'connect' | 'namingContext' | 'refreshMs' | 'lastNamingContext'
>;

const DEFAULT_REFRESH_MS = 30_000;
const SOON_MS = 1000;
const USN = 'highestCommittedUSN';
const CSN = 'contextCSN';

/** Owns its connection. Throws `ldap-unreachable` and what `connect` throws besides the kind's own faults. */
export class LdapDirectory implements Directory {
  readonly backend = 'ldap';
  readonly namingContext: string;
  readonly #options: LdapDirectoryOptions & { readonly connect: Connect };
  readonly #listeners = new Set<() => void>();
  #client: Promise<LdapClient> | undefined;
  #writes: Promise<unknown> = Promise.resolve();
  #position: string | undefined;
  #cancelPoll: Cancel = () => undefined;
  #isOpen = true;

  /**
   * The naming context is the server's; `options.namingContext` chooses among several. A server that cannot be had is no
   * hindrance when `lastNamingContext` is known: it is tried again at every use. Throws Problem `ldap-not-configured`,
   * `ldap-no-context` or what `connect` throws.
   */
  static async open(options: LdapDirectoryOptions): Promise<LdapDirectory> {
    const { connect, namingContext, lastNamingContext } = options;
    if (!connect)
      throw new Problem('ldap-not-configured', 'a directory on an LDAP server needs the address of that server');
    const own = { ...options, connect };
    try {
      const client = await connect();
      return new LdapDirectory(own, {
        client,
        namingContext: await closeOnFault(client, findNamingContext(client, namingContext)),
      });
    } catch (error) {
      const isSame = namingContext === '' || namingContext.toLowerCase() === lastNamingContext?.toLowerCase();
      if (lastNamingContext === undefined || !isSame || isProblem(error, 'ldap-no-context')) throw error;
      return new LdapDirectory(own, { namingContext: lastNamingContext });
    }
  }

  private constructor(
    options: LdapDirectoryOptions & { readonly connect: Connect },
    found: { client?: LdapClient; namingContext: string },
  ) {
    this.#options = options;
    this.namingContext = found.namingContext;
    if (found.client) this.#client = Promise.resolve(this.#watch(found.client));
    this.#schedulePoll();
  }

  async search(query: DirectoryQuery): Promise<LdapEntry[]> {
    const client = await this.#use();
    try {
      return await client.search(query);
    } catch (error) {
      // The server may just have closed a connection that was idle; a search can be asked again without harm.
      if (client.isOpen || !isProblem(error, 'ldap-unreachable')) throw error;
      return (await this.#use()).search(query);
    }
  }

  async *scan(query: DirectoryQuery): AsyncGenerator<readonly LdapEntry[]> {
    const client = await this.#use();
    yield* client.searchPages(query);
  }

  /** One change after the other: a connection has room for one transaction at a time (RFC 5805). */
  async apply(operations: LdapOperations): Promise<void> {
    if (operations.length === 0) return;
    await refuseMoves(operations);
    const done = this.#writes.then(async () => (await this.#use()).apply(operations));
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
    const [root] = await this.search({ base: '', scope: 'base', attributes: ['vendorName'] });
    return root === undefined || getText(root, 'vendorName') !== 'relaypair';
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
    void this.#client?.then((client) => client.close()).catch(() => undefined);
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }

  /** The connection, made anew when it is over or could not be made the last time. */
  async #use(): Promise<LdapClient> {
    if (!this.#isOpen) throw new Problem('ldap-unreachable', 'the connection to the LDAP server was closed');
    const last = this.#client;
    const client = await last?.catch(() => undefined);
    if (client?.isOpen === true) return client;
    // Of several that wait for the broken one, the first to come back connects for all.
    const waiting = this.#client === last ? undefined : this.#client;
    this.#client = waiting ?? this.#options.connect().then((made) => this.#watch(made));
    return this.#client;
  }

  /** A connection that ends is looked into soon: whoever reads finds out whether the server has gone. */
  #watch(client: LdapClient): LdapClient {
    if (!this.#isOpen) void client.close();
    void client.closed.then(() => this.#pollSoon());
    return client;
  }

  #pollSoon(): void {
    if (this.#isOpen) this.#schedulePoll(Math.min(SOON_MS, this.#refreshMs));
  }

  #schedulePoll(delayMs = this.#refreshMs): void {
    this.#cancelPoll();
    this.#cancelPoll = this.#options.clock.schedule(delayMs, () => void this.#poll());
  }

  /** Tells the listeners unless the server says that nothing has changed since the last time. */
  async #poll(): Promise<void> {
    const position = await this.#readPosition().catch(() => undefined);
    if (!this.#isOpen) return;
    if (position === undefined || position !== this.#position) this.#notify();
    this.#position = position;
    this.#schedulePoll();
  }

  /** How far the server has come: Active Directory's counter, or slapd's under its overlay syncprov; neither elsewhere. */
  async #readPosition(): Promise<string | undefined> {
    const [root] = await this.search({ base: '', scope: 'base', attributes: [USN] });
    const usn = root && getText(root, USN);
    if (usn !== undefined) return usn;
    const [top] = await this.search({ base: this.namingContext, scope: 'base', attributes: [CSN] });
    const csns = top ? getValues(top, CSN).map((value) => value.toString('utf8')) : [];
    return csns.length === 0 ? undefined : csns.toSorted().join(' ');
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

/** The context asked for, which may lie below one of the server's; the first of the server's when none is asked for. */
async function findNamingContext(client: LdapClient, wanted: string): Promise<string> {
  const [root] = await client.search({ base: '', scope: 'base', attributes: ['namingContexts'] });
  const contexts = root ? getValues(root, 'namingContexts').map((value) => value.toString('utf8')) : [];
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

async function closeOnFault<T>(client: LdapClient, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await client.close();
    throw error;
  }
}
