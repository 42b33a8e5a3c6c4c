// The config file: where a server lives (role, names, addresses, folders, limits). Whom it serves and trusts is in the
// directory; a setting that a cmdlet can change is not here. YAML (or JSON, which is YAML), validated by one schema.

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseDuration } from './duration.ts';
import { messageOf, Problem } from './problem.ts';

export type Role = 'hub' | 'edge';

/** An address to listen at or to reach; port 0 lets the system choose one. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** The format this relaypair writes and reads; an older one would be upgraded in `upgradeConfig`. */
export const CONFIG_FORMAT = 1;

const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  try {
    return typeof value === 'number' ? value * 1000 : parseDuration(value);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
    return z.NEVER;
  }
});

const endpoint = z.string().transform((text, context) => {
  const parsed = parseEndpoint(text);
  if (parsed) return parsed;
  context.addIssue({ code: 'custom', message: `"${text}" is no address and port; write 127.0.0.1:25 or [::1]:25` });
  return z.NEVER;
});

const hostName = z
  .string()
  .max(253)
  .regex(/^(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+$/, 'not a fully qualified name such as edge01.perimeter.test');

/** Retry times as EdgeTransport.exe.config has them (exchange: glitch, transient, then outbound for ever). */
const retry = z
  .strictObject({
    glitchCount: z.int().min(0).default(4),
    glitchInterval: duration.default(60_000),
    transientCount: z.int().min(0).default(6),
    transientInterval: duration.optional(),
    outboundInterval: duration.optional(),
    messageInterval: duration.default(60_000),
    expiration: duration.default(2 * 86_400_000),
  })
  .prefault({});

const schema = z.strictObject({
  format: z.literal(CONFIG_FORMAT).default(CONFIG_FORMAT),
  role: z.enum(['hub', 'edge']),
  fqdn: hostName,
  netbiosName: z
    .string()
    .regex(/^[A-Z0-9-]{1,15}$/, 'up to 15 of A-Z, 0-9 and -')
    .optional(),
  folder: z.string().min(1).default('.'),
  site: z.string().min(1).default('Default-First-Site-Name'),
  listen: z
    .strictObject({
      smtp: z.array(endpoint).min(1).prefault(['0.0.0.0:25', '[::]:25']),
      ldaps: endpoint.prefault('0.0.0.0:50636'),
    })
    .prefault({}),
  hosts: z.record(hostName, endpoint).default({}),
  deliver: z.string().optional(),
  retry,
  limits: z
    .strictObject({
      maxMessageSize: z.int().min(65_536).default(10 * 1024 * 1024),
      maxRecipients: z.int().min(100).default(5000),
      maxConnections: z.int().min(1).default(5000),
      maxConnectionsPerHop: z.int().min(1).default(10),
      commandTimeout: duration.optional(),
      handshakeTimeout: duration.default(30_000),
      drainTimeout: duration.default(10_000),
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'), file: z.string().optional() })
    .prefault({}),
});

type Parsed = z.output<typeof schema>;

/** What a hub delivers accepted mail to. */
export type DeliveryTarget =
  | { readonly kind: 'smtp' | 'lmtp'; readonly host: string; readonly port: number }
  | { readonly kind: 'maildir'; readonly folder: string };

/** A validated config with every default filled in and every path absolute. */
export interface Config extends Omit<Parsed, 'netbiosName' | 'deliver' | 'retry'> {
  readonly path: string;
  readonly netbiosName: string;
  readonly deliver: DeliveryTarget | undefined;
  readonly retry: Parsed['retry'] & { readonly transientInterval: number; readonly outboundInterval: number };
}

/** Reads and validates a config file; throws Problem `config-unreadable`, `config-invalid` or `format-too-new`. */
export function readConfig(path: string): Config {
  return parseConfig(readText(path), resolve(path));
}

/** The same for a text, with `path` for relative folders and for sentences. */
export function parseConfig(text: string, path: string): Config {
  const result = schema.safeParse(readYaml(text, path));
  if (!result.success) {
    const [issue] = result.error.issues;
    const place = issue?.path.length ? ` at ${issue.path.join('.')}` : '';
    throw new Problem('config-invalid', `${path}${place}: ${issue?.message ?? 'not a relaypair config'}; correct the file and start again`);
  }
  return complete(result.data, path);
}

function complete(parsed: Parsed, path: string): Config {
  const folder = resolve(dirname(path), parsed.folder);
  const isEdge = parsed.role === 'edge';
  return {
    ...parsed,
    path,
    folder,
    netbiosName: parsed.netbiosName ?? netbiosNameOf(parsed.fqdn),
    deliver: parsed.deliver === undefined ? undefined : parseDeliveryTarget(parsed.deliver, dirname(path)),
    retry: {
      ...parsed.retry,
      transientInterval: parsed.retry.transientInterval ?? (isEdge ? 10 : 5) * 60_000,
      outboundInterval: parsed.retry.outboundInterval ?? (isEdge ? 30 : 10) * 60_000,
    },
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Problem('config-unreadable', `the config file ${path} cannot be read (${(error as NodeJS.ErrnoException).code}): name another with --config`);
  }
}

function readYaml(text: string, path: string): unknown {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new Problem('config-invalid', `${path} is not YAML: ${messageOf(error).split('\n')[0]}`);
  }
  const format = (value as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format > CONFIG_FORMAT) {
    throw new Problem('format-too-new', `${path} has format ${format}, this relaypair knows up to ${CONFIG_FORMAT}: start the newer relaypair it was written for`);
  }
  return value;
}

/** "127.0.0.1:25", "[::1]:25" or "host:25"; undefined when it is none of them. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text.trim());
  if (!match) return undefined;
  const [, literal, host, port] = match;
  if (literal !== undefined && isIP(literal) !== 6) return undefined;
  return Number(port) > 65_535 ? undefined : { host: literal ?? host ?? '', port: Number(port) };
}

/** The way back: IPv6 addresses in brackets. */
export function formatEndpoint(endpoint: Endpoint): string {
  return isIP(endpoint.host) === 6 ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
}

/** "smtp:HOST:PORT", "lmtp:HOST:PORT" or "maildir:FOLDER"; throws Problem `bad-delivery-target`. */
export function parseDeliveryTarget(text: string, baseFolder: string): DeliveryTarget {
  const [, kind, rest] = /^(smtp|lmtp|maildir):(.+)$/.exec(text) ?? [];
  if (kind === 'maildir' && rest !== undefined) return { kind, folder: resolve(baseFolder, rest) };
  const target = rest === undefined ? undefined : parseEndpoint(rest);
  if ((kind === 'smtp' || kind === 'lmtp') && target) return { kind, ...target };
  throw new Problem('bad-delivery-target', `"${text}" is no delivery target; write smtp:HOST:PORT, lmtp:HOST:PORT or maildir:FOLDER`);
}

/** First label, upper case, 15 characters at most. */
export function netbiosNameOf(fqdn: string): string {
  return (fqdn.split('.')[0] ?? fqdn).toUpperCase().slice(0, 15);
}
