// The config's `spool:` section: the embedded spool of one process, or a PostgreSQL database that several servers of one role
// share. The password is in a file of its own or in the environment, read anew at each connection; never in the config.

import { resolve } from 'node:path';
import { z } from 'zod';
import { type Endpoint, interval, parseEndpoint, type Role } from './config-values.ts';
import { isLoopback } from './ip-range.ts';

const DEFAULT_PORT = 5432;
const EXAMPLE = 'postgres://relaypair@db01.corp.test:5432,db02.corp.test:5432/relaypair';
const path = z.string().min(1);

export interface DatabaseAddress {
  readonly hosts: readonly Endpoint[];
  readonly user: string;
  readonly database: string;
}

const url = z.string(`not an address such as ${EXAMPLE}`).transform((text, context): DatabaseAddress => {
  const parsed = parsePostgresUrl(text);
  if (typeof parsed !== 'string') return parsed;
  // The text is not repeated: there may be a password in it.
  context.addIssue({ code: 'custom', message: `the address ${parsed}; write ${EXAMPLE}` });
  return z.NEVER;
});

const postgres = z.strictObject({
  backend: z.literal('postgres'),
  url,
  passwordFile: path.optional(),
  certificate: path.optional(),
  tls: z.boolean('not true or false').optional(),
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'not the name of a schema: a-z, 0-9 and _, up to 63')
    .optional(),
  connections: z.int().min(2).max(200).default(8),
  lease: interval.default(30_000),
  timeout: interval.default(15_000),
  pollInterval: interval.default(5000),
  allowUnsafe: z.boolean('not true or false').default(false),
});

/** Absent: embedded. */
export const spoolSection = z
  .discriminatedUnion(
    'backend',
    [z.strictObject({ backend: z.literal('embedded') }), postgres],
    'neither "backend: embedded" nor "backend: postgres"',
  )
  .default({ backend: 'embedded' });

export interface PostgresSpoolConfig extends DatabaseAddress {
  readonly backend: 'postgres';
  /** Absent: the environment's PGPASSWORD, or none. */
  readonly passwordFile: string | undefined;
  /** File with certificates of which the server must show one, or one that they signed; absent: without TLS. */
  readonly certificate: string | undefined;
  /** Where the tables are. */
  readonly schema: string;
  /** At most so many at a time, the one that listens for notifications not counted. */
  readonly connections: number;
  /** How long the claims of a server that shows no life outlive it, in milliseconds. */
  readonly lease: number;
  /** How long a connection, or an answer, is waited for. */
  readonly timeout: number;
  /** How often the spool is looked at although no notification came. */
  readonly pollInterval: number;
  /** A server that may lose what it acknowledged is taken all the same. */
  readonly allowUnsafe: boolean;
}

export type SpoolConfig = { readonly backend: 'embedded' } | PostgresSpoolConfig;

/** The section with defaults filled in and paths made absolute from `folder`; a text says what is wrong with it. */
export function completeSpool(
  parsed: z.output<typeof spoolSection>,
  { role, folder }: { role: Role; folder: string },
): SpoolConfig | string {
  if (parsed.backend === 'embedded') return parsed;
  const { url: address, tls, certificate, passwordFile, schema, ...rest } = parsed;
  if (tls === true && certificate === undefined) return 'TLS needs "certificate", the file of whom to believe';
  if (tls === false && certificate !== undefined) return '"tls: false" and "certificate" contradict each other';
  if (tls === undefined && certificate === undefined && !address.hosts.every(({ host }) => isLoopback(host))) {
    return 'mail would go to the database in clear: give "certificate", or say "tls: false" where the network is trusted';
  }
  return {
    ...rest,
    ...address,
    passwordFile: passwordFile === undefined ? undefined : resolve(folder, passwordFile),
    certificate: certificate === undefined ? undefined : resolve(folder, certificate),
    schema: schema ?? `relaypair_${role}`,
  };
}

/** libpq's URI with any number of hosts and nothing behind the database, or what is wrong. */
function parsePostgresUrl(text: string): DatabaseAddress | string {
  const [, user = '', password, authorities = '', database = ''] =
    /^postgres(?:ql)?:\/\/(?:([^:@/]*)(?::([^@]*))?@)?([^/?]*)\/([^/?]+)$/.exec(text.trim()) ?? [];
  if (password !== undefined) return 'has a password in it, which belongs into passwordFile or PGPASSWORD';
  if (database === '') return 'is none of a PostgreSQL database';
  const hosts = authorities.split(',').map((authority) => {
    const endpoint = parseEndpoint(authority) ?? parseEndpoint(`${authority}:${DEFAULT_PORT}`);
    return endpoint && endpoint.port > 0 ? endpoint : undefined;
  });
  const known = hosts.filter((host) => host !== undefined);
  if (known.length < hosts.length) return 'has no host, or a port that is none';
  if (user === '') return 'names no user';
  return { hosts: known, user: decodeURIComponent(user), database: decodeURIComponent(database) };
}
