// CHUNKING and BINARYMIME (RFC 3030) on the real wire, our sender against our listener and against scripted hops: every octet
// arrives as it left, and a body that is not what was announced is nobody's message.

import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { array, assert, asyncProperty, uint8Array } from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { SmtpListener } from '../../src/smtp/listener.ts';
import { silentLog } from '../../src/log.ts';
import type { SenderSession } from '../../src/smtp/sender.ts';
import { beginData, ListenerBench } from '../helpers/listener-bench.ts';
import { PLAIN_OFFER, ScriptedPolicy } from '../helpers/scripted-policy.ts';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';

const fixture = new SenderFixture();
const bench = new ListenerBench();
afterEach(async () => {
  await fixture.cleanUp();
  await bench.clear();
});

async function connect(policy: ScriptedPolicy): Promise<SenderSession> {
  const listener = await SmtpListener.open({ host: '127.0.0.1', port: 0, fqdn: 'hop.test', policy, log: silentLog() });
  fixture.adopt(listener);
  return fixture.connect(listener.address.port);
}

function chunking(more: Partial<typeof PLAIN_OFFER> = {}): ScriptedPolicy {
  return new ScriptedPolicy({ offered: { ...PLAIN_OFFER, chunking: true, binaryMime: true, ...more } });
}

describe('a message in chunks', () => {
  it('arrives octet for octet, binary ones too, whatever pieces it is read in', async () => {
    const policy = chunking();
    const session = await connect(policy);
    const bodies = array(uint8Array({ maxLength: 3000 }), { maxLength: 6 });
    await assert(
      asyncProperty(bodies, async (pieces) => {
        const body = Buffer.concat(pieces);
        const message = makeMessage({
          sizeBytes: body.length,
          binaryMime: true,
          body: () => Readable.from(pieces.map((piece) => Buffer.from(piece))),
        });
        const result = await session.send(message);
        expect(result.recipients.map(({ status }) => status)).toEqual(['delivered', 'delivered']);
        const taken = policy.messages.pop();
        expect(taken?.body.equals(body)).toBe(true);
        expect(taken?.transaction.mail.body).toBe('BINARYMIME');
      }),
      { numRuns: 100 },
    );
  });

  it('is asked for where it is offered: any body then leaves as it is, dots and all; where it is not, by DATA', async () => {
    const body = Buffer.from('Subject: test\r\n\r\n.\r\n..x\r\nno end of line');
    const message = makeMessage({ sizeBytes: body.length, chunk: 'after-envelope', body: () => Readable.from([body]) });
    const policy = chunking();
    expect((await (await connect(policy)).send(message)).recipients[0]?.status).toBe('delivered');
    expect(policy.messages[0]?.body.equals(body)).toBe(true);
    expect(policy.messages[0]?.transaction.mail.body).toBe('7BIT');
    const hops = await Promise.all([
      fixture.listen({ keywords: ['PIPELINING'] }),
      fixture.listen({ keywords: ['CHUNKING'] }),
    ]);
    for (const [index, chunk] of (['after-envelope', undefined] as const).entries()) {
      const hop = hops[index];
      await (await fixture.connect(hop?.port ?? 0)).send(makeMessage(chunk && { chunk }));
      expect(hop?.commands).toContain('DATA');
    }
  });

  it('of several megabytes comes whole while its reader is slower than its sender', async () => {
    const policy = chunking();
    const session = await connect(policy);
    const body = randomBytes(8 * 1024 * 1024);
    const message = makeMessage({ sizeBytes: body.length, binaryMime: true, body: () => Readable.from([body]) });
    expect((await session.send(message)).recipients[0]?.status).toBe('delivered');
    expect(policy.messages[0]?.body.equals(body)).toBe(true);
  });

  it.each([
    ['shorter', 25],
    ['longer', 22],
  ])('is nobody’s when it turns out %s than announced', async (_what, sizeBytes) => {
    const policy = chunking();
    const session = await connect(policy);
    const result = await session.send(makeMessage({ sizeBytes, binaryMime: true }));
    expect(result.recipients).toMatchObject([
      { status: 'deferred', reply: { code: 451, enhanced: '4.3.0' } },
      { status: 'deferred', reply: { code: 451, enhanced: '4.3.0' } },
    ]);
    expect(session.alive).toBe(false);
    expect(policy.messages).toEqual([]);
  });

  it('is followed by the next one on the same connection after it was refused', async () => {
    const policy = chunking();
    policy.mail = (_session, { reversePath }) =>
      reversePath?.localPart === 'refused' ? { code: 550, enhanced: '5.7.1', text: 'no' } : undefined;
    const session = await connect(policy);
    expect(
      (await session.send(makeMessage({ reversePath: 'refused@hub.test', binaryMime: true }))).recipients[0]?.status,
    ).toBe('failed');
    expect((await session.send(makeMessage({ binaryMime: true }))).recipients[0]?.status).toBe('delivered');
    expect(policy.messages.map(({ body }) => body.toString())).toEqual(['Subject: test\r\n\r\nhello\r\n']);
  });

  it('bounces with 5.6.3 when it is binary and the hop takes no chunks, and goes by DATA when it is lines', async () => {
    const policy = new ScriptedPolicy();
    const session = await connect(policy);
    expect((await session.send(makeMessage())).recipients[0]?.status).toBe('delivered');
    const refused = await session.send(makeMessage({ binaryMime: true }));
    expect(refused.recipients[0]).toMatchObject({
      status: 'failed',
      local: true,
      reply: { code: 554, enhanced: '5.6.3' },
    });
  });

  it('is cut off by the limit on a whole message, however busily it trickles', async () => {
    const policy = chunking();
    const client = await bench.greet(await bench.listen(policy, { timeouts: { messageMs: 400, bodyPauseMs: 10_000 } }));
    await client.ask('MAIL FROM:<a@client.test>');
    await client.ask('RCPT TO:<b@listener.test>');
    client.write('BDAT 100000\r\n');
    const trickle = setInterval(() => client.write('x'), 20);
    expect(await client.reply()).toMatchObject({ code: 421, text: '4.4.2 Timeout waiting for client input' });
    clearInterval(trickle);
    await client.closed;
    expect(policy.messages).toEqual([]);
  });

  it('is dropped when the client vanishes in it, and the listener goes on', async () => {
    const policy = chunking();
    const port = await bench.listen(policy);
    const client = await bench.greet(port);
    await client.ask('MAIL FROM:<a@client.test>');
    await client.ask('RCPT TO:<b@listener.test>');
    client.write('BDAT 100\r\nhalf');
    const gone = policy.seen(/closed/);
    client.destroy();
    await gone;
    expect(policy.messages).toEqual([]);
    await beginData(await bench.greet(port));
  });
});
