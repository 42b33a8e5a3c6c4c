// The fault box between our own sender and a scripted server: every fault is met at the other end as what it is, and without one
// nothing is changed.

import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMeddler, type FaultInput, Meddler } from '../../src/meddle/meddler.ts';
import { createCertificate, type ForgedCertificate } from '../../src/meddle/forged-certificate.ts';
import type { DialOptions, DialResult } from '../../src/smtp/sender.ts';
import type { ScriptedAnswer, ScriptedServer, SmtpScript } from '../helpers/scripted-smtp-server.ts';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';

const DAY_MS = 86_400_000;
const fixture = new SenderFixture();
let own: ForgedCertificate;

beforeAll(async () => {
  const notBefore = new Date(Date.now() - DAY_MS);
  const notAfter = new Date(Date.now() + 100 * DAY_MS);
  own = await createCertificate({ names: ['peer.test'], notBefore, notAfter, key: 'ecdsa' });
});
afterEach(() => fixture.cleanUp());

interface Stage {
  readonly server: ScriptedServer;
  readonly box: Meddler;
  readonly dial: (options?: Partial<DialOptions>) => Promise<DialResult>;
}

async function stage(faults: readonly FaultInput[], script: SmtpScript = {}): Promise<Stage> {
  const tls = { key: own.privateKeyPem, cert: own.certificatePem, ...script.tls };
  const server = await fixture.listen({ keywords: ['SIZE', 'STARTTLS'], keywordsInTls: ['SIZE'], ...script, tls });
  const box = await createMeddler({ to: { host: '127.0.0.1', port: server.port }, faults });
  fixture.adopt(box);
  // Short where nothing is to come, and not so short that a slow machine is taken for silence.
  const ms = faults.some((fault) => fault.do === 'stall') ? 500 : 30_000;
  const handshake = { tlsMs: ms, ehloMs: ms, greetingMs: ms };
  const transaction = { mailMs: ms, rcptMs: ms, dataMs: ms, dataBlockMs: ms, dataDoneMs: ms };
  const timeouts = { ...handshake, ...transaction };
  return {
    server,
    box,
    dial: (options) => fixture.dial(box.port, { startTls: 'attempt', servername: 'peer.test', timeouts, ...options }),
  };
}

/** Dials, sends a message where that can be done, and leaves. */
async function letter({ dial, box }: Stage): Promise<{ result: DialResult; status: string | undefined }> {
  const result = await dial();
  let status: string | undefined;
  if (result.kind === 'connected') {
    status = (await result.session.send(makeMessage())).recipients[0]?.status;
    await result.session.quit();
  }
  await box.waitForEnded(1);
  return { result, status };
}

function tlsOf(result: DialResult) {
  return result.kind === 'connected' ? result.session.tls : result.tls;
}

describe('without a fault', () => {
  it('passes a message in TLS that it cannot read, and one in clear that it can', async () => {
    const there = await stage([]);
    expect((await letter(there)).status).toBe('delivered');
    const [seen] = there.box.observations();
    expect(seen).toMatchObject({
      startTls: 'established',
      version: 'TLSv1.3',
      mail: 'unseen',
      verbs: ['EHLO', 'STARTTLS'],
    });
    there.box.setFaults([]);
    const result = await there.dial({ startTls: 'never' });
    if (result.kind !== 'connected') throw new Error(result.code);
    await result.session.send(makeMessage());
    await result.session.quit();
    await there.box.waitForEnded(1);
    expect(there.box.observations()[0]).toMatchObject({
      startTls: 'not-used',
      mail: 'in-clear',
      verbs: ['EHLO', 'MAIL', 'RCPT', 'RCPT', 'DATA', 'QUIT'],
    });
    expect(there.server.bodies).toHaveLength(2);
    expect(there.server.bodies[0]).toBe(there.server.bodies[1]);
  });

  it('ends TLS on both sides and reads what is said in it', async () => {
    const there = await stage([{ at: 'STARTTLS', do: 'terminate' }]);
    const { result, status } = await letter(there);
    expect(status).toBe('delivered');
    expect(tlsOf(result)).toMatchObject({
      kind: 'established',
      session: { peerCertificate: { domains: ['peer.test'], keyType: 'ec' } },
    });
    expect(there.box.observations()[0]).toMatchObject({
      startTls: 'established',
      mail: 'in-tls',
      verbs: ['EHLO', 'STARTTLS', 'EHLO', 'MAIL', 'RCPT', 'RCPT', 'DATA', 'QUIT'],
    });
    expect(there.server.bodies).toHaveLength(1);
  });

  it('hands on that the server cannot be reached', async () => {
    const there = await stage([]);
    await there.server.close();
    expect(await there.dial()).toMatchObject({ kind: 'failed', phase: 'greeting' });
  });
});

describe('in clear', () => {
  it.each<[string, FaultInput, object]>([
    ['strips the offer', { at: 'EHLO reply', do: 'strip' }, { kind: 'not-offered' }],
    ['masks the offer', { at: 'EHLO reply', do: 'strip', how: 'mask' }, { kind: 'not-offered' }],
    ['answers 454', { at: 'STARTTLS', do: 'answer', text: '454 4.7.0 No' }, { kind: 'refused', reply: { code: 454 } }],
    [
      'answers 502 in place of 220',
      { at: 'STARTTLS reply', do: 'answer', text: '502 5.5.1 No' },
      { kind: 'refused', reply: { code: 502 } },
    ],
    [
      'injects before TLS',
      { at: 'STARTTLS reply', do: 'inject', text: '250 evil\r\n' },
      { kind: 'failed', code: 'PLAINTEXT_INJECTED' },
    ],
    [
      'answers the handshake with a sentence',
      { at: 'ClientHello', do: 'answer', text: 'no TLS at all\r\n' },
      { kind: 'failed', cause: 'protocol' },
    ],
  ])('%s', async (_what, fault, tls) => {
    const there = await stage([fault]);
    expect(tlsOf(await there.dial())).toMatchObject(tls);
    expect(there.box.observations()[0]?.events.filter(({ kind }) => kind === 'fault')).toHaveLength(1);
  });

  it('injects a command behind STARTTLS, which the server has in hand before the handshake', async () => {
    const there = await stage([{ at: 'STARTTLS', do: 'inject', text: 'MAIL FROM:<evil@evil.test>\r\n' }]);
    await there.dial();
    // The scripted server is as careless as it can be, and runs it.
    expect(there.server.commands).toContain('MAIL FROM:<evil@evil.test>');
  });

  it.each<[string, string]>([
    ['greeting', 'greeting'],
    ['EHLO', 'ehlo'],
    ['EHLO reply', 'ehlo'],
    ['STARTTLS', 'starttls'],
    ['connect', 'greeting|connect'],
  ])('cuts, resets or falls silent at %s', async (at, phase) => {
    for (const how of ['cut', 'reset', 'stall'] as const) {
      const there = await stage([{ at, do: how }]);
      const cause = { cut: 'ECONNCLOSED', reset: 'ECONNRESET', stall: 'ETIMEDOUT' }[how];
      const result = await there.dial();
      expect(result).toMatchObject({ kind: 'failed', code: cause });
      expect(result.kind === 'failed' && result.phase).toMatch(new RegExp(`^(?:${phase})$`));
      await there.box.waitForEnded(1);
      expect(there.box.observations()[0]?.endedBy).toBe(how === 'stall' ? 'client' : 'box');
    }
  });

  const TRANSACTION = ['MAIL', 'RCPT reply', 'DATA', 'body', 'dot', 'dot reply'];

  it.each(TRANSACTION)('cuts, resets or silences a transaction at %s, and nothing is delivered', async (at) => {
    for (const how of ['cut', 'reset', 'stall'] as const) {
      const there = await stage([
        { at, do: how },
        { at: 'EHLO reply', do: 'strip' },
      ]);
      const { status } = await letter(there);
      expect([how, status]).toEqual([how, 'deferred']);
      expect(there.box.observations()[0]).toMatchObject({ mail: 'none', endedBy: how === 'stall' ? 'client' : 'box' });
      expect(there.server.bodies).toHaveLength(at === 'dot reply' ? 1 : 0);
    }
  });

  it.each(TRANSACTION)('holds a transaction back at %s, and it goes on', async (at) => {
    const there = await stage([
      { at, do: 'delay', for: '20ms' },
      { at: 'EHLO reply', do: 'strip' },
    ]);
    expect((await letter(there)).status).toBe('delivered');
    const [seen] = there.box.observations();
    expect(seen).toMatchObject({ mail: 'in-clear' });
    // The offer that was stripped is one of them.
    expect(seen?.events.filter(({ kind }) => kind === 'fault').length).toBeGreaterThan(1);
  });

  it('answers in turn where commands come in one packet', async () => {
    const there = await stage(
      [
        { at: 'RCPT', do: 'answer', text: '550 5.1.1 Nobody' },
        { at: 'EHLO reply', do: 'strip' },
      ],
      {
        keywords: ['PIPELINING', 'STARTTLS'],
      },
    );
    const client = connect(there.box.port, '127.0.0.1');
    const said = text(client);
    client.write('EHLO c.test\r\n');
    client.write('MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nRSET\r\nQUIT\r\n');
    const codes = (await said).split('\r\n').map((line) => line.slice(0, 9));
    expect(codes.slice(-5)).toEqual(['250 2.1.0', '550 5.1.1', '250 2.0.0', '221 2.0.0', '']);
    expect(there.server.commands).not.toContain('RCPT TO:<c@d.test>');
  });

  it('drops the chunk of a BDAT that it answered itself', async () => {
    const there = await stage([{ at: 'BDAT', do: 'answer', text: '452 4.3.1 Full' }]);
    const client = connect(there.box.port, '127.0.0.1');
    const said = text(client);
    client.write('EHLO c.test\r\nBDAT 6 LAST\r\nevil\r\nQUIT\r\n');
    expect(await said).toContain('452 4.3.1 Full\r\n221 ');
    expect(there.server.commands).toEqual(['EHLO c.test', 'QUIT']);
  });

  it('comes to its end where the server leaves while commands of one packet wait for its reply', async () => {
    const leave: ScriptedAnswer = (_line, peer) => void peer.socket.destroy();
    const there = await stage([], { answers: { DATA: leave } });
    const client = connect(there.box.port, '127.0.0.1');
    client.on('error', () => {});
    client.write('EHLO c.test\r\nDATA\r\nNOOP\r\nNOOP\r\n');
    client.resume();
    await there.box.waitForEnded(1);
    expect(there.box.observations()[0]).toMatchObject({ endedBy: 'server', verbs: ['EHLO', 'DATA'] });
  });

  it('strikes the connections that it is told to, and leaves the others alone', async () => {
    const there = await stage([{ at: 'STARTTLS', do: 'reset', connections: [1, 3] }]);
    const kinds: string[] = [];
    for (let number = 1; number <= 3; number++) kinds.push(tlsOf(await there.dial()).kind);
    expect(kinds).toEqual(['failed', 'established', 'failed']);
  });
});

describe('in the handshake', () => {
  it.each<[string, FaultInput, object]>([
    ['reset at ClientHello', { at: 'ClientHello', do: 'reset' }, { kind: 'failed', cause: 'reset' }],
    ['cut at ServerHello', { at: 'ServerHello', do: 'cut' }, { kind: 'failed', cause: 'closed' }],
    [
      'stall in the second record of the server',
      { at: 'record 2 from server', do: 'stall' },
      { kind: 'failed', cause: 'timeout' },
    ],
    ['alert at ClientHello', { at: 'ClientHello', do: 'alert', code: 40 }, { kind: 'failed', cause: 'alert' }],
    ['a corrupt ServerHello', { at: 'ServerHello', do: 'corrupt', offset: 20 }, { kind: 'failed' }],
    ['a corrupt record under keys', { at: 'record 3 from server', do: 'corrupt' }, { kind: 'failed' }],
  ])('%s is met as such', async (_what, fault, tls) => {
    const there = await stage([fault]);
    expect(tlsOf(await there.dial())).toMatchObject(tls);
    await there.box.waitForEnded(1);
    expect(there.box.observations()[0]).toMatchObject({ startTls: 'broken', mail: 'none' });
  });

  it.each([
    'ClientHello',
    'ServerHello',
    'Certificate',
    'ServerKeyExchange',
    'ServerHelloDone',
    'ClientKeyExchange',
    'Finished from client',
    'Finished from server',
  ])('names %s of TLS 1.2, and cuts, resets, falls silent or waits there', async (at) => {
    const tls = { maxVersion: 'TLSv1.2' } as const;
    for (const [how, cause] of Object.entries({ cut: 'closed', reset: 'reset', stall: 'timeout' } as const)) {
      const there = await stage([{ at, do: how as 'cut' | 'reset' | 'stall' }], { tls });
      const met = tlsOf(await there.dial());
      expect([how, met.kind, met]).toMatchObject([how, 'failed', { cause }]);
    }
    const held = await stage([{ at, do: 'delay', for: '20ms' }], { tls });
    expect((await letter(held)).status).toBe('delivered');
  });

  it('cuts at a named message of a handshake that it has brought down to TLS 1.2 itself', async () => {
    const there = await stage([
      { at: 'STARTTLS', do: 'terminate', toClient: { maxVersion: 'TLSv1.2' } },
      { at: 'Certificate', do: 'cut' },
    ]);
    expect(tlsOf(await there.dial())).toMatchObject({ kind: 'failed', cause: 'closed' });
  });

  it.each<[string, FaultInput]>([
    ['in single octets', { at: 'ClientHello', do: 'split', octets: 1 }],
    ['in pieces with pauses', { at: 'ClientHello', do: 'split', octets: 500, pause: '5ms' }],
    ['slowly', { at: 'ClientHello', do: 'throttle', octetsPerSecond: 100_000 }],
    ['late', { at: 'ClientHello', do: 'delay', for: '20ms' }],
  ])('lets a ClientHello through %s, and the handshake holds', async (_how, fault) => {
    const there = await stage([fault]);
    const { result, status } = await letter(there);
    expect(tlsOf(result).kind).toBe('established');
    expect(status).toBe('delivered');
  });
});

describe('with another certificate', () => {
  it.each<[string, Extract<FaultInput, { do: 'terminate' }>['toClient'], object]>([
    ['expired', { certificate: { dates: 'expired' } }, { domains: ['peer.test'] }],
    ['not yet valid', { certificate: { dates: 'not-yet-valid' } }, { domains: ['peer.test'] }],
    ['of another name', { certificate: { names: ['other.test'] } }, { domains: ['other.test'] }],
    ['RSA', { certificate: { key: 'rsa' } }, { keyType: 'rsa' }],
  ])('shows one that is %s', async (_what, toClient, peerCertificate) => {
    const there = await stage([{ at: 'STARTTLS', do: 'terminate', toClient }]);
    const tls = tlsOf(await there.dial());
    expect(tls).toMatchObject({ kind: 'established', session: { peerCertificate } });
    if (tls.kind !== 'established') return;
    const { notBefore, notAfter } = tls.session.peerCertificate ?? {};
    if (toClient?.certificate?.dates === 'expired') expect(Number(notAfter)).toBeLessThan(Date.now());
    if (toClient?.certificate?.dates === 'not-yet-valid') expect(Number(notBefore)).toBeGreaterThan(Date.now());
  });

  it("shows the server's own where it is given the key", async () => {
    const pem = { certificate: own.certificatePem, key: own.privateKeyPem };
    const there = await stage([{ at: 'STARTTLS', do: 'terminate', toClient: { certificate: { pem } } }]);
    const tls = tlsOf(await there.dial());
    expect(tls.kind === 'established' && tls.session.peerCertificate?.pem).toBe(own.certificatePem);
  });

  it('shows an Ed25519 certificate, and the same again to the next client', async () => {
    const there = await stage([{ at: 'STARTTLS', do: 'terminate', toClient: { certificate: { key: 'ed25519' } } }]);
    const shown = [await there.dial(), await there.dial()].map((result) => {
      const tls = tlsOf(result);
      return tls.kind === 'established' ? tls.session.peerCertificate : undefined;
    });
    expect(shown[0]).toMatchObject({ keyType: 'other' });
    expect(shown[1]?.thumbprint).toBe(shown[0]?.thumbprint);
  });

  it.each<[string, Extract<FaultInput, { do: 'terminate' }>['toClient'], object]>([
    ['TLS 1.2', { maxVersion: 'TLSv1.2' }, { kind: 'established', session: { protocol: 'TLSv1.2' } }],
    ['TLS 1.0', { maxVersion: 'TLSv1' }, { kind: 'failed', cause: 'alert' }],
    [
      'a suite without forward secrecy',
      { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA', certificate: { key: 'rsa' } },
      { kind: 'failed', cause: 'alert' },
    ],
  ])('brings the handshake down to %s', async (_what, toClient, tls) => {
    const there = await stage([{ at: 'STARTTLS', do: 'terminate', toClient }]);
    expect(tlsOf(await there.dial())).toMatchObject(tls);
  });

  it('meddles with what is said in TLS', async () => {
    const there = await stage([
      { at: 'STARTTLS', do: 'terminate' },
      { at: 'MAIL', do: 'answer', text: '451 4.3.0 Not now' },
    ]);
    expect((await letter(there)).status).toBe('deferred');
    expect(there.server.commands.filter((line) => line.startsWith('MAIL'))).toEqual([]);
  });
});

describe('the box itself', () => {
  it('meddles with TLS from the first octet', async () => {
    const there = await stage([]);
    const box = await createMeddler({
      to: { host: '127.0.0.1', port: there.server.port },
      isImplicitTls: true,
      faults: [{ at: 'ClientHello', do: 'cut' }],
    });
    fixture.adopt(box);
    const client = connect(box.port, '127.0.0.1');
    client.write(Buffer.from('160301000401000000', 'hex'));
    client.resume();
    await once(client, 'close');
    expect(box.observations()[0]?.endedBy).toBe('box');
  });

  it('refuses a place that is taken, and faults that make no sense', async () => {
    const there = await stage([]);
    const taken = { to: { host: '127.0.0.1', port: 25 }, listen: { host: '127.0.0.1', port: there.box.port } };
    await expect(createMeddler(taken)).rejects.toMatchObject({ code: 'listen-failed' });
    expect(() => there.box.setFaults([{ at: 'nowhere', do: 'cut' }])).toThrow(
      expect.objectContaining({ code: 'meddle-invalid' }),
    );
  });

  it('tells what it sees and does, and no secret', async () => {
    const there = await stage([]);
    const client = connect(there.box.port, '127.0.0.1');
    client.write('EHLO c.test\r\nAUTH PLAIN AGEAc2VjcmV0\r\nQUIT\r\n');
    await text(client);
    await there.box.waitForEnded(1);
    const told = JSON.stringify(there.box.observations());
    expect(told).toContain('AUTH PLAIN (an initial response)');
    expect(told).not.toContain('AGEAc2VjcmV0');
  });
});
