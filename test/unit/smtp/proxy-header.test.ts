import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalAddress } from '../../../src/smtp/canonical-address.ts';
import { readProxyHeader } from '../../../src/smtp/proxy-header.ts';
import { proxyHeader } from '../../helpers/proxy-headers.ts';

const text = (line: string) => readProxyHeader(Buffer.from(line, 'latin1'));
const client = (address: string, port: number) => expect.objectContaining({ kind: 'whole', client: { address, port } });
const nobody = expect.objectContaining({ kind: 'whole', client: undefined });

describe('a header of the PROXY protocol, version 1', () => {
  it.each([
    ['PROXY TCP4 192.0.2.1 192.0.2.2 4711 25\r\n', client('192.0.2.1', 4711)],
    ['PROXY TCP4 192.0.2.1 192.0.2.2 0 65535\r\nEHLO', client('192.0.2.1', 0)],
    ['PROXY TCP6 2001:DB8:0:0::1 ::1 1 25\r\n', client('2001:db8::1', 1)],
    ['PROXY TCP6 ::ffff:192.0.2.1 ::1 1 25\r\n', client('192.0.2.1', 1)],
    ['PROXY UNKNOWN\r\n', nobody],
    ['PROXY UNKNOWN whatever is here\r\n', nobody],
  ])('%j', (line, expected) => {
    expect(text(line)).toEqual(expected);
  });

  it.each([
    'EHLO client.test\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 4711 25\n\r\n',
    'PROXY TCP4  192.0.2.1 192.0.2.2 4711 25\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 4711 25 \r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 04711 25\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 65536 25\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 4711\r\n',
    'PROXY TCP4 192.0.2.256 192.0.2.2 1 25\r\n',
    'PROXY TCP4 192.0.2.1 client.test 1 25\r\n',
    'PROXY TCP4 ::1 ::1 1 25\r\n',
    'PROXY TCP6 192.0.2.1 192.0.2.2 1 25\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 1 25\r\n',
    'PROXY UNKNOWNX\r\n',
    'PROXY UDP4 192.0.2.1 192.0.2.2 1 25\r\n',
    `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`,
    `PROXY TCP4 ${'1'.repeat(200)}`,
  ])('%j is none', (line) => {
    expect(text(line).kind).toBe('malformed');
  });
});

describe('a header of the PROXY protocol, version 2', () => {
  it.each([
    ['over IPv4', { address: '192.0.2.1', port: 4711 }, client('192.0.2.1', 4711)],
    ['over IPv6', { address: '2001:db8::1', port: 25 }, client('2001:db8::1', 25)],
    ['with additions', { address: '192.0.2.1', port: 4711, additions: Buffer.alloc(50) }, client('192.0.2.1', 4711)],
    ['of a health check', { command: 0 }, nobody],
    ['of no family', { family: 0 }, nobody],
  ])('%s', (_, given, expected) => {
    expect(readProxyHeader(proxyHeader(given))).toEqual(expected);
  });

  it.each([
    ['of another version', { version: 1 }],
    ['with another command', { command: 2 }],
    ['over UDP', { family: 0x12 }],
    ['over a Unix socket', { family: 0x31 }],
    ['with too much added', { additions: Buffer.alloc(5000) }],
    ['with addresses cut off', { addressBytes: 11 }],
  ])('%s is none', (_, given) => {
    expect(readProxyHeader(proxyHeader(given)).kind).toBe('malformed');
  });
});

describe('any header', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => canonicalAddress(text) !== undefined);

  it('is incomplete at every cut before its end, and as long as it is', () => {
    fc.assert(
      fc.property(
        address,
        fc.nat(65_535),
        fc.boolean(),
        fc.uint8Array({ maxLength: 20 }),
        (from, port, isText, rest) => {
          const family = from.includes(':') ? '6' : '4';
          const to = family === '6' ? '::1' : '127.0.0.1';
          const whole = isText
            ? Buffer.from(`PROXY TCP${family} ${from} ${to} ${port} 25\r\n`)
            : proxyHeader({ address: from, port });
          fc.pre(whole.length <= 107 || !isText);
          for (let end = 1; end < whole.length; end += 1)
            expect(readProxyHeader(whole.subarray(0, end)).kind).toBe('incomplete');
          expect(readProxyHeader(Buffer.concat([whole, rest]))).toEqual({
            kind: 'whole',
            lengthBytes: whole.length,
            client: { address: canonicalAddress(from), port },
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is none of what is no header, whatever octets come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        const header = readProxyHeader(Buffer.from(octets));
        expect(['incomplete', 'malformed']).toContain(header.kind);
      }),
    );
  });
});
