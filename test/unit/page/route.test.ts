// The address after "#".

import { describe, expect, it } from 'vitest';
import { formatRoute, readRoute } from '../../../src/page/route.ts';

const ID = 'fe95915c-9f2b-44b7-82bb-80a188d7f3ef';

describe('readRoute', () => {
  it.each([
    ['', { view: 'stage', message: undefined }],
    ['#/queues', { view: 'queues', message: undefined }],
    [`#/tracking/${ID}`, { view: 'tracking', message: ID }],
    ['#/nonsense', { view: 'stage', message: undefined }],
    ['#/stage/<script>', { view: 'stage', message: undefined }],
    ['#token=secret', { view: 'stage', message: undefined }],
  ] as const)('%s', (hash, expected) => {
    expect(readRoute(hash)).toEqual(expected);
  });

  it('reads what formatRoute wrote', () => {
    expect(readRoute(formatRoute({ view: 'events', message: ID }))).toEqual({ view: 'events', message: ID });
  });
});
