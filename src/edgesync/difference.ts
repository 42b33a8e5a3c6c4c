// A plan read as a finding: each operation that would make the Edge what AD says is a difference between the two. Says which
// object, which attribute and what both hold, shortened, and never a secret.

import { normalizeDn } from '../ldap/dn.ts';
import { type Change, getText, getValues, type LdapEntry, type LdapOperation } from '../ldap/entry.ts';

/** Exchange's groups of Test-EdgeSynchronization. */
export const DIFFERENCE_GROUPS = [
  'TransportServer',
  'TransportConfig',
  'AcceptedDomain',
  'SendConnector',
  'Recipient',
  'Credential',
] as const;
export type DifferenceGroup = (typeof DIFFERENCE_GROUPS)[number];

export interface Difference {
  readonly group: DifferenceGroup;
  /** One line: the object, the attribute, what AD and what ADAM has. */
  readonly sentence: string;
}

const GROUPS: Readonly<Record<string, DifferenceGroup>> = {
  msexchexchangeserver: 'TransportServer',
  msexchtransportsettings: 'TransportConfig',
  msexchaccepteddomain: 'AcceptedDomain',
  msexchroutingsmtpconnector: 'SendConnector',
  msexchedgesyncaccount: 'Credential',
};

/** What proves or opens something: that it differs is said, not what it is. */
const SECRET = new Set(['msexchedgesynccredential', 'userpassword', 'msexchsmtpsendauthcredential']);

const MAX_VALUE_LENGTH = 60;

/** The differences that an operation of a plan stands for. `held` is the object on the Edge; undefined when it has none. */
export function describeDifferences(operation: LdapOperation, held: LdapEntry | undefined): readonly Difference[] {
  const classes = operation.kind === 'add' ? operation.attributes : held?.attributes;
  const objectClass = getText({ dn: operation.dn, attributes: classes ?? new Map() }, 'objectClass') ?? '';
  const group = GROUPS[objectClass.toLowerCase()] ?? 'Recipient';
  switch (operation.kind) {
    case 'add':
      return [{ group, sentence: `${operation.dn}: is in AD and missing in ADAM` }];
    case 'delete':
      return [{ group, sentence: `${operation.dn}: is in ADAM and not in AD` }];
    case 'rename':
      return [{ group, sentence: `${operation.dn}: has another name in AD, ${operation.newRdn}` }];
    default:
      return operation.changes.map((change) => describeChange(operation.dn, change, { group, held }));
  }
}

function describeChange(
  dn: string,
  { attribute, values }: Change,
  { group, held }: { group: DifferenceGroup; held: LdapEntry | undefined },
): Difference {
  const isSecret = SECRET.has(attribute.toLowerCase());
  const show = isSecret ? countValues : showValues;
  const current = held && normalizeDn(held.dn) === normalizeDn(dn) ? getValues(held, attribute) : [];
  return {
    group: isSecret ? 'Credential' : group,
    sentence: `${dn}: ${attribute} is ${show(values)} in AD and ${show(current)} in ADAM`,
  };
}

function countValues(values: readonly Buffer[]): string {
  return values.length === 1 ? '1 value (not shown)' : `${values.length} values (not shown)`;
}

function showValues(values: readonly Buffer[]): string {
  if (values.length === 0) return 'absent';
  const texts = values.map(showValue).toSorted((a, b) => a.localeCompare(b, 'en'));
  return shorten(texts.join(', '));
}

function showValue(value: Buffer): string {
  const text = value.toString('utf8');
  // oxlint-disable-next-line no-control-regex
  const isText = Buffer.from(text).equals(value) && !/[\u0000-\u001f\u007f]/.test(text);
  return isText ? `"${text}"` : `${value.length} octets (${value.subarray(0, 8).toString('hex')}…)`;
}

function shorten(text: string): string {
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
