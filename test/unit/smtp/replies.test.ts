import { describe, expect, it } from 'vitest';
import { challengeReply, greetingReply, helloReply, queuedReply, REPLIES } from '../../../src/smtp/replies.ts';
import { formatReply, isPositive, type Reply, replyLines } from '../../../src/smtp/reply.ts';

// IANA, "Simple Mail Transfer Protocol (SMTP) Enhanced Status Codes", the part behind the class digit.
const REGISTERED = new Set(
  ['0.0', '1.0-10', '2.0-4', '3.0-6', '4.0-7', '5.0-6', '6.0-10', '7.0-29'].flatMap((range) => {
    const [subject, details = ''] = range.split('.');
    const [first = 0, last = first] = details.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => `${subject}.${first + index}`);
  }),
);
// Exchange Online's code for a bare line feed; no registered one says it.
REGISTERED.add('6.11');
// Exchange's code for a sender that is not the client's own.
REGISTERED.add('7.60');

const WITHOUT_CODE: readonly string[] = ['serviceReady', 'hello', 'helloSyntax', 'authChallenge', 'startMailInput'];

describe('the table of replies', () => {
  it.each(Object.entries<Reply>(REPLIES))('%s agrees with itself and with the registry', (name, reply) => {
    expect(reply.code).toBeGreaterThanOrEqual(200);
    expect(reply.code).toBeLessThan(560);
    expect(reply.enhanced === '').toBe(WITHOUT_CODE.includes(name));
    if (reply.enhanced !== '') {
      const [classDigit, subject, detail] = reply.enhanced.split('.');
      expect(classDigit).toBe(String(reply.code).slice(0, 1));
      expect(REGISTERED).toContain(`${subject}.${detail}`);
    }
    // RFC 5321 §4.5.3.1.5: 512 octets with code and CRLF; printable ASCII only.
    expect(formatReply(reply).length).toBeLessThan(510);
    expect(reply.text).toMatch(/^[ -~]*$/);
    expect(reply.text).not.toMatch(/^\d\.\d/);
  });

  it('fills in what varies', () => {
    expect(formatReply(greetingReply('edge01 ready'))).toBe('220 edge01 ready');
    expect(replyLines(helloReply('edge01', '192.0.2.1', ['SIZE 10', 'DSN']))).toEqual([
      'edge01 Hello [192.0.2.1]',
      'SIZE 10',
      'DSN',
    ]);
    expect(formatReply(challengeReply(Buffer.from('r=x')))).toBe('334 cj14');
    expect(formatReply(queuedReply('<1@x>'))).toBe('250 2.6.0 <1@x> Queued mail for delivery');
  });
});

describe('a reply', () => {
  it('repeats its enhanced code on each line', () => {
    expect(replyLines({ code: 550, enhanced: '5.7.1', text: 'first\nsecond' })).toEqual([
      '5.7.1 first',
      '5.7.1 second',
    ]);
  });

  it('cannot be split by a control character', () => {
    expect(replyLines({ code: 550, enhanced: '', text: 'a\r\t250 ok' })).toEqual(['a  250 ok']);
  });

  it('is positive for 2xx only', () => {
    expect([199, 200, 299, 300, 354, 451, 550].filter((code) => isPositive({ code, enhanced: '', text: '' }))).toEqual([
      200, 299,
    ]);
  });
});
