// ADAM's door: what the LDAP server on an Edge asks of ADAM. Before a bind there is only the root DSE. An account binds with
// its password inside its window; it is looked up again for every request, so that a connection ends being somebody when its
// account does. What an account may do is adam-access.ts. RFC 4511 §4.2 to §4.10, RFC 4513 §5.1.3.

import type { Clock } from '../clock.ts';
import { normalizeDn } from '../ldap/dn.ts';
import { type LdapEntry, type LdapOperation, getValues, toAttributes } from '../ldap/entry.ts';
import type { BindCredentials, LdapConnection, LdapRequestHandler, SearchAnswer } from '../ldap/handler.ts';
import type { CompareRequest, SearchRequest } from '../ldap/request.ts';
import { fault, type LdapOutcome, outcomeOf, SUCCESS } from '../ldap/result.ts';
import type { Log } from '../log.ts';
import type { Account } from './account.ts';
import type { Adam } from './adam.ts';
import { type AccessScene, asksForSecrets, hideSecrets, isHidden, isWriteAllowed } from './adam-access.ts';
import { BindAttempts } from './bind-attempts.ts';
import type { Directory } from './directory.ts';
import { isInForce } from './edge-sync-credential.ts';
import { verifyPassword } from './password-verifier.ts';
import { findAttributeType, isOperational } from './schema.ts';
import { schemaRules } from './schema-rules.ts';
import type { Recorded } from './view.ts';

export interface AdamServerOptions {
  readonly adam: Adam;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of every bind that succeeded. */
  readonly onBound?: (account: Account, remoteAddress: string) => void;
}

/** Owns the count of failed binds. */
export class AdamServer implements LdapRequestHandler {
  readonly #options: AdamServerOptions;
  readonly #attempts: BindAttempts;

  constructor(options: AdamServerOptions) {
    this.#options = options;
    this.#attempts = new BindAttempts(options.clock);
  }

  rootDse(): LdapEntry {
    const { namingContext } = this.#options.directory;
    return {
      dn: '',
      attributes: toAttributes({ objectClass: 'top', namingContexts: namingContext, vendorName: 'relaypair' }),
    };
  }

  async bind(connection: LdapConnection, credentials: BindCredentials): Promise<LdapOutcome> {
    if (credentials.kind !== 'simple') return outcomeOf('authMethodNotSupported');
    const { remoteAddress } = connection;
    if (!this.#attempts.mayTry(remoteAddress)) return this.#refuse(remoteAddress, 'too many failed binds', 'busy');
    const account = this.#findAccount(credentials.dn);
    // Without an account that may bind now the same work is done on a made-up verifier: neither time nor code tells which it was.
    const isProven = await this.#attempts.check(remoteAddress, () =>
      verifyPassword(credentials.password, account?.passwordVerifier),
    );
    if (isProven === undefined) return this.#refuse(remoteAddress, 'too many binds at a time', 'busy');
    // The account may have gone, and its window ended, while the password was checked.
    if (!isProven || !account || !this.#findAccount(account.record.dn)) {
      return this.#refuse(remoteAddress, 'wrong account or password', 'invalidCredentials');
    }
    return this.#welcome(connection, account);
  }

  async #welcome(connection: LdapConnection, account: Recorded<Account>): Promise<LdapOutcome> {
    if (account.kind === 'replication') await this.#options.adam.endBootstrap(account);
    connection.boundDn = account.record.dn;
    this.#options.onBound?.(account, connection.remoteAddress);
    this.#options.log.info({ account: account.name, remoteAddress: connection.remoteAddress }, 'bound to ADAM');
    return SUCCESS;
  }

  #refuse(remoteAddress: string, reason: string, result: 'busy' | 'invalidCredentials'): LdapOutcome {
    this.#options.log.warn({ remoteAddress, reason }, 'bind to ADAM refused');
    return outcomeOf(result);
  }

  async search(connection: LdapConnection, request: SearchRequest): Promise<SearchAnswer> {
    this.#requireAccount(connection);
    if (asksForSecrets(request.filter)) throw denied();
    const { base, scope, filter } = request;
    const entries = await this.#options.directory.search({
      base,
      scope,
      filter,
      attributes: ['*', '+'],
      ...(request.sizeLimit > 0 ? { sizeLimit: request.sizeLimit + 1 } : {}),
    });
    return { entries: entries.map(hideSecrets), outcome: SUCCESS };
  }

  async apply(connection: LdapConnection, operations: readonly LdapOperation[]): Promise<LdapOutcome> {
    const account = this.#requireAccount(connection);
    const scene = this.#accessScene();
    const failed = operations.findIndex((operation) => !isWriteAllowed(operation, scene));
    if (failed >= 0) throw denied(failed);
    await this.#options.adam.replicate(operations, account.record.dn);
    return SUCCESS;
  }

  async compare(connection: LdapConnection, { dn, attribute, value }: CompareRequest): Promise<LdapOutcome> {
    this.#requireAccount(connection);
    const type = findAttributeType(attribute);
    if (!type) throw fault('undefinedAttributeType', 'the schema has no such attribute');
    if (isHidden(attribute)) throw denied();
    const [entry] = await this.#options.directory.search({ base: dn, scope: 'base', attributes: ['*', '+'] });
    const values = entry ? getValues(entry, type.name) : [];
    if (values.length === 0) throw fault('noSuchAttribute', 'the entry has no such attribute');
    const isThere = values.some((candidate) => schemaRules.equals(type.name, candidate, value) === true);
    return outcomeOf(isThere ? 'compareTrue' : 'compareFalse');
  }

  closed(): void {}

  isOperational(attribute: string): boolean {
    return isOperational(attribute);
  }

  /** The account by its DN, or by its own part of it (`CN=ESRA.EDGE01`), while its window is open. */
  #findAccount(dn: string): Recorded<Account> | undefined {
    const key = normalizeDn(dn);
    const { accounts } = this.#options.adam.snapshot();
    const now = this.#options.clock.now();
    return accounts.find((account) => {
      const accountKey = normalizeDn(account.record.dn);
      return (accountKey === key || accountKey.split(',')[0] === key) && isInForce(account, now);
    });
  }

  #requireAccount(connection: LdapConnection): Recorded<Account> {
    const account = connection.boundDn === undefined ? undefined : this.#findAccount(connection.boundDn);
    if (!account) throw fault('insufficientAccessRights', 'bind with an account that is in force first');
    return account;
  }

  #accessScene(): AccessScene {
    const { adam } = this.#options;
    const { self, accounts } = adam.snapshot();
    const replication = accounts.filter(({ kind }) => kind === 'replication');
    return {
      layout: adam.layout,
      edgeName: self.name,
      replicationAccounts: new Set(replication.map(({ record }) => normalizeDn(record.dn))),
    };
  }
}

function denied(failedOperation?: number) {
  return fault('insufficientAccessRights', 'this account may not do that', { failedOperation });
}
