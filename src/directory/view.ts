// A view: a kind of object in the directory as a typed value, both ways and pure. A view is a table of fields, one file a
// noun; what the values may be is checked by the noun's own `validate…`, where they may be written by active-directory.ts
// and adam.ts.

import { childDn } from '../ldap/dn.ts';
import { getText, getValues, type LdapEntry } from '../ldap/entry.ts';
import { messageOf, Problem } from '../problem.ts';
import type { Field } from './attribute-field.ts';
import { parseGeneralizedTime } from './syntax.ts';

/** What the directory itself knows of an object that was read from it. */
export interface ObjectRecord {
  readonly dn: string;
  /** entryUUID; stays when the object is renamed, differs between the two directories. */
  readonly guid: string;
  readonly objectClasses: readonly string[];
  readonly createdAt: Date;
  readonly changedAt: Date;
}

/** A value that was read from a directory. */
export type Recorded<T> = T & { readonly record: ObjectRecord };

/** One field for every property of T. */
export type Fields<T> = { readonly [K in keyof T]-?: Field<T[K]> };

export interface View<T> {
  /** For sentences: "Send connector". */
  readonly noun: string;
  readonly objectClass: string;
  readonly fields: Fields<T>;
  /** The name of the object, its `cn`. */
  nameOf(value: T): string;
  /** The entry that stands for `value` in the container `parent`. */
  toEntry(value: T, parent: string): LdapEntry;
  /** Throws Problem `object-unreadable`. */
  fromEntry(entry: LdapEntry): Recorded<T>;
}

/** Makes a view from its table; `name` must be among the properties. */
export function defineView<T extends { readonly name: string }>(
  noun: string,
  objectClass: string,
  fields: Fields<T>,
): View<T> {
  const nameOf = (value: T): string => value.name;
  return {
    noun,
    objectClass,
    fields,
    nameOf,
    toEntry: (value, parent) => ({
      dn: childDn('CN', nameOf(value), parent),
      attributes: encodeFields(objectClass, fields, value),
    }),
    fromEntry: (entry) => ({ ...decodeFields(noun, fields, entry), record: readRecord(entry) }),
  };
}

function encodeFields<T>(objectClass: string, fields: Fields<T>, value: T): Map<string, Buffer[]> {
  const attributes = new Map<string, Buffer[]>([['objectClass', [Buffer.from(objectClass)]]]);
  for (const key of keysOf(fields)) {
    const values = fields[key].encode(value[key]);
    if (values.length > 0) attributes.set(fields[key].attribute, values);
  }
  return attributes;
}

function decodeFields<T>(noun: string, fields: Fields<T>, entry: LdapEntry): T {
  const value: Partial<T> = {};
  for (const key of keysOf(fields)) {
    const { attribute } = fields[key];
    try {
      const decoded = fields[key].decode(getValues(entry, attribute));
      // An optional property that is not there is absent, as exactOptionalPropertyTypes wants it.
      if (decoded !== undefined) value[key] = decoded;
    } catch (error) {
      throw unreadable(`${noun} ${entry.dn}`, attribute, error);
    }
  }
  return value as T;
}

function keysOf<T>(fields: Fields<T>): (keyof T)[] {
  return Object.keys(fields) as (keyof T)[];
}

function unreadable(what: string, attribute: string, cause: unknown): Problem {
  return new Problem(
    'object-unreadable',
    `the ${what} cannot be read, ${attribute} is ${messageOf(cause)}: correct it with an LDAP tool or remove the object`,
    { cause },
  );
}

/** The operational attributes; an entry that was never stored has none, and reads as made at the start of time. */
export function readRecord(entry: LdapEntry): ObjectRecord {
  const createdAt = readStamp(entry, 'createTimestamp') ?? new Date(0);
  return {
    dn: entry.dn,
    guid: getText(entry, 'entryUUID') ?? '',
    objectClasses: getValues(entry, 'objectClass').map((value) => value.toString('utf8')),
    createdAt,
    changedAt: readStamp(entry, 'modifyTimestamp') ?? createdAt,
  };
}

function readStamp(entry: LdapEntry, attribute: string): Date | undefined {
  const text = getText(entry, attribute);
  return text === undefined ? undefined : parseGeneralizedTime(text);
}
