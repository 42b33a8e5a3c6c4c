import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseXclient } from '../../../src/smtp/xclient.ts';

describe('XCLIENT', () => {
  it.each([
    ['ADDR=192.0.2.1', { address: '192.0.2.1', port: undefined }],
    ['addr=192.0.2.1 port=25', { address: '192.0.2.1', port: 25 }],
    ['ADDR=IPV6:2001:DB8::1 PORT=0', { address: '2001:db8::1', port: 0 }],
    ['ADDR=::ffff:192.0.2.1', { address: '192.0.2.1', port: undefined }],
    ['NAME=[UNAVAILABLE] ADDR=[TEMPUNAVAIL] PORT=[UNAVAILABLE]', { address: undefined, port: undefined }],
    ['NAME=a+2Btest HELO=a+3Db PROTO=smtp', { address: undefined, port: undefined }],
  ])('%j reads as %j', (text, expected) => {
    expect(parseXclient(text)).toEqual(expected);
  });

  it.each([
    '',
    'ADDR',
    'ADDR=',
    'ADDR=client.test',
    'ADDR=192.0.2.256',
    'ADDR=fe80::1%25eth0',
    'PORT=65536',
    'PORT=-1',
    'PORT=1e3',
    'PROTO=HTTP',
    'LOGIN=boss',
    'DESTADDR=192.0.2.1',
    'ADDR=192.0.2.1 ADDR=192.0.2.1',
    'NAME=a+0D+0Ab',
    'NAME=ü',
    'NAME=a=b',
    `NAME=${'x'.repeat(256)}`,
  ])('%j is refused', (text) => {
    expect(parseXclient(text)).toBeUndefined();
  });

  it('reads anything without harm', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('A', 'D', 'R', '=', '+', '0', ':', ' ', '[', ']', 'é') }),
        (text) => {
          const claim = parseXclient(text);
          if (claim?.address !== undefined) expect(claim.address).toMatch(/^[0-9a-f:.]+$/);
        },
      ),
    );
  });
});
