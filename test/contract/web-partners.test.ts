// Both servers in one page: which other servers a page may ask (its content security policy), and which other pages a server answers
// (CORS). A browser obeys the headers that are looked at here.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWebServer, type WebServerFixture } from '../helpers/web-server.ts';

const PAGE = 'http://127.0.0.1:8026';
const PARTNER = 'https://edge.example:8443';
const LABORATORY = 'http://127.0.0.1:8027';

const EDGE = { fqdn: 'edge01.perimeter.test', role: 'edge' };

let hub: WebServerFixture;

beforeAll(async () => {
  hub = await openWebServer({
    web: {
      listen: '127.0.0.1:0',
      partners: [{ fqdn: 'edge01.perimeter.test', role: 'edge', url: `${PARTNER}/` }],
      laboratory: LABORATORY,
      allowedOrigins: [PAGE],
    },
  });
});
afterAll(() => hub.close());

describe('a server with partners', () => {
  it('tells its page of them, and lets it ask them and nobody else', async () => {
    const { json, headers } = await hub.ask('/api/v1/servers');
    expect(json).toEqual([
      { Server: 'HUB01', Fqdn: 'hub01.contoso.test', Role: 'hub', Url: null },
      { Server: 'EDGE01', Fqdn: 'edge01.perimeter.test', Role: 'edge', Url: PARTNER },
    ]);
    expect(headers.get('content-security-policy')).toContain(`connect-src 'self' ${PARTNER} ${LABORATORY};`);
    expect((await hub.ask('/api/v1')).json).toMatchObject({ Role: 'hub', Laboratory: LABORATORY });
  });

  it.each([
    ['a path', { partners: [{ ...EDGE, url: 'http://edge.test/path' }] }],
    ['a name and password', { partners: [{ ...EDGE, url: 'http://jo:secret@edge.test' }] }],
    ['another scheme', { allowedOrigins: ['ftp://edge.test'] }],
    ['everybody', { allowedOrigins: ['*'] }],
    ['nobody in particular', { allowedOrigins: ['null'] }],
    ["a policy's end", { laboratory: 'http://edge.test; script-src *' }],
  ])('takes no %s for an origin', async (_what, web) => {
    await expect(openWebServer({ web: { listen: '127.0.0.1:0', ...web } })).rejects.toThrow(
      /is not the address of a server/,
    );
  });
});

describe('a page of an allowed origin', () => {
  it.each(['POST', 'GET'])('is answered before it asks by %s', async (method) => {
    const { status, text, headers } = await hub.ask('/api/v1/cmdlets/Get-Queue', {
      method: 'OPTIONS',
      headers: { origin: PAGE, 'access-control-request-method': method },
    });
    expect([status, text]).toEqual([204, '']);
    expect(Object.fromEntries(headers)).toMatchObject({
      'access-control-allow-origin': PAGE,
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers': 'authorization, content-type, last-event-id',
      vary: 'Origin',
    });
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('reads answers, refusals and events, with the rights of its token', async () => {
    const headers = { origin: PAGE, 'sec-fetch-site': 'same-site' };
    const read = await hub.ask('/api/v1/cmdlets/Get-Queue', { headers });
    expect([read.status, read.headers.get('access-control-allow-origin')]).toEqual([200, PAGE]);
    const refused = await hub.ask('/api/v1/cmdlets/New-AcceptedDomain', { headers, body: {} });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, PAGE]);
    const made = await hub.ask('/api/v1/cmdlets/New-AcceptedDomain', {
      headers,
      body: { Name: 'far.test', DomainName: 'far.test' },
      token: hub.token('ReadWrite'),
    });
    expect(made.status).toBe(200);
    const response = await fetch(`${hub.address}/api/v1/events`, { headers: { origin: PAGE } });
    expect(response.headers.get('access-control-allow-origin')).toBe(PAGE);
    await response.body?.cancel();
  });
});

describe('a page of any other origin', () => {
  it.each(['http://127.0.0.1:8028', 'https://127.0.0.1:8026', 'http://127.0.0.1', 'null', 'http://evil.test'])(
    'such as %s is refused as before, and told of no origin that may',
    async (origin) => {
      const token = hub.token('ReadWrite');
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const body = method === 'POST' ? { body: {} } : {};
        const asked = await hub.ask('/api/v1/cmdlets/Get-Queue', { method, headers: { origin }, token, ...body });
        expect(asked.json['code']).toBe(method === 'OPTIONS' ? 'method-not-allowed' : 'wrong-origin');
        expect(asked.headers.get('access-control-allow-origin')).toBeNull();
        expect(asked.headers.get('access-control-allow-headers')).toBeNull();
      }
    },
  );
});
