// The sender's promise for AUTH: true only when the server said 235 and, where the mechanism has a proof, gave it.

import { afterEach, describe, expect, it } from 'vitest';
import { ExternalClient, ExternalServer } from '../../src/smtp/external.ts';
import type { SaslServer } from '../../src/smtp/sasl.ts';
import { ScramClient, ScramServer } from '../../src/smtp/scram-sha-256.ts';
import { deriveScramVerifier } from '../../src/smtp/scram-verifier.ts';
import type { ScriptedPeer } from '../helpers/scripted-smtp-server.ts';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';

const fixture = new SenderFixture();
afterEach(() => fixture.cleanUp());

const verifier = deriveScramVerifier('pencil');
const keywords = ['AUTH EXTERNAL SCRAM-SHA-256'];

/** The server's side of RFC 4954 around a mechanism. */
function serve(createServer: () => SaslServer) {
  return async (line: string, peer: ScriptedPeer): Promise<string> => {
    const server = createServer();
    const initial = line.split(' ')[2];
    let step = await server.step(initial === undefined ? undefined : decode(initial));
    while (step.kind === 'challenge') {
      peer.say(`334 ${step.data.toString('base64')}`);
      const response = await peer.readLine();
      if (response === '*') return '501 5.7.0 Cancelled';
      step = await server.step(Buffer.from(response ?? '', 'base64'));
    }
    return step.kind === 'success' ? '235 2.7.0 Welcome' : '535 5.7.8 No';
  };
}

function decode(text: string): Buffer {
  return text === '=' ? Buffer.alloc(0) : Buffer.from(text, 'base64');
}

function openScramServer(known = verifier): ScramServer {
  return new ScramServer(() => known, Buffer.alloc(32));
}

describe('authenticate', () => {
  it('succeeds by SCRAM-SHA-256 when both sides know the credential, and mail follows', async () => {
    const server = await fixture.listen({ keywords, answers: { AUTH: serve(openScramServer) } });
    const session = await fixture.connect(server.port);
    expect(await session.authenticate(new ScramClient('hub', 'pencil'))).toEqual({ ok: true });
    expect((await session.send(makeMessage())).recipients[0]?.status).toBe('delivered');
    expect(server.commands[1]).toMatch(/^AUTH SCRAM-SHA-256 [\w+/=]+$/);
  });

  it('succeeds by EXTERNAL, whose empty response is sent as "="', async () => {
    const server = await fixture.listen({ keywords, answers: { AUTH: serve(() => new ExternalServer('hub.test')) } });
    const session = await fixture.connect(server.port);
    expect(await session.authenticate(new ExternalClient())).toEqual({ ok: true });
    expect(server.commands[1]).toBe('AUTH EXTERNAL =');
  });

  it('is refused with the reply for a wrong password, and the session stays', async () => {
    const server = await fixture.listen({ keywords, answers: { AUTH: serve(openScramServer) } });
    const session = await fixture.connect(server.port);
    const reply = { code: 535, enhanced: '5.7.8', text: 'No' };
    expect(await session.authenticate(new ScramClient('hub', 'wrong'))).toEqual({ ok: false, cause: 'refused', reply });
    expect(session.alive).toBe(true);
  });

  it('is server-unproven, and cancelled, when the server gives a wrong proof', async () => {
    const impostor = { ...verifier, serverKey: Buffer.alloc(32, 1) };
    const server = await fixture.listen({ keywords, answers: { AUTH: serve(() => openScramServer(impostor)) } });
    const session = await fixture.connect(server.port);
    const result = await session.authenticate(new ScramClient('hub', 'pencil'));
    expect(result).toEqual({
      ok: false,
      cause: 'server-unproven',
      reply: { code: 501, enhanced: '5.7.0', text: 'Cancelled' },
    });
  });

  it.each([
    ['at once', () => '235 2.7.0 Welcome'],
    [
      'after the client has proved itself',
      async (_line: string, peer: ScriptedPeer) => {
        const initial = Buffer.from(_line.split(' ')[2] ?? '', 'base64').toString();
        peer.say(`334 ${Buffer.from(`r=${initial.split('r=')[1]}x,s=AAAA,i=4096`).toString('base64')}`);
        await peer.readLine();
        return '235 2.7.0 Welcome';
      },
    ],
  ])('is server-unproven when the 235 comes without any proof, %s', async (_when, auth) => {
    const server = await fixture.listen({ keywords, answers: { AUTH: auth } });
    const session = await fixture.connect(server.port);
    const result = await session.authenticate(new ScramClient('hub', 'pencil'));
    expect(result).toMatchObject({ ok: false, cause: 'server-unproven', reply: { code: 235 } });
  });

  it.each(['334 !!!', '334 Zm9v', '334 ', `334 ${Buffer.from('r=x,s=AAAA,i=1').toString('base64')}`])(
    'is server-unproven, and cancelled, when the challenge is %j',
    async (challenge) => {
      const auth = async (_line: string, peer: ScriptedPeer) => {
        peer.say(challenge);
        return (await peer.readLine()) === '*' ? '501 5.7.0 Cancelled' : '235 2.7.0 Welcome';
      };
      const server = await fixture.listen({ keywords, answers: { AUTH: auth } });
      const session = await fixture.connect(server.port);
      const result = await session.authenticate(new ScramClient('hub', 'pencil'));
      expect(result).toMatchObject({ ok: false, cause: 'server-unproven', reply: { code: 501 } });
    },
  );

  it('ends a server that asks on and on', async () => {
    const auth = async (_line: string, peer: ScriptedPeer) => {
      for (let answer: string | undefined = ''; answer === ''; answer = await peer.readLine()) peer.say('334 ');
      return '501 5.7.0 Cancelled';
    };
    const server = await fixture.listen({ keywords, answers: { AUTH: auth } });
    const session = await fixture.connect(server.port);
    expect(await session.authenticate(new ExternalClient())).toMatchObject({ ok: false, cause: 'server-unproven' });
  });

  it('is not tried when the mechanism is not offered', async () => {
    const server = await fixture.listen({ keywords: ['AUTH EXTERNAL X-SCRAM-SHA-256'] });
    const session = await fixture.connect(server.port);
    const result = await session.authenticate(new ScramClient('hub', 'pencil'));
    expect(result).toEqual({ ok: false, cause: 'not-offered', reply: undefined });
    expect(server.commands).toEqual(['EHLO sender.test']);
  });

  it('is a lost connection when the server leaves', async () => {
    const server = await fixture.listen({ keywords, answers: { AUTH: (_line, peer) => peer.hangUp() } });
    const session = await fixture.connect(server.port);
    const result = await session.authenticate(new ExternalClient());
    expect(result).toEqual({ ok: false, cause: 'connection', reply: undefined });
  });

  it('is a lost connection when the server does not answer in time', async () => {
    const server = await fixture.listen({ keywords, answers: { AUTH: () => undefined } });
    const session = await fixture.connect(server.port, { timeouts: { authMs: 50 } });
    const result = await session.authenticate(new ExternalClient());
    expect(result).toEqual({ ok: false, cause: 'connection', reply: undefined });
  });

  it.each(['250 Ok', '334x', '454 4.7.0 Later'])('is never success by %j', async (answer) => {
    const server = await fixture.listen({ keywords, answers: { AUTH: answer } });
    const session = await fixture.connect(server.port);
    expect(await session.authenticate(new ExternalClient())).toMatchObject({ ok: false });
  });

  it('waits with an initial response that is too long for one line until the server asks', async () => {
    const user = 'u'.repeat(600);
    const server = await fixture.listen({ keywords, answers: { AUTH: serve(openScramServer) } });
    const session = await fixture.connect(server.port);
    expect(await session.authenticate(new ScramClient(user, 'pencil'))).toEqual({ ok: true });
    expect(server.commands[1]).toBe('AUTH SCRAM-SHA-256');
  });
});
