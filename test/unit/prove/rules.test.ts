// What the proof expects of each cell is what the hand-written table of the trust rules says.

import { describe, expect, it } from 'vitest';
import { PAIR_POLICIES } from '../../../src/prove/pair-policies.ts';
import { promise } from '../../../src/prove/rules.ts';
import { WIRE_EVENTS } from '../../../src/prove/wire-events.ts';
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

describe('the rows', () => {
  it('have names of their own, and faults that can be done', () => {
    expect(new Set(WIRE_EVENTS.map(({ id }) => id)).size).toBe(WIRE_EVENTS.length);
    expect(WIRE_EVENTS.flatMap(({ faults }) => readFaults(faults)).length).toBeGreaterThan(20);
  });
});
