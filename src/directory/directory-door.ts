// The LDAP door of a directory, ADAM's and AD's alike: the LDAP server asks here. Before a bind there is only the root DSE. An
// account binds by its password or by its certificate; it is looked up again for every request. Who there is and what each
// may do is the Door's (door.ts). RFC 4511 §4.2 to §4.10, RFC 4513 §5.1.3, §5.2.3.

import type { Clock } from '../clock.ts';
import { normalizeDn } from '../ldap/dn.ts';
import { getValues, isOperationalAttribute, type LdapEntry, type LdapOperations, toAttributes } from '../ldap/entry.ts';
import { matchFilter } from '../ldap/filter.ts';
import type { BindCredentials, LdapConnection, LdapRequestHandler, SearchAnswer } from '../ldap/handler.ts';
import type { CompareRequest, SearchRequest } from '../ldap/request.ts';
import { fault, type LdapOutcome, outcomeOf, SUCCESS } from '../ldap/result.ts';
import type { SearchWatch } from '../ldap/search-watch.ts';
import { VENDOR_NAME } from '../ldap/vendor.ts';
import type { Log } from '../log.ts';
import { validityAt } from '../tls/certificate.ts';
import { BindAttempts } from './bind-attempts.ts';
import { changeAttributes } from './change-feed.ts';
import type { ServableDirectory } from './directory.ts';
import type { Door, DoorAccount } from './door.ts';
import { findByCertificate, findByName, isNamedBy } from './door-accounts.ts';
import { asksForHidden, hideAttributes, isHidden, rulesWithout } from './door-rights.ts';
import { checkName } from './operation-check.ts';
import { verifyPassword } from './password-verifier.ts';
import { findAttributeType, isOperational } from './schema.ts';
import { schemaRules } from './schema-rules.ts';
import { isSchemaAttribute, makeSubschema, SUBSCHEMA_DN } from './subschema.ts';

export interface DirectoryDoorOptions {
  readonly door: Door;
  readonly directory: ServableDirectory;
  readonly clock: Clock;
  readonly log: Log;
}

const SUBSCHEMA_KEY = normalizeDn(SUBSCHEMA_DN);
/** So often a search that goes on asks whether its account still is one; real time. */
const RECHECK_MS = 10;

/** Owns the count of failed binds. */
export class DirectoryDoor implements LdapRequestHandler {
  readonly #options: DirectoryDoorOptions;
  readonly #attempts: BindAttempts;

  constructor(options: DirectoryDoorOptions) {
    this.#options = options;
    this.#attempts = new BindAttempts(options.clock);
  }

  rootDse(): LdapEntry {
    const { namingContext, changeMark } = this.#options.directory;
    return {
      dn: '',
      attributes: toAttributes({
        objectClass: 'top',
        namingContexts: namingContext,
        subschemaSubentry: SUBSCHEMA_DN,
        vendorName: VENDOR_NAME,
        ...changeAttributes(changeMark),
      }),
    };
  }

  bind(connection: LdapConnection, credentials: BindCredentials): Promise<LdapOutcome> {
    return credentials.kind === 'simple'
      ? this.#bindSimple(connection, credentials)
      : this.#bindExternal(connection, credentials.authzId);
  }

  async #bindSimple(
    connection: LdapConnection,
    { dn, password }: Extract<BindCredentials, { kind: 'simple' }>,
  ): Promise<LdapOutcome> {
    const { remoteAddress } = connection;
    if (!this.#attempts.mayTry(remoteAddress)) return this.#refuse(remoteAddress, 'too many failed binds', 'busy');
    const account = this.#findByName(dn);
    // Without an account that may bind now the same work is done on a made-up verifier: neither time nor code tells which it was.
    const isProven = await this.#attempts.check(remoteAddress, () =>
      verifyPassword(password, account?.passwordVerifier),
    );
    if (isProven === undefined) return this.#refuse(remoteAddress, 'too many binds at a time', 'busy');
    // The account may have gone, and its window ended, while the password was checked.
    if (!isProven || !account || !this.#findByName(account.dn)) {
      return this.#refuse(remoteAddress, 'wrong account or password', 'invalidCredentials');
    }
    return this.#welcome(connection, account);
  }

  /** Nothing is to be guessed here: a key was proved in the handshake or it was not. */
  async #bindExternal(connection: LdapConnection, authzId: string | undefined): Promise<LdapOutcome> {
    const { remoteAddress, tls } = connection;
    const certificate = tls?.resumed === false ? tls.peerCertificate : undefined;
    const account = certificate && findByCertificate(this.#options.door.accounts(), certificate);
    if (!certificate || !account) {
      return this.#refuse(remoteAddress, 'no account has the certificate that was shown', 'invalidCredentials');
    }
    if (authzId !== undefined && !isNamedBy(account, authzId)) {
      return this.#refuse(remoteAddress, 'the certificate is not that of the identity asked for', 'invalidCredentials');
    }
    // As EdgeSync does: what is on record counts, and that it is out of date is said.
    const validity = validityAt(certificate, this.#options.clock.now());
    if (validity !== 'valid') {
      this.#options.log.warn(
        { account: account.name, remoteAddress, validity },
        'the certificate of an account is out of date',
      );
    }
    return this.#welcome(connection, account);
  }

  async #welcome(connection: LdapConnection, account: DoorAccount): Promise<LdapOutcome> {
    const { door, log } = this.#options;
    const { remoteAddress } = connection;
    await door.welcome(account, remoteAddress);
    connection.boundDn = account.dn;
    log.info({ account: account.name, remoteAddress }, `bound to ${door.name}`);
    return SUCCESS;
  }

  #refuse(remoteAddress: string, reason: string, result: 'busy' | 'invalidCredentials'): LdapOutcome {
    this.#options.log.warn({ remoteAddress, reason }, `bind to ${this.#options.door.name} refused`);
    return outcomeOf(result);
  }

  async search(connection: LdapConnection, request: SearchRequest, watch: SearchWatch): Promise<SearchAnswer> {
    const { hidden } = this.#requireAccount(connection).rights;
    if (asksForHidden(request.filter, hidden)) throw denied();
    checkName(request.base);
    const isSubschema = normalizeDn(request.base) === SUBSCHEMA_KEY;
    const entries = isSubschema ? searchSubschema(request) : this.#walk(connection, request, watch);
    return { entries, outcome: SUCCESS };
  }

  async *#walk(connection: LdapConnection, request: SearchRequest, watch: SearchWatch): AsyncGenerator<LdapEntry> {
    const { base, scope, filter } = request;
    let checkedMs = performance.now();
    const { hidden } = this.#requireAccount(connection).rights;
    const rules = rulesWithout(hidden);
    const isOver = (): boolean => watch.end !== undefined;
    for await (const entry of this.#options.directory.walk({ base, scope, filter, rules, isOver })) {
      // Between two entries, and between two pages all the more, the account may have come to its end.
      if (performance.now() - checkedMs > RECHECK_MS) {
        this.#requireAccount(connection);
        checkedMs = performance.now();
      }
      yield hideAttributes(entry, hidden);
    }
  }

  mayUpdate(connection: LdapConnection): boolean {
    return this.#requireAccount(connection).rights.isReadOnly !== true;
  }

  async apply(connection: LdapConnection, operations: LdapOperations): Promise<LdapOutcome> {
    const account = this.#requireAccount(connection);
    const failed = await account.rights.findForbidden(operations);
    if (failed !== undefined) throw denied(failed);
    await this.#options.door.write(operations, account.dn);
    return SUCCESS;
  }

  async compare(connection: LdapConnection, { dn, attribute, value }: CompareRequest): Promise<LdapOutcome> {
    const { hidden } = this.#requireAccount(connection).rights;
    const type = findAttributeType(attribute);
    if (!type) throw fault('undefinedAttributeType', 'the schema has no such attribute');
    if (isHidden(attribute, hidden)) throw denied();
    checkName(dn);
    if (schemaRules.canAsk?.({ kind: 'equal', attribute: type.name, value }) === false) {
      throw fault('invalidAttributeSyntax', `${type.name}: the value is invalid per syntax`);
    }
    const [entry] = await this.#options.directory.search({ base: dn, scope: 'base', attributes: ['*', '+'] });
    const values = entry ? getValues(entry, type.name) : [];
    if (values.length === 0) throw fault('noSuchAttribute', 'the entry has no such attribute');
    const isThere = values.some((candidate) => schemaRules.equals(type.name, candidate, value) === true);
    return outcomeOf(isThere ? 'compareTrue' : 'compareFalse');
  }

  closed(): void {}

  spell(attribute: string): string {
    return findAttributeType(attribute)?.name ?? attribute;
  }

  isOperational(attribute: string): boolean {
    return isOperational(attribute) || isOperationalAttribute(attribute) || isSchemaAttribute(attribute);
  }

  #findByName(name: string): DoorAccount | undefined {
    return findByName(this.#options.door.accounts(), name);
  }

  #requireAccount({ boundDn }: LdapConnection): DoorAccount {
    const key = boundDn === undefined ? undefined : normalizeDn(boundDn);
    const account = this.#options.door.accounts().find(({ dn }) => normalizeDn(dn) === key);
    if (!account) throw fault('insufficientAccessRights', 'bind with an account that is in force first');
    return account;
  }
}

/** The subentry has nothing under it, and is found by its own name alone. */
function searchSubschema({ scope, filter }: SearchRequest): LdapEntry[] {
  const subschema = makeSubschema();
  return scope !== 'one' && matchFilter(filter, subschema) ? [subschema] : [];
}

function denied(failedOperation?: number) {
  return fault('insufficientAccessRights', 'this account may not do that', { failedOperation });
}
