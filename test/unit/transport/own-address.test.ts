import { describe, expect, it } from 'vitest';
import { isOwnPlace } from '../../../src/transport/own-address.ts';

const PLACES = {
  listening: [
    { host: '0.0.0.0', port: 25 },
    { host: '::', port: 25 },
  ],
  interfaces: ['127.0.0.1', '192.0.2.10', '2001:db8::10', '::1'],
};

describe('isOwnPlace', () => {
  it.each([
    ['127.0.0.1', 25, true],
    ['127.8.9.10', 2525, true],
    ['0.0.0.0', 25, true],
    ['::1', 25, true],
    ['::', 25, true],
    ['::ffff:127.0.0.1', 25, true],
    ['192.0.2.10', 25, true],
    ['::ffff:192.0.2.10', 25, true],
    ['2001:db8::10', 25, true],
    ['2001:0db8:0::0010', 25, true],
    ['192.0.2.10', 2525, false],
    ['192.0.2.11', 25, false],
    ['2001:db8::11', 25, false],
  ])('%s, port %i: %s', (host, port, expected) => {
    expect(isOwnPlace({ host, port }, PLACES)).toBe(expected);
  });
});
