import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import * as tls from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { clientTlsOptions, createServerContext } from '../../../src/tls/secure-context.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import {
  contextTerms,
  DEFAULT_TLS_TERMS,
  describeWeakness,
  findContradiction,
  findSuite,
  isAtLeast,
  suitesOf,
  TLS_VERSIONS,
  type TlsTerms,
} from '../../../src/tls/tls-terms.ts';

const terms = (tlsMinimumVersion: TlsTerms['tlsMinimumVersion'], ...tlsCipherSuites: string[]): TlsTerms => ({
  tlsMinimumVersion,
  tlsCipherSuites,
});

describe('terms', () => {
  it('are TLS 1.2 and suites with forward secrecy and AEAD unless somebody says otherwise', () => {
    const { minVersion, ciphers } = contextTerms(DEFAULT_TLS_TERMS);
    expect(minVersion).toBe('TLSv1.2');
    expect(ciphers).not.toContain('SECLEVEL');
    for (const suite of suitesOf(DEFAULT_TLS_TERMS)) expect(suite).toMatch(/^(?:TLS_|ECDHE-).*(?:GCM|CHACHA20)/);
    expect(describeWeakness(DEFAULT_TLS_TERMS)).toBeUndefined();
  });

  it.each([
    [terms('Tls13'), undefined],
    [terms('Tls12', 'DHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-CHACHA20-POLY1305'), undefined],
    [terms('Tls11'), 'TLS 1.1'],
    [terms('Tls10', 'AES128-SHA'), 'TLS 1.0, AES128-SHA'],
    [
      terms('Tls12', 'TLS_AES_128_GCM_SHA256', 'AES256-GCM-SHA384', 'ECDHE-RSA-AES256-SHA'),
      'AES256-GCM-SHA384, ECDHE-RSA-AES256-SHA',
    ],
  ])('%j are weak by %j', (given, weakness) => {
    expect(describeWeakness(given)).toBe(weakness);
    expect(contextTerms(given).ciphers.includes('@SECLEVEL=0')).toBe(weakness !== undefined);
  });

  it.each([
    [terms('Tls12', 'NO-SUCH-SUITE'), /no suite "NO-SUCH-SUITE"/],
    [terms('Tls12', 'PSK-AES128-GCM-SHA256'), /goes with a certificate/],
    [terms('Tls12', 'DEFAULT@SECLEVEL=0'), /no suite/],
    [terms('Tls13', 'ECDHE-RSA-AES128-GCM-SHA256'), /needs a suite of TLS 1\.3/],
  ])('%j contradict themselves', (given, sentence) => {
    expect(findContradiction(given)).toMatch(sentence);
  });

  it('are sound for every version without suites, and for suites in any letter case', () => {
    for (const version of TLS_VERSIONS) expect(findContradiction(terms(version))).toBeUndefined();
    expect(findSuite('ecdhe-rsa-aes128-gcm-sha256')).toBe('ECDHE-RSA-AES128-GCM-SHA256');
    expect(findSuite('tls_aes_128_gcm_sha256')).toBe('TLS_AES_128_GCM_SHA256');
  });

  it('know which version is enough', () => {
    expect(isAtLeast('TLSv1.2', 'Tls12')).toBe(true);
    expect(isAtLeast('TLSv1.1', 'Tls12')).toBe(false);
    expect(isAtLeast('TLSv1', 'Tls10')).toBe(true);
    for (const protocol of ['SSLv3', 'unknown', '', null]) expect(isAtLeast(protocol, 'Tls10')).toBe(false);
  });
});

describe('a handshake on those terms', () => {
  let pair: KeyPair;
  const open: { close(): void }[] = [];
  beforeAll(async () => {
    pair = await createSelfSigned({ netbiosName: 'EDGE01', fqdn: 'edge01.test', notBefore: new Date() });
  });
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });

  async function serve(server: TlsTerms): Promise<number> {
    const context = createServerContext(pair, { terms: server });
    const listener: Server = createServer((socket) => {
      const secure = new tls.TLSSocket(socket, { isServer: true, secureContext: context });
      secure.on('error', () => secure.destroy());
      secure.on('secure', () => secure.write('220 '));
      secure.resume();
    });
    listener.listen(0, '127.0.0.1');
    open.push(listener);
    await once(listener, 'listening');
    return (listener.address() as { port: number }).port;
  }

  /** "TLSv1.2 TLS_…", or the code of the refusal. */
  async function shake(port: number, options: tls.ConnectionOptions): Promise<string> {
    const socket = tls.connect({ host: '127.0.0.1', port, ...options });
    open.push({ close: () => socket.destroy() });
    try {
      await once(socket, 'data');
      return `${socket.getProtocol()} ${socket.getCipher().standardName}`;
    } catch (error) {
      return String((error as { code?: unknown }).code);
    }
  }

  const anything = { rejectUnauthorized: false, minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } as const;
  const only = (version: tls.SecureVersion): tls.ConnectionOptions => ({
    ...anything,
    minVersion: version,
    maxVersion: version,
  });

  it.each([
    ['Tls10', ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']],
    ['Tls11', ['TLSv1.1', 'TLSv1.2', 'TLSv1.3']],
    ['Tls12', ['TLSv1.2', 'TLSv1.3']],
    ['Tls13', ['TLSv1.3']],
  ] as const)('with %s serves and uses %j and nothing else', async (minimum, expected) => {
    const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
    const port = await serve(terms(minimum));
    const served = [];
    const used = [];
    for (const version of versions) {
      if ((await shake(port, only(version))).startsWith(`${version} `)) served.push(version);
      const lax = await serve(terms('Tls10'));
      const seen = await shake(lax, { ...clientTlsOptions({ terms: terms(minimum) }), maxVersion: version });
      if (seen.startsWith(`${version} `)) used.push(version);
    }
    expect(served).toEqual(expected);
    expect(used).toEqual(expected);
  });

  it.each([
    ['AES128-SHA', 'TLSv1.2 TLS_RSA_WITH_AES_128_CBC_SHA'],
    ['DHE-RSA-AES256-GCM-SHA384', 'TLSv1.2 TLS_DHE_RSA_WITH_AES_256_GCM_SHA384'],
    ['TLS_CHACHA20_POLY1305_SHA256', 'TLSv1.3 TLS_CHACHA20_POLY1305_SHA256'],
  ])('with %s alone comes to it, and to nothing with a client that lacks it', async (suite, negotiated) => {
    const port = await serve(terms('Tls12', suite));
    expect(await shake(port, anything)).toBe(negotiated);
    expect(await shake(port, { ...anything, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' })).toMatch(
      /^ERR_SSL_/,
    );
  });

  it('comes to nothing between the default terms and weak suites', async () => {
    const port = await serve(DEFAULT_TLS_TERMS);
    expect(
      await shake(port, { ...anything, ciphers: 'AES128-SHA:AES256-GCM-SHA384:@SECLEVEL=0', maxVersion: 'TLSv1.2' }),
    ).toMatch(/^ERR_SSL_/);
  });
});
