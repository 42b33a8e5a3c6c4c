import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SASL_CHALLENGE_INVALID, SASL_SERVER_UNPROVEN, type SaslStep } from '../../../src/smtp/sasl.ts';
import { escapeUser, parseClientFirst, unescapeUser } from '../../../src/smtp/scram-message.ts';
import { ScramClient, ScramServer } from '../../../src/smtp/scram-sha-256.ts';
import { decodeScramVerifier, deriveScramVerifier, encodeScramVerifier } from '../../../src/smtp/scram-verifier.ts';

const decoySecret = Buffer.alloc(32, 7);
const verifier = deriveScramVerifier('pencil');
const vector = {
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  clientNonce: 'rOprNGfwEbeRWgbNEkqO',
  serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
};

function openServer(known: Record<string, typeof verifier> = { user: verifier }): ScramServer {
  return new ScramServer((user) => known[user], decoySecret);
}

function challengeOf(step: SaslStep): Buffer {
  if (step.kind !== 'challenge') throw new Error(`expected a challenge and got ${step.kind}`);
  return step.data;
}

function converse(client: ScramClient, server: ScramServer): SaslStep {
  let step = server.step(client.initialResponse());
  while (step.kind === 'challenge') step = server.step(client.respond(step.data));
  return step;
}

describe('SCRAM-SHA-256', () => {
  it('speaks the exchange of RFC 7677 §3 octet by octet', () => {
    const client = new ScramClient('user', 'pencil', { createNonce: () => vector.clientNonce });
    const known = deriveScramVerifier('pencil', { salt: vector.salt, iterations: 4096 });
    const server = new ScramServer(() => known, decoySecret, { createNonce: () => vector.serverNonce });
    const nonce = vector.clientNonce + vector.serverNonce;

    const first = client.initialResponse();
    expect(first.toString()).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
    const challenge = challengeOf(server.step(first));
    expect(challenge.toString()).toBe(`r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`);
    const final = client.respond(challenge);
    expect(final.toString()).toBe(`c=biws,r=${nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`);
    const signature = challengeOf(server.step(final));
    expect(signature.toString()).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
    expect(client.serverProven).toBe(false);
    expect(client.respond(signature)).toHaveLength(0);
    expect(client.serverProven).toBe(true);
    expect(server.step(Buffer.alloc(0))).toEqual({ kind: 'success', identity: 'user' });
  });

  it.each(['user', 'a=b,c', 'ESRA.edge$hub', 'jürgen'])('recognises %j and is recognised by it', (user) => {
    const client = new ScramClient(user, 'pencil');
    expect(converse(client, openServer({ [user]: verifier }))).toEqual({ kind: 'success', identity: user });
    expect(client.serverProven).toBe(true);
  });

  it('begins with an empty challenge when the client sent no initial response', () => {
    const server = openServer();
    expect(server.step(undefined)).toEqual({ kind: 'challenge', data: Buffer.alloc(0) });
    expect(converse(new ScramClient('user', 'pencil'), server).kind).toBe('success');
  });

  it('fails a wrong password, and the client learns nothing but the failure', () => {
    const client = new ScramClient('user', 'pen');
    expect(converse(client, openServer())).toEqual({ kind: 'failure' });
    expect(client.serverProven).toBe(false);
  });

  it('makes up the same salt for an unknown user at every attempt, another for another user or secret', () => {
    const ask = (user: string, secret = decoySecret) => {
      const server = new ScramServer(() => undefined, secret);
      return challengeOf(server.step(new ScramClient(user, 'x').initialResponse()))
        .toString()
        .split(',')
        .slice(1);
    };
    expect(ask('nobody')).toEqual(ask('nobody'));
    expect(ask('nobody')).not.toEqual(ask('somebody'));
    expect(ask('nobody')).not.toEqual(ask('nobody', Buffer.alloc(32, 8)));
    const real = challengeOf(openServer().step(new ScramClient('user', 'x').initialResponse()))
      .toString()
      .split(',')
      .slice(1);
    expect(ask('nobody').map((part) => part.length)).toEqual(real.map((part) => part.length));
    expect(converse(new ScramClient('nobody', 'pencil'), openServer())).toEqual({ kind: 'failure' });
  });

  it('never uses a nonce twice, on either side', () => {
    const clientNonces = Array.from({ length: 200 }, () => new ScramClient('user', 'x').initialResponse().toString());
    expect(new Set(clientNonces).size).toBe(200);
    const first = new ScramClient('user', 'x').initialResponse();
    const serverNonces = Array.from({ length: 200 }, () => challengeOf(openServer().step(first)).toString());
    expect(new Set(serverNonces).size).toBe(200);
  });

  it('refuses the proof of one exchange in the next', () => {
    const createNonce = () => vector.clientNonce;
    const client = new ScramClient('user', 'pencil', { createNonce });
    const recorded = client.respond(challengeOf(openServer().step(client.initialResponse())));
    const server = openServer();
    server.step(new ScramClient('user', 'pencil', { createNonce }).initialResponse());
    expect(server.step(recorded)).toEqual({ kind: 'failure' });
  });

  it('gives no success without the empty answer to its own proof, and none twice', () => {
    const client = new ScramClient('user', 'pencil');
    const server = openServer();
    client.respond(challengeOf(server.step(client.respond(challengeOf(server.step(client.initialResponse()))))));
    expect(server.step(Buffer.from('more'))).toEqual({ kind: 'failure' });
    expect(server.step(Buffer.alloc(0))).toEqual({ kind: 'failure' });
  });

  it.each([
    ['an empty message', ''],
    ['channel binding, which is not offered', 'p=tls-exporter,,n=user,r=abc'],
    ['another identity to act for', 'n,a=admin,n=user,r=abc'],
    ['a mandatory extension', 'n,,m=x,n=user,r=abc'],
    ['a nonce with a comma', 'n,,n=user,r=,'],
    ['no nonce', 'n,,n=user'],
    ['no name', 'n,,n=,r=abc'],
    ['an unknown escape in the name', 'n,,n=a=41,r=abc'],
    ['a NUL', 'n,,n=us\0er,r=abc'],
  ])('fails a client that sends %s', (_what, message) => {
    expect(openServer().step(Buffer.from(message))).toEqual({ kind: 'failure' });
  });

  it('fails a client whose message is not UTF-8 or longer than any can be', () => {
    expect(openServer().step(Buffer.from('n,,n=\xff,r=abc', 'latin1'))).toEqual({ kind: 'failure' });
    expect(openServer().step(Buffer.from(`n,,n=${'a'.repeat(5000)},r=abc`))).toEqual({ kind: 'failure' });
  });

  it.each([
    ['another channel binding', (text: string) => text.replace('c=biws', 'c=eSws')],
    ['a shorter nonce', (text: string) => text.replace(/r=[^,]+/, 'r=abc')],
    ['a proof that is no base64', (text: string) => text.replace(/p=.*/, 'p=!!')],
    ['a proof of the wrong length', (text: string) => text.replace(/p=.*/, 'p=AAAA')],
    ['something after the proof', (text: string) => `${text},x=y`],
  ])('fails a final message with %s', (_what, change) => {
    const client = new ScramClient('user', 'pencil');
    const server = openServer();
    const final = client.respond(challengeOf(server.step(client.initialResponse()))).toString();
    expect(server.step(Buffer.from(change(final)))).toEqual({ kind: 'failure' });
  });

  it.each([
    ['fewer than 4096 iterations', 's=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095'],
    ['more than a million iterations', 's=W22ZaJ0SNY7soEsUEjb6gQ==,i=1000001'],
    ['iterations that are no number', 's=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096x'],
    ['a salt that is no base64', 's=*,i=4096'],
    ['no salt', 'i=4096'],
  ])('refuses a server that shows %s', (_what, rest) => {
    const client = new ScramClient('user', 'pencil', { createNonce: () => 'abc' });
    client.initialResponse();
    expect(() => client.respond(Buffer.from(`r=abcdef,${rest}`))).toThrow(
      expect.objectContaining({ code: SASL_CHALLENGE_INVALID }),
    );
  });

  it.each(['abc', 'xyzdef'])('refuses a server whose nonce is %j after the client sent "abc"', (nonce) => {
    const client = new ScramClient('user', 'pencil', { createNonce: () => 'abc' });
    client.initialResponse();
    expect(() => client.respond(Buffer.from(`r=${nonce},s=AAAA,i=4096`))).toThrow(
      expect.objectContaining({ code: SASL_CHALLENGE_INVALID }),
    );
  });

  it.each(['v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=', 'v=', 'v=AAAA', '', 'nonsense'])(
    'refuses a server whose proof is %j',
    (proof) => {
      const client = new ScramClient('user', 'pencil');
      client.respond(challengeOf(openServer().step(client.initialResponse())));
      expect(() => client.respond(Buffer.from(proof))).toThrow(expect.objectContaining({ code: SASL_SERVER_UNPROVEN }));
      expect(client.serverProven).toBe(false);
    },
  );

  it('does not take an error report of the server for its proof', () => {
    const client = new ScramClient('user', 'pencil');
    client.respond(challengeOf(openServer().step(client.initialResponse())));
    expect(client.respond(Buffer.from('e=other-error'))).toHaveLength(0);
    expect(client.serverProven).toBe(false);
  });
});

describe('SCRAM names', () => {
  it('come back as they were for every text', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (user) => unescapeUser(escapeUser(user)) === user));
  });

  it("are read back from a client's first message", () => {
    const user = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(user, (name) => {
        const parsed = parseClientFirst(new ScramClient(name, 'x').initialResponse());
        expect(parsed?.user).toBe(name);
      }),
    );
  });

  it('never break the reader, whatever octets come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (octets) => {
        expect(openServer().step(Buffer.from(octets)).kind).toMatch(/^(challenge|failure)$/);
      }),
    );
  });
});

describe('a SCRAM verifier', () => {
  it('comes back from its text as it was', () => {
    expect(decodeScramVerifier(encodeScramVerifier(verifier))).toEqual(verifier);
    expect(encodeScramVerifier(verifier)).toMatch(/^SCRAM-SHA-256\$4096:[\w+/=]{24}\$[\w+/=]{44}:[\w+/=]{44}$/);
  });

  it('has its own salt for each derivation', () => {
    expect(encodeScramVerifier(deriveScramVerifier('pencil'))).not.toBe(encodeScramVerifier(verifier));
  });

  it.each([
    ['', 'an empty text'],
    ['SCRAM-SHA-1$4096:QUJD$QUJD:QUJD', 'another mechanism'],
    [encodeScramVerifier(verifier).replace('4096', '1'), 'too few iterations'],
    [encodeScramVerifier(verifier).slice(0, -1), 'a cut key'],
    [`${encodeScramVerifier(verifier)}\n`, 'a line end'],
  ])('is refused without being quoted: %s (%s)', (text) => {
    expect(() => decodeScramVerifier(text)).toThrow(expect.objectContaining({ code: 'scram-verifier-unreadable' }));
    expect(() => decodeScramVerifier(text)).toThrow(/damaged; set the credential again/);
  });

  it.each([4095, 1_000_001, 4096.5, Number.NaN])('is not derived with %s iterations', (iterations) => {
    expect(() => deriveScramVerifier('pencil', { iterations })).toThrow(
      expect.objectContaining({ code: 'scram-iterations-refused' }),
    );
  });

  it.each(['', 'pässword', 'tab\there'])('is not derived from the password %j', (password) => {
    expect(() => deriveScramVerifier(password)).toThrow(
      expect.objectContaining({ code: 'scram-password-unsupported' }),
    );
  });
});
