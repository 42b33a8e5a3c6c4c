// The sender's promise for a message: what is said on the wire, and what is reported for each recipient.

import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { afterEach, describe, expect, it } from 'vitest';
import type { SendResult } from '../../src/smtp/sender.ts';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';

const fixture = new SenderFixture();
afterEach(() => fixture.cleanUp());

const MODES = [
  ['with pipelining', ['PIPELINING']],
  ['without pipelining', []],
] as const;

function statuses(result: SendResult): string[] {
  return result.recipients.map(
    ({ status, reply, local }) => `${status} ${reply.code} ${reply.enhanced}${local ? ' local' : ''}`,
  );
}

describe('nodemailer', () => {
  it('still has the inner members that the adapter reaches into', () => {
    const inner = new SMTPConnection() as unknown as Record<string, unknown>;
    const methods = [
      '_sendCommand',
      '_processResponse',
      '_onError',
      '_actionGreeting',
      '_actionEHLO',
      '_actionSTARTTLS',
      '_upgradeConnection',
    ];
    expect(methods.filter((name) => typeof inner[name] !== 'function')).toEqual([]);
    const { _remainder, _responseQueue, _responsePartial, _responseActions } = inner;
    expect({ _remainder, _responseQueue, _responsePartial, _responseActions }).toEqual({
      _remainder: '',
      _responseQueue: [],
      _responsePartial: false,
      _responseActions: [],
    });
  });
});

describe('a session', () => {
  it('knows its ends, the greeting and the capabilities', async () => {
    const { port } = await fixture.listen({ keywords: ['SIZE 1000', 'auth EXTERNAL', 'AUTH SCRAM-SHA-256', 'X'] });
    const session = await fixture.connect(port, { startTls: 'attempt' });
    expect(session).toMatchObject({ remoteAddress: '127.0.0.1', remotePort: port, localAddress: '127.0.0.1' });
    expect(session.greeting).toBe('peer.test ESMTP');
    expect(session.localPort).toBeGreaterThan(0);
    expect([...session.capabilities]).toEqual([
      ['SIZE', '1000'],
      ['AUTH', 'EXTERNAL SCRAM-SHA-256'],
      ['X', ''],
    ]);
    expect(session.tls).toEqual({ kind: 'not-offered' });
  });

  it('says EHLO with the name it was given and QUIT at the end, and is dead then', async () => {
    const server = await fixture.listen();
    const session = await fixture.connect(server.port);
    expect(session.alive).toBe(true);
    await session.quit();
    expect(session.alive).toBe(false);
    expect(server.commands).toEqual(['EHLO sender.test', 'QUIT']);
  });

  it('leaves in bounded time when QUIT is not answered', async () => {
    const server = await fixture.listen({ answers: { QUIT: () => undefined } });
    const session = await fixture.connect(server.port, { timeouts: { quitMs: 50 } });
    await session.quit();
    expect(session.alive).toBe(false);
  });

  it('goes on with HELO and without extensions after 502 to EHLO', async () => {
    const server = await fixture.listen({ answers: { EHLO: '502 5.5.1 What?' } });
    const session = await fixture.connect(server.port);
    expect(session.capabilities.size).toBe(0);
    expect(statuses(await session.send(makeMessage()))).toEqual(['delivered 250 2.0.0', 'delivered 250 2.0.0']);
  });

  it('is dead once the peer has closed', async () => {
    const server = await fixture.listen();
    const session = await fixture.connect(server.port);
    server.peers[0]?.socket.end();
    await expect.poll(() => session.alive).toBe(false);
    expect(statuses(await session.send(makeMessage()))).toEqual([
      'deferred 451 4.4.2 local',
      'deferred 451 4.4.2 local',
    ]);
  });

  it('is dead once the peer has said 421', async () => {
    const server = await fixture.listen();
    const session = await fixture.connect(server.port);
    server.peers[0]?.say('421 4.3.2 Shutting down');
    await expect.poll(() => session.alive).toBe(false);
  });
});

describe.each(MODES)('a message %s', (_mode, keywords) => {
  it('is delivered to every recipient', async () => {
    const server = await fixture.listen({ keywords });
    const session = await fixture.connect(server.port);
    const result = await session.send(makeMessage());
    expect(result).toEqual({
      recipients: ['a@edge.test', 'b@edge.test'].map((address) => ({
        address,
        status: 'delivered',
        local: false,
        reply: { code: 250, enhanced: '2.0.0', text: 'Queued' },
      })),
      reply: { code: 250, enhanced: '2.0.0', text: 'Queued' },
    });
    expect(server.commands.slice(1)).toEqual([
      'MAIL FROM:<from@hub.test>',
      'RCPT TO:<a@edge.test>',
      'RCPT TO:<b@edge.test>',
      'DATA',
    ]);
    expect(server.bodies).toEqual(['Subject: test\r\n\r\nhello\r\n']);
  });

  it('is judged for each recipient apart', async () => {
    const answers = { RCPT: (line: string) => /<(\d+)/.exec(line)?.[1]?.concat(' as asked') };
    const server = await fixture.listen({ keywords, answers });
    const session = await fixture.connect(server.port);
    const recipients = ['250@x.test', '450@x.test', '550@x.test', '251@x.test', '552@x.test'].map((address) => ({
      address,
    }));
    const result = await session.send(makeMessage({ recipients }));
    expect(statuses(result)).toEqual([
      'delivered 250 2.0.0',
      'deferred 450 ',
      'failed 550 ',
      'delivered 250 2.0.0',
      'deferred 552 ',
    ]);
    expect(session.alive).toBe(true);
  });

  it('is reset when every recipient is refused, and the next one goes through', async () => {
    let isRefusing = true;
    const answers = {
      RCPT: () => (isRefusing ? '550 5.1.1 Unknown' : '250 Ok'),
      DATA: () => (isRefusing ? '503 5.5.1 No recipients' : '354 Go on'),
    };
    const server = await fixture.listen({ keywords, answers });
    const session = await fixture.connect(server.port);
    expect(statuses(await session.send(makeMessage()))).toEqual(['failed 550 5.1.1', 'failed 550 5.1.1']);
    expect(server.commands.at(-1)).toBe('RSET');
    isRefusing = false;
    expect(statuses(await session.send(makeMessage()))).toEqual(['delivered 250 2.0.0', 'delivered 250 2.0.0']);
  });

  it('is refused as a whole by a refused MAIL', async () => {
    const answers = { MAIL: '451 4.3.1 Full', RCPT: '503 No', DATA: '503 No' };
    const server = await fixture.listen({ keywords, answers });
    const session = await fixture.connect(server.port);
    const result = await session.send(makeMessage());
    expect(statuses(result)).toEqual(['deferred 451 4.3.1', 'deferred 451 4.3.1']);
    expect(result.reply).toEqual({ code: 451, enhanced: '4.3.1', text: 'Full' });
    expect(server.commands.at(-1)).toBe('RSET');
    expect(session.alive).toBe(true);
  });

  it('is refused for the accepted recipients by a refused DATA', async () => {
    const server = await fixture.listen({ keywords, answers: { DATA: '554 5.7.1 No' } });
    const session = await fixture.connect(server.port);
    expect(statuses(await session.send(makeMessage()))).toEqual(['failed 554 5.7.1', 'failed 554 5.7.1']);
    expect(server.commands.at(-1)).toBe('RSET');
  });

  it('is deferred or failed by the reply to its dot, and the session stays', async () => {
    const replies = ['452 4.3.1 Full', '554 5.6.0 Bad', '250 2.0.0 Ok'];
    const server = await fixture.listen({ keywords, answers: { DOT: () => replies.shift() } });
    const session = await fixture.connect(server.port);
    expect(statuses(await session.send(makeMessage()))[0]).toBe('deferred 452 4.3.1');
    expect(statuses(await session.send(makeMessage()))[0]).toBe('failed 554 5.6.0');
    expect(statuses(await session.send(makeMessage()))[0]).toBe('delivered 250 2.0.0');
    expect(server.peers).toHaveLength(1);
    expect(server.commands.filter((line) => line === 'RSET')).toHaveLength(2);
  });

  it('is kept for later by a 421 to RCPT, which ends the session', async () => {
    let count = 0;
    const answers = { RCPT: () => ((count += 1) === 1 ? '250 Ok' : '421 4.3.2 Going') };
    const server = await fixture.listen({ keywords, answers });
    const session = await fixture.connect(server.port);
    expect(statuses(await session.send(makeMessage()))).toEqual(['deferred 451 4.4.2 local', 'deferred 421 4.3.2']);
    expect(session.alive).toBe(false);
    expect(server.bodies).toEqual([]);
  });
});

describe('the lines of an envelope', () => {
  it('carry what the hop announced: SIZE, 8BITMIME, SMTPUTF8 and DSN for each recipient its own', async () => {
    const server = await fixture.listen({ keywords: ['SIZE', '8BITMIME', 'SMTPUTF8', 'DSN', 'PIPELINING'] });
    const session = await fixture.connect(server.port);
    const recipients = [
      { address: 'a@edge.test', notify: ['SUCCESS', 'DELAY'] as const, originalRecipient: 'rfc822;a+b=c@edge.test' },
      { address: 'jürgen@edge.test', notify: ['NEVER'] as const },
      { address: 'c@edge.test' },
    ];
    const wishes = { recipients, ret: 'HDRS', envelopeId: 'id+1 =', eightBit: true, smtpUtf8: true } as const;
    await session.send(makeMessage(wishes));
    expect(server.commands.slice(1, 5)).toEqual([
      'MAIL FROM:<from@hub.test> SIZE=24 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=id+2B1+20+3D',
      'RCPT TO:<a@edge.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb+3Dc@edge.test',
      Buffer.from('RCPT TO:<jürgen@edge.test> NOTIFY=NEVER').toString('latin1'),
      'RCPT TO:<c@edge.test>',
    ]);
  });

  it('leave out what the hop did not announce', async () => {
    const server = await fixture.listen();
    const session = await fixture.connect(server.port);
    const recipients = [{ address: 'a@edge.test', notify: ['SUCCESS'] as const, originalRecipient: 'rfc822;x@y.test' }];
    await session.send(makeMessage({ reversePath: '', recipients, ret: 'FULL', envelopeId: 'x' }));
    expect(server.commands.slice(1, 3)).toEqual(['MAIL FROM:<>', 'RCPT TO:<a@edge.test>']);
  });

  it.each([
    ['8-bit', { eightBit: true }, 'failed 554 5.6.3 local'],
    ['binary', { binaryMime: true, eightBit: true }, 'failed 554 5.6.3 local'],
    ['internationalised', { smtpUtf8: true }, 'failed 553 5.6.7 local'],
    ['from an internationalised address', { reversePath: 'jürgen@hub.test' }, 'failed 553 5.6.7 local'],
    ['too large', { sizeBytes: 1001 }, 'failed 552 5.3.4 local'],
    ['from something that is no address', { reversePath: 'x> SIZE=1\r\nRCPT TO:<y@z.test' }, 'failed 553 5.1.7 local'],
  ])('are not sent when the message is %s and the hop cannot have it', async (_what, changes, status) => {
    const server = await fixture.listen({ keywords: ['SIZE 1000', 'PIPELINING'] });
    const session = await fixture.connect(server.port);
    expect(statuses(await session.send(makeMessage(changes)))).toEqual([status, status]);
    expect(server.commands).toEqual(['EHLO sender.test']);
    expect(session.alive).toBe(true);
  });

  it('leave out one recipient that the hop cannot have, or that is no address, and go to the others', async () => {
    const server = await fixture.listen({ keywords: ['SIZE 0'] });
    const session = await fixture.connect(server.port);
    const recipients = [{ address: 'jürgen@edge.test' }, { address: 'a@edge.test' }, { address: 'x>\r\nQUIT' }];
    const result = await session.send(makeMessage({ recipients }));
    expect(statuses(result)).toEqual(['failed 553 5.6.7 local', 'delivered 250 2.0.0', 'failed 553 5.1.3 local']);
    expect(server.commands.filter((line) => line.startsWith('RCPT'))).toEqual(['RCPT TO:<a@edge.test>']);
  });
});

describe('a body', () => {
  it('arrives octet by octet as it was, dots, bare line ends and high bits included', async () => {
    const server = await fixture.listen({ keywords: ['8BITMIME'] });
    const session = await fixture.connect(server.port);
    const body = Buffer.concat([
      Buffer.from('.\r\n..x\r\n\n.\ny\rz\0\xff\r\n', 'latin1'),
      Buffer.from('\r\n.\r\nend', 'latin1'),
    ]);
    await session.send(
      makeMessage({ eightBit: true, body: () => Readable.from([body.subarray(0, 9), body.subarray(9)]) }),
    );
    expect(server.bodies).toEqual(['..\r\n...x\r\n\n.\ny\rz\0\xff\r\n\r\n..\r\nend\r\n']);
  });

  it('of many megabytes goes through', async () => {
    const server = await fixture.listen();
    const session = await fixture.connect(server.port);
    const block = Buffer.from(`${randomBytes(36_000).toString('base64')}\r\n`);
    const body = () => Readable.from(Array.from({ length: 100 }, () => block));
    expect(statuses(await session.send(makeMessage({ body })))[0]).toBe('delivered 250 2.0.0');
    expect(server.bodies[0]).toHaveLength(block.length * 100);
  });

  it('whose source breaks is never ended by a dot: nothing is delivered and the session is dead', async () => {
    const server = await fixture.listen();
    const session = await fixture.connect(server.port);
    async function* breakAfterSome() {
      yield Buffer.from('Subject: half\r\n');
      throw new Error('disk');
    }
    const result = await session.send(makeMessage({ body: () => Readable.from(breakAfterSome()) }));
    expect(statuses(result)).toEqual(['deferred 451 4.3.0 local', 'deferred 451 4.3.0 local']);
    expect(session.alive).toBe(false);
    await server.peers[0]?.closed;
    expect(server.bodies).toEqual([]);
  });

  it('that cannot be opened is deferred', async () => {
    const server = await fixture.listen();
    const session = await fixture.connect(server.port);
    const body = () => {
      throw new Error('gone');
    };
    expect(statuses(await session.send(makeMessage({ body })))[0]).toBe('deferred 451 4.3.0 local');
    expect(session.alive).toBe(false);
  });
});

describe('several messages', () => {
  it('go over one connection, one after the other, also when sent at once', async () => {
    const server = await fixture.listen({ keywords: ['PIPELINING'] });
    const session = await fixture.connect(server.port);
    const texts = ['one\r\n', 'two\r\n', 'three\r\n'];
    const results = await Promise.all(
      texts.map((text) => session.send(makeMessage({ body: () => Readable.from([Buffer.from(text)]) }))),
    );
    expect(results.map((result) => statuses(result)[0])).toEqual(
      Array.from({ length: 3 }, () => 'delivered 250 2.0.0'),
    );
    expect(server.bodies).toEqual(texts);
    expect(server.peers).toHaveLength(1);
  });
});

describe('LMTP', () => {
  it('says LHLO and takes a reply for each accepted recipient after the dot', async () => {
    const answers = {
      RCPT: (line: string) => (line.includes('unknown') ? '550 5.1.1 Unknown' : '250 Ok'),
      DOT: '250 2.0.0 Stored\r\n452 4.2.2 Full\r\n550 5.2.1 Disabled',
    };
    const server = await fixture.listen({ keywords: ['PIPELINING'], answers });
    const session = await fixture.connect(server.port, { lmtp: true });
    const recipients = ['a@x.test', 'unknown@x.test', 'b@x.test', 'c@x.test'].map((address) => ({ address }));
    const result = await session.send(makeMessage({ recipients }));
    expect(statuses(result)).toEqual([
      'delivered 250 2.0.0',
      'failed 550 5.1.1',
      'deferred 452 4.2.2',
      'failed 550 5.2.1',
    ]);
    expect(server.commands[0]).toBe('LHLO sender.test');
    expect(session.alive).toBe(true);
  });

  it('defers the recipients whose reply never came', async () => {
    const answers = {
      DOT: (_line: string, peer: { say(text: string): void; socket: { end(): void } }) => {
        peer.say('250 2.0.0 Stored');
        peer.socket.end();
        return undefined;
      },
    };
    const server = await fixture.listen({ answers });
    const session = await fixture.connect(server.port, { lmtp: true });
    expect(statuses(await session.send(makeMessage()))).toEqual(['delivered 250 2.0.0', 'deferred 451 4.4.2 local']);
  });
});
