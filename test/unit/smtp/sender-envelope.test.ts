import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRecipientParameters } from '../../../src/smtp/parameters.ts';
import { planEnvelope } from '../../../src/smtp/sender-envelope.ts';
import { encodeXtext } from '../../../src/smtp/xtext.ts';
import { makeMessage } from '../../helpers/sender-fixture.ts';

describe('xtext', () => {
  it.each([
    ['plain', 'plain'],
    ['a+b=c d', 'a+2Bb+3Dc+20d'],
    ['\r\nQUIT', '+0D+0AQUIT'],
    ['ü', '+C3+BC'],
  ])('writes %j as %j', (text, xtext) => {
    expect(encodeXtext(text)).toBe(xtext);
  });

  it('is read back by the receiving side', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{1,60}$/), (text) => {
        const parsed = parseRecipientParameters(` ORCPT=rfc822;${encodeXtext(text)}`, {
          extended: true,
          auth: false,
          binaryMime: false,
        });
        expect(parsed).toEqual({ kind: 'parsed', value: { originalRecipient: `rfc822;${text}` } });
      }),
    );
  });
});

describe('an ORCPT', () => {
  const orcpt = (originalRecipient: string, ...keywords: string[]): string | undefined => {
    const message = makeMessage({ recipients: [{ address: 'a@b.test', originalRecipient }] });
    const capabilities = new Map(keywords.map((keyword) => [keyword, '']));
    return / ORCPT=(.*)$/.exec(planEnvelope(message, capabilities).recipients[0]?.line ?? '')?.[1];
  };

  it.each([
    ['rfc822;a+b@c.test', 'rfc822;a+2Bb@c.test', 'rfc822;a+2Bb@c.test'],
    ['a@c.test', 'rfc822;a@c.test', 'rfc822;a@c.test'],
    ['x400;/C=de/', 'x400;/C+3Dde/', 'x400;/C+3Dde/'],
    ['utf-8;gr\\x{F6}\\x{DF}e@c.test', 'utf-8;gr\\x{F6}\\x{DF}e@c.test', 'utf-8;gr\\x{F6}\\x{DF}e@c.test'],
    ['utf-8;größe😀@c.test', 'utf-8;gr\\x{F6}\\x{DF}e\\x{1F600}@c.test', 'utf-8;größe😀@c.test'],
    ['utf-8;a+b\\c@c.test', 'utf-8;a\\x{2B}b\\x{5C}c@c.test', 'utf-8;a\\x{2B}b\\x{5C}c@c.test'],
  ])('%j goes to a hop without SMTPUTF8 as %j and to one with it as %j', (original, plain, global) => {
    expect([orcpt(original, 'DSN'), orcpt(original, 'DSN', 'SMTPUTF8')]).toEqual([plain, global]);
  });

  it('does not go to a hop without DSN', () => {
    expect(orcpt('rfc822;a@c.test', 'SMTPUTF8')).toBeUndefined();
  });
});

describe('REQUIRETLS', () => {
  const plan = (keywords: readonly string[], requireTls?: 'demanded' | 'where-offered') =>
    planEnvelope(
      makeMessage(requireTls === undefined ? {} : { requireTls }),
      new Map(keywords.map((keyword) => [keyword, ''])),
    );

  it('is said of a message that has it, and of no other', () => {
    expect(plan(['REQUIRETLS'], 'demanded').mailLine).toBe('MAIL FROM:<from@hub.test> REQUIRETLS');
    expect(plan(['REQUIRETLS']).mailLine).toBe('MAIL FROM:<from@hub.test>');
  });

  it('keeps a message back from a hop that does not offer it, for every recipient', () => {
    const refusals = plan([], 'demanded').recipients.map(({ refusal }) => `${refusal?.code} ${refusal?.enhanced}`);
    expect(refusals).toEqual(['550 5.7.30', '550 5.7.30']);
  });

  it('keeps no report back', () => {
    const { mailLine, recipients } = plan([], 'where-offered');
    expect([mailLine, recipients.map(({ refusal }) => refusal)]).toEqual([
      'MAIL FROM:<from@hub.test>',
      [undefined, undefined],
    ]);
  });
});

describe('the plan of an envelope', () => {
  const all = new Map(['SIZE', '8BITMIME', 'SMTPUTF8', 'DSN'].map((keyword) => [keyword, '']));

  it('has exactly one command in each line, whatever the addresses and parameters hold', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '@', '>', '<', '"', ' ', '\r', '\n', '.', 'ü', 'utf-8;'),
      maxLength: 12,
    });
    fc.assert(
      fc.property(text, text, text, (address, envelopeId, originalRecipient) => {
        const message = makeMessage({ reversePath: address, recipients: [{ address, originalRecipient }], envelopeId });
        const plan = planEnvelope(message, all);
        const sendable = plan.recipients.filter(({ refusal }) => refusal === undefined);
        for (const line of sendable.flatMap((recipient) => [plan.mailLine, recipient.line]))
          expect(line).not.toMatch(/[\r\n]/);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['a@b.test', '"a b>"@b.test', 'a@[127.0.0.1]', 'postmaster', 'ü@b.test'])(
    'sends to %j as it is written',
    (address) => {
      const [recipient] = planEnvelope(makeMessage({ recipients: [{ address }] }), all).recipients;
      expect(recipient).toEqual({ address, line: `RCPT TO:<${address}>`, refusal: undefined });
    },
  );
});
