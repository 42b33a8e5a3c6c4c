// A directory in memory behind the LDAP server, for tests of the wire: entries by name, one password, no schema. It obeys
// every request of a bound peer and keeps count of what it was asked.

import { isWithinDn, normalizeDn, parentDn, rdnOf } from '../../src/ldap/dn.ts';
import {
  getValues,
  type LdapEntry,
  type LdapOperation,
  type LdapOperations,
  toAttributes,
} from '../../src/ldap/entry.ts';
import { caseIgnoreRules, matchFilter } from '../../src/ldap/filter.ts';
import type { BindCredentials, LdapConnection, LdapRequestHandler, SearchAnswer } from '../../src/ldap/handler.ts';
import type { CompareRequest, SearchRequest } from '../../src/ldap/request.ts';
import { fault, type LdapOutcome, LdapFault, outcomeOf, SUCCESS } from '../../src/ldap/result.ts';
import type { SearchWatch } from '../../src/ldap/search-watch.ts';

type Entries = Map<string, { dn: string; attributes: Map<string, readonly Buffer[]> }>;

export const ADMIN = 'cn=admin,dc=test';
export const PASSWORD = 'correct horse';

export class MemoryLdapHandler implements LdapRequestHandler {
  entries: Entries = new Map();
  /** How many operations each call of `apply` brought. */
  readonly applied: number[] = [];
  /** Connections that are over. */
  readonly closedIds: string[] = [];
  /** Credentials as they came. */
  readonly binds: BindCredentials[] = [];
  /** Every search waits for what this gives. */
  hold: () => Promise<void> = () => Promise.resolve();

  readonly #departed: (() => void)[] = [];

  constructor() {
    this.put('dc=test', { objectClass: ['top', 'domain'], dc: 'test' });
    this.put('ou=people,dc=test', { objectClass: ['top', 'organizationalUnit'], ou: 'people' });
  }

  /** Resolves when the next connection is over. */
  departure(): Promise<void> {
    return new Promise((resolve) => void this.#departed.push(resolve));
  }

  put(dn: string, attributes: Parameters<typeof toAttributes>[0]): void {
    this.entries.set(normalizeDn(dn), { dn, attributes: toAttributes(attributes) });
  }

  get(dn: string): LdapEntry | undefined {
    return this.entries.get(normalizeDn(dn));
  }

  rootDse(): LdapEntry {
    return { dn: '', attributes: toAttributes({ namingContexts: 'dc=test', vendorName: 'memory' }) };
  }

  async bind(connection: LdapConnection, credentials: BindCredentials): Promise<LdapOutcome> {
    this.binds.push(credentials);
    if (credentials.kind === 'external') {
      const subject = connection.tls?.peerCertificate?.subject;
      if (subject === undefined) return outcomeOf('inappropriateAuthentication');
      connection.boundDn = subject;
      return SUCCESS;
    }
    if (credentials.dn === 'cn=broken,dc=test') throw new Error('the secret reason');
    return credentials.password.toString() === PASSWORD ? SUCCESS : outcomeOf('invalidCredentials');
  }

  async search(connection: LdapConnection, request: SearchRequest, _watch: SearchWatch): Promise<SearchAnswer> {
    refuseStrangers(connection);
    await this.hold();
    if (!this.get(request.base)) throw fault('noSuchObject', 'no such base', { matchedDn: 'dc=test' });
    const base = normalizeDn(request.base);
    const entries = [...this.entries].filter(([key, entry]) => {
      if (request.scope === 'base' && key !== base) return false;
      if (request.scope === 'one' && normalizeDn(parentDn(entry.dn) ?? '') !== base) return false;
      return isWithinDn(entry.dn, request.base) && matchFilter(request.filter, entry);
    });
    return { entries: entries.map(([, entry]) => entry), outcome: SUCCESS };
  }

  async apply(connection: LdapConnection, operations: LdapOperations): Promise<LdapOutcome> {
    refuseStrangers(connection);
    this.applied.push(operations.length);
    const draft: Entries = new Map(this.entries);
    for (const [place, operation] of [...operations].entries()) {
      try {
        applyOne(draft, operation);
      } catch (error) {
        if (!(error instanceof LdapFault)) throw error;
        return { resultCode: error.resultCode, matchedDn: error.matchedDn, failedOperation: place };
      }
    }
    this.entries = draft;
    return SUCCESS;
  }

  async compare(connection: LdapConnection, request: CompareRequest): Promise<LdapOutcome> {
    refuseStrangers(connection);
    const entry = this.get(request.dn);
    if (!entry) throw fault('noSuchObject', 'no such entry');
    const values = getValues(entry, request.attribute);
    const isThere = values.some((value) => caseIgnoreRules.equals(request.attribute, value, request.value));
    return outcomeOf(isThere ? 'compareTrue' : 'compareFalse');
  }

  closed(connection: LdapConnection): void {
    this.closedIds.push(connection.id);
    this.#departed.splice(0).forEach((tell) => tell());
  }
}

function refuseStrangers(connection: LdapConnection): void {
  if (connection.boundDn === undefined) throw fault('insufficientAccessRights', 'bind first');
}

function applyOne(entries: Entries, operation: LdapOperation): void {
  const key = normalizeDn(operation.dn);
  const entry = entries.get(key);
  if (operation.kind === 'add') {
    if (entry) throw fault('entryAlreadyExists', 'the entry is there already');
    if (!entries.has(normalizeDn(parentDn(operation.dn) ?? ''))) throw fault('noSuchObject', 'no such parent');
    entries.set(key, { dn: operation.dn, attributes: new Map(operation.attributes) });
    return;
  }
  if (!entry) throw fault('noSuchObject', 'no such entry', { matchedDn: 'dc=test' });
  entries.delete(key);
  if (operation.kind === 'delete') return;
  if (operation.kind === 'rename') {
    const parent = operation.newSuperior ?? parentDn(operation.dn) ?? '';
    const dn = `${rdnOf(operation.newRdn)},${parent}`;
    entries.set(normalizeDn(dn), { dn, attributes: entry.attributes });
    return;
  }
  const attributes = new Map(entry.attributes);
  for (const change of operation.changes) {
    const old = getValues(entry, change.attribute);
    const isNamed = (value: Buffer): boolean => change.values.some((other) => other.equals(value));
    if (change.operation === 'replace') attributes.set(change.attribute, change.values);
    else if (change.operation === 'add') attributes.set(change.attribute, [...old, ...change.values]);
    else if (change.values.length === 0) attributes.delete(change.attribute);
    else
      attributes.set(
        change.attribute,
        old.filter((value) => !isNamed(value)),
      );
  }
  entries.set(key, { dn: entry.dn, attributes });
}
