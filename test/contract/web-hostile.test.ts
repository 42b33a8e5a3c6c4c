// What strangers, pages of others and broken clients try at the web door, and what they get.

import { createConnection } from 'node:net';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWebServer, type WebServerFixture } from '../helpers/web-server.ts';

let hub: WebServerFixture;
const logged: string[] = [];

beforeAll(async () => {
  const log = pino(
    { level: 'trace' },
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        logged.push(chunk.toString());
        done();
      },
    }),
  );
  const pageFolder = { path: '' };
  hub = await openWebServer({
    log,
    timeouts: { requestMs: 2000, headersMs: 1000, keepAliveMs: 1000, lookMs: 100 },
    get pageFolder() {
      return pageFolder.path;
    },
    prepare: (folder) => {
      pageFolder.path = join(folder, 'page');
      mkdirSync(join(pageFolder.path, 'assets'), { recursive: true });
      writeFileSync(join(pageFolder.path, 'index.html'), '<!doctype html><title>the page</title>');
      writeFileSync(join(pageFolder.path, 'assets', 'page.js'), 'export {};');
      writeFileSync(join(pageFolder.path, 'assets', 'page.js.gz'), gzipSync('export {};'));
      writeFileSync(join(pageFolder.path, '.hidden'), 'hidden');
      writeFileSync(join(folder, 'secret.txt'), 'secret');
      symlinkSync(join(folder, 'secret.txt'), join(pageFolder.path, 'link.txt'));
    },
  });
});

afterAll(() => hub.close());

/** What comes back for these octets until the server closes the connection. */
function say(...parts: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = createConnection(Number(new URL(hub.address).port), '127.0.0.1');
    socket.on('data', (chunk) => {
      heard += chunk.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(heard));
    for (const part of parts) socket.write(part);
  });
}

function raw(start: string, headers: readonly string[] = [], body = ''): Promise<string> {
  const lines = [start, 'Host: localhost', 'Connection: close', ...headers];
  return say(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

describe('the web door', () => {
  it('answers everything with the headers that keep a page to itself', async () => {
    for (const path of ['/', '/healthz', '/api/v1/cmdlets', '/nothing', '/assets/page.js']) {
      const { headers } = await hub.ask(path);
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/,
      );
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('set-cookie')).toBeNull();
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it.each(['TRACE', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'])('knows no %s', async (method) => {
    expect(await raw(`${method} /api/v1/cmdlets HTTP/1.1`)).toMatch(/^HTTP\/1\.1 405 .*"code":"method-not-allowed"/s);
  });

  it.each(['CONNECT example.com:443', 'BREW /pot'])('knows no %s', async (start) => {
    expect(await raw(`${start} HTTP/1.1`)).toMatch(/^(?:HTTP\/1\.1 4\d\d |$)/);
  });

  it('answers HEAD without a body', async () => {
    const { status, text } = await hub.ask('/api/v1/cmdlets', { method: 'HEAD' });
    expect([status, text]).toEqual([200, '']);
    expect((await hub.ask('/api/v1/events', { method: 'HEAD' })).status).toBe(404);
  });

  it('is not asked by a name that somebody made resolve to it', async () => {
    const { text } = await hub.ask('/healthz');
    expect(text).toContain('ok');
    expect(await say('GET /api/v1/cmdlets HTTP/1.1\r\nHost: rebound.evil.test\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 421 .*"code":"wrong-host"/s,
    );
    expect(await say('GET / HTTP/1.1\r\nHost: rebound.evil.test\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 421/,
    );
    expect(await say('GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 4\d\d/);
  });

  it('serves no page of another origin, not even with a token', async () => {
    const token = hub.token('ReadWrite');
    const headers = { origin: 'http://evil.test' };
    const answer = await hub.ask('/api/v1/cmdlets/Get-Queue', { body: {}, headers, token });
    expect([answer.status, answer.json['code']]).toEqual([403, 'wrong-origin']);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'takes no %s, which a form of another page can send',
    async (type) => {
      const headers = { 'content-type': type };
      const answer = await hub.ask('/api/v1/cmdlets/Get-Queue', { body: {}, headers });
      expect([answer.status, answer.json['code']]).toEqual([415, 'media-type']);
    },
  );

  it.each(['{', '[1,', '"', '{"__proto__": {"a": 1}}', '{"constructor": {"prototype": {}}}', '\u0000'])(
    'takes no %j for JSON',
    async (body) => {
      const answer = await raw(
        'POST /api/v1/cmdlets/Get-Queue HTTP/1.1',
        ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`],
        body,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 400 .*"code":"bad-[a-z]+"/s);
    },
  );

  it('reads no body that is too large, announced or not', async () => {
    const announced = await raw('POST /api/v1/cmdlets/Get-Queue HTTP/1.1', [
      'Content-Type: application/json',
      'Content-Length: 999999999',
    ]);
    expect(announced).toMatch(/^HTTP\/1\.1 413 .*"code":"body-too-large"/s);
    const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
    const endless = await raw(
      'POST /api/v1/cmdlets/Get-Queue HTTP/1.1',
      ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
      chunk.repeat(40),
    );
    expect(endless).toMatch(/^HTTP\/1\.1 413 .*"code":"body-too-large"/s);
  });

  it('refuses a body that may not be sent before it has come', async () => {
    const answer = await raw('POST /api/v1/cmdlets/New-EdgeSubscription HTTP/1.1', [
      'Content-Type: application/json',
      'Content-Length: 40000000',
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 403 .*"code":"read-only"/s);
  });

  it.each([
    ['head', 'GET / HTTP/1.1\r\nHost: localhost\r\nX: '],
    [
      'body',
      'POST /api/v1/cmdlets/Get-Queue HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{',
    ],
    ['request at all', ''],
  ])('waits for no %s that does not come', async (_what, start) => {
    expect(await say(start)).toMatch(/^(?:HTTP\/1\.1 4\d\d .*)?$/s);
  });

  it('reads no endless head', async () => {
    expect(await raw('GET / HTTP/1.1', [`X: ${'x'.repeat(20_000)}`])).toMatch(/^HTTP\/1\.1 4\d\d/);
    expect(await raw(`GET /${'x'.repeat(20_000)} HTTP/1.1`)).toMatch(/^HTTP\/1\.1 4\d\d/);
  });

  it('takes no request that hides another', async () => {
    const hidden = 'GET /api/v1 HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const answer = await raw(
      'POST /api/v1/cmdlets/Get-Queue HTTP/1.1',
      ['Content-Type: application/json', 'Content-Length: 3', 'Transfer-Encoding: chunked'],
      `2\r\n{}\r\n0\r\n\r\n${hidden}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400/);
    expect(answer.match(/^HTTP\/1\.1/gm)).toHaveLength(1);
  });

  it.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/assets/..%5c..%5csecret.txt',
    '//etc/passwd',
    '/.hidden',
    '/%00',
    '/%',
    '/assets/%c0%ae%c0%ae/secret.txt',
    '/api/v1/cmdlets/..%2f..%2f..%2fsecret.txt',
  ])('serves nothing outside the page at %s', async (path) => {
    const answer = await raw(`GET ${path} HTTP/1.1`);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d/);
    expect(answer).not.toMatch(/secret\r?\n?$|root:/);
  });

  it('serves the page that was built', async () => {
    const { text, headers } = await hub.ask('/');
    expect(text).toContain('the page');
    expect(headers.get('content-type')).toMatch(/^text\/html/);
  });

  it('serves its files compressed to whoever takes them so, and as they are to everybody else', async () => {
    const small = await raw('GET /assets/page.js HTTP/1.1', ['Accept-Encoding: br, gzip']);
    expect(small).toMatch(/^content-encoding: gzip\r$/im);
    expect(small).toMatch(/^vary: .*accept-encoding\r$/im);
    expect(small).toMatch(/^content-type: (?:text|application)\/javascript/im);
    const plain = await raw('GET /assets/page.js HTTP/1.1', ['Accept-Encoding: identity']);
    expect(plain).not.toMatch(/^content-encoding/im);
    expect(plain).toMatch(/export \{\};$/);
  });

  it.each(['Bearer wrong', 'Bearer ', 'Basic dTpw', 'Bearer rpt_%00', `Bearer ${'x'.repeat(5000)}`])(
    'takes %j for a wrong token and not for none',
    async (authorization) => {
      const { status, headers, json } = await hub.ask('/api/v1/cmdlets/Get-Queue', { headers: { authorization } });
      expect([status, json['code'], headers.get('www-authenticate')]).toEqual([
        401,
        'token-wrong',
        'Bearer realm="relaypair"',
      ]);
    },
  );

  it('takes no header for a line of its own', async () => {
    const answer = await raw('GET /api/v1/cmdlets/Get-Queue?Identity=x%0d%0aSet-Cookie:%20a=b HTTP/1.1');
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*"code":"bad-value"/s);
    expect(answer).not.toMatch(/^set-cookie/im);
  });

  it('writes no token, password or parameter into the log', async () => {
    const token = hub.token('ReadWrite');
    const password = 'Vierzehn-Secrets';
    const body = { Thumbprint: 'A'.repeat(40), FileName: 'x.pfx', Password: password };
    await hub.ask('/api/v1/cmdlets/Export-ExchangeCertificate', { body, token });
    await hub.ask('/api/v1/cmdlets/Get-Queue?Identity=very-private', { token });
    await hub.ask('/api/v1/cmdlets/Get-Queue', { token: 'rpt_guessed' });
    const log = logged.join('');
    expect(log).toContain('"door":"web"');
    for (const secret of [token, password, 'very-private', 'rpt_guessed']) expect(log).not.toContain(secret);
  });
});
