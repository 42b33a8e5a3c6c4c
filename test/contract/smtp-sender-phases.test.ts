// How long the sender waits (RFC 5321 §4.5.3.2): the RFC's times, and each phase by its own, whatever the others are.

import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_TIMEOUTS, type SenderTimeouts } from '../../src/smtp/sender.ts';
import type { SmtpScript } from '../helpers/scripted-smtp-server.ts';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';

const MINUTE_MS = 60_000;
const SHORT_MS = 150;

const fixture = new SenderFixture();
afterEach(() => fixture.cleanUp());

/** Nothing but this phase can end within the test. */
function only(phase: keyof SenderTimeouts): SenderTimeouts {
  const long = Object.fromEntries(Object.keys(DEFAULT_TIMEOUTS).map((name) => [name, 10 * MINUTE_MS]));
  return { ...(long as unknown as SenderTimeouts), [phase]: SHORT_MS };
}

/** A server that says nothing to one command. */
const silentAt = (verb: string): SmtpScript => ({ answers: { [verb]: () => undefined } });

describe('the times of the sender', () => {
  it('are those that RFC 5321 §4.5.3.2 names as the least', () => {
    expect(DEFAULT_TIMEOUTS).toMatchObject({
      greetingMs: 5 * MINUTE_MS,
      mailMs: 5 * MINUTE_MS,
      rcptMs: 5 * MINUTE_MS,
      dataMs: 2 * MINUTE_MS,
      dataBlockMs: 3 * MINUTE_MS,
      dataDoneMs: 10 * MINUTE_MS,
    });
  });

  it.each<[keyof SenderTimeouts, string, SmtpScript]>([
    ['greetingMs', 'greeting', { greeting: '' }],
    ['ehloMs', 'ehlo', silentAt('EHLO')],
    ['tlsMs', 'starttls', { keywords: ['STARTTLS'], answers: { STARTTLS: '220 go on' } }],
  ])('count for %s alone while a session is opened', async (phase, where, script) => {
    const server = await fixture.listen(script);
    const result = await fixture.dial(server.port, { startTls: 'attempt', timeouts: only(phase) });
    expect(result).toMatchObject({ kind: 'failed', phase: where, code: 'ETIMEDOUT', permanent: false });
  });

  it.each<[keyof SenderTimeouts, string]>([
    ['mailMs', 'MAIL'],
    ['rcptMs', 'RCPT'],
    ['dataMs', 'DATA'],
    ['dataDoneMs', 'DOT'],
  ])('count for %s alone while a message is sent', async (phase, verb) => {
    const server = await fixture.listen(silentAt(verb));
    const session = await fixture.connect(server.port, { timeouts: only(phase) });
    const { recipients } = await session.send(makeMessage());
    expect(recipients.map(({ status, reply }) => `${status} ${reply.enhanced}`)).toEqual([
      'deferred 4.4.2',
      'deferred 4.4.2',
    ]);
    expect(session.alive).toBe(false);
  });
});
