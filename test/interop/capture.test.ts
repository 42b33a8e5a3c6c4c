// Wireshark's dissectors on the captures that this program makes: each session decrypts itself, in either role, by TLS 1.2 and
// TLS 1.3, and nothing in a file is unsound, however the session ends.

import { readFileSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { SecureVersion } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectLdap } from '../../src/ldap/client.ts';
import { LdapListener } from '../../src/ldap/server.ts';
import { silentLog } from '../../src/log.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { CaptureBench } from '../helpers/capture-bench.ts';
import { person } from '../helpers/ldap-server-contract.ts';
import { beginData, ListenerBench } from '../helpers/listener-bench.ts';
import { ADMIN, MemoryLdapHandler, PASSWORD } from '../helpers/memory-ldap-handler.ts';
import { requirePeer } from '../helpers/peers.ts';
import type { RawSmtpClient } from '../helpers/raw-smtp-client.ts';
import { makeIdentity, ScriptedPolicy } from '../helpers/scripted-policy.ts';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';
import { Dissection } from '../helpers/tshark.ts';
import { waitUntil } from '../helpers/wait.ts';

const SUBJECT = 'the goose flies at midnight';
const LETTER = `From: a@client.test\r\nSubject: ${SUBJECT}\r\n\r\n${SUBJECT}\r\n`;
/** Of 360 kB, so that it needs segments and acknowledgements. */
const LONG_LETTER = `${LETTER}${`${'x'.repeat(70)}\r\n`.repeat(5000)}`;
const VERSIONS = { 'TLSv1.2': '0x0303', 'TLSv1.3': '0x0304' } as const;

const listeners = new ListenerBench();
const senders = new SenderFixture();
const openEnd: (() => unknown)[] = [];
let bench: CaptureBench;
let pair: KeyPair;

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 60_000);
  pair = await createSelfSigned({ netbiosName: 'EDGE01', fqdn: 'edge01.test', notBefore });
});
beforeEach(() => {
  bench = new CaptureBench();
  bench.start();
});
afterEach(async () => {
  await listeners.clear();
  await senders.cleanUp();
  for (const close of openEnd.splice(0).toReversed()) await close();
  bench.remove();
});

function tlsPolicy(): ScriptedPolicy {
  const identity = makeIdentity(pair.certificate.pem, pair.privateKeyPem);
  const offered = { startTls: true, mechanisms: [], sizeLimitBytes: undefined };
  return new ScriptedPolicy({ offered, secureContext: () => identity });
}

/** A client of a captured listener, before STARTTLS. */
async function greet(policy = tlsPolicy(), host = '127.0.0.1'): Promise<{ client: RawSmtpClient; smtp: string }> {
  const port = await listeners.listen(policy, { host, tap: bench.captures.tap });
  const client = await listeners.dial(port, host);
  await client.reply();
  await client.ask('EHLO client.test');
  return { client, smtp: `tcp.port==${port},smtp` };
}

/** Says the rest of what a client has to say. */
async function handIn(client: RawSmtpClient, letter: string): Promise<void> {
  await client.ask('EHLO client.test');
  await beginData(client);
  expect(await client.ask(`${letter}.`)).toMatch(/^250 /);
  await client.ask('QUIT');
  await client.closed;
}

/** Takes in a letter by STARTTLS; says how to read what was captured. */
async function receive(version: SecureVersion, letter = LETTER, host?: string): Promise<string> {
  const { client, smtp } = await greet(tlsPolicy(), host);
  await client.ask('STARTTLS');
  await client.secure({ minVersion: version, maxVersion: version });
  await handIn(client, letter);
  return smtp;
}

/** Hands one over by STARTTLS. */
async function send(version: SecureVersion, letter = LETTER): Promise<string> {
  const tls = { key: pair.privateKeyPem, cert: pair.certificate.pem, minVersion: version, maxVersion: version };
  const server = await senders.listen({ keywords: ['STARTTLS'], tls });
  const session = await senders.connect(server.port, { startTls: 'attempt', tap: bench.captures.tap });
  const octets = Buffer.from(letter);
  const sent = await session.send(makeMessage({ sizeBytes: octets.length, body: () => Readable.from([octets]) }));
  expect(sent.recipients[0]?.status).toBe('delivered');
  await session.quit();
  return `tcp.port==${server.port},smtp`;
}

/** The one file of this test, complete. */
function onlyFile(): string {
  const [file = '', ...others] = bench.finish();
  expect(others).toEqual([]);
  return file;
}

async function dissectSound(...decode: readonly string[]): Promise<Dissection> {
  const dissection = await Dissection.of(onlyFile(), ...decode);
  expect(dissection.unsound).toEqual([]);
  return dissection;
}

describe.skipIf(!requirePeer('tshark'))('tshark on our captures', () => {
  describe.each(Object.keys(VERSIONS) as (keyof typeof VERSIONS)[])('of a session in %s', (version) => {
    it.each([
      ['receiver', receive],
      ['sender', send],
    ] as const)('as %s reads every command and the subject, and nothing without the secrets', async (_role, run) => {
      const smtp = await run(version);
      const read = await dissectSound(smtp);
      expect(read.each('command').join(' ')).toMatch(/^EHLO STAR EHLO MAIL(?: RCPT)+ DATA QUIT$/);
      expect(read.all('subject')).toEqual([SUBJECT]);
      const [serverHello] = read.packets.filter(({ handshake }) => handshake.split(',')[0] === '2');
      expect(serverHello?.[version === 'TLSv1.3' ? 'newVersion' : 'version'].split(',')).toContain(VERSIONS[version]);

      const [file = ''] = bench.files();
      expect(readFileSync(file).includes(SUBJECT)).toBe(false);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const blind = await Dissection.of(bench.withoutSecrets(file), smtp);
      expect(blind.unsound).toEqual([]);
      expect(blind.each('command')).toEqual(['EHLO', 'STAR']);
      expect(blind.all('appData')).not.toEqual([]);
      expect(blind.all('subject')).toEqual([]);
    });
  });

  it.each([
    ['receiver', receive],
    ['sender', send],
  ] as const)('as %s has a long message whole, in segments and acknowledgements that are sound', async (_role, run) => {
    const smtp = await run('TLSv1.3', LONG_LETTER);
    const read = await dissectSound(smtp);
    expect(read.all('subject')).toEqual([SUBJECT]);
    expect(Math.max(...read.each('dataLength').map(Number))).toBeGreaterThanOrEqual(LONG_LETTER.length);
  });

  it('knows IPv6 addresses, real ports and real time', async () => {
    const beganMs = Date.now();
    const smtp = await receive('TLSv1.3', LETTER, '::1');
    const read = await dissectSound(smtp);
    const [first] = read.packets;
    expect(first).toMatchObject({ source6: '::1', source: '' });
    expect(smtp).toBe(`tcp.port==${first?.targetPort},smtp`);
    expect(read.all('subject')).toEqual([SUBJECT]);
    const seconds = read.all('time').map(Number);
    expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
    expect(seconds[0]).toBeGreaterThanOrEqual(beganMs / 1000 - 1);
    expect(seconds.at(-1)).toBeLessThanOrEqual(Date.now() / 1000 + 1);
  });

  it('reads TLS from the first octet', async () => {
    const port = await listeners.listen(tlsPolicy(), { service: 'smtps', tap: bench.captures.tap });
    const client = await listeners.dial(port);
    await client.secure();
    await client.reply();
    await handIn(client, LETTER);
    const read = await dissectSound(`tcp.port==${port},tls`, `tls.port==${port},smtp`);
    expect(read.all('subject')).toEqual([SUBJECT]);
  });

  it.each(['server', 'client'] as const)('reads LDAP inside LDAPS as %s', async (role) => {
    const { tap } = bench.captures;
    const listener = await LdapListener.open({
      host: '127.0.0.1',
      port: 0,
      security: { kind: 'tls', keyPair: () => pair },
      handler: new MemoryLdapHandler(),
      log: silentLog(),
      ...(role === 'server' && { tap }),
    });
    openEnd.push(() => listener.close());
    const { port } = listener.address;
    const client = await connectLdap({
      host: '127.0.0.1',
      port,
      approve: () => undefined,
      ...(role === 'client' && { tap }),
    });
    await client.bindSimple(ADMIN, PASSWORD);
    await client.apply([person('carol', 'ou=people,dc=test')]);
    expect(await client.search({ base: 'ou=people,dc=test', scope: 'sub' })).toHaveLength(2);
    await client.close();
    const decode = [`tcp.port==${port},tls`, `tls.port==${port},ldap`];
    const read = await dissectSound(...decode);
    const [BIND, UNBIND, SEARCH, ADD] = ['0', '2', '3', '8'];
    expect(read.each('operation')).toEqual(expect.arrayContaining([BIND, ADD, SEARCH, UNBIND]));
    expect(read.all('bindName')).toContain(ADMIN);
    const [file = ''] = bench.files();
    expect((await Dissection.of(bench.withoutSecrets(file), ...decode)).all('operation')).toEqual([]);
  });

  it('shows a connection that was reset in the midst of a body, and is readable up to any moment', async () => {
    const policy = tlsPolicy();
    const { client, smtp } = await greet(policy);
    const tcp = client.socket;
    await client.ask('STARTTLS');
    await client.secure();
    await client.ask('EHLO client.test');
    await beginData(client);
    const [file = ''] = bench.files();
    const before = await Dissection.of(file, smtp);
    expect(before.unsound).toEqual([]);
    expect(before.each('command').at(-1)).toBe('DATA');
    const { size } = statSync(file);
    client.write(LETTER);
    await waitUntil('the letter is in the file', () => statSync(file).size > size + LETTER.length);
    if ('resetAndDestroy' in tcp) tcp.resetAndDestroy();
    await policy.seen(/closed/);
    const read = await dissectSound(smtp);
    const resets = read.packets.filter(({ reset }) => ['1', 'True'].includes(reset));
    expect(resets.map(({ targetPort }) => `tcp.port==${targetPort},smtp`)).toEqual([smtp]);
    expect(read.packets.length).toBeGreaterThan(before.packets.length);
  });

  it('shows a handshake that fails, and why', async () => {
    const policy = tlsPolicy();
    const { client, smtp } = await greet(policy);
    await client.ask('STARTTLS');
    const old = client.secure({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' });
    await expect(old).rejects.toThrow(/alert|protocol|disconnected/i);
    await policy.seen(/closed/);
    const PROTOCOL_VERSION = '70';
    expect((await dissectSound(smtp)).each('alert')).toEqual([PROTOCOL_VERSION]);
  });

  it('shows octets that are no TLS where a handshake should be', async () => {
    const policy = tlsPolicy();
    const { client } = await greet(policy);
    await client.ask('STARTTLS');
    client.write('EHLO this is no handshake\r\n');
    await policy.seen(/closed/);
    const payloads = (await dissectSound()).all('payload');
    expect(payloads).toContain(Buffer.from('EHLO this is no handshake\r\n').toString('hex'));
  });

  it('shows commands that were slipped in behind STARTTLS, and that nobody answered them', async () => {
    const { client, smtp } = await greet();
    client.write('STARTTLS\r\nMAIL FROM:<evil@client.test>\r\n');
    expect((await client.reply()).code).toBe(220);
    await client.secure();
    await client.ask('EHLO client.test');
    await client.ask('QUIT');
    await client.closed;
    const read = await dissectSound(smtp);
    const injected = Buffer.from('MAIL FROM:<evil@client.test>').toString('hex');
    expect(read.all('payload').filter((payload) => payload.includes(injected))).toHaveLength(1);
    expect(new Set(read.each('reply'))).toEqual(new Set(['220', '250', '221']));
  });

  it('puts notes at the packet where the session was', async () => {
    const note = JSON.stringify({ messageId: '<1@client.test>', reason: 'direct-trust' });
    const policy = tlsPolicy();
    policy.mail = (session) => {
      session.capture?.note(note);
      return undefined;
    };
    const { client, smtp } = await greet(policy);
    await client.ask('MAIL FROM:<a@client.test>');
    await client.ask('QUIT');
    await client.closed;
    const read = await dissectSound(smtp);
    const [first, second] = read.all('comment');
    expect(JSON.parse(first ?? '')).toMatchObject({ server: 'edge01.test', protocol: 'smtp', role: 'server' });
    expect(second).toBe(note);
    const place = read.packets.findIndex(({ comment }) => comment === note);
    expect(read.packets[place - 1]?.command).toBe('MAIL');
  });
});
