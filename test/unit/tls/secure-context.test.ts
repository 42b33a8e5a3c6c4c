import { once } from 'node:events';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isSameCertificate } from '../../../src/tls/certificate.ts';
import { importPair } from '../../../src/tls/certificate-import.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { clientTlsOptions, createServerContext, serverContextOptions } from '../../../src/tls/secure-context.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { describeTlsSession, type TlsSession } from '../../../src/tls/tls-session.ts';
import { hasOpenssl, makeAuthority, makeIssued, makeWorkbench, type Workbench } from './openssl.ts';

const LOOPBACK = '127.0.0.1';
let edge: KeyPair;
let hub: KeyPair;

beforeAll(async () => {
  const notBefore = new Date();
  edge = await createSelfSigned({ netbiosName: 'EDGE01', fqdn: 'edge01.contoso.com', notBefore });
  hub = await createSelfSigned({ netbiosName: 'HUB01', fqdn: 'hub01.corp.contoso.com', notBefore });
});

const open: { close(): void }[] = [];
afterEach(() => {
  for (const opened of open.splice(0)) opened.close();
});

interface Listening {
  port: number;
  /** What the server saw, one for each handshake. */
  sessions: TlsSession[];
}

/** A server that upgrades each connection by hand, as STARTTLS does, and greets through TLS. */
async function upgradeEach(context: tls.SecureContext, own: KeyPair): Promise<Listening> {
  const sessions: TlsSession[] = [];
  const upgrade = (socket: Socket): void => {
    const secure = new tls.TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      requestCert: true,
      rejectUnauthorized: false,
    });
    secure.on('error', () => secure.destroy());
    secure.on('secure', () => {
      sessions.push(describeTlsSession(secure, own.certificate));
      secure.write('220 ');
    });
    secure.resume();
  };
  return { port: await listen(createServer(upgrade)), sessions };
}

/** A server that Node itself opens. */
async function serve(options: tls.TlsOptions): Promise<number> {
  const server = tls.createServer(options, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('220 ');
    socket.resume();
  });
  server.on('tlsClientError', () => undefined);
  return listen(server);
}

async function listen(server: NetServer): Promise<number> {
  server.listen(0, LOOPBACK);
  open.push(server);
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Connects, waits for the greeting and gives the socket. */
async function connect(port: number, options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host: LOOPBACK, port, ...options });
  open.push({ close: () => socket.destroy() });
  await once(socket, 'data');
  return socket;
}

async function refusalOf(port: number, options: tls.ConnectionOptions): Promise<string> {
  return connect(port, options).then(
    () => 'accepted',
    (error: unknown) => String((error as { code?: unknown }).code),
  );
}

describe('a handshake between the two contexts', () => {
  it('shows each side the certificate of the other, and the name asked for', async () => {
    const server = await upgradeEach(createServerContext(edge), edge);
    const socket = await connect(server.port, clientTlsOptions({ pair: hub, servername: 'edge01.contoso.com' }));
    const client = describeTlsSession(socket, hub.certificate, 'edge01.contoso.com');
    const [seen] = server.sessions;
    expect(client).toEqual({
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      servername: 'edge01.contoso.com',
      localCertificate: hub.certificate,
      peerCertificate: edge.certificate,
      peerChainTrusted: false,
      resumed: false,
    });
    expect(seen).toMatchObject({ protocol: 'TLSv1.3', servername: 'edge01.contoso.com', resumed: false });
    expect(seen?.peerCertificate && isSameCertificate(seen.peerCertificate, hub.certificate)).toBe(true);
  });

  it('names nobody when the client shows no certificate and asks for no name', async () => {
    const server = await upgradeEach(createServerContext(edge), edge);
    await connect(server.port, clientTlsOptions());
    expect(server.sessions).toMatchObject([{ peerCertificate: undefined, servername: undefined }]);
  });

  it('says that a chain is trusted when its root is among the given ones and the name fits', async () => {
    const port = await serve(serverContextOptions(edge));
    const trusting = clientTlsOptions({ ca: [edge.certificate.pem], servername: 'edge01.contoso.com' });
    const misnamed = clientTlsOptions({ ca: [edge.certificate.pem], servername: 'other.contoso.com' });
    expect(describeTlsSession(await connect(port, trusting), undefined).peerChainTrusted).toBe(true);
    expect(describeTlsSession(await connect(port, misnamed), undefined).peerChainTrusted).toBe(false);
  });
});

describe('what is negotiated', () => {
  it.each(['TLSv1', 'TLSv1.1'] as const)('is never %s', async (version) => {
    const { port } = await upgradeEach(createServerContext(edge), edge);
    const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0', rejectUnauthorized: false };
    expect(await refusalOf(port, old)).toMatch(/^(ERR_SSL_|ECONNRESET)/);
    // The same client is served where old versions are allowed: it is the floor that kept it out.
    const lax = await serve({
      cert: edge.certificate.pem,
      key: edge.privateKeyPem,
      minVersion: 'TLSv1',
      ciphers: old.ciphers,
    });
    expect((await connect(lax, old)).getProtocol()).toBe(version);
  });

  it.each([
    ['CBC', 'ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA'],
    ['no forward secrecy', 'AES256-GCM-SHA384:AES128-GCM-SHA256'],
  ])('is never a suite with %s', async (_, ciphers) => {
    const { port } = await upgradeEach(createServerContext(edge), edge);
    const weak = { maxVersion: 'TLSv1.2', ciphers, rejectUnauthorized: false } as const;
    expect(await refusalOf(port, weak)).toMatch(/^ERR_SSL_/);
    const lax = await serve({ cert: edge.certificate.pem, key: edge.privateKeyPem, ciphers });
    expect(await refusalOf(lax, weak)).toBe('accepted');
  });

  it("is the server's choice of suite, also under TLS 1.2", async () => {
    const { port } = await upgradeEach(createServerContext(edge), edge);
    const ciphers = 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384';
    const socket = await connect(port, { ...clientTlsOptions(), maxVersion: 'TLSv1.2', ciphers });
    expect(describeTlsSession(socket, undefined)).toMatchObject({
      protocol: 'TLSv1.2',
      cipher: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
    });
  });

  it('can be narrowed by the caller', async () => {
    const { port } = await upgradeEach(
      createServerContext(edge, { terms: { tlsMinimumVersion: 'Tls13', tlsCipherSuites: [] } }),
      edge,
    );
    expect(await refusalOf(port, { ...clientTlsOptions(), maxVersion: 'TLSv1.2' })).toMatch(/^ERR_SSL_/);
    const chosen = clientTlsOptions({
      terms: { tlsMinimumVersion: 'Tls12', tlsCipherSuites: ['TLS_CHACHA20_POLY1305_SHA256'] },
    });
    expect((await connect(port, chosen)).getCipher().standardName).toBe('TLS_CHACHA20_POLY1305_SHA256');
  });
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('resumption under %s', (version) => {
  const greedy = {
    minVersion: version,
    maxVersion: version,
    rejectUnauthorized: false,
    servername: 'edge01.contoso.com',
  };

  /** Connects with a key, takes every session it is given, and comes back without the key. */
  const comeBack = async (port: number): Promise<{ taken: number; resumed: boolean }> => {
    const identity = { cert: hub.certificate.pem, key: hub.privateKeyPem };
    const first = tls.connect({ host: LOOPBACK, port, ...greedy, ...identity });
    open.push({ close: () => first.destroy() });
    const taken: Buffer[] = [];
    first.on('session', (session) => taken.push(session));
    await once(first, 'data');
    const unfinished = first.getSession();
    // TLS 1.3 sends its tickets after the handshake; by the end of the connection all of them have come.
    first.end();
    await once(first, 'close');
    const session = taken.at(-1) ?? unfinished;
    const second = await connect(port, { ...greedy, ...(session === undefined ? {} : { session }) });
    return { taken: taken.length, resumed: second.isSessionReused() };
  };

  it('works against a server that Node sets up by its own defaults, so that this test can fail', async () => {
    const port = await serve({ cert: edge.certificate.pem, key: edge.privateKeyPem });
    expect(await comeBack(port)).toMatchObject({ resumed: true });
  });

  it('is impossible after an upgrade with our context', async () => {
    const { port, sessions } = await upgradeEach(createServerContext(edge), edge);
    expect(await comeBack(port)).toMatchObject({ resumed: false });
    expect(sessions.map(({ resumed }) => resumed)).toEqual([false, false]);
    expect(sessions.map(({ peerCertificate }) => peerCertificate?.subject)).toEqual(['CN=HUB01', undefined]);
  });

  it("is impossible with a server of Node's that has our settings", async () => {
    const port = await serve({ ...serverContextOptions(edge), requestCert: true, rejectUnauthorized: false });
    expect(await comeBack(port)).toMatchObject({ resumed: false });
  });

  it('is not tried by our client, although a server offers it', async () => {
    const port = await serve({ cert: edge.certificate.pem, key: edge.privateKeyPem });
    const bound = { ...clientTlsOptions({ servername: 'edge01.contoso.com' }), maxVersion: version };
    const first = await connect(port, bound);
    first.end();
    await once(first, 'close');
    expect((await connect(port, bound)).isSessionReused()).toBe(false);
  });
});

describe.skipIf(!hasOpenssl)("with certificates of one's own PKI", () => {
  let bench: Workbench;
  beforeAll(() => {
    bench = makeWorkbench();
    makeAuthority(bench);
    for (const kind of ['rsa', 'p-256', 'p-384', 'p-521']) makeIssued(bench, kind, kind);
  });
  afterAll(() => bench.remove());

  const readPair = (name: string): KeyPair =>
    importPair(Buffer.concat([`${name}.pem`, `${name}.key`, 'issuing.pem'].map((file) => bench.read(file))));

  it.each([
    ['rsa', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'],
    ['p-256', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
    ['p-384', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
    ['p-521', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
  ])('a key of the kind %s serves both ends, with the intermediate sent along', async (kind, tls12Suite) => {
    const pair = readPair(kind);
    const server = await upgradeEach(createServerContext(pair), pair);
    const root = bench.read('root.pem').toString();
    const options = clientTlsOptions({ pair, ca: [root], servername: `${kind}.contoso.com` });
    const modern = describeTlsSession(await connect(server.port, options), pair.certificate);
    expect(modern).toMatchObject({ protocol: 'TLSv1.3', peerChainTrusted: true });
    const older = await connect(server.port, { ...options, maxVersion: 'TLSv1.2' });
    expect(describeTlsSession(older, pair.certificate)).toMatchObject({ cipher: tls12Suite, peerChainTrusted: true });
    expect(server.sessions.map(({ peerCertificate }) => peerCertificate)).toEqual([pair.certificate, pair.certificate]);
  });
});
