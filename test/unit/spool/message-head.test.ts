import { describe, expect, it } from 'vitest';
import { encodeState } from '../../../src/spool/delivery-state.ts';
import { encodeEnvelope } from '../../../src/spool/envelope-codec.ts';
import { decodeHead } from '../../../src/spool/message-head.ts';
import { envelopeFor } from '../../helpers/spool-fixtures.ts';

const envelope = envelopeFor('a@one.test', 'b@one.test');
const fresh = {
  id: 7,
  envelope: encodeEnvelope(envelope).toString(),
  attempts: null,
  nextAttemptMs: null,
  suspended: null,
  recipients: null,
};

describe('decodeHead', () => {
  it('knows a fresh message by its envelope alone', () => {
    const { receivedAt, expiresAt, reversePath } = envelope;
    expect(decodeHead(fresh)).toEqual({
      id: 7,
      envelope: { receivedAt, expiresAt, reversePath },
      recipients: ['a@one.test', 'b@one.test'].map((address) => ({ address, status: 'pending', delayNotified: false })),
      attempts: 0,
      nextAttemptAt: receivedAt,
      suspended: false,
    });
  });

  it('knows the state of one that was tried', () => {
    const nextAttemptAt = new Date('2026-01-01T01:00:00Z');
    const { checksum: _, ...stored } = encodeState(7, {
      attempts: 2,
      nextAttemptAt,
      suspended: true,
      poison: false,
      recipients: [
        { address: 'a@one.test', status: 'pending', delayNotified: true },
        { address: 'b@one.test', status: 'failed', delayNotified: false, lastError: '550 no' },
      ],
    });
    expect(decodeHead({ ...fresh, ...stored })).toMatchObject({
      attempts: 2,
      nextAttemptAt,
      suspended: true,
      recipients: [
        { status: 'pending', delayNotified: true },
        { status: 'failed', delayNotified: false },
      ],
    });
  });

  it.each([
    ['no row', { envelope: null }],
    ['half an envelope', { envelope: fresh.envelope.slice(0, 100) }],
    ['another JSON', { envelope: '[1,2]' }],
    ['a date that is none', { envelope: fresh.envelope.replace('2026-01-01T', '2026-41-01T') }],
    ['attempts that are no number', { attempts: 'x' }],
    ['a state of somebody else', { recipients: '[[2,"failed",false,null]]' }],
    ['a state that is no JSON', { recipients: '[[' }],
    ['nobody who still waits', { recipients: '[[0,"failed",false,null],[1,"failed",false,null]]' }],
  ])('leaves to others what makes no sense: %s', (_, damage) => {
    expect(decodeHead({ ...fresh, ...damage })).toBeUndefined();
  });
});
