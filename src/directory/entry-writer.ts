// The four updates on the embedded directory's tables (RFC 4511 §4.6 to §4.9): where entries may stand, what the schema allows,
// stamps and change numbers. Runs inside the transaction of embedded-directory.ts; what an update makes of the attributes is
// entry-change.ts.

import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { formatDn, formatRdn, normalizeDn, parentDn, parseDn, type Rdn } from '../ldap/dn.ts';
import type { LdapOperation } from '../ldap/entry.ts';
import { fault, LdapFault } from '../ldap/result.ts';
import { TOMBSTONE_LIFETIME_MS } from './change-feed.ts';
import type { ChangeNumbers } from './change-numbers.ts';
import {
  addNamingValues,
  applyChanges,
  dropNamingValues,
  hasNamingValues,
  readAddedAttributes,
} from './entry-change.ts';
import type { EntryStore, StoredEntry } from './entry-store.ts';
import { layoutOf } from './layout.ts';
import { checkOperation } from './operation-check.ts';
import { checkContent, checkEntry, type EntryAttributes, requireStructuralClass } from './schema-check.ts';
import { keyOf } from './schema-rules.ts';
import { formatGeneralizedTime } from './syntax.ts';
import { makeTombstone } from './tombstone.ts';
import { UNIQUE_ATTRIBUTES } from './value-index.ts';

type Operation<K extends LdapOperation['kind']> = Extract<LdapOperation, { kind: K }>;

export interface EntryWriterOptions {
  readonly store: EntryStore;
  readonly numbers: ChangeNumbers;
  readonly clock: Clock;
  readonly namingContext: string;
}

/** Throws LdapFault for what cannot be done, or Problem `bad-dn`. */
export class EntryWriter {
  readonly #store: EntryStore;
  readonly #numbers: ChangeNumbers;
  readonly #clock: Clock;
  readonly #contextKey: string;
  readonly #deletedObjects: string;

  constructor({ store, numbers, clock, namingContext }: EntryWriterOptions) {
    this.#store = store;
    this.#numbers = numbers;
    this.#clock = clock;
    this.#contextKey = normalizeDn(namingContext);
    this.#deletedObjects = layoutOf(namingContext).deletedObjects;
  }

  write(operation: LdapOperation, author: string | undefined): void {
    checkOperation(operation);
    switch (operation.kind) {
      case 'add':
        return this.#add(operation, author);
      case 'modify':
        return this.#modify(operation, author);
      case 'delete':
        return this.#delete(operation, author);
      default:
        return this.#rename(operation, author);
    }
  }

  /** Lets go of what was deleted so long ago that no reader of changes is waited for any longer. */
  purge(): void {
    const expired = this.#store.deletedBefore(new Date(this.#clock.now().getTime() - TOMBSTONE_LIFETIME_MS));
    for (const { id, usnChanged } of expired) {
      this.#store.purge(id);
      this.#numbers.notePurge(usnChanged);
    }
  }

  #add({ dn, attributes: given }: Operation<'add'>, author: string | undefined): void {
    const attributes = readAddedAttributes(dn, given);
    const { name: structural } = checkEntry(attributes);
    const key = normalizeDn(dn);
    if (this.#store.has(key)) throw fault('entryAlreadyExists', `${dn} is already there`);
    const parent = parentDn(dn);
    if (parent === undefined) throw fault('unwillingToPerform', 'the root has no entry');
    if (key !== this.#contextKey && !this.#store.has(normalizeDn(parent))) throw this.noSuchObject(dn);
    attributes.set('structuralObjectClass', [Buffer.from(structural)]);
    attributes.set('entryUUID', [Buffer.from(randomUUID())]);
    this.#stamp(attributes, 'create', author);
    this.#stamp(attributes, 'modify', author);
    this.#refuseTaken(attributes, undefined);
    this.#store.insert(dn, attributes, this.#numbers.next());
  }

  #modify({ dn, changes }: Operation<'modify'>, author: string | undefined): void {
    const entry = this.#require(dn);
    const attributes = applyChanges(entry.attributes, changes);
    checkResult(entry, attributes, parseDn(entry.dn)[0] ?? []);
    this.#replace(entry, attributes, author);
  }

  #delete({ dn }: Operation<'delete'>, author: string | undefined): void {
    const entry = this.#require(dn);
    if (this.#store.hasChildren(entry.dnKey)) throw fault('notAllowedOnNonLeaf', `${entry.dn} has entries under it`);
    const remains = makeTombstone(entry, this.#deletedObjects);
    this.#stamp(remains.attributes, 'modify', author);
    this.#store.bury(entry, remains, { time: this.#clock.now(), usn: this.#numbers.next() });
  }

  #rename(operation: Operation<'rename'>, author: string | undefined): void {
    const entry = this.#require(operation.dn);
    const [newRdn, ...rest] = parseDn(operation.newRdn);
    if (!newRdn || rest.length > 0) throw fault('invalidDNSyntax', 'the new name is not one part of a name');
    const parent = operation.newSuperior ?? parentDn(entry.dn) ?? '';
    const newDn = formatDn([newRdn, ...parseDn(parent)]);
    this.#checkDestination(entry, newDn, parent);
    const attributes: EntryAttributes = new Map(entry.attributes);
    if (operation.deleteOldRdn) dropNamingValues(attributes, parseDn(entry.dn)[0] ?? []);
    addNamingValues(attributes, newRdn);
    checkResult(entry, attributes, newRdn);
    this.#replace(entry, attributes, author);
    this.#store.move(entry, newDn);
  }

  #checkDestination({ dnKey }: StoredEntry, newDn: string, parent: string): void {
    const newKey = normalizeDn(newDn);
    if (dnKey === this.#contextKey) throw fault('unwillingToPerform', 'the naming context keeps its name');
    if (newKey.endsWith(`,${dnKey}`)) throw fault('unwillingToPerform', 'an entry cannot be moved under itself');
    if (!this.#store.has(normalizeDn(parent))) throw this.noSuchObject(parent);
    if (newKey !== dnKey && this.#store.has(newKey)) throw fault('entryAlreadyExists', `${newDn} is already there`);
  }

  #replace(entry: StoredEntry, attributes: EntryAttributes, author: string | undefined): void {
    this.#stamp(attributes, 'modify', author);
    this.#refuseTaken(attributes, entry.id);
    this.#store.replaceValues(entry, attributes, this.#numbers.next());
  }

  #refuseTaken(attributes: EntryAttributes, ownId: number | undefined): void {
    for (const attribute of UNIQUE_ATTRIBUTES) {
      for (const value of attributes.get(attribute) ?? []) {
        const holder = this.#store.holderOf(attribute, keyOf(attribute, value) ?? '');
        if (holder === undefined || holder === ownId) continue;
        throw fault('constraintViolation', `${attribute}: another entry has this value`);
      }
    }
  }

  #stamp(attributes: EntryAttributes, what: 'create' | 'modify', author: string | undefined): void {
    const [time, name] = what === 'create' ? ['createTimestamp', 'creatorsName'] : ['modifyTimestamp', 'modifiersName'];
    attributes.set(time, [Buffer.from(formatGeneralizedTime(this.#clock.now()))]);
    if (author === undefined) attributes.delete(name);
    else attributes.set(name, [Buffer.from(author)]);
  }

  #require(dn: string): StoredEntry {
    const entry = this.#store.find(normalizeDn(dn));
    if (!entry) throw this.noSuchObject(dn);
    return entry;
  }

  /** matchedDN is the nearest entry above that exists (RFC 4511 §4.1.9). */
  noSuchObject(dn: string): LdapFault {
    let matched: StoredEntry | undefined;
    for (let parts = parseDn(dn).slice(1); parts.length > 0 && !matched; parts = parts.slice(1)) {
      matched = this.#store.find(normalizeDn(formatDn(parts)));
    }
    return fault('noSuchObject', `${dn} is not there`, { matchedDn: matched?.dn ?? '' });
  }
}

/** What the entry is to become: of the class that it is, with the values that name it, and as the schema wants it. */
function checkResult(entry: StoredEntry, attributes: EntryAttributes, rdn: Rdn): void {
  const main = requireStructuralClass(attributes);
  if (entry.attributes.get('structuralObjectClass')?.[0]?.toString() !== main.name) {
    throw fault('objectClassModsProhibited', 'the structural object class of an entry stays');
  }
  if (!hasNamingValues(attributes, rdn)) throw fault('notAllowedOnRDN', `${formatRdn(rdn)} names the entry`);
  checkContent(main, attributes);
}
