// A message that goes to the next hop behind its envelope, in the same write (RFC 3030 §4.2): one wait for a whole message, and
// whatever of it is refused, every recipient is told what the hop said and the connection is ready for the next one, or dead.

import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/log.ts';
import type { OutgoingMessage, SenderSession } from '../../src/smtp/sender.ts';
import { SmtpListener } from '../../src/smtp/listener.ts';
import { PLAIN_OFFER, ScriptedPolicy } from '../helpers/scripted-policy.ts';
import type { ScriptedServer, SmtpScript } from '../helpers/scripted-smtp-server.ts';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';

const KEYWORDS = ['PIPELINING', 'CHUNKING'];
const BODY = 'Subject: test\r\n\r\n.\r\nQUIT\r\n..x\r\n';
/** A body up to here goes with its envelope. */
const LIMIT_BYTES = 64 * 1024;

const fixture = new SenderFixture();
afterEach(() => fixture.cleanUp());

function atOnce(changes: Partial<OutgoingMessage> = {}, body = BODY): OutgoingMessage {
  return makeMessage({
    chunk: 'with-envelope',
    sizeBytes: body.length,
    body: () => Readable.from([Buffer.from(body)]),
    ...changes,
  });
}

async function meet(script: SmtpScript): Promise<{ hop: ScriptedServer; session: SenderSession }> {
  const hop = await fixture.listen({ keywords: KEYWORDS, ...script });
  return { hop, session: await fixture.connect(hop.port) };
}

async function connect(policy: ScriptedPolicy): Promise<SenderSession> {
  const listener = await SmtpListener.open({ host: '127.0.0.1', port: 0, fqdn: 'hop.test', policy, log: silentLog() });
  fixture.adopt(listener);
  return fixture.connect(listener.address.port);
}

const verbsOf = ({ commands }: ScriptedServer) => commands.map((line) => line.split(' ')[0]);
const codesOf = (result: Awaited<ReturnType<SenderSession['send']>>) =>
  result.recipients.map(({ status, reply }) => `${status} ${reply.code}`);

describe('a message behind its envelope', () => {
  it.each([
    ['octet for octet', BODY],
    ['up to the limit', 'x'.repeat(LIMIT_BYTES)],
  ])('leaves before the hop has said a word to it, %s', { timeout: 10_000 }, async (_what, body) => {
    const expected = `RCPT TO:<a@edge.test>\r\nRCPT TO:<b@edge.test>\r\nBDAT ${body.length} LAST\r\n${body}`;
    const { hop, session } = await meet({ answers: { MAIL: () => new Promise(() => undefined) } });
    const [peer] = hop.peers;
    void session.send(atOnce({}, body));
    while ((peer?.unread.length ?? 0) < expected.length) await once(peer?.socket ?? process, 'data');
    expect(peer?.unread).toBe(expected);
    session.destroy();
  });

  it('is taken, and the next one after it, by our own listener', async () => {
    const policy = new ScriptedPolicy({ offered: { ...PLAIN_OFFER, chunking: true } });
    const session = await connect(policy);
    for (const body of [BODY, '', 'x'.repeat(LIMIT_BYTES)]) {
      expect(codesOf(await session.send(atOnce({}, body)))).toEqual(['delivered 250', 'delivered 250']);
      expect(policy.messages.pop()?.body.toString()).toBe(body);
    }
  });

  it.each([
    ['a larger body', { sizeBytes: LIMIT_BYTES + 1 }, KEYWORDS],
    ['no pipelining', {}, ['CHUNKING']],
  ])('waits for the answers to its envelope with %s', async (_what, changes, keywords) => {
    const { hop, session } = await meet({ keywords, answers: { RCPT: '550 5.1.1 nobody' } });
    expect(codesOf(await session.send(atOnce(changes)))).toEqual(['failed 550', 'failed 550']);
    expect(verbsOf(hop)).toEqual(['EHLO', 'MAIL', 'RCPT', 'RCPT', 'RSET']);
  });

  it('goes by DATA to a hop that takes no chunks', async () => {
    const { hop, session } = await meet({ keywords: ['PIPELINING'] });
    expect(codesOf(await session.send(atOnce()))).toEqual(['delivered 250', 'delivered 250']);
    expect(verbsOf(hop)).toEqual(['EHLO', 'MAIL', 'RCPT', 'RCPT', 'DATA']);
  });

  it('tells each recipient apart', async () => {
    const { hop, session } = await meet({
      answers: { RCPT: (line) => (line.includes('<a@') ? '550 5.1.1 nobody' : '250 2.1.5 ok') },
    });
    expect(codesOf(await session.send(atOnce()))).toEqual(['failed 550', 'delivered 250']);
    expect(codesOf(await session.send(atOnce()))).toEqual(['failed 550', 'delivered 250']);
    expect(hop.bodies).toEqual([BODY, BODY]);
  });

  it.each([
    ['MAIL', '451 4.3.2 not now', 'deferred 451'],
    ['MAIL', '550 5.7.1 not you', 'failed 550'],
    ['RCPT', '550 5.1.1 nobody', 'failed 550'],
    ['RCPT', '552 5.2.2 too many', 'deferred 552'],
    ['BDAT', '452 4.3.1 no room', 'deferred 452'],
    ['BDAT', '554 5.6.0 no', 'failed 554'],
  ])('is answered by what %s was answered: %s', async (verb, answer, outcome) => {
    const later = verb === 'BDAT' ? {} : { BDAT: '503 5.5.1 No valid recipients' };
    const { hop, session } = await meet({ answers: { ...later, [verb]: answer } });
    expect(codesOf(await session.send(atOnce()))).toEqual([outcome, outcome]);
    expect(session.alive).toBe(true);
    expect(verbsOf(hop)).toEqual(['EHLO', 'MAIL', 'RCPT', 'RCPT', 'BDAT', 'RSET']);
  });

  it('is refused by our own listener octets and all, and the connection carries the next one', async () => {
    const policy = new ScriptedPolicy({ offered: { ...PLAIN_OFFER, chunking: true } });
    const session = await connect(policy);
    policy.recipient = () => ({ code: 550, enhanced: '5.1.1', text: 'User unknown' });
    expect(codesOf(await session.send(atOnce()))).toEqual(['failed 550', 'failed 550']);
    policy.recipient = () => undefined;
    policy.mail = () => ({ code: 452, enhanced: '4.3.1', text: 'Insufficient system resources' });
    expect(codesOf(await session.send(atOnce()))).toEqual(['deferred 452', 'deferred 452']);
    policy.mail = () => undefined;
    expect(codesOf(await session.send(atOnce()))).toEqual(['delivered 250', 'delivered 250']);
    expect(policy.messages.map(({ body }) => body.toString())).toEqual([BODY]);
  });

  it.each([
    ['a message was taken that nobody was to get', { RCPT: '550 5.1.1 nobody' }, 'failed 550'],
    ['MAIL is answered as DATA is', { MAIL: '354 Go on', BDAT: '503 5.5.1 no' }, 'deferred 451'],
    ['the chunk is answered as DATA is', { BDAT: '354 Go on' }, 'deferred 451'],
  ])('ends the connection when %s', async (_what, answers, outcome) => {
    const { session } = await meet({ answers });
    expect(codesOf(await session.send(atOnce()))).toEqual([outcome, outcome]);
    expect(session.alive).toBe(false);
  });

  it.each([
    ['shorter', 1],
    ['longer', -1],
  ])('is nobody’s when its body turns out %s than announced', async (_what, difference) => {
    const policy = new ScriptedPolicy({ offered: { ...PLAIN_OFFER, chunking: true } });
    const session = await connect(policy);
    const result = await session.send(atOnce({ sizeBytes: BODY.length + difference }));
    expect(codesOf(result)).toEqual(['deferred 451', 'deferred 451']);
    expect(session.alive).toBe(false);
    expect(policy.messages).toEqual([]);
  });

  it.each(['with-envelope', 'after-envelope'] as const)(
    'is delivered however long its body takes to come, and to say that this was all of it: %s',
    async (chunk) => {
      const { hop, session } = await meet({});
      async function* comeSlowly(): AsyncGenerator<Buffer> {
        for (const at of [0, 1, 2]) {
          // Longer than the answers to the envelope take, and an answer to the body would.
          await pause(50);
          yield Buffer.from(BODY.slice(at * 10, at === 2 ? undefined : at * 10 + 10));
        }
        await pause(50);
      }
      for (const _ of [1, 2]) {
        const result = await session.send(atOnce({ chunk, body: comeSlowly }));
        expect(codesOf(result)).toEqual(['delivered 250', 'delivered 250']);
      }
      expect(hop.bodies).toEqual([BODY, BODY]);
    },
  );

  it('is nobody’s when its body goes on after what would have been its last octet', async () => {
    const policy = new ScriptedPolicy({ offered: { ...PLAIN_OFFER, chunking: true } });
    const session = await connect(policy);
    async function* goOn(): AsyncGenerator<Buffer> {
      yield Buffer.from(BODY);
      await pause(50);
      yield Buffer.from('more');
    }
    expect(codesOf(await session.send(atOnce({ body: goOn })))).toEqual(['deferred 451', 'deferred 451']);
    expect(policy.messages).toEqual([]);
  });

  it('is deferred when the hop vanishes before its last word', async () => {
    const { session } = await meet({ answers: { BDAT: (_line, peer) => peer.vanish() } });
    expect(codesOf(await session.send(atOnce()))).toEqual(['deferred 451', 'deferred 451']);
    expect(session.alive).toBe(false);
  });
});
