import { describe, expect, it } from 'vitest';
import { readDeliveryTarget, readDomain, readEndpoint } from '../../../src/shell/endpoints.ts';

describe('readEndpoint', () => {
  it.each([
    ['127.0.0.1:2525', { host: '127.0.0.1', port: 2525 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:25', { host: '::1', port: 25 }],
    ['MX.contoso.com:25', { host: 'mx.contoso.com', port: 25 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
  ])('reads %s', (text, endpoint) => {
    expect(readEndpoint(text, 'listen')).toEqual(endpoint);
  });

  it.each([
    ['127.0.0.1', /write it as HOST:PORT/],
    [':25', /"" is neither a host name nor an IPv4 address/],
    ['::1:25', /an IPv6 address stands in brackets/],
    ['2001:db8::1', /an IPv6 address stands in brackets/],
    ['[127.0.0.1]:25', /\[127.0.0.1\] is not an IPv6 address/],
    ['300.0.0.1:25', /"300.0.0.1" is neither/],
    ['a b:25', /"a b" is neither/],
    ['-x.com:25', /neither/],
    ['a..b:25', /neither/],
    ['localhost:65536', /there is no port 65536/],
    ['localhost:smtp', /write it as HOST:PORT/],
  ])('refuses %s', (text, sentence) => {
    expect(() => readEndpoint(text, 'listen')).toThrow(sentence);
  });

  it('refuses port 0 where it would connect', () => {
    expect(() => readEndpoint('localhost:0', 'connect')).toThrow(/port 0 only means something where relaypair listens/);
  });
});

describe('readDomain', () => {
  it.each([
    ['Contoso.COM', 'contoso.com'],
    ['bücher.example.', 'xn--bcher-kva.example'],
  ])('reads %s as %s', (text, domain) => {
    expect(readDomain(text)).toBe(domain);
  });

  it.each(['', 'a b', '10.0.0.1', '*.contoso.com', `${'a'.repeat(64)}.com`, 'a@b.com'])('refuses %j', (text) => {
    expect(() => readDomain(text)).toThrow(expect.objectContaining({ code: 'bad-domain' }));
  });
});

describe('readDeliveryTarget', () => {
  it.each([
    ['smtp:127.0.0.1:2600', { kind: 'smtp', host: '127.0.0.1', port: 2600 }],
    ['LMTP:[::1]:24', { kind: 'lmtp', host: '::1', port: 24 }],
    ['maildir:mail', { kind: 'maildir', folder: '/home/me/mail' }],
    ['maildir:/var/mail', { kind: 'maildir', folder: '/var/mail' }],
  ])('reads %s', (text, target) => {
    expect(readDeliveryTarget(text, '/home/me')).toEqual(target);
  });

  it.each(['127.0.0.1:25', 'smtp:', 'smtp:host', 'pipe:/bin/sh', 'lmtp:host:0'])('refuses %s', (text) => {
    expect(() => readDeliveryTarget(text, '/')).toThrow(expect.objectContaining({ code: 'bad-endpoint' }));
  });
});
