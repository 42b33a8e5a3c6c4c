// A connection to an LDAP server that several use at a time. Another one may take its place while they do: it ends when the
// last of them is done.

import type { LdapClient } from '../ldap/client.ts';
import type { LdapQuery } from '../ldap/client-query.ts';
import type { LdapEntry } from '../ldap/entry.ts';
import type { LdapServer, ReachedServer } from './ldap-servers.ts';

/** Owns the connection. */
export class SharedConnection {
  readonly server: LdapServer;
  readonly #client: LdapClient;
  #users = 0;
  #isRetired = false;

  constructor({ server, client }: ReachedServer) {
    this.server = server;
    this.#client = client;
  }

  /** False once either side has ended it; it does not come back. */
  get isOpen(): boolean {
    return this.#client.isOpen;
  }

  /** Resolves when the connection is over. */
  get closed(): Promise<void> {
    return this.#client.closed;
  }

  async use<T>(work: (client: LdapClient) => Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      return await work(this.#client);
    } finally {
      this.#leave();
    }
  }

  async *pages(query: LdapQuery): AsyncGenerator<readonly LdapEntry[]> {
    this.#users += 1;
    try {
      yield* this.#client.searchPages(query);
    } finally {
      this.#leave();
    }
  }

  /** Nobody new comes: it is closed when those who use it are done. */
  retire(): void {
    this.#isRetired = true;
    if (this.#users === 0) void this.#client.close();
  }

  /** Ends it, whoever uses it. */
  close(): Promise<void> {
    return this.#client.close();
  }

  #leave(): void {
    this.#users -= 1;
    if (this.#isRetired && this.#users === 0) void this.#client.close();
  }
}
