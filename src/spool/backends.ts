// The table of spool backends. To add one: write NAME-spool.ts and list it here; the contract and crash tests walk this
// table, so it is tested at once.

import type { SpoolConfig } from '../config-spool.ts';
import { EmbeddedSpool } from './embedded-spool.ts';
import { examineSpool } from './spool-examination.ts';
import type { SpoolBackend, SpoolOptions } from './spool.ts';

/** Every kind of spool there is; the first is the default. */
export const SPOOL_BACKENDS: readonly SpoolBackend[] = [
  {
    name: 'embedded',
    open: (options) => EmbeddedSpool.open(options),
    examine: (options) => examineSpool({ ...options, openSpool: () => EmbeddedSpool.open(options) }),
  },
  {
    name: 'postgres',
    // Loaded where it is asked for: the database's client is not for those who need none.
    open: async (options) => (await import('./postgres-spool.ts')).PostgresSpool.open(withDatabase(options)),
    examine: async (options) => (await import('./postgres-examination.ts')).examinePostgres(withDatabase(options)),
  },
];

/** The backend of this name, or of the config's section. */
export function findSpoolBackend(name: SpoolConfig['backend']): SpoolBackend {
  const backend = SPOOL_BACKENDS.find((each) => each.name === name);
  if (!backend) throw new Error(`there is no spool backend ${name}`);
  return backend;
}

function withDatabase<T extends SpoolOptions>(options: T): T & { readonly postgres: NonNullable<T['postgres']> } {
  const { postgres } = options;
  if (!postgres) throw new Error('the spool backend postgres needs to know its database');
  return { ...options, postgres };
}
