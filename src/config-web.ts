// The `web` section of the config: where the Admin API and the page are served, off unless it is there. On loopback or a Unix
// socket without TLS and without a token; at any other address only with both (web/access.ts).

import { resolve } from 'node:path';
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { type Endpoint, hostName, parseEndpoint } from './config-values.ts';

const NO_PLACE = 'not an address and port or a Unix socket; write 127.0.0.1:8025, [::1]:8025 or unix:web.sock';

/** Where the door listens. A Unix socket's path is relative to the data folder. */
export type WebPlace =
  | ({ readonly kind: 'tcp' } & Endpoint)
  | {
      readonly kind: 'unix';
      readonly path: string;
    };

const place = z.string(NO_PLACE).transform((text, context): WebPlace => {
  const [, path] = /^unix:(.+)$/s.exec(text.trim()) ?? [];
  if (path !== undefined) return { kind: 'unix', path };
  const parsed = parseEndpoint(text);
  if (parsed) return { kind: 'tcp', ...parsed };
  context.addIssue({ code: 'custom', message: `"${text}" is ${NO_PLACE}` });
  return z.NEVER;
});

const fileName = z.string().min(1);

const NO_ORIGIN =
  'not the address of a server; write http://127.0.0.1:8025 or https://edge.example:8443, without a path';

/** An origin (RFC 6454): where another server's API is asked, or another server's page comes from. */
const origin = z.string(NO_ORIGIN).transform((text, context) => {
  const url = URL.parse(text);
  const isOrigin = url !== null && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
  if (isOrigin) return url.origin;
  context.addIssue({ code: 'custom', message: `"${text}" is ${NO_ORIGIN}` });
  return z.NEVER;
});

const partner = z.strictObject({ fqdn: hostName, role: z.enum(['hub', 'edge']), url: origin });

export const webSection = z
  .strictObject({
    listen: place,
    certificate: fileName.optional(),
    key: fileName.optional(),
    hosts: z.array(hostName).default([]),
    partners: z.array(partner).max(16).default([]),
    laboratory: origin.optional(),
    allowedOrigins: z.array(origin).max(16).default([]),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    path: ['certificate'],
    message: 'a certificate and its key come together: give both, or neither for the certificate of the server',
  })
  .optional();

/** The section with absolute paths. */
export interface WebConfig {
  readonly listen: WebPlace;
  /** PEM files of the door's own; without them the server's certificate serves where TLS is needed. */
  readonly files: { readonly certificate: string; readonly key: string } | undefined;
  /** Names that the door is asked by, beside the server's own and its addresses. */
  readonly hosts: readonly string[];
  /** Servers that this one's page asks too. */
  readonly partners: readonly WebPartner[];
  /** The origin at which the laboratory that this server is part of can be commanded. */
  readonly laboratory: string | undefined;
  /** Origins of other servers' pages that may use this API, each with a token or as a stranger may. */
  readonly allowedOrigins: readonly string[];
}

export interface WebPartner {
  readonly fqdn: string;
  readonly role: 'hub' | 'edge';
  /** The origin of its Admin API. */
  readonly url: string;
}

/** `baseFolder` is the config file's, `dataFolder` the server's. */
export function completeWeb(
  section: z.output<typeof webSection>,
  folders: { readonly baseFolder: string; readonly dataFolder: string },
): WebConfig | undefined {
  if (!section) return undefined;
  const { listen, certificate, key, hosts, partners, laboratory, allowedOrigins } = section;
  return {
    listen: listen.kind === 'unix' ? { ...listen, path: resolve(folders.dataFolder, listen.path) } : listen,
    files:
      certificate === undefined || key === undefined
        ? undefined
        : { certificate: resolve(folders.baseFolder, certificate), key: resolve(folders.baseFolder, key) },
    hosts,
    partners,
    laboratory,
    allowedOrigins,
  };
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine can reach the place. Of names only localhost is one, whatever else may resolve to it. */
export function isLocalPlace(listen: WebPlace): boolean {
  if (listen.kind === 'unix') return true;
  const family = isIP(listen.host);
  if (family === 0) return listen.host.toLowerCase() === 'localhost';
  return loopback.check(listen.host, family === 6 ? 'ipv6' : 'ipv4');
}
