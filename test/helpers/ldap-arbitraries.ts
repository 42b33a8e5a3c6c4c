// Random LDAP requests for two servers with this project's schema: mostly sound ones about a few names, so that they meet each
// other, and now and then one that no server should take. Values come from small pools, so that they meet too.

import * as fc from 'fast-check';
import { readAddedAttributes } from '../../src/directory/entry-change.ts';
import { checkOperation } from '../../src/directory/operation-check.ts';
import type { Change, LdapOperation } from '../../src/ldap/entry.ts';
import type { Filter } from '../../src/ldap/filter.ts';
import type { SearchRequest } from '../../src/ldap/request.ts';
import { isProblem } from '../../src/problem.ts';
import type { TwinRequest } from './ldap-twins.ts';

/** Stands for the container of one run, which each run puts in its place. */
export const RUN = 'CN=run';

const octets = (text: string): Buffer => Buffer.from(text, 'utf8');
const pick = <T>(...items: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...items);
const seldom = <T>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: rare });

const SOUND_NAMES = [
  'CN=a',
  'cn=A',
  'CN=b',
  'CN=c',
  'CN=x y',
  'CN=X  Y',
  String.raw`CN=p\,q`,
  'description=d',
  'CN=a+description=d',
];
const ODD_NAMES = ['2.5.4.3=a', 'CN=ä', 'CN=Ä', String.raw`CN=\c3\a4`, 'description=d+CN=a', 'msExchSmtpSendPort=25'];
const BAD_NAMES = [
  'CN',
  'CN=',
  '=a',
  'CN=a,,CN=b',
  'nosuch=a',
  'msExchSmtpSendPort=x',
  'CN=a+',
  'entryUUID=a',
  'CN=a;CN=b',
];

const part = fc.oneof(
  { weight: 20, arbitrary: pick(...SOUND_NAMES) },
  { weight: 3, arbitrary: pick(...ODD_NAMES) },
  { weight: 1, arbitrary: pick(...BAD_NAMES) },
);

/** Those that a run begins with, and some that are likely to be made. */
const KNOWN = ['CN=a', 'cn=A', 'CN=b,CN=a', 'CN=c', 'CN=b', 'CN=c,CN=a', 'CN=a,CN=c', 'CN=b,CN=c'];

/** A name of one to three parts under the run's container, or one elsewhere. */
const name = fc.oneof(
  { weight: 40, arbitrary: pick(...KNOWN).map((known) => `${known},${RUN}`) },
  { weight: 8, arbitrary: fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => [...parts, RUN].join(',')) },
  { weight: 2, arbitrary: fc.constant(RUN) },
  { weight: 1, arbitrary: pick('DC=elsewhere', 'CN=a,DC=test', 'CN=nowhere,DC=contoso,DC=test', 'DC=test') },
);

const TEXTS = ['a', 'A', 'b', 'a b', ' A  b ', 'ä', 'Ä', 'straße', 'x*y', '(', '', ' '];
const VALUES: Readonly<Record<string, readonly string[]>> = {
  cn: TEXTS,
  description: TEXTS,
  adminDescription: TEXTS,
  routingList: ['SMTP:*;1', 'smtp:*;1', 'a', 'b'],
  serialNumber: ['Version 8.1 (Build 1)', 'version 8.1  (build 1)', 'a_b', 'ä', 'a'],
  msExchEdgeSyncCredential: ['a', 'A', '{"a":1}', 'a b', ' a  b', ''],
  msExchServerInternalTLSCert: ['a', 'A', '\u0000\u0001', 'ä', ''],
  msExchSmtpSendPort: ['0', '25', '9', '-1', '-0', '007', '99999999999999999999', 'x', '', '1.5', '+1'],
  msExchCurrentServerRoles: ['32', '64', '96'],
  msExchSmtpSendEnabled: ['TRUE', 'FALSE', 'true', 'x', ''],
  msExchEdgeSubscriptionEffective: [
    '20260131120000Z',
    '20260131120000.000Z',
    '20260131120000.5Z',
    '202601311200Z',
    '2026013112Z',
    '20260131130000+0100',
    '20260231120000Z',
    '20260131250000Z',
    '20260131120000',
    'x',
  ],
  dNSHostName: ['hub01.test', 'HUB01.test', 'a'],
  msExchAcceptedDomainName: ['contoso.test', 'Contoso.TEST'],
  userPassword: ['a', 'b'],
  objectClass: ['msExchContainer', 'MSEXCHCONTAINER', 'msExchExchangeServer', 'top', '2.5.6.0', 'nosuch', 'x y'],
  creatorsName: ['CN=a', 'x'],
  entryUUID: ['0f6f2d6e-0000-4000-8000-0000000000ad', 'x'],
  createTimestamp: ['20260131120000Z'],
  nosuch: ['a'],
};

/** Names as they may be written. */
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  cn: ['cn', 'CN', '2.5.4.3'],
  description: ['description', 'DESCRIPTION', '2.5.4.13'],
};

const OF_CLASS: Readonly<Record<string, readonly string[]>> = {
  msExchContainer: ['description', 'adminDescription'],
  msExchExchangeServer: [
    'description',
    'serialNumber',
    'msExchServerInternalTLSCert',
    'msExchEdgeSyncCredential',
    'msExchEdgeSubscriptionEffective',
  ],
  msExchRoutingSMTPConnector: ['description', 'routingList', 'msExchSmtpSendPort', 'msExchSmtpSendEnabled'],
  msExchAcceptedDomain: ['description', 'adminDescription'],
};
const REQUIRED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  msExchContainer: {},
  msExchExchangeServer: { dNSHostName: 'hub01.test', msExchCurrentServerRoles: '32' },
  msExchRoutingSMTPConnector: {},
  msExchAcceptedDomain: { msExchAcceptedDomainName: 'contoso.test' },
};

const ATTRIBUTES = Object.keys(VALUES);
const USER_ATTRIBUTES = ATTRIBUTES.filter(
  (attribute) => !['creatorsName', 'entryUUID', 'createTimestamp', 'nosuch'].includes(attribute),
);

const spelling = (attribute: string): fc.Arbitrary<string> => pick(...(SPELLINGS[attribute] ?? [attribute]));
/** Values of the first kind in a pool are the sound ones. */
const value = (attribute: string): fc.Arbitrary<Buffer> => {
  const pool = VALUES[attribute] ?? ['a'];
  return seldom(pick(...pool.slice(0, 3)), pick(...pool)).map(octets);
};
const values = (attribute: string, minLength = 1): fc.Arbitrary<Buffer[]> =>
  seldom(
    fc.array(value(attribute), { minLength, maxLength: 1 }),
    fc.array(value(attribute), { minLength: 0, maxLength: 3 }),
  );

const attributeOf = (className: string): fc.Arbitrary<string> =>
  seldom(pick(...(OF_CLASS[className] ?? ['description'])), pick(...ATTRIBUTES));

const className = pick(...Object.keys(OF_CLASS), 'msExchContainer', 'msExchContainer');

const add: fc.Arbitrary<LdapOperation> = className.chain((ofClass) =>
  fc
    .record({
      dn: name,
      classes: seldom<string[]>(
        fc.constant([ofClass]),
        fc.array(pick(...(VALUES['objectClass'] ?? []), ofClass), { maxLength: 3 }),
      ),
      required: seldom(fc.constant(true), fc.boolean()),
      more: fc.array(
        attributeOf(ofClass).chain((attribute) => fc.tuple(spelling(attribute), values(attribute))),
        { maxLength: 3 },
      ),
    })
    .map(({ dn, classes, required, more }): LdapOperation => {
      const needed = required ? Object.entries(REQUIRED[ofClass] ?? {}) : [];
      const attributes = new Map<string, readonly Buffer[]>([
        ...(classes.length > 0 ? ([['objectClass', classes.map(octets)]] as const) : []),
        ...needed.map(([attribute, text]) => [attribute, [octets(text)]] as const),
        ...more,
      ]);
      return { kind: 'add', dn, attributes };
    }),
);

const change: fc.Arbitrary<Change> = seldom(pick(...USER_ATTRIBUTES), pick(...ATTRIBUTES)).chain((attribute) =>
  fc.record({
    operation: seldom(pick('add', 'delete', 'replace'), fc.constant('increment')),
    attribute: spelling(attribute),
    values: fc.oneof(values(attribute), fc.constant([])),
  }),
);

const modify: fc.Arbitrary<LdapOperation> = fc.record({
  kind: fc.constant('modify'),
  dn: name,
  changes: seldom<Change[]>(fc.array(change, { minLength: 1, maxLength: 3 }), fc.constant([])),
});

const rename: fc.Arbitrary<LdapOperation> = fc
  .record({
    dn: name,
    newRdn: seldom(part, pick('CN=a,CN=b', '')),
    deleteOldRdn: fc.boolean(),
    newSuperior: fc.option(name, { nil: undefined }),
  })
  .map(({ newSuperior, ...rest }) => ({
    kind: 'rename',
    ...rest,
    ...(newSuperior === undefined ? {} : { newSuperior }),
  }));

const remove: fc.Arbitrary<LdapOperation> = name.map((dn) => ({ kind: 'delete', dn }));

const operation = fc.oneof(
  { weight: 5, arbitrary: add },
  { weight: 4, arbitrary: modify },
  { weight: 2, arbitrary: rename },
  { weight: 2, arbitrary: remove },
);

/**
 * slapd 2.5.13 dies of transactions that rename, and of one with an update that it refuses as soon as it comes: none renames
 * here, and all are sound but for what is there.
 */
const inTransaction = operation.filter((one) => one.kind !== 'rename' && one.dn.endsWith(RUN) && isSound(one));

function isSound(one: LdapOperation): boolean {
  try {
    checkOperation(one);
    if (one.kind === 'add') readAddedAttributes(one.dn, one.attributes);
    return one.kind !== 'modify' || one.changes.length > 0;
  } catch (error) {
    if (isProblem(error)) return false;
    throw error;
  }
}

const RULES = [
  'caseExactMatch',
  '2.5.13.2',
  'integerMatch',
  'integerOrderingMatch',
  '1.2.840.113556.1.4.803',
  'octetStringMatch',
  'objectIdentifierMatch',
  'nosuchMatch',
];

const item: fc.Arbitrary<Filter> = seldom(pick(...USER_ATTRIBUTES), pick(...ATTRIBUTES)).chain((attribute) => {
  const named = spelling(attribute);
  const piece = value(attribute).filter((octet) => octet.length > 0);
  return fc.oneof<fc.Arbitrary<Filter>[]>(
    fc.record({
      // Each server makes up its own UUIDs: what lies before or behind one differs by chance.
      kind: attribute === 'entryUUID' ? pick('equal') : pick('equal', 'equal', 'greater-or-equal', 'less-or-equal'),
      attribute: named,
      value: value(attribute),
    }),
    fc.record({ kind: fc.constant('present'), attribute: named }),
    fc
      .record({
        attribute: named,
        initial: fc.option(piece),
        any: fc.array(piece, { maxLength: 2 }),
        final: fc.option(piece),
      })
      .filter(({ initial, any, final }) => initial !== null || final !== null || any.length > 0)
      .map(({ initial, final, ...rest }) => ({
        kind: 'substring',
        ...rest,
        ...(initial ? { initial } : {}),
        ...(final ? { final } : {}),
      })),
    fc
      .record({
        attribute: fc.option(named),
        rule: fc.option(pick(...RULES)),
        dnAttributes: fc.boolean(),
        value: value(attribute),
      })
      .filter(({ attribute: given, rule }) => given !== null || rule !== null)
      .map(({ attribute: given, rule, ...rest }) => ({
        kind: 'extensible',
        ...rest,
        ...(given === null ? {} : { attribute: given }),
        ...(rule === null ? {} : { rule }),
      })),
  );
});

const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    item,
    fc.record({ kind: fc.constant<'not'>('not'), filter: tie('filter') }),
    fc.record({ kind: pick<'and' | 'or'>('and', 'or'), filters: fc.array(tie('filter'), { maxLength: 3 }) }),
  ),
}));

const search: fc.Arbitrary<TwinRequest> = fc
  .record({
    base: name,
    scope: pick<SearchRequest['scope']>('base', 'one', 'sub', 'sub'),
    sizeLimit: seldom(fc.constant(0), fc.nat(3)),
    typesOnly: seldom(fc.constant(false), fc.constant(true)),
    filter,
    attributes: fc.array(pick('*', '+', '1.1', 'cn', 'DESCRIPTION', '2.5.4.13', 'nosuch', 'objectClass'), {
      maxLength: 3,
    }),
  })
  .map((request) => ({ kind: 'request', request: { kind: 'search', timeLimitSeconds: 0, ...request } }));

const compare: fc.Arbitrary<TwinRequest> = seldom(pick(...USER_ATTRIBUTES), pick(...ATTRIBUTES)).chain((attribute) =>
  fc
    .record({ dn: name, attribute: spelling(attribute), value: value(attribute) })
    .map((request) => ({ kind: 'request', request: { kind: 'compare', ...request } })),
);

/** One request of a sequence. */
export const twinRequest: fc.Arbitrary<TwinRequest> = fc.oneof(
  {
    weight: 6,
    arbitrary: operation.map((one): TwinRequest => ({ kind: 'request', request: { kind: 'update', operation: one } })),
  },
  { weight: 3, arbitrary: search },
  { weight: 1, arbitrary: compare },
);

/** Several updates as one. */
export const twinTransaction: fc.Arbitrary<TwinRequest> = fc.record({
  kind: fc.constant('transaction'),
  operations: fc.array(inTransaction, { minLength: 1, maxLength: 5 }),
  commit: seldom(fc.constant(true), fc.constant(false)),
});
