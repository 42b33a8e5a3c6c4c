// Where the web door may stand: a Unix socket for this user alone, and any other address only with TLS and a token.

import { statSync } from 'node:fs';
import { request as ask } from 'node:http';
import { type RequestOptions, request as askTls } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { openWebServer } from '../helpers/web-server.ts';

interface Heard {
  readonly status: number | undefined;
  readonly text: string;
  /** SHA-256 of what was shown, as node writes it. */
  readonly shown: string | undefined;
}

function hear(request: typeof ask | typeof askTls, options: RequestOptions): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const asked = request(options, (response) => {
      const shown = (response.socket as TLSSocket).getPeerX509Certificate?.()?.fingerprint256;
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, text, shown }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('on a Unix socket', () => {
  it('is there for the user alone, reads without a token, and is gone at the end', async () => {
    const server = await openWebServer({ web: { listen: 'unix:web.sock' } });
    const socketPath = server.address.replace(/^unix:/, '');
    expect(socketPath.startsWith(join(server.folder, ''))).toBe(true);
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    const read = await hear(ask, { socketPath, path: '/api/v1', headers: { host: 'localhost' } });
    expect([read.status, JSON.parse(read.text)]).toMatchObject([200, { Role: 'hub', Access: 'ReadOnly' }]);
    const rebound = await hear(ask, { socketPath, path: '/api/v1', headers: { host: 'evil.test' } });
    expect(rebound.status).toBe(421);
    await server.close();
    await expect(hear(ask, { socketPath, path: '/healthz' })).rejects.toThrow(/ENOENT|ECONNREFUSED/);
  });
});

describe('on an address that others reach', () => {
  it("speaks TLS alone, with the server's certificate, and answers nobody without a token", async () => {
    const server = await openWebServer({ web: { listen: '0.0.0.0:0' } });
    const { protocol, port } = new URL(server.address);
    expect(protocol).toBe('https:');
    const place = { host: '127.0.0.1', port, rejectUnauthorized: false };
    const stranger = await hear(askTls, { ...place, path: '/api/v1' });
    expect([stranger.status, JSON.parse(stranger.text)]).toMatchObject([401, { code: 'token-needed' }]);
    const own = server.house.context.certificates.internalTransport()?.certificate.sha256;
    expect(stranger.shown?.replaceAll(':', '')).toBe(own);
    // What load balancers ask is answered, without a reason.
    const ready = await hear(askTls, { ...place, path: '/readyz' });
    expect(JSON.parse(ready.text)).toEqual({ status: expect.stringMatching(/ready$/) });
    const authorization = `Bearer ${server.token('ReadOnly')}`;
    const known = await hear(askTls, { ...place, path: '/api/v1', headers: { authorization } });
    expect([known.status, JSON.parse(known.text)]).toMatchObject([200, { Access: 'ReadOnly' }]);
    const old = { ...place, path: '/healthz', minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' } as const;
    await expect(hear(askTls, old)).rejects.toThrow(/version|alert|protocol/i);
    await expect(hear(ask, { host: '127.0.0.1', port, path: '/healthz' })).rejects.toThrow(
      /socket hang up|ECONNRESET|Parse/,
    );
    await server.close();
  });
});
