import { describe, expect, it } from 'vitest';
import { judgeRequest, type RequestFacts } from '../../../src/web/request-guard.ts';

const RULES = {
  scheme: 'http',
  names: new Set(['localhost', 'hub01.contoso.test']),
  allowedOrigins: new Set(['http://127.0.0.1:8026']),
} as const;
const GOOD: RequestFacts = {
  method: 'POST',
  host: 'localhost:8025',
  origin: 'http://localhost:8025',
  fetchSite: 'same-origin',
  contentType: 'application/json',
};

describe('judgeRequest', () => {
  it.each<Partial<RequestFacts>>([
    {},
    { host: '127.0.0.1:8025', origin: 'http://127.0.0.1:8025' },
    { host: '[::1]:8025', origin: 'http://[::1]:8025' },
    { host: 'HUB01.contoso.test', origin: undefined, fetchSite: undefined },
    { method: 'GET', contentType: undefined, fetchSite: 'none', origin: undefined },
    { contentType: 'application/json; charset=utf-8' },
    { origin: 'http://127.0.0.1:8026', fetchSite: 'same-site' },
    { origin: 'http://127.0.0.1:8026', fetchSite: 'cross-site' },
    { origin: 'http://127.0.0.1:8026', method: 'OPTIONS', contentType: undefined },
  ])('lets %j in', (facts) => {
    expect(judgeRequest({ ...GOOD, ...facts }, RULES)).toBeUndefined();
  });

  it.each<[Partial<RequestFacts>, string]>([
    [{ method: 'TRACE' }, 'method-not-allowed'],
    [{ method: 'OPTIONS' }, 'method-not-allowed'],
    [{ method: 'DELETE' }, 'method-not-allowed'],
    [{ host: undefined }, 'wrong-host'],
    [{ host: 'evil.test:8025' }, 'wrong-host'],
    [{ host: 'localhost.evil.test' }, 'wrong-host'],
    [{ host: 'localhost:8025@evil.test' }, 'wrong-host'],
    [{ host: '127.0.0.1.evil.test' }, 'wrong-host'],
    [{ host: '999.0.0.1' }, 'wrong-host'],
    [{ host: '[::1' }, 'wrong-host'],
    [{ host: 'localhost, evil.test' }, 'wrong-host'],
    [{ origin: 'http://evil.test' }, 'wrong-origin'],
    [{ origin: 'null' }, 'wrong-origin'],
    [{ origin: 'https://localhost:8025' }, 'wrong-origin'],
    [{ origin: 'http://localhost:9999' }, 'wrong-origin'],
    [{ origin: '' }, 'wrong-origin'],
    [{ fetchSite: 'cross-site', origin: undefined }, 'wrong-origin'],
    [{ fetchSite: 'same-site', origin: undefined }, 'wrong-origin'],
    [{ origin: 'http://127.0.0.1:8027', method: 'OPTIONS' }, 'method-not-allowed'],
    [{ origin: 'http://127.0.0.1:80260' }, 'wrong-origin'],
    [{ origin: 'http://127.0.0.1:8026', method: 'DELETE' }, 'method-not-allowed'],
    [{ origin: 'http://127.0.0.1:8026', host: 'evil.test' }, 'wrong-host'],
    [{ origin: 'http://127.0.0.1:8026', contentType: 'text/plain' }, 'media-type'],
    [{ contentType: undefined }, 'media-type'],
    [{ contentType: 'text/plain' }, 'media-type'],
    [{ contentType: 'application/x-www-form-urlencoded' }, 'media-type'],
    [{ contentType: 'application/jsonp' }, 'media-type'],
    [{ contentType: 'text/plain; application/json' }, 'media-type'],
  ])('refuses %j as %s', (facts, code) => {
    expect(judgeRequest({ ...GOOD, ...facts }, RULES)?.code).toBe(code);
  });
});
