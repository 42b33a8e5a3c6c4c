// What the proof expects of each cell is what hand-written tables say: that of the trust rules (test/helpers/trust-cases.ts), and here
// those of the columns that no case of it has. Neither is made by the rules that the proof asks.

import { describe, expect, it } from 'vitest';
import { promiseOfRound, SYNC_EVENTS } from '../../../src/prove/edge-sync-subject.ts';
import { DEFAULT_SETTINGS, PAIR_POLICIES, STRANGER_POLICIES } from '../../../src/prove/pair-policies.ts';
import { promise } from '../../../src/prove/rules.ts';
import { WIRE_EVENTS } from '../../../src/prove/wire-events.ts';
import type { Validity } from '../../../src/tls/certificate.ts';
import { readFaults } from '../../../src/meddle/fault.ts';
import { TRUST_CASES, type TrustCase, type Wire } from '../../helpers/trust-cases.ts';

const STANCES = { none: 'opportunistic', RequireTLS: 'require', IgnoreSTARTTLS: 'ignore' } as const;
const VALIDITY = { 'in-date': 'valid', expired: 'expired', 'not-yet-valid': 'not-yet-valid' } as const;
const RESULTS = { tls: 'tls', plaintext: 'clear', waits: 'waits' } as const;
/** The row of the proof that is the same on the wire. */
const ROWS: Readonly<Record<Wire, string>> = {
  clean: 'clean',
  stripped: 'stripped',
  'refused-454': 'refused-454',
  'refused-502': 'refused-502',
  garbage: 'garbage',
  alert: 'alert',
  reset: 'reset',
  silent: 'stalled',
};

function rowOf({ wire = 'clean', hasWaited = false, isReplaced = false }: TrustCase) {
  const id = isReplaced ? 'unknown' : `${ROWS[wire]}${hasWaited ? '-again' : ''}`;
  const event = WIRE_EVENTS.find((each) => each.id === id);
  if (!event) throw new Error(`the proof has no row ${id}`);
  return event;
}

describe('the promises of the proof', () => {
  it.each(TRUST_CASES)('$when: $result, $reason', (row) => {
    const found = promise({
      policy: {
        stance: STANCES[row.switch ?? 'none'],
        settings: {
          expiredCertificate: row.expiredCertificate ?? 'Plaintext',
          untrustedCertificate: row.untrustedCertificate ?? 'Defer',
        },
      },
      onRecord: VALIDITY[row.peer ?? 'in-date'],
      own: VALIDITY[row.own ?? 'in-date'],
      wire: rowOf(row),
    });
    expect(found).toEqual({ outcome: RESULTS[row.result], reason: row.reason });
  });

  it('let a sender whose certificate is not on record with the receiver wait, unless it goes in clear anyway', () => {
    const [clean] = WIRE_EVENTS;
    const found = PAIR_POLICIES.map((policy) => {
      const situation = { policy, onRecord: 'valid', own: 'valid', isSenderStale: true } as const;
      return `${policy.id} ${promise({ ...situation, wire: clean ?? rowOf({} as TrustCase) }).reason}`;
    });
    expect(found).toEqual([
      'default authentication-refused',
      'keep-tls authentication-refused',
      'defer authentication-refused',
      'encrypt authentication-refused',
      'require authentication-refused',
      'ignore starttls-ignored',
      'requiretls authentication-refused',
      'tls-1.3 authentication-refused',
      'tls-1.0 authentication-refused',
      'x-anonymoustls authentication-refused',
    ]);
  });
});

const CUT = ['cut', 'reset', 'cut-server-hello', 'stalled'];
const CUT_AGAIN = CUT.map((id) => `${id}-again`);
const REFUSED = ['refused-454', 'refused-502', 'refused-554'];
const BROKEN = ['injected', 'garbage', 'corrupt', 'alert'];
const UNKNOWN = ['unknown', 'unknown-expired', 'unknown-not-yet-valid', 'other-name', 'other-kind'];
const OLD = ['tls-1.1', 'tls-1.0', 'weak-cipher'];

/** Rows, and what a message comes to in each column, from docs/trust.md. */
type ByHand<Column extends string> = readonly (readonly [rows: readonly string[], answers: Record<Column, string>])[];

const all = <Column extends string>(columns: readonly Column[], answer: string): Record<Column, string> =>
  Object.fromEntries(columns.map((column) => [column, answer])) as Record<Column, string>;

const NEWER = ['requiretls', 'tls-1.3', 'tls-1.0', 'x-anonymoustls'] as const;

/** Between Hub and Edge, both certificates on record and in date. */
const PAIR_BY_HAND: ByHand<(typeof NEWER)[number]> = [
  [['clean', 'split'], all(NEWER, 'tls direct-trust')],
  [
    ['stripped', 'masked'],
    {
      ...all(NEWER, 'clear downgrade-suspected'),
      requiretls: 'waits downgrade-suspected',
      'x-anonymoustls': 'waits authentication-not-offered',
    },
  ],
  [REFUSED, { ...all(NEWER, 'clear starttls-refused'), requiretls: 'waits starttls-refused' }],
  [BROKEN, { ...all(NEWER, 'clear handshake-failed'), requiretls: 'waits handshake-failed' }],
  [CUT, all(NEWER, 'waits handshake-cut')],
  [CUT_AGAIN, { ...all(NEWER, 'clear handshake-cut'), requiretls: 'waits handshake-cut' }],
  [UNKNOWN, all(NEWER, 'waits certificate-not-trusted')],
  [['tls-1.2'], { ...all(NEWER, 'waits certificate-not-trusted'), 'tls-1.3': 'clear handshake-failed' }],
  [
    OLD,
    {
      ...all(NEWER, 'clear handshake-failed'),
      requiretls: 'waits handshake-failed',
      'tls-1.0': 'waits certificate-not-trusted',
    },
  ],
];

/** The same with nothing on the wire and a certificate out of its dates: the receiver's, then the sender's own. */
const DATES_BY_HAND = [
  ['expired', 'receiver', 'clear certificate-expired', 'bounced certificate-expired'],
  ['not-yet-valid', 'receiver', 'clear certificate-not-yet-valid', 'waits certificate-not-yet-valid'],
  ['expired', 'sender', 'clear own-certificate-expired', 'bounced own-certificate-expired'],
  ['not-yet-valid', 'sender', 'clear own-certificate-not-yet-valid', 'waits own-certificate-not-yet-valid'],
] as const;

const STRANGERS = ['opportunistic', 'require', 'ignore', 'requiretls', 'tls-1.3', 'tls-1.0'] as const;
const IGNORED = { ignore: 'clear starttls-ignored' };

/** Towards a server that the directory knows nothing of, whose certificate nobody vouches for. */
const STRANGER_BY_HAND: ByHand<(typeof STRANGERS)[number]> = [
  [
    ['clean', 'split', ...UNKNOWN],
    { ...all(STRANGERS, 'tls tls-opportunistic'), ...IGNORED, requiretls: 'bounced certificate-unverified' },
  ],
  [
    ['stripped', 'masked'],
    {
      ...all(STRANGERS, 'clear starttls-not-supported'),
      ...IGNORED,
      require: 'waits starttls-not-supported',
      requiretls: 'bounced starttls-not-supported',
    },
  ],
  [
    ['refused-454'],
    {
      ...all(STRANGERS, 'clear starttls-refused'),
      ...IGNORED,
      require: 'waits starttls-refused',
      requiretls: 'waits starttls-refused',
    },
  ],
  [
    ['refused-502', 'refused-554'],
    {
      ...all(STRANGERS, 'clear starttls-refused'),
      ...IGNORED,
      require: 'waits starttls-refused',
      requiretls: 'bounced starttls-refused',
    },
  ],
  [
    BROKEN,
    {
      ...all(STRANGERS, 'clear handshake-failed'),
      ...IGNORED,
      require: 'waits handshake-failed',
      requiretls: 'bounced handshake-failed',
    },
  ],
  [CUT, { ...all(STRANGERS, 'waits handshake-cut'), ...IGNORED }],
  [
    CUT_AGAIN,
    {
      ...all(STRANGERS, 'clear handshake-cut'),
      ...IGNORED,
      require: 'waits handshake-cut',
      requiretls: 'waits handshake-cut',
    },
  ],
  [
    ['tls-1.2'],
    {
      ...all(STRANGERS, 'tls tls-opportunistic'),
      ...IGNORED,
      requiretls: 'bounced certificate-unverified',
      'tls-1.3': 'clear handshake-failed',
    },
  ],
  [
    OLD,
    {
      ...all(STRANGERS, 'clear handshake-failed'),
      ...IGNORED,
      require: 'waits handshake-failed',
      requiretls: 'bounced handshake-failed',
      'tls-1.0': 'tls tls-opportunistic',
    },
  ],
];

/** EdgeSync is never in clear: a round is carried, or it is broken off by what came, or nobody was there. */
const ROUNDS_BY_HAND: Readonly<Record<string, string>> = {
  clean: 'tls Success',
  split: 'tls Success',
  garbage: 'waits Aborted',
  corrupt: 'waits Aborted',
  alert: 'waits Aborted',
  cut: 'waits CouldNotConnect',
  reset: 'waits CouldNotConnect',
  'cut-server-hello': 'waits CouldNotConnect',
  stalled: 'waits CouldNotConnect',
};

function eventOf(id: string) {
  const event = WIRE_EVENTS.find((each) => each.id === id);
  if (!event) throw new Error(`the proof has no row ${id}`);
  return event;
}

const words = ({ outcome, reason }: { outcome: string; reason: string }): string => `${outcome} ${reason}`;

describe('the columns that decide by the connector and by the sender of the letter', () => {
  const columnsOf = <Policy extends { readonly id: string }>(policies: readonly Policy[], ids: readonly string[]) =>
    policies.filter(({ id }) => ids.includes(id));

  it.each(PAIR_BY_HAND)('on the pair in the rows %j', (rows, answers) => {
    for (const id of rows) {
      const found = columnsOf(PAIR_POLICIES, NEWER).map((policy) => {
        const situation = { policy, onRecord: 'valid', own: 'valid', wire: eventOf(id) } as const;
        return [policy.id, words(promise(situation))];
      });
      expect([id, Object.fromEntries(found)]).toEqual([id, answers]);
    }
  });

  it.each(DATES_BY_HAND)('on the pair where %s is the certificate of the %s', (dates, whose, usual, requiretls) => {
    const found = columnsOf(PAIR_POLICIES, NEWER).map((policy) => {
      const onRecord: Validity = whose === 'receiver' ? dates : 'valid';
      const own: Validity = whose === 'sender' ? dates : 'valid';
      return [policy.id, words(promise({ policy, onRecord, own, wire: eventOf('clean') }))];
    });
    expect(Object.fromEntries(found)).toEqual({ ...all(NEWER, usual), requiretls });
  });

  it.each(STRANGER_BY_HAND)('towards a stranger in the rows %j', (rows, answers) => {
    for (const id of rows) {
      const found = STRANGER_POLICIES.map((each) => {
        const policy = { ...each, settings: DEFAULT_SETTINGS };
        return [each.id, words(promise({ policy, onRecord: undefined, own: 'valid', wire: eventOf(id) }))];
      });
      expect([id, Object.fromEntries(found)]).toEqual([id, answers]);
    }
  });

  it('and rounds of EdgeSync', () => {
    const found = SYNC_EVENTS.map((wire) => [
      wire.id,
      words(promiseOfRound({ onRecord: 'valid', own: 'valid', wire })),
    ]);
    expect(Object.fromEntries(found)).toEqual(ROUNDS_BY_HAND);
  });

  it('and rounds of EdgeSync with certificates out of their dates, or that the other side has not on record', () => {
    const dates: readonly Validity[] = ['valid', 'expired', 'not-yet-valid'];
    const known = { seenAs: { kind: 'established', shown: 'current' } } as const;
    const unknown = { seenAs: { kind: 'established', shown: 'unknown' } } as const;
    // docs/edgesync.md: the certificate on record will do, expired or not, and any other ends the connection.
    for (const onRecord of dates) {
      for (const own of dates) {
        expect(words(promiseOfRound({ onRecord, own, wire: known }))).toBe('tls Success');
        expect(words(promiseOfRound({ onRecord, own, wire: unknown }))).toBe('waits Aborted');
      }
    }
  });

  it.each([
    ['hub-to-edge', PAIR_BY_HAND],
    ['to a stranger', STRANGER_BY_HAND],
  ])('are written down for every row there is: %s', (_name, table) => {
    const rows: readonly string[] = table.flatMap(([ids]) => [...ids]);
    expect(rows.toSorted()).toEqual(WIRE_EVENTS.map(({ id }) => id).toSorted());
  });
});

describe('the rows', () => {
  it('have names of their own, and faults that can be done', () => {
    expect(new Set(WIRE_EVENTS.map(({ id }) => id)).size).toBe(WIRE_EVENTS.length);
    expect(WIRE_EVENTS.flatMap(({ faults }) => readFaults(faults)).length).toBeGreaterThan(20);
  });
});
