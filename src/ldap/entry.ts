// What is read and written over LDAP: an entry (RFC 4511 §4.5.2), the four kinds of update, and the choice of attributes that
// a search asked for (§4.5.1.8). Values are octets; what they mean is the schema's affair, in directory/.

import { setImmediate as nextTurn } from 'node:timers/promises';

/** An entry. Attribute names as the schema spells them; look-ups go through getValues, which knows no case. */
export interface LdapEntry {
  readonly dn: string;
  readonly attributes: ReadonlyMap<string, readonly Buffer[]>;
}

export interface Change {
  /** `increment` adds its one value to each of the attribute's (RFC 4525). */
  readonly operation: 'add' | 'delete' | 'replace' | 'increment';
  readonly attribute: string;
  readonly values: readonly Buffer[];
}

/** An update: alone a plain request, several together an RFC 5805 transaction. */
export type LdapOperation =
  | { readonly kind: 'add'; readonly dn: string; readonly attributes: ReadonlyMap<string, readonly Buffer[]> }
  | { readonly kind: 'modify'; readonly dn: string; readonly changes: readonly Change[] }
  | { readonly kind: 'delete'; readonly dn: string }
  | {
      readonly kind: 'rename';
      readonly dn: string;
      readonly newRdn: string;
      readonly deleteOldRdn: boolean;
      readonly newSuperior?: string;
    };

/** Updates in their order. Read again, they are the same again; they need not be in memory all at once. */
export interface LdapOperations extends Iterable<LdapOperation> {
  readonly length: number;
}

/** So many updates are looked at without a pause: there may be a hundred thousand, and mail goes on meanwhile. */
const BREATH = 500;

/** Place of the first update that `is` is true of. */
export async function findOperation(
  operations: LdapOperations,
  is: (operation: LdapOperation) => boolean,
): Promise<number | undefined> {
  let place = 0;
  for (const operation of operations) {
    if (is(operation)) return place;
    place += 1;
    if (place % BREATH === 0) await nextTurn();
  }
  return undefined;
}

/** The values of an attribute, whatever the case of its name; empty when the entry has none. */
export function getValues(entry: LdapEntry, name: string): readonly Buffer[] {
  const exact = entry.attributes.get(name);
  if (exact) return exact;
  const wanted = name.toLowerCase();
  for (const [attribute, values] of entry.attributes) if (attribute.toLowerCase() === wanted) return values;
  return [];
}

/** The first value of an attribute as text; undefined when there is none. */
export function getText(entry: LdapEntry, name: string): string | undefined {
  return getValues(entry, name)[0]?.toString('utf8');
}

/** An attribute map from texts, octets and lists of them: `{ objectClass: ['top', 'person'], cn: 'a' }`. */
export function toAttributes(
  values: Readonly<Record<string, string | Buffer | readonly (string | Buffer)[]>>,
): Map<string, Buffer[]> {
  const attributes = new Map<string, Buffer[]>();
  for (const [name, value] of Object.entries(values)) {
    const list = typeof value === 'string' || Buffer.isBuffer(value) ? [value] : value;
    attributes.set(
      name,
      list.map((item) => (typeof item === 'string' ? Buffer.from(item, 'utf8') : item)),
    );
  }
  return attributes;
}

/** Operational attributes that any server may have (RFC 4512 §3.4, §4.2, §5.1; RFC 4530, 5020): sent only when asked for. */
const OPERATIONAL = new Set(
  [
    ['createTimestamp', 'creatorsName', 'modifyTimestamp', 'modifiersName'],
    ['entryUUID', 'entryDN', 'entryCSN', 'structuralObjectClass', 'governingStructureRule'],
    ['subschemaSubentry', 'hasSubordinates', 'numSubordinates'],
    ['altServer', 'namingContexts', 'supportedControl', 'supportedExtension', 'supportedFeatures'],
    ['supportedLDAPVersion', 'supportedSASLMechanisms', 'vendorName', 'vendorVersion'],
  ]
    .flat()
    .map((name) => name.toLowerCase()),
);

/** The usual answer to "is this attribute operational?"; names in any case. */
export function isOperationalAttribute(name: string): boolean {
  return OPERATIONAL.has(name.toLowerCase());
}

export interface Selection {
  /** As the search spelled them; none at all means every user attribute. */
  readonly attributes: readonly string[];
  readonly typesOnly: boolean;
}

/** The part of an entry that a search asked for: `*` user attributes, `+` operational ones (RFC 3673), `1.1` none. */
export function selectAttributes(
  entry: LdapEntry,
  selection: Selection,
  isOperational: (attribute: string) => boolean = isOperationalAttribute,
): LdapEntry {
  const names = new Set(selection.attributes.map((name) => name.toLowerCase()));
  const everyUser = names.size === 0 || names.has('*');
  const everyOperational = names.has('+');
  const attributes = new Map<string, readonly Buffer[]>();
  for (const [name, values] of entry.attributes) {
    const wanted = isNamed(name, names) || (isOperational(name) ? everyOperational : everyUser);
    if (wanted) attributes.set(name, selection.typesOnly ? [] : values);
  }
  return { dn: entry.dn, attributes };
}

/** `cn` also asks for its options, `cn;lang-en` (RFC 4512 §2.5). */
function isNamed(attribute: string, names: ReadonlySet<string>): boolean {
  const lower = attribute.toLowerCase();
  const semicolon = lower.indexOf(';');
  return names.has(lower) || (semicolon > 0 && names.has(lower.slice(0, semicolon)));
}
