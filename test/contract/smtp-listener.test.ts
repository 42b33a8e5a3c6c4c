// What the listener promises over smtp-server, whose inner members it uses. Run it after every change of that pin.

import { once } from 'node:events';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isProblem } from '../../src/problem.ts';
import { REPLIES } from '../../src/smtp/replies.ts';
import type { Reply } from '../../src/smtp/reply.ts';
import type { SmtpSession } from '../../src/smtp/session-policy.ts';
import { beginData, ListenerBench, sendBody } from '../helpers/listener-bench.ts';
import { RawSmtpClient } from '../helpers/raw-smtp-client.ts';
import { ScriptedPolicy } from '../helpers/scripted-policy.ts';

const bench = new ListenerBench();
afterEach(() => bench.clear());

describe('greeting and EHLO', () => {
  it('greets with the banner, without the 100 ms of smtp-server', async () => {
    const port = await bench.listen(new ScriptedPolicy());
    const timer = vi.spyOn(globalThis, 'setTimeout');
    try {
      expect((await (await bench.dial(port)).reply()).text).toBe('listener.test ESMTP ready');
      // Its timer of 100 ms fires at once.
      const delays = timer.mock.calls.map(([, delayMs]) => delayMs);
      expect(delays).not.toContain(100);
    } finally {
      timer.mockRestore();
    }
  });

  it('names exactly the keywords of the offer', async () => {
    const offered = {
      startTls: true,
      mechanisms: ['EXTERNAL', 'SCRAM-SHA-256'],
      sizeLimitBytes: 1000,
      keywords: ['XTEST a b'],
    };
    const client = await bench.dial(await bench.listen(new ScriptedPolicy({ offered })));
    await client.reply();
    client.write('ehlo client.test\r\n');
    expect((await client.reply()).lines).toEqual([
      'listener.test Hello [127.0.0.1]',
      'SIZE 1000',
      'PIPELINING',
      'DSN',
      'ENHANCEDSTATUSCODES',
      'STARTTLS',
      'AUTH EXTERNAL SCRAM-SHA-256',
      '8BITMIME',
      'SMTPUTF8',
      'LIMITS RCPTMAX=200',
      'XTEST a b',
    ]);
    expect(await client.ask('HELO client.test')).toBe('250 listener.test Hello [127.0.0.1]');
  });

  it('offers neither STARTTLS nor AUTH nor a number for SIZE unless told to', async () => {
    const client = await bench.dial(await bench.listen(new ScriptedPolicy()));
    await client.reply();
    client.write('EHLO client.test\r\n');
    const { lines } = await client.reply();
    expect(lines.slice(1)).toEqual([
      'SIZE',
      'PIPELINING',
      'DSN',
      'ENHANCEDSTATUSCODES',
      '8BITMIME',
      'SMTPUTF8',
      'LIMITS RCPTMAX=200',
    ]);
  });

  it('refuses a client that speaks before the greeting', async () => {
    const spoken = Promise.withResolvers<undefined>();
    const decisions = [spoken.promise];
    const port = await bench.listen(new ScriptedPolicy({ connect: () => decisions.shift() }));
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    await new Promise<void>((resolve) => socket.write('EHLO early.test\r\n', () => resolve()));
    // A later connection that is served to its greeting shows that the listener has read what came before.
    await (await bench.dial(port)).reply();
    spoken.resolve(undefined);
    const [reply] = (await once(socket, 'data')) as [Buffer];
    expect(reply.toString()).toBe('554 5.5.1 Data received before the greeting\r\n');
    await once(socket, 'end');
    socket.destroy();
  });

  it("answers with the policy's refusal in place of the greeting and closes", async () => {
    const port = await bench.listen(new ScriptedPolicy({ connect: () => REPLIES.connectionRefused }));
    const client = await bench.dial(port);
    expect(await client.reply()).toMatchObject({ code: 554, text: '5.7.1 Connection refused' });
    await client.closed;
  });

  it('is on IPv6 and tells the address', async () => {
    const policy = new ScriptedPolicy();
    let session: SmtpSession | undefined;
    policy.connect = (asked) => {
      session = asked;
      return undefined;
    };
    const port = await bench.listen(policy, { host: '::' });
    const client = await bench.dial(port, '::1');
    await client.reply();
    expect(session).toMatchObject({ remoteAddress: '::1', localAddress: '::1', localPort: port });
    await (await bench.dial(port)).reply();
    expect(session).toMatchObject({ remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' });
  });

  it('says in one sentence why it cannot listen', async () => {
    const port = await bench.listen(new ScriptedPolicy());
    const second = bench.listen(new ScriptedPolicy(), { port });
    await expect(second).rejects.toSatisfy((error) => isProblem(error, 'listen-failed'));
  });
});

describe('limits', () => {
  it('ends a session whenever the policy says so, and gives its descriptor back at once', async () => {
    let end: ((reply: Reply) => void) | undefined;
    const policy = new ScriptedPolicy({
      connect: (_session, endIt) => {
        end = endIt;
        return undefined;
      },
    });
    const client = await bench.greet(await bench.listen(policy));
    end?.(REPLIES.makingRoom);
    expect(await client.reply()).toMatchObject({ code: 421, text: expect.stringMatching(/^4\.3\.2 Server busy/) });
    await client.closed;
    await policy.seen(/^closed$/);
  });

  it.each([
    ['a line that ends in a bare LF', 'EHLO x\nMAIL FROM:<a@b.test>\r\n', /^500 5\.5\.2 Lines must end in CRLF/],
    ['a bare LF in a second packet', 'NOOP', /^500 5\.5\.2 Lines must end in CRLF/],
    ['a line without end', 'x'.repeat(13_000), /^500 5\.5\.2 Line too long/],
    ['a web request', 'POST / HTTP/1.1\r\nMAIL FROM:<a@b.test>\r\n', /^554 5\.5\.1 This is an SMTP server/],
  ])('answers %s and closes', async (_, octets, expected) => {
    const client = await bench.greet(await bench.listen(new ScriptedPolicy()));
    client.write(octets);
    if (octets === 'NOOP') {
      await turn();
      client.write('\n');
    }
    const { code, text } = await client.reply();
    expect(`${code} ${text}`).toMatch(expected);
    await client.closed;
    expect(client.isQuiet).toBe(true);
  });

  it('takes a CRLF that is cut in two, and commands in front of a bad line', async () => {
    const client = await bench.greet(await bench.listen(new ScriptedPolicy()));
    client.write('NOOP\r');
    await turn();
    client.write('\nRSET\r\nNOOP\nNOOP\r\n');
    expect([(await client.reply()).text, (await client.reply()).text]).toEqual(['2.0.0 OK', '2.0.0 Resetting']);
    expect((await client.reply()).text).toContain('CRLF');
    await client.closed;
  });

  it('answers an overlong command and goes on', async () => {
    const client = await bench.greet(await bench.listen(new ScriptedPolicy()));
    expect(await client.ask(`NOOP ${'x'.repeat(5000)}`)).toBe('500 5.5.2 Line too long');
    expect(await client.ask(`NOOP ${'x'.repeat(2048)}`)).toBe('250 2.0.0 OK');
  });

  it('closes at the tenth error, and starts counting anew after a message', async () => {
    const client = await bench.greet(await bench.listen(new ScriptedPolicy()));
    for (let count = 0; count < 9; count += 1) expect(await client.ask('WIZ')).toMatch(/^500 5\.5\.1 /);
    expect(await sendBody(client, 'x\r\n')).toMatch(/^250 /);
    for (const verb of ['WIZ', 'SHELL', 'KILL', 'XCLIENT A=B', 'TURN', 'RCPT', 'DATA', 'EXPN x', 'FOO']) {
      expect(await client.ask(verb)).toMatch(/^50[0-3] 5\.5\.\d /);
    }
    expect(await client.ask('MAIL FROM:<> FOO=1')).toMatch(/^421 4\.7\.0 /);
    await client.closed;
  });

  it('takes no more than the allowed recipients', async () => {
    const policy = new ScriptedPolicy();
    const client = await bench.greet(await bench.listen(policy, { maxRecipients: 2 }));
    await client.ask('MAIL FROM:<>');
    const replies = [];
    for (const name of ['a', 'b', 'c', 'B', 'a'])
      replies.push((await client.ask(`RCPT TO:<${name}@listener.test>`)).slice(0, 9));
    expect(replies).toEqual(['250 2.1.5', '250 2.1.5', '452 4.5.3', '452 4.5.3', '250 2.1.5']);
  });

  it('ends a command that trickles in, however busily', async () => {
    const policy = new ScriptedPolicy();
    const client = await bench.greet(await bench.listen(policy, { timeouts: { commandMs: 250 } }));
    const trickle = setInterval(() => client.write('N'), 20);
    expect(await client.reply()).toMatchObject({ code: 421, text: '4.4.2 Timeout waiting for client input' });
    clearInterval(trickle);
    await client.closed;
  });

  it.each([
    ['pauses too long', { bodyPauseMs: 150 }, 0],
    ['takes too long as a whole', { messageMs: 250 }, 20],
  ])('ends a body that %s', async (_, timeouts, everyMs) => {
    const failed = Promise.withResolvers<unknown>();
    const policy = new ScriptedPolicy();
    policy.data = async (_session, _transaction, body) => {
      await buffer(body).catch((error: unknown) => failed.resolve(error));
      return REPLIES.queued;
    };
    const client = await bench.greet(await bench.listen(policy, { timeouts }));
    await beginData(client);
    const trickle = everyMs > 0 ? setInterval(() => client.write('x'), everyMs) : undefined;
    expect((await client.reply()).code).toBe(421);
    clearInterval(trickle);
    expect(await failed.promise).toMatchObject({ code: 'body-incomplete' });
    await client.closed;
  });

  it('limits the whole connection when told to', async () => {
    const client = await bench.greet(await bench.listen(new ScriptedPolicy(), { timeouts: { connectionMs: 150 } }));
    expect(await client.reply()).toMatchObject({ code: 421, text: '4.4.2 Connection time limit reached' });
  });

  it('waits as long as it takes for its own policy', async () => {
    const slow = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 300));
    const client = await bench.greet(
      await bench.listen(new ScriptedPolicy({ mail: () => slow }), { timeouts: { commandMs: 100 } }),
    );
    expect(await client.ask('MAIL FROM:<>')).toMatch(/^250 /);
  });

  it('stops reading from a client that reads no replies, and cuts it off', async () => {
    const policy = new ScriptedPolicy();
    const port = await bench.listen(policy, { timeouts: { replyMs: 300 } });
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.pause();
    const commands = 'HELP\r\n'.repeat(20_000);
    let written = 0;
    const pump = setInterval(() => {
      if (socket.writableLength > 1_000_000) return;
      written += commands.length;
      socket.write(commands);
    }, 1);
    await policy.seen(/^closed$/);
    clearInterval(pump);
    expect(written).toBeLessThan(100_000_000);
    socket.destroy();
    expect((await (await bench.dial(port)).reply()).code).toBe(220);
  });

  it('answers 451 to a policy that breaks, and lives on', async () => {
    const policy = new ScriptedPolicy({ mail: () => Promise.reject(new Error('directory gone')) });
    const client = await bench.greet(await bench.listen(policy));
    expect(await client.ask('MAIL FROM:<>')).toMatch(/^451 4\.3\.0 /);
    policy.offer = () => {
      throw new Error('bug');
    };
    expect(await client.ask('EHLO x')).toMatch(/^451 4\.3\.0 /);
    expect(await client.ask('NOOP')).toMatch(/^250 /);
  });
});

describe('close', () => {
  it('tells idle clients at once, lets a transaction end and then resolves', async () => {
    const policy = new ScriptedPolicy();
    const port = await bench.listen(policy);
    const idle = await bench.greet(port);
    const busy = await bench.greet(port);
    await beginData(busy);
    const closed = bench.listeners[0]?.close();
    expect(await idle.reply()).toMatchObject({ code: 421, text: expect.stringMatching(/^4\.3\.2 /) });
    await idle.closed;
    await expect(RawSmtpClient.dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    busy.write('late but in time\r\n');
    expect(await busy.ask('.')).toMatch(/^250 2\.6\.0 /);
    expect((await busy.reply()).code).toBe(421);
    await closed;
    expect(policy.messages).toHaveLength(1);
    expect(policy.events.filter((event) => event === 'closed')).toHaveLength(2);
  });
});
