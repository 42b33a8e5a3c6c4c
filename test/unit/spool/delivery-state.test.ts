import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeState,
  encodeState,
  freshState,
  isLate,
  isPending,
  settleState,
} from '../../../src/spool/delivery-state.ts';
import type { RecipientStatus } from '../../../src/spool/spool.ts';
import { envelopeFor } from '../../helpers/spool-fixtures.ts';

const ENVELOPE = envelopeFor('a@x', 'b@x', 'c@x');
const STATUSES: readonly RecipientStatus[] = ['pending', 'delivered', 'relayed', 'failed'];

const settlement = fc.record(
  {
    recipients: fc.array(
      fc.record(
        {
          index: fc.nat(2),
          status: fc.constantFrom(...STATUSES),
          lastError: fc.string({ unit: 'binary' }),
          delayNotified: fc.boolean(),
        },
        { requiredKeys: ['index', 'status'] },
      ),
    ),
    attempts: fc.nat(),
    nextAttemptAt: fc.date({ noInvalidDate: true }),
    suspended: fc.boolean(),
    poison: fc.constant(true as const),
  },
  { requiredKeys: [] },
);
const settlements = fc.array(settlement);

describe('the delivery state', () => {
  it('comes back from its stored form, whatever happened to the message', () => {
    fc.assert(
      fc.property(settlements, (changes) => {
        const state = changes.reduce(settleState, freshState(ENVELOPE));
        expect(decodeState(7, ENVELOPE, encodeState(7, state))).toEqual(state);
      }),
    );
  });

  it('never takes a recipient back that is no longer pending', () => {
    fc.assert(
      fc.property(settlements, settlement, (changes, last) => {
        const before = changes.reduce(settleState, freshState(ENVELOPE));
        const after = settleState(before, last);
        before.recipients.forEach((recipient, index) => {
          if (recipient.status !== 'pending') expect(after.recipients[index]).toEqual(recipient);
        });
        if (!isPending(before)) expect(isPending(after)).toBe(false);
      }),
    );
  });

  it.each<[string, number[], number[], boolean]>([
    ['nobody', [0], [], false],
    ['one that is pending', [0], [1], false],
    ['one that is settled', [0], [0], true],
    ['one that is settled and one that is pending', [0], [0, 1], false],
    ['only settled ones', [0, 2], [2, 0], true],
  ])('is met in time or late by a settlement that names %s', (_name, settled, named, late) => {
    const change = (indexes: number[]) => ({
      recipients: indexes.map((index) => ({ index, status: 'delivered' as const })),
    });
    const before = settleState(freshState(ENVELOPE), change(settled));
    expect(isLate(before, change(named), settleState(before, change(named)))).toBe(late);
  });

  it.each([
    ['another message', 8, {}],
    ['another number of attempts', 7, { attempts: 2 }],
    ['another time', 7, { nextAttemptMs: 1 }],
    ['suspension', 7, { suspended: 1 }],
    ['other recipients', 7, { recipients: '[]' }],
    ['no checksum', 7, { checksum: null as unknown as Uint8Array }],
  ])('is not accepted for %s', (_name, id, change) => {
    const state = settleState(freshState(ENVELOPE), { recipients: [{ index: 1, status: 'relayed' }], attempts: 1 });
    expect(decodeState(id, ENVELOPE, { ...encodeState(7, state), ...change })).toBeUndefined();
  });

  it('of recipients that the envelope does not have is not accepted', () => {
    const stored = encodeState(7, settleState(freshState(ENVELOPE), { recipients: [{ index: 2, status: 'failed' }] }));
    expect(decodeState(7, envelopeFor('a@x'), stored)).toBeUndefined();
  });
});
