// The schema (RFC 4512 §2.5, §4.1): object classes with Exchange's names, and look-ups of classes and attribute types by name
// or identifier in any letter case. One structural class an entry, all right under top, so that slapd can hold the same tree.
// Checks against it are schema-check.ts, comparison of values is schema-rules.ts.

import {
  ACCEPTED_DOMAIN_ATTRIBUTES,
  ACCOUNT_ATTRIBUTES,
  ATTRIBUTE_TYPES,
  type AttributeType,
  DIRECTORY_ACCOUNT_ATTRIBUTES,
  EDGE_SYNC_SERVICE_ATTRIBUTES,
  namesOf,
  OWN_ARC,
  RECEIVE_CONNECTOR_ATTRIBUTES,
  RECIPIENT_ATTRIBUTES,
  RECIPIENT_FILTER_ATTRIBUTES,
  RENEWAL_ATTRIBUTES,
  SEND_CONNECTOR_ATTRIBUTES,
  SERVER_ATTRIBUTES,
  TRANSPORT_SETTINGS_ATTRIBUTES,
} from './schema-attributes.ts';

export interface ObjectClass {
  readonly name: string;
  readonly oid: string;
  readonly kind: 'abstract' | 'structural';
  readonly must: readonly string[];
  readonly may: readonly string[];
}

/** What holds other entries and has nothing of its own to say. */
export const CONTAINER_CLASS = 'msExchContainer';

export const OBJECT_CLASSES: readonly ObjectClass[] = [
  { name: 'top', oid: '2.5.6.0', kind: 'abstract', must: ['objectClass'], may: [] },
  own(CONTAINER_CLASS, 1, []),
  own(
    'msExchExchangeServer',
    2,
    ['serialNumber', ...namesOf(SERVER_ATTRIBUTES), ...namesOf(RENEWAL_ATTRIBUTES)],
    ['dNSHostName', 'msExchCurrentServerRoles'],
  ),
  own('msExchRoutingSMTPConnector', 3, namesOf(SEND_CONNECTOR_ATTRIBUTES)),
  own('msExchSmtpReceiveConnector', 4, namesOf(RECEIVE_CONNECTOR_ATTRIBUTES)),
  own('msExchAcceptedDomain', 5, namesOf(ACCEPTED_DOMAIN_ATTRIBUTES), ['msExchAcceptedDomainName']),
  own('msExchTransportSettings', 6, namesOf(TRANSPORT_SETTINGS_ATTRIBUTES)),
  own('msExchEdgeSyncAccount', 7, namesOf(ACCOUNT_ATTRIBUTES), ['userPassword']),
  own('msExchRecipient', 13, namesOf(RECIPIENT_ATTRIBUTES)),
  own('msExchRecipientFilterConfig', 14, namesOf(RECIPIENT_FILTER_ATTRIBUTES)),
  own(
    'msExchDirectoryAccount',
    10,
    ['userPassword', ...namesOf(DIRECTORY_ACCOUNT_ATTRIBUTES)],
    ['msExchDirectoryAccountKind'],
  ),
  own('msExchEdgeSyncServiceConfig', 12, namesOf(EDGE_SYNC_SERVICE_ATTRIBUTES)),
];

function own(name: string, number: number, attributes: readonly string[], must: readonly string[] = []): ObjectClass {
  const may = ['description', 'adminDescription', ...attributes.filter((attribute) => !must.includes(attribute))];
  return { name, oid: `${OWN_ARC}.2.${number}`, kind: 'structural', must: ['cn', ...must], may };
}

const ATTRIBUTES_BY_NAME = index(ATTRIBUTE_TYPES);
const CLASSES_BY_NAME = index(OBJECT_CLASSES);

function index<T extends { name: string; oid: string }>(items: readonly T[]): ReadonlyMap<string, T> {
  return new Map(items.flatMap((item) => [[item.name.toLowerCase(), item] as const, [item.oid, item] as const]));
}

/** By name or object identifier; undefined when the schema has no such type, or an option (`cn;lang-en`) is attached. */
export function findAttributeType(name: string): AttributeType | undefined {
  return ATTRIBUTES_BY_NAME.get(name.toLowerCase());
}

/** By name or object identifier. */
export function findObjectClass(name: string): ObjectClass | undefined {
  return CLASSES_BY_NAME.get(name.toLowerCase());
}

/** True for what only `+` or its name brings. */
export function isOperational(attribute: string): boolean {
  return findAttributeType(attribute)?.isOperational === true;
}

/** True for the class itself and for what it is derived from: all but `top` are derived from `top` alone. */
export function isSubclassOf(own: ObjectClass, other: ObjectClass): boolean {
  return own === other || other.kind === 'abstract';
}
