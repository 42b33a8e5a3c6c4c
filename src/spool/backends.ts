// The table of spool backends. To add one: write NAME-spool.ts and list it here; the contract and crash tests walk this
// table, so it is tested at once.

import { EmbeddedSpool } from './embedded-spool.ts';
import { examineSpool } from './spool-examination.ts';
import type { SpoolBackend } from './spool.ts';

/** Every kind of spool there is; the first is the default. */
export const SPOOL_BACKENDS: readonly SpoolBackend[] = [
  {
    name: 'embedded',
    open: (options) => EmbeddedSpool.open(options),
    examine: (options) => examineSpool({ ...options, openSpool: () => EmbeddedSpool.open(options) }),
  },
];
