// The recipients in AD: found by name, GUID or address through the directory's index, never read as a whole for one of them.
// An address belongs to one recipient alone. Writes come one after the other, so that two of them cannot take one address.

import type { LdapEntry, LdapOperations } from '../ldap/entry.ts';
import { childDn } from '../ldap/dn.ts';
import { escapeFilterValue } from '../ldap/filter.ts';
import { Problem } from '../problem.ts';
import type { ChangePage } from './change-feed.ts';
import type { Directory } from './directory.ts';
import type { Layout } from './layout.ts';
import { orNone } from './organization.ts';
import { addressesOf, type Recipient, recipientView } from './recipient.ts';
import { planAdd, planRemove, planReplace, type Shelf } from './shelf.ts';
import type { Recorded } from './view.ts';

const GUID = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i;
/** A filter of so many addresses is a message of some ten kilobytes. */
const ADDRESSES_AT_A_TIME = 100;

export class Recipients {
  readonly #directory: Directory;
  readonly #parent: string;
  #writes: Promise<unknown> = Promise.resolve();

  constructor(directory: Directory, layout: Layout) {
    this.#directory = directory;
    this.#parent = layout.recipients;
  }

  /** By name, address or GUID; throws Problem `not-found`. */
  async find(identity: string): Promise<Recorded<Recipient>> {
    const [found] = [...(await this.#byName(identity)), ...(await this.#byFilter(identityFilter(identity)))];
    if (found) return recipientView.fromEntry(found);
    throw new Problem('not-found', `there is no recipient "${identity}": give its name, an address of it or its GUID`);
  }

  /** At most `limit` of them; which, when there are more, is not said. */
  async list(limit: number): Promise<Recorded<Recipient>[]> {
    const found = await this.#byFilter(`(objectClass=${recipientView.objectClass})`, limit);
    return found.map((entry) => recipientView.fromEntry(entry)).toSorted(byName);
  }

  /** Throws Problem `already-exists` or `address-in-use`. */
  add(recipient: Recipient): Promise<void> {
    return this.#write(async () => {
      await this.#refuseTaken(recipient, undefined);
      return planAdd(await this.#shelf(recipient.name), recipient);
    });
  }

  /** `next` may have another name. Throws Problem `not-found`, `already-exists` or `address-in-use`. */
  replace(name: string, next: Recipient): Promise<void> {
    return this.#write(async () => {
      const shelf = await this.#shelf(name, next.name);
      await this.#refuseTaken(next, name);
      return planReplace(shelf, name, next);
    });
  }

  /** Throws Problem `not-found`. */
  remove(name: string): Promise<void> {
    return this.#write(async () => planRemove(await this.#shelf(name), name));
  }

  /** Writes what `plan` comes to when no other write is under way; all or nothing. */
  change(plan: () => Promise<LdapOperations>): Promise<void> {
    return this.#write(plan);
  }

  /** Who has these addresses now, by the address in lower case. */
  async ownersOf(addresses: readonly string[]): Promise<ReadonlyMap<string, Recorded<Recipient>>> {
    const owners = new Map<string, Recorded<Recipient>>();
    for (let start = 0; start < addresses.length; start += ADDRESSES_AT_A_TIME) {
      const filter = addressFilter(addresses.slice(start, start + ADDRESSES_AT_A_TIME));
      for (const entry of await this.#byFilter(filter)) {
        const recipient = recipientView.fromEntry(entry);
        for (const address of addressesOf(recipient)) owners.set(address.toLowerCase(), recipient);
      }
    }
    return owners;
  }

  /** Those of these names that are there. */
  async named(names: readonly string[]): Promise<Recorded<Recipient>[]> {
    const found = await Promise.all(names.map((name) => this.#byName(name)));
    return found.flat().map((entry) => recipientView.fromEntry(entry));
  }

  /** The change feed of the recipients; undefined where AD keeps none. */
  readChanges(since: string | undefined, limit: number): Promise<ChangePage | undefined> {
    return this.#directory.readChanges(this.#parent, since, limit);
  }

  /** All of them, page by page. */
  pages(): AsyncGenerator<readonly LdapEntry[]> {
    const filter = `(objectClass=${recipientView.objectClass})`;
    return this.#directory.scan({ base: this.#parent, scope: 'one', filter, attributes: ['*', '+'] });
  }

  get parent(): string {
    return this.#parent;
  }

  #write(plan: () => Promise<LdapOperations>): Promise<void> {
    const result = this.#writes.then(async () => this.#directory.apply(await plan()));
    this.#writes = result.catch(() => undefined);
    return result;
  }

  async #shelf(...names: readonly string[]): Promise<Shelf<Recipient>> {
    return { view: recipientView, parent: this.#parent, objects: await this.named(names) };
  }

  async #refuseTaken(recipient: Recipient, ownName: string | undefined): Promise<void> {
    const addresses = addressesOf(recipient);
    const owners = await this.ownersOf(addresses);
    for (const address of addresses) {
      const owner = owners.get(address.toLowerCase());
      if (!owner || owner.name.toLowerCase() === ownName?.toLowerCase()) continue;
      throw new Problem('address-in-use', `${address} is already an address of the recipient "${owner.name}"`);
    }
  }

  #byName(name: string): Promise<LdapEntry[]> {
    const base = childDn('CN', name, this.#parent);
    return orNone(this.#directory.search({ base, scope: 'base', attributes: ['*', '+'] }));
  }

  #byFilter(filter: string, limit = Number.POSITIVE_INFINITY): Promise<LdapEntry[]> {
    const sizeLimit = Number.isFinite(limit) ? { sizeLimit: limit } : {};
    return this.#directory.search({ base: this.#parent, scope: 'one', filter, attributes: ['*', '+'], ...sizeLimit });
  }
}

function identityFilter(identity: string): string {
  const guid = GUID.exec(identity)?.[1];
  return guid === undefined ? addressFilter([identity.replace(/^smtp:/i, '')]) : `(entryUUID=${guid})`;
}

function addressFilter(addresses: readonly string[]): string {
  const items = addresses.map((address) => `(proxyAddresses=${escapeFilterValue(`smtp:${address}`)})`);
  return `(|${items.join('')})`;
}

function byName(a: Recipient, b: Recipient): number {
  return a.name.localeCompare(b.name, 'en');
}
