// A directory on a server that speaks LDAP: an Edge's ADAM as EdgeSync sees it, or slapd. Connects at first use and again
// after a break; the connection's owner decides whom to trust and who to be. Several operations are one RFC 5805 transaction.

import type { Cancel } from '../clock.ts';
import { isWithinDn } from '../ldap/dn.ts';
import { getValues, type LdapEntry, type LdapOperations } from '../ldap/entry.ts';
import type { LdapClient } from '../ldap/client.ts';
import { Problem } from '../problem.ts';
import type { ChangePage } from './change-feed.ts';
import type { Directory, DirectoryOptions, DirectoryQuery } from './directory.ts';
import { readChangesByLdap } from './ldap-changes.ts';

type Connect = () => Promise<LdapClient>;

/** Owns its connection. Throws `ldap-unreachable` and what `connect` throws besides the kind's own faults. */
export class LdapDirectory implements Directory {
  readonly backend = 'ldap';
  readonly namingContext: string;
  readonly #connect: Connect;
  readonly #listeners = new Set<() => void>();
  #client: Promise<LdapClient>;
  #isOpen = true;

  /** The naming context is the server's; `options.namingContext` chooses among several. Throws Problem `ldap-not-configured` or `ldap-no-context`. */
  static async open(options: Pick<DirectoryOptions, 'connect' | 'namingContext'>): Promise<LdapDirectory> {
    const { connect } = options;
    if (!connect)
      throw new Problem('ldap-not-configured', 'a directory on an LDAP server needs the address of that server');
    const client = await connect();
    try {
      return new LdapDirectory(connect, client, await findNamingContext(client, options.namingContext));
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  private constructor(connect: Connect, client: LdapClient, namingContext: string) {
    this.#connect = connect;
    this.#client = Promise.resolve(client);
    this.namingContext = namingContext;
  }

  async search(query: DirectoryQuery): Promise<LdapEntry[]> {
    const client = await this.#use();
    return client.search(query);
  }

  async apply(operations: LdapOperations): Promise<void> {
    if (operations.length === 0) return;
    const client = await this.#use();
    await client.apply(operations);
    for (const listener of this.#listeners) listener();
  }

  readChanges(base: string, since?: string, limit?: number): Promise<ChangePage | undefined> {
    return readChangesByLdap(this, { base, since, limit });
  }

  /** Hears of the changes that are made through this object; LDAP tells of no others. */
  onChange(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#listeners.clear();
    void this.#client.then((client) => client.close()).catch(() => undefined);
  }

  /** The connection, made anew when it is over or could not be made the last time. */
  async #use(): Promise<LdapClient> {
    if (!this.#isOpen) throw new Problem('ldap-unreachable', 'the connection to the LDAP server was closed');
    const last = this.#client;
    const client = await last.catch(() => undefined);
    if (client?.isOpen === true) return client;
    // Of several that wait for the broken one, the first to come back connects for all.
    if (this.#client === last) this.#client = this.#connect();
    return this.#client;
  }
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
