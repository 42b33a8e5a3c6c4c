// A DNS that knows no name, for tests that have none.

import type { Resolver } from '../../src/dns/resolver.ts';

export const NO_DNS: Resolver = {
  mailExchangers: () => Promise.resolve({ kind: 'no-name' }),
  addresses: () => Promise.resolve({ kind: 'no-name' }),
};
