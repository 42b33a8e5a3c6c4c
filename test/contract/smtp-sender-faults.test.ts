// The sender among peers that refuse, stall, lie or vanish: it waits no longer than it was told, gathers no more than it needs,
// and takes nothing for a delivery that is not one.

import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import type { SendResult } from '../../src/smtp/sender.ts';
import { openScriptedServer, type ScriptedPeer } from '../helpers/scripted-smtp-server.ts';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';

const fixture = new SenderFixture();
afterEach(() => fixture.cleanUp());

const quick = { greetingMs: 60, ehloMs: 60, mailMs: 60, rcptMs: 60, dataMs: 60, dataDoneMs: 60 };
const silence = () => undefined;
const hangUp = (_line: string, peer: ScriptedPeer) => peer.hangUp();
const reset = (_line: string, peer: ScriptedPeer) => peer.reset();

function statuses(result: SendResult): string[] {
  return result.recipients.map(
    ({ status, reply, local }) => `${status} ${reply.code} ${reply.enhanced}${local ? ' local' : ''}`,
  );
}

/** Writes `block` until the other side has had enough. */
function flood(peer: ScriptedPeer, block: string): undefined {
  const { socket } = peer;
  const go = () => {
    while (!socket.destroyed && socket.write(block, 'latin1'));
  };
  socket.on('drain', go);
  go();
}

describe('dialling fails', () => {
  it('in connect, when nobody listens', async () => {
    const gone = await openScriptedServer();
    await gone.close();
    expect(await fixture.dial(gone.port)).toEqual({
      kind: 'failed',
      phase: 'connect',
      tls: { kind: 'not-attempted' },
      code: 'ECONNREFUSED',
      permanent: false,
    });
  });

  it.each([
    ['greeting', { greeting: '554 5.7.1 No' }, { code: 554, enhanced: '5.7.1', text: 'No' }, true],
    ['greeting', { greeting: '421 4.3.2 Later' }, { code: 421, enhanced: '4.3.2', text: 'Later' }, false],
    ['greeting', { greeting: '250 Hello' }, { code: 250, enhanced: '', text: 'Hello' }, false],
    ['ehlo', { answers: { EHLO: '421 4.3.2 Later' } }, { code: 421, enhanced: '4.3.2', text: 'Later' }, false],
    ['ehlo', { answers: { EHLO: '451 4.3.0 Hm' } }, { code: 451, enhanced: '4.3.0', text: 'Hm' }, false],
    ['ehlo', { answers: { EHLO: '354 Go on' } }, { code: 354, enhanced: '', text: 'Go on' }, false],
    ['ehlo', { answers: { EHLO: '550 No', HELO: '550 5.7.1 No' } }, { code: 550, enhanced: '5.7.1', text: 'No' }, true],
  ])('in %s by the reply of %j', async (phase, script, reply, permanent) => {
    const { port } = await fixture.listen(script);
    const result = await fixture.dial(port, { startTls: 'attempt' });
    expect(result).toEqual({
      kind: 'failed',
      phase,
      tls: { kind: 'not-attempted' },
      reply,
      code: 'REPLY_REFUSED',
      permanent,
    });
  });

  it.each([
    ['greeting', 'ETIMEDOUT', { greeting: '' }],
    ['ehlo', 'ETIMEDOUT', { answers: { EHLO: silence } }],
    ['ehlo', 'ECONNCLOSED', { answers: { EHLO: hangUp } }],
    ['ehlo', 'ECONNRESET', { answers: { EHLO: reset } }],
    ['greeting', 'REPLY_MALFORMED', { greeting: 'SSH-2.0-OpenSSH_9.2' }],
    ['greeting', 'REPLY_MALFORMED', { greeting: '220 peer\0' }],
    ['ehlo', 'REPLY_MALFORMED', { answers: { EHLO: '250-peer.test\r\n550 SIZE' } }],
    ['ehlo', 'REPLY_MALFORMED', { answers: { EHLO: '\r\n' } }],
  ])('in %s with %s and no reply', async (phase, code, script) => {
    const { port } = await fixture.listen(script);
    const result = await fixture.dial(port, { timeouts: quick });
    expect(result).toEqual({ kind: 'failed', phase, tls: { kind: 'not-attempted' }, code, permanent: false });
  });

  it('in greeting, when the peer hangs up without one', async () => {
    const server = await fixture.listen({ greeting: '' });
    const dialling = fixture.dial(server.port);
    await expect.poll(() => server.peers.length).toBe(1);
    server.peers[0]?.socket.end();
    expect(await dialling).toMatchObject({ phase: 'greeting', code: 'ECONNCLOSED' });
  });
});

describe('a flood of octets is cut off and counts for nothing', () => {
  const floods: readonly [string, string][] = [
    ['a line without end', '250 x'.repeat(10_000)],
    ['a reply of endless lines', '250-again and again\r\n'.repeat(1000)],
    ['empty lines', '\r\n'.repeat(30_000)],
    ['NULs', '\0'.repeat(60_000)],
    ['replies that nobody asked for', '250 Ok\r\n'.repeat(8000)],
  ];

  it.each(floods)('in EHLO: %s', async (_what, block) => {
    const server = await fixture.listen({ answers: { EHLO: (_line, peer) => flood(peer, block) } });
    const result = await fixture.dial(server.port);
    // Replies that come unasked may reach us after the one that was asked for.
    if (result.kind === 'connected') await expect.poll(() => result.session.alive).toBe(false);
    else
      expect(result).toMatchObject({
        phase: 'ehlo',
        permanent: false,
        code: expect.stringMatching(/^(EPROTOCOL|REPLY_MALFORMED)$/),
      });
    await server.peers[0]?.closed;
  });

  it.each(floods.slice(0, 4))('after the dot: %s', async (_what, block) => {
    const server = await fixture.listen({ answers: { DOT: (_line, peer) => flood(peer, block) } });
    const session = await fixture.connect(server.port);
    expect(statuses(await session.send(makeMessage()))).toEqual([
      'deferred 451 4.5.0 local',
      'deferred 451 4.5.0 local',
    ]);
    expect(session.alive).toBe(false);
    await server.peers[0]?.closed;
  });

  it.each([
    ['one line of 8 MiB', `250 ${'x'.repeat(8 * 1024 * 1024)}`],
    ['50,000 lines', `${'250-x\r\n'.repeat(50_000)}250 x`],
  ])('as a reply that does end: %s', async (_what, reply) => {
    const server = await fixture.listen({ answers: { DOT: reply } });
    const session = await fixture.connect(server.port);
    const result = await session.send(makeMessage());
    expect(statuses(result)[0]).toBe('deferred 451 4.5.0 local');
    expect(result.recipients[0]?.reply.text).toBe('the next hop broke the protocol (EPROTOCOL)');
  });

  it('up to a size it is a long reply, which is cut and made printable', async () => {
    const server = await fixture.listen({ answers: { DOT: `550-5.7.1 \x1b[31mred\r\n550 5.7.1 ${'x'.repeat(9000)}` } });
    const session = await fixture.connect(server.port);
    const reply = (await session.send(makeMessage())).recipients[0]?.reply;
    expect(reply?.code).toBe(550);
    expect(reply?.text).toBe(`?[31mred\n${'x'.repeat(2048)}`);
  });
});

describe('nonsense is a temporary failure', () => {
  const nonsense = ['hello', '25', '2500 Ok', '250Ok', '150 Ok', '600 Ok', '250-Ok\r\n550 No', '250 Ok\0'];

  it.each(nonsense)('and never a delivery: %j to the dot', async (answer) => {
    const server = await fixture.listen({ answers: { DOT: answer } });
    const session = await fixture.connect(server.port);
    expect(statuses(await session.send(makeMessage()))).toEqual([
      'deferred 451 4.5.0 local',
      'deferred 451 4.5.0 local',
    ]);
    expect(session.alive).toBe(false);
  });

  it.each(['MAIL', 'RCPT', 'DATA'])('when it answers %s: no body is sent', async (verb) => {
    for (const keywords of [['PIPELINING'], []]) {
      const server = await fixture.listen({ keywords, answers: { [verb]: 'ok' } });
      const session = await fixture.connect(server.port);
      expect(new Set(statuses(await session.send(makeMessage())))).toEqual(new Set(['deferred 451 4.5.0 local']));
      expect(server.bodies).toEqual([]);
      expect(session.alive).toBe(false);
    }
  });

  it.each([
    ['MAIL', '354 Go on'],
    ['RCPT', '354 Go on'],
    ['DATA', '250 Ok'],
    ['DOT', '354 Go on'],
  ])('and so is a reply in the wrong place: %s answered by %s', async (verb, answer) => {
    for (const keywords of [['PIPELINING'], []]) {
      const server = await fixture.listen({ keywords, answers: { [verb]: answer } });
      const session = await fixture.connect(server.port);
      const result = await session.send(makeMessage());
      expect(new Set(statuses(result))).toEqual(new Set(['deferred 451 4.5.0 local']));
      expect(session.alive).toBe(false);
    }
  });

  it('and so is one that came before the end of a body that was nearly sent', async () => {
    const answers = {
      DATA: (_line: string, peer: ScriptedPeer) => {
        peer.say('354 Go on\r\n250 2.0.0 Queued already');
        return undefined;
      },
    };
    const server = await fixture.listen({ answers });
    for (let round = 0; round < 20; round += 1) {
      const session = await fixture.connect(server.port);
      const body = () => Readable.from([Buffer.from('Subject: short\r\n\r\n'), Buffer.from('body\r\n')]);
      expect(new Set(statuses(await session.send(makeMessage({ body }))))).toEqual(
        new Set(['deferred 451 4.5.0 local']),
      );
      expect(session.alive).toBe(false);
    }
  });

  it('and so is an answer that came before the dot, even a friendly one', async () => {
    const answers = {
      DATA: (_line: string, peer: ScriptedPeer) => {
        peer.say('354 Go on\r\n250 2.0.0 Queued already');
        return undefined;
      },
    };
    const server = await fixture.listen({ answers });
    const session = await fixture.connect(server.port);
    // A body that would never end by itself: only the early answer can.
    const body = () => new Readable({ read() {} });
    expect(statuses(await session.send(makeMessage({ body })))).toEqual([
      'deferred 451 4.5.0 local',
      'deferred 451 4.5.0 local',
    ]);
    expect(session.alive).toBe(false);
  });

  it('but a refusal that came before the dot is believed, and the body goes no further', async () => {
    const answers = {
      DATA: (_line: string, peer: ScriptedPeer) => {
        peer.say('354 Go on\r\n552 5.3.4 Too big');
        return undefined;
      },
    };
    const server = await fixture.listen({ answers });
    const session = await fixture.connect(server.port);
    const body = () => new Readable({ read() {} });
    expect(statuses(await session.send(makeMessage({ body })))).toEqual(['failed 552 5.3.4', 'failed 552 5.3.4']);
    expect(session.alive).toBe(false);
  });

  it('when DATA is accepted although every recipient was refused, only a lone dot follows', async () => {
    const server = await fixture.listen({
      keywords: ['PIPELINING'],
      answers: { RCPT: '550 5.1.1 No', DOT: '554 5.5.1 Nobody' },
    });
    const session = await fixture.connect(server.port);
    expect(statuses(await session.send(makeMessage()))).toEqual(['failed 550 5.1.1', 'failed 550 5.1.1']);
    expect(server.bodies).toEqual(['']);
    expect(session.alive).toBe(true);
  });

  it('when DATA is accepted although the sender was refused, not even a dot follows', async () => {
    const server = await fixture.listen({ keywords: ['PIPELINING'], answers: { MAIL: '550 5.7.1 No' } });
    const session = await fixture.connect(server.port);
    expect(statuses(await session.send(makeMessage()))[0]).toBe('failed 550 5.7.1');
    expect(session.alive).toBe(false);
    expect(server.bodies).toEqual([]);
  });

  it('when RSET is refused, the session is dead', async () => {
    const server = await fixture.listen({ answers: { RCPT: '550 No', RSET: '500 What?' } });
    const session = await fixture.connect(server.port);
    await session.send(makeMessage());
    expect(session.alive).toBe(false);
  });
});

describe('a connection that is lost', () => {
  it.each([
    ['ends', hangUp],
    ['is reset', reset],
    ['stays silent', silence],
  ])('after the dot defers every accepted recipient: it %s', async (_how, leave) => {
    const answers = { DOT: leave, RCPT: (line: string) => (line.includes('<a@') ? '250 Ok' : '550 5.1.1 No') };
    const server = await fixture.listen({ answers });
    const session = await fixture.connect(server.port, { timeouts: quick });
    expect(statuses(await session.send(makeMessage()))).toEqual(['deferred 451 4.4.2 local', 'failed 550 5.1.1']);
    expect(session.alive).toBe(false);
  });

  it.each(['MAIL', 'RCPT', 'DATA'])('in answer to %s defers every recipient', async (verb) => {
    for (const leave of [hangUp, reset, silence]) {
      const server = await fixture.listen({ answers: { [verb]: leave } });
      const session = await fixture.connect(server.port, { timeouts: quick });
      const result = await session.send(makeMessage());
      expect(new Set(statuses(result))).toEqual(new Set(['deferred 451 4.4.2 local']));
      expect(server.bodies).toEqual([]);
    }
  });

  it('in the middle of the body defers every recipient and lets go of the source', async () => {
    const answers = {
      DATA: (_line: string, peer: ScriptedPeer) => {
        peer.say('354 Go on');
        peer.socket.once('data', () => peer.reset());
        return undefined;
      },
    };
    const server = await fixture.listen({ answers });
    const session = await fixture.connect(server.port);
    const source = new Readable({ read() {} });
    source.push('Subject: half\r\n');
    expect(statuses(await session.send(makeMessage({ body: () => source })))[0]).toBe('deferred 451 4.4.2 local');
    expect(source.destroyed).toBe(true);
  });

  it('because the peer reads no more of the body defers every recipient in time', async () => {
    const answers = {
      DATA: (_line: string, peer: ScriptedPeer) => {
        peer.say('354 Go on');
        peer.socket.pause();
        return undefined;
      },
    };
    const server = await fixture.listen({ answers });
    const session = await fixture.connect(server.port, { timeouts: { dataBlockMs: 100 } });
    const block = Buffer.alloc(65_536, 'x');
    const body = () =>
      new Readable({
        read() {
          this.push(block);
        },
      });
    expect(statuses(await session.send(makeMessage({ body })))[0]).toBe('deferred 451 4.4.2 local');
    expect(session.alive).toBe(false);
  });

  it('by our own hand ends a message under way', async () => {
    const server = await fixture.listen({ answers: { DOT: silence } });
    const session = await fixture.connect(server.port);
    const sending = session.send(makeMessage());
    await expect.poll(() => server.bodies.length).toBe(1);
    session.destroy();
    expect(statuses(await sending)[0]).toBe('deferred 451 4.4.2 local');
    await session.quit();
    expect(server.commands).not.toContain('QUIT');
  });
});
