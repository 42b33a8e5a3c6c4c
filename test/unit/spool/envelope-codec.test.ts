import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksumHead, decodeEnvelope, encodeEnvelope } from '../../../src/spool/envelope-codec.ts';
import { makeEnvelope } from '../../helpers/spool-fixtures.ts';

const text = fc.string({ unit: 'binary' });
const recipient = fc.record(
  {
    address: text,
    notify: fc.subarray(['NEVER', 'SUCCESS', 'FAILURE', 'DELAY'] as const),
    originalRecipient: text,
  },
  { requiredKeys: ['address'], noNullPrototype: true },
);
const date = fc.date({ noInvalidDate: true });
const envelope = fc.record(
  {
    reversePath: text,
    recipients: fc.array(recipient),
    eightBit: fc.boolean(),
    smtpUtf8: fc.boolean(),
    requireTls: fc.boolean(),
    ret: fc.constantFrom('FULL' as const, 'HDRS' as const),
    envelopeId: text,
    messageId: text,
    networkMessageId: text,
    subject: text,
    source: text,
    sourceAddress: text,
    receivedAt: date,
    expiresAt: date,
    authenticatedAs: text,
    hopCount: fc.nat(),
  },
  {
    requiredKeys: [
      ...(['reversePath', 'recipients', 'eightBit', 'smtpUtf8', 'messageId', 'networkMessageId', 'subject'] as const),
      ...(['source', 'receivedAt', 'expiresAt', 'hopCount'] as const),
    ],
    noNullPrototype: true,
  },
);

describe('the stored envelope', () => {
  it('comes back as it was, whatever is in it', () => {
    fc.assert(
      fc.property(envelope, (original) => {
        const octets = encodeEnvelope(original);
        expect(decodeEnvelope(octets)).toEqual(original);
      }),
    );
  });

  it('with an invalid date is refused', () => {
    expect(() => encodeEnvelope(makeEnvelope({ expiresAt: new Date(Number.NaN) }))).toThrow(RangeError);
  });
});

describe('the checksum of a message', () => {
  const head = {
    envelope: Buffer.from('envelope'),
    traceFields: Buffer.from('trace'),
    bodySizeBytes: 4,
    bodyChecksum: Buffer.alloc(32),
  };

  it.each([
    ['envelope', { envelope: Buffer.from('Envelope') }],
    ['trace fields', { traceFields: Buffer.from('Trace') }],
    ['size of the body', { bodySizeBytes: 5 }],
    ['checksum of the body', { bodyChecksum: Buffer.alloc(32, 1) }],
    ['border between two parts', { envelope: Buffer.from('envelopet'), traceFields: Buffer.from('race') }],
  ])('changes with the %s', (_name, change) => {
    expect(checksumHead({ ...head, ...change }).equals(checksumHead(head))).toBe(false);
    expect(checksumHead({ ...head }).equals(checksumHead(head))).toBe(true);
  });
});
