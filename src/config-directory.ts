// The config's `directory:` section: the embedded directory, or LDAP servers (OpenLDAP's slapd, another Hub's AD) with
// whom to believe there and who to be. Passwords and keys are in files of their own, read anew at each connection.

import { resolve } from 'node:path';
import { z } from 'zod';
import { type Endpoint, formatEndpoint, interval, parseEndpoint, type Role } from './config-values.ts';

const DEFAULT_PORT = 636;
const path = z.string().min(1);

/** RFC 4516, of which nothing but host and port is used here; without TLS a directory is never spoken to. */
const url = z.string('not an address such as ldaps://dc01.corp.test:636').transform((text, context): Endpoint => {
  const parsed = parseLdapsUrl(text);
  if (typeof parsed !== 'string') return parsed;
  context.addIssue({ code: 'custom', message: `"${text}" ${parsed}; write ldaps://dc01.corp.test:636` });
  return z.NEVER;
});

const bind = z.discriminatedUnion(
  'method',
  [
    z.strictObject({ method: z.literal('simple'), user: z.string().min(1), passwordFile: path }),
    z
      .strictObject({ method: z.literal('external'), certificate: path.optional(), key: path.optional() })
      .refine(
        ({ certificate, key }) => (certificate === undefined) === (key === undefined),
        'certificate and key belong together; without both it is the internal transport certificate',
      ),
  ],
  'neither "method: simple" nor "method: external"',
);

const NO_LIST = 'not a list such as [ldaps://dc01.corp.test:636, ldaps://dc02.corp.test:636]';

const ldap = z.strictObject({
  backend: z.literal('ldap'),
  url: url.optional(),
  urls: z.array(url, NO_LIST).min(1, NO_LIST).optional(),
  certificate: path,
  bind,
  namingContext: z.string().min(1).optional(),
  refreshInterval: interval.default(30_000),
  announce: z.strictObject({ port: z.int().min(1).max(65_535).optional(), certificate: path.optional() }).optional(),
});

/** Absent: embedded. */
export const directorySection = z
  .discriminatedUnion(
    'backend',
    [z.strictObject({ backend: z.literal('embedded') }), ldap],
    'neither "backend: embedded" nor "backend: ldap"',
  )
  .default({ backend: 'embedded' });

export interface LdapDirectoryConfig {
  readonly backend: 'ldap';
  /** The servers that hold it, the preferred one first. */
  readonly urls: readonly [Endpoint, ...Endpoint[]];
  /** File with the servers' certificates, the present ones and the next ones: each must show one of them. */
  readonly certificate: string;
  readonly bind: LdapBindConfig;
  /** Absent: the one the server names. */
  readonly namingContext: string | undefined;
  /** How often the server is asked for changes that others made. */
  readonly refreshInterval: number;
  /** Edge only: where hubs find the directory, and the certificate it shows them. */
  readonly announce: { readonly port: number; readonly certificate: string };
}

export type LdapBindConfig =
  | { readonly method: 'simple'; readonly user: string; readonly passwordFile: string }
  /** Without a pair it is the internal transport certificate. */
  | { readonly method: 'external'; readonly pair: { readonly certificate: string; readonly key: string } | undefined };

export type DirectoryConfig = { readonly backend: 'embedded' } | LdapDirectoryConfig;

/** What is wrong with the section, and at which setting of it. */
export interface DirectoryMistake {
  readonly setting: string;
  readonly sentence: string;
}

/** The section with defaults filled in and paths made absolute from `folder`, or what is wrong with it. */
export function completeDirectory(
  parsed: z.output<typeof directorySection>,
  { role, folder }: { role: Role; folder: string },
): DirectoryConfig | DirectoryMistake {
  if (parsed.backend === 'embedded') return parsed;
  if (role === 'hub' && parsed.announce)
    return { setting: 'announce', sentence: 'only an Edge announces its directory, in the subscription file' };
  const urls = completeUrls(parsed);
  if ('setting' in urls) return urls;
  const certificate = resolve(folder, parsed.certificate);
  const { announce = {}, url: _, ...rest } = parsed;
  return {
    ...rest,
    urls,
    certificate,
    bind: completeBind(parsed.bind, folder),
    namingContext: parsed.namingContext,
    announce: {
      port: announce.port ?? urls[0].port,
      certificate: announce.certificate === undefined ? certificate : resolve(folder, announce.certificate),
    },
  };
}

/** One address in `url`, or several in `urls`. */
function completeUrls({ url: one, urls }: z.output<typeof ldap>): LdapDirectoryConfig['urls'] | DirectoryMistake {
  if (one && urls) return { setting: 'url', sentence: 'there is a list of urls already: name all servers there' };
  const [first, ...others] = urls ?? (one ? [one] : []);
  if (!first) return { setting: 'url', sentence: 'this setting is needed, or urls with several servers' };
  const names = [first, ...others].map(formatEndpoint);
  const twice = names.find((name, place) => names.indexOf(name) < place);
  return twice === undefined ? [first, ...others] : { setting: 'urls', sentence: `${twice} is named twice` };
}

function completeBind(parsed: z.output<typeof bind>, folder: string): LdapBindConfig {
  if (parsed.method === 'simple') return { ...parsed, passwordFile: resolve(folder, parsed.passwordFile) };
  const { certificate, key } = parsed;
  if (certificate === undefined || key === undefined) return { method: 'external', pair: undefined };
  return { method: 'external', pair: { certificate: resolve(folder, certificate), key: resolve(folder, key) } };
}

/** Host and port, or what is wrong. */
function parseLdapsUrl(text: string): Endpoint | string {
  const [, scheme = '', authority = ''] = /^([a-z]+):\/\/([^/]*)\/?$/i.exec(text.trim()) ?? [];
  if (scheme.toLowerCase() === 'ldap') return 'would be LDAP without TLS, which is never spoken';
  if (scheme.toLowerCase() !== 'ldaps') return 'is no address of an LDAP server';
  const endpoint = parseEndpoint(authority) ?? parseEndpoint(`${authority}:${DEFAULT_PORT}`);
  return endpoint && endpoint.port > 0 ? endpoint : 'has no host, or a port that is none';
}
