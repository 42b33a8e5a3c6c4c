// What the listener promises over smtp-server, whose inner members it uses: the body after DATA. Run it after every change of that pin.

import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { BodyFault } from '../../src/smtp/body-framing.ts';
import type { BodyFraming } from '../../src/smtp/body-framing.ts';
import { REPLIES } from '../../src/smtp/replies.ts';
import type { Reply } from '../../src/smtp/reply.ts';
import { beginData, ListenerBench, sendBody } from '../helpers/listener-bench.ts';
import type { RawSmtpClient } from '../helpers/raw-smtp-client.ts';
import { PLAIN_OFFER, ScriptedPolicy } from '../helpers/scripted-policy.ts';

const bench = new ListenerBench();
/** How long a reader does nothing. Long enough for 50 MB to pass in less on a busy machine. */
const HELD_MS = 6500;
afterEach(() => bench.clear());

describe('the body', () => {
  it('comes with the envelope and leaves with the reply of the policy', async () => {
    const policy = new ScriptedPolicy();
    const client = await bench.greet(await bench.listen(policy));
    await client.ask('MAIL FROM:<a@client.test> BODY=8BITMIME RET=HDRS ENVID=id1 SIZE=9');
    await client.ask('RCPT TO:<b@listener.test> NOTIFY=NEVER');
    await client.ask('RCPT TO:<b@LISTENER.test> NOTIFY=DELAY ORCPT=rfc822;c@d');
    await client.ask('RCPT TO:<Postmaster>');
    await client.ask('DATA');
    client.write('Subject: x\r\n\r\n..\r\n...dots\r\n');
    expect(await client.ask('.')).toBe('250 2.6.0 <1@listener.test> Queued mail for delivery');
    expect(policy.messages).toMatchObject([
      {
        body: Buffer.from('Subject: x\r\n\r\n.\r\n..dots\r\n'),
        transaction: {
          mail: {
            reversePath: { text: 'a@client.test' },
            body: '8BITMIME',
            ret: 'HDRS',
            envelopeId: 'id1',
            sizeBytes: 9,
          },
          recipients: [
            { mailbox: { text: 'b@LISTENER.test' }, notify: ['DELAY'], originalRecipient: 'rfc822;c@d' },
            { mailbox: { localPart: 'Postmaster', domain: '' } },
          ],
        },
      },
    ]);
    expect(policy.messages[0]?.transaction.recipients).toHaveLength(2);
  });

  it('is answered only when the policy has decided', async () => {
    const decision = Promise.withResolvers<Reply>();
    const read = Promise.withResolvers<void>();
    const policy = new ScriptedPolicy();
    policy.data = async (_, __, body) => {
      await buffer(body);
      read.resolve();
      return decision.promise;
    };
    const client = await bench.greet(await bench.listen(policy));
    await beginData(client);
    client.write('x\r\n.\r\nNOOP\r\n');
    await read.promise;
    await turn();
    expect(client.isQuiet).toBe(true);
    decision.resolve(REPLIES.insufficientResources);
    expect((await client.reply()).text).toBe('4.3.1 Insufficient system resources');
    expect((await client.reply()).text).toBe('2.0.0 OK');
  });

  it('takes MAIL, RCPT and DATA in one packet, twice in one session, with an empty body', async () => {
    const policy = new ScriptedPolicy();
    const client = await bench.greet(await bench.listen(policy));
    const group = 'MAIL FROM:<>\r\nRCPT TO:<b@listener.test>\r\nRCPT TO:<>\r\nDATA\r\n';
    for (const body of ['one\r\n.\r\n', '.\r\n']) {
      client.write(group);
      const codes = [];
      for (let count = 0; count < 4; count += 1) codes.push((await client.reply()).code);
      expect(codes).toEqual([250, 250, 501, 354]);
      client.write(body);
      expect((await client.reply()).code).toBe(250);
    }
    expect(policy.messages.map(({ body }) => body.toString())).toEqual(['one\r\n', '']);
  });

  it('even when the client sends the whole session in one packet', async () => {
    const policy = new ScriptedPolicy();
    const client = await bench.greet(await bench.listen(policy));
    client.write('MAIL FROM:<>\r\nRCPT TO:<b@listener.test>\r\nDATA\r\n..x\r\n.\r\nQUIT\r\n');
    const codes = [];
    for (let count = 0; count < 5; count += 1) codes.push((await client.reply()).code);
    expect(codes).toEqual([250, 250, 354, 250, 221]);
    expect(policy.messages[0]?.body.toString()).toBe('.x\r\n');
    await client.closed;
  });

  it('keeps every octet, wherever the packets are cut', async () => {
    const policy = new ScriptedPolicy();
    const port = await bench.listen(policy);
    const client = await bench.greet(port);
    const line = fc.array(fc.constantFrom('.', '..', 'a', 'é', '\0a', ' ', 'long'.repeat(20)), { maxLength: 4 });
    const lines = fc.array(line, { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(lines, fc.array(fc.nat(200), { maxLength: 8 }), async (parts, cuts) => {
        const body = parts.map((part) => `${part.join('')}\r\n`).join('');
        const wire = Buffer.from(`${body.replaceAll(/^\./gm, '..')}.\r\n`);
        await beginData(client);
        const places = [...new Set(cuts.map((cut) => cut % wire.length))].toSorted((a, b) => a - b);
        for (const [index, from] of [0, ...places].entries()) {
          client.write(wire.subarray(from, places[index]));
          await turn();
        }
        expect((await client.reply()).code).toBe(250);
        expect(policy.messages.pop()?.body.equals(Buffer.from(body))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps a body full of stuffed dots at each single cut', async () => {
    const policy = new ScriptedPolicy();
    const client = await bench.greet(await bench.listen(policy));
    const wire = Buffer.from('..\r\n...\r\na\r\n\r\n..b\r\n.\r\n');
    for (let cut = 1; cut < wire.length; cut += 1) {
      await beginData(client);
      client.write(wire.subarray(0, cut));
      await turn();
      await turn();
      client.write(wire.subarray(cut));
      expect((await client.reply()).code).toBe(250);
      expect(policy.messages.pop()?.body.toString()).toBe('.\r\n..\r\na\r\n\r\n.b\r\n');
    }
  });

  it('refuses a bare line ending although the policy says yes, and takes the next message on another connection', async () => {
    const policy = new ScriptedPolicy();
    const data = policy.data.bind(policy);
    policy.data = (session, transaction, body) => data(session, transaction, body).catch(() => REPLIES.queued);
    const port = await bench.listen(policy);
    const client = await bench.greet(port);
    expect(await sendBody(client, 'a\nb\r\n')).toMatch(/^550 5\.6\.11 /);
    await client.closed;
    expect(await sendBody(await bench.greet(port), 'good\r\n')).toMatch(/^250 /);
    expect(policy.messages.map(({ body }) => body.toString())).toEqual(['good\r\n']);
  });

  it('holds the size limit on the octets that really come', async () => {
    const policy = new ScriptedPolicy({ offered: { ...PLAIN_OFFER, sizeLimitBytes: 10 } });
    const client = await bench.greet(await bench.listen(policy));
    expect(await client.ask('MAIL FROM:<> SIZE=11')).toMatch(/^552 5\.3\.4 /);
    expect(await sendBody(client, '12345678\r\n')).toMatch(/^250 /);
    expect(await sendBody(client, '123456789\r\n'.repeat(50_000))).toMatch(/^552 5\.3\.4 /);
    expect(policy.messages).toHaveLength(1);
  });

  it('reads on to the final dot when the policy refuses early, without keeping what comes', async () => {
    const policy = new ScriptedPolicy({ data: () => Promise.resolve(REPLIES.insufficientResources) });
    const client = await bench.greet(await bench.listen(policy));
    expect(await sendBody(client, `${'x'.repeat(98)}\r\n`.repeat(100_000))).toMatch(/^452 4\.3\.1 /);
    expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
  });

  it('cuts off a client that goes on sending beyond all measure', async () => {
    const policy = new ScriptedPolicy({ data: () => Promise.resolve(REPLIES.relayDenied) });
    const client = await bench.greet(await bench.listen(policy, { discardLimitBytes: 1_000_000 }));
    await beginData(client);
    const flood = setInterval(() => client.write(Buffer.alloc(100_000, 'x')), 1);
    await client.closed;
    clearInterval(flood);
    expect(policy.messages).toHaveLength(0);
  });

  it.each<[string, (body: AsyncIterable<Buffer>) => Promise<Reply>]>([
    ['rejects', (body) => buffer(body).then(() => Promise.reject(new Error('disk gone')))],
    [
      'throws at once',
      () => {
        throw new Error('bug');
      },
    ],
    ['accepts what it has not read', () => Promise.resolve(REPLIES.queued)],
  ])('is answered 451 when the policy %s', async (_, data) => {
    const client = await bench.greet(
      await bench.listen(new ScriptedPolicy({ data: (_session, _transaction, body) => data(body) })),
    );
    expect(await sendBody(client, 'x\r\n')).toBe('451 4.3.0 Temporary server error. Please try again later');
    expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
  });

  it.each<[string, (client: RawSmtpClient) => void]>([
    ['resets', (client) => client.socket.resetAndDestroy()],
    ['hangs up', (client) => client.socket.end()],
  ])('ends in an error for the policy when the client %s in the middle', async (_, vanish) => {
    const failed = Promise.withResolvers<unknown>();
    const policy = new ScriptedPolicy();
    policy.data = async (_session, _transaction, body) => {
      await buffer(body).catch((error: unknown) => failed.resolve(error));
      return REPLIES.queued;
    };
    const client = await bench.greet(await bench.listen(policy));
    await beginData(client);
    await new Promise<void>((resolve) => client.socket.write('half a mess', () => resolve()));
    vanish(client);
    const error = await failed.promise;
    expect(error).toBeInstanceOf(BodyFault);
    expect(error).toMatchObject({ code: 'body-incomplete' });
    await policy.seen(/^closed$/);
  });

  it('holds the client back while the reader is slow, and loses nothing of 50 MB', { timeout: 240_000 }, async () => {
    const started = Promise.withResolvers<BodyFraming>();
    const finished = Promise.withResolvers<Buffer>();
    const policy = new ScriptedPolicy();
    policy.data = async (_session, _transaction, body) => {
      started.resolve(body as BodyFraming);
      await finished.promise;
      return REPLIES.queued;
    };
    const client = await bench.greet(
      await bench.listen(policy, { timeouts: { bodyPauseMs: HELD_MS - 1000, messageMs: HELD_MS - 500 } }),
    );
    await beginData(client);
    const body = Buffer.from(`${'x'.repeat(98)}\r\n`.repeat(500_000));
    const before = process.memoryUsage.rss();
    client.write(body);
    client.write('.\r\n');
    const stream = await started.promise;
    // Longer than both limits: a client that is held back by us is not called slow.
    await new Promise((resolve) => setTimeout(resolve, HELD_MS));
    // Counted where the octets come in: what lies in the kernel's buffers is not taken.
    expect(stream.sizeBytes).toBeLessThan(300_000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(80_000_000);
    finished.resolve(await buffer(stream));
    expect((await finished.promise).equals(body)).toBe(true);
    expect((await client.reply()).code).toBe(250);
  });
});
