// The config file: where a server lives (role, names, addresses, folders, limits). Whom it serves and trusts is in the
// directory; a setting that a cmdlet can change is not here. YAML (or JSON, which is YAML), validated by one schema.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { completeDirectory, type DirectoryConfig, directorySection } from './config-directory.ts';
import {
  duration,
  endpoint,
  type Endpoint,
  hostName,
  interval,
  ipRange,
  nameServer,
  parseEndpoint,
  percent,
  size,
  target,
} from './config-values.ts';
import { completeSpool, type SpoolConfig, spoolSection } from './config-spool.ts';
import { completeWeb, type WebConfig, webSection } from './config-web.ts';
import { messageOf, Problem } from './problem.ts';

export { type Endpoint, formatEndpoint, parseEndpoint, type Role, ROLES } from './config-values.ts';

/** Where ADAM listens unless the config says otherwise: the port that a subscription file names by default. */
export const ADAM_ENDPOINT: Endpoint = { host: '0.0.0.0', port: 50_636 };

/** The format this relaypair writes and reads; an older one would be upgraded in `upgradeConfig`. */
const CONFIG_FORMAT = 1;

const MAX_WORKERS = 64;

/** Retry times as EdgeTransport.exe.config has them (exchange: glitch, transient, then outbound for ever). */
const retry = z
  .strictObject({
    glitchCount: z.int().min(0).default(4),
    glitchInterval: interval.default(60_000),
    transientCount: z.int().min(0).default(6),
    transientInterval: interval.optional(),
    outboundInterval: interval.optional(),
    messageInterval: interval.default(60_000),
    expiration: interval.default(2 * 86_400_000),
    delayNotification: interval.default(4 * 3_600_000),
  })
  .prefault({});

/** Where back pressure begins (exchange: back pressure): free disk space, memory in percent, messages not yet sorted. */
const backPressure = z
  .strictObject({
    diskMedium: size.default(500 * 2 ** 20),
    diskHigh: size.default(200 * 2 ** 20),
    memoryMedium: percent.default(72),
    memoryHigh: percent.default(75),
    submissionMedium: z.int().min(1).default(9999),
    submissionHigh: z.int().min(1).default(15_000),
  })
  .refine(({ diskMedium, diskHigh }) => diskHigh <= diskMedium, {
    path: ['diskHigh'],
    message: 'more than diskMedium, and high pressure begins when less is free',
  })
  .refine(({ memoryMedium, memoryHigh }) => memoryHigh >= memoryMedium, {
    path: ['memoryHigh'],
    message: 'less than memoryMedium',
  })
  .refine(({ submissionMedium, submissionHigh }) => submissionHigh >= submissionMedium, {
    path: ['submissionHigh'],
    message: 'less than submissionMedium',
  })
  .prefault({});

const schema = z.strictObject({
  format: z
    .literal(CONFIG_FORMAT, `not a format that this relaypair knows; write ${CONFIG_FORMAT}`)
    .default(CONFIG_FORMAT),
  role: z.enum(['hub', 'edge'], 'neither hub nor edge'),
  fqdn: hostName,
  netbiosName: z
    .string()
    .regex(/^[A-Z0-9-]{1,15}$/, 'not a NetBIOS name: up to 15 of A-Z, 0-9 and -')
    .optional(),
  folder: z.string().min(1).default('.'),
  site: z.string().min(1).default('Default-First-Site-Name'),
  listen: z
    .strictObject({
      smtp: z.array(endpoint).min(1).prefault(['0.0.0.0:25', '[::]:25']),
      submission: z.array(endpoint).default([]),
      smtps: z.array(endpoint).default([]),
      ldaps: endpoint.optional(),
    })
    .prefault({}),
  hosts: z.record(hostName, target).default({}),
  dns: z.strictObject({ servers: z.array(nameServer).default([]), timeout: interval.default(10_000) }).prefault({}),
  deliver: z.string().optional(),
  directory: directorySection,
  spool: spoolSection,
  retry,
  backPressure,
  proxies: z
    .strictObject({ proxyProtocol: z.array(ipRange).default([]), xclient: z.array(ipRange).default([]) })
    .prefault({}),
  limits: z
    .strictObject({
      maxRecipients: z.int().min(100).default(5000),
      maxConnections: z.int().min(1).default(5000),
      maxMessagesPerSession: z.int().min(1).default(100_000),
      maxRecipientsPerMinute: z.int().min(1).optional(),
      maxConnectionsPerHop: z.int().min(1).default(20),
      commandTimeout: duration.default(300_000),
      handshakeTimeout: duration.default(30_000),
      idleTimeout: duration.default(2000),
      drainTimeout: duration.default(10_000),
    })
    .prefault({}),
  workers: z.int().min(0).max(MAX_WORKERS).optional(),
  lab: z
    .strictObject({
      capture: z.boolean('not true or false').default(false),
      maxCaptureSize: size.default(100 * 2 ** 20),
      maxCaptureDuration: interval.default(3_600_000),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
      file: z.string().optional(),
      maxAge: duration.default(30 * 86_400_000),
      maxFileSize: size.default(10 * 2 ** 20),
      maxFolderSize: size.default(250 * 2 ** 20),
    })
    .prefault({}),
  web: webSection,
});

type Parsed = z.output<typeof schema>;

/**
 * Worker processes for a machine with so many cores. The owner of the spool needs one for itself, and the disk and the rest of
 * the machine another; up to three cores, processes gain nothing. Beyond four the owner has no more to give them.
 */
export function defaultWorkers(cores: number): number {
  return cores <= 3 ? 0 : Math.min(4, cores - 2);
}

/** What SMTP is spoken for at an address: between servers, with mail users (RFC 6409), with them and TLS from the start (RFC 8314 §3.3). */
export const SERVICES = ['smtp', 'submission', 'smtps'] as const;
export type Service = (typeof SERVICES)[number];

/** Whether the clients there are people's mail programs. */
export function isSubmission(service: Service): boolean {
  return service !== 'smtp';
}

export interface ListenAddress extends Endpoint {
  readonly service: Service;
}

/** What a hub delivers accepted mail to. */
export type DeliveryTarget =
  | { readonly kind: 'smtp' | 'lmtp'; readonly host: string; readonly port: number }
  | { readonly kind: 'maildir'; readonly folder: string };

/** A validated config with every default filled in and every path absolute. */
export interface Config
  extends Omit<Parsed, 'netbiosName' | 'deliver' | 'directory' | 'spool' | 'retry' | 'workers' | 'web'> {
  readonly path: string;
  readonly netbiosName: string;
  readonly deliver: DeliveryTarget | undefined;
  /** Processes that receive mail; 0: the one process does everything. */
  readonly workers: number;
  readonly directory: DirectoryConfig;
  readonly spool: SpoolConfig;
  /** The Admin API and the page; absent: off. */
  readonly web: WebConfig | undefined;
  readonly retry: Parsed['retry'] & { readonly transientInterval: number; readonly outboundInterval: number };
}

/** Reads and validates a config file; throws Problem `config-unreadable`, `config-invalid` or `format-too-new`. */
export function readConfig(path: string): Config {
  return parseConfig(readText(path), resolve(path));
}

/** The same for a text, with `path` for relative folders and for sentences. */
export function parseConfig(text: string, path: string): Config {
  const result = schema.safeParse(readYaml(text, path), { reportInput: true, error: explainKind });
  if (!result.success) {
    const [issue] = result.error.issues;
    throw invalid(path, issue?.path ?? [], issue ? explainIssue(issue) : 'not a relaypair config');
  }
  return complete(result.data, path);
}

function invalid(path: string, place: readonly PropertyKey[], sentence: string): Problem {
  const where = place.length === 0 ? '' : ` at ${place.join('.')}`;
  return new Problem('config-invalid', `${path}${where}: ${sentence}; correct the file and start again`);
}

function explainIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `"${issue.keys.join('", "')}" is not a setting`;
  if (issue.code === 'invalid_key') return `"${String(issue.path.at(-1))}" is ${issue.issues[0]?.message ?? 'no name'}`;
  if (issue.code === 'invalid_type' && issue.input === undefined) return 'this setting is needed';
  if (issue.code === 'invalid_type' && issue.path.length === 0) return 'not a list of settings such as "role: hub"';
  return issue.message;
}

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list such as ["127.0.0.1:25"]',
  int: 'a whole number',
  number: 'a number',
  object: 'a list of settings',
  record: 'a list of names and addresses',
  string: 'a text',
};

/** Where the schema has no words of its own. */
function explainKind(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'too_small')
    return issue.origin === 'array' || issue.origin === 'string' ? 'empty' : `less than ${issue.minimum}`;
  if (issue.code === 'too_big') return `more than ${issue.maximum}`;
  const kind = issue.code === 'invalid_type' ? KINDS[issue.expected] : undefined;
  return kind && `not ${kind}`;
}

function complete(parsed: Parsed, path: string): Config {
  const folder = resolve(dirname(path), parsed.folder);
  const isEdge = parsed.role === 'edge';
  if (isEdge && parsed.listen.submission.length + parsed.listen.smtps.length > 0) {
    throw invalid(path, ['listen'], 'an Edge has no mail users: submission and smtps are for a Hub');
  }
  if (isEdge && parsed.deliver !== undefined) throw invalid(path, ['deliver'], 'only a Hub delivers into mailboxes');
  const directory = completeDirectory(parsed.directory, { role: parsed.role, folder: dirname(path) });
  if ('setting' in directory) throw invalid(path, ['directory', directory.setting], directory.sentence);
  if (parsed.listen.ldaps && directory.backend !== 'embedded') {
    throw invalid(path, ['listen', 'ldaps'], 'only an embedded directory is served; this one is served already');
  }
  const spool = completeSpool(parsed.spool, { role: parsed.role, folder: dirname(path) });
  if (typeof spool === 'string') throw invalid(path, ['spool'], spool);
  if (spool.backend !== 'embedded' && (parsed.workers ?? 0) > 0) {
    throw invalid(
      path,
      ['workers'],
      'worker processes are for the embedded spool; on PostgreSQL start further servers',
    );
  }
  return {
    ...parsed,
    path,
    folder,
    directory,
    spool,
    web: completeWeb(parsed.web, { baseFolder: dirname(path), dataFolder: folder }),
    workers: parsed.workers ?? (spool.backend === 'embedded' ? defaultWorkers(availableParallelism()) : 0),
    netbiosName: parsed.netbiosName ?? netbiosNameOf(parsed.fqdn),
    deliver: parsed.deliver === undefined ? undefined : readDeliveryTarget(parsed.deliver, path),
    log: { ...parsed.log, ...(parsed.log.file !== undefined && { file: resolve(dirname(path), parsed.log.file) }) },
    retry: {
      ...parsed.retry,
      transientInterval: parsed.retry.transientInterval ?? (isEdge ? 10 : 5) * 60_000,
      outboundInterval: parsed.retry.outboundInterval ?? (isEdge ? 30 : 10) * 60_000,
    },
  };
}

function readDeliveryTarget(text: string, path: string): DeliveryTarget {
  try {
    return parseDeliveryTarget(text, dirname(path));
  } catch (error) {
    throw invalid(path, ['deliver'], messageOf(error));
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Problem(
      'config-unreadable',
      `the config file ${path} cannot be read (${(error as NodeJS.ErrnoException).code}): name another with --config`,
    );
  }
}

function readYaml(text: string, path: string): unknown {
  let value: unknown;
  try {
    value = parse(text, { logLevel: 'error' });
  } catch (error) {
    throw new Problem('config-invalid', `${path} is not YAML: ${messageOf(error).split('\n')[0]?.replace(/:$/, '')}`);
  }
  const format = (value as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format > CONFIG_FORMAT) {
    throw new Problem(
      'format-too-new',
      `${path} has format ${format}, this relaypair knows up to ${CONFIG_FORMAT}: start the newer relaypair it was written for`,
    );
  }
  return value;
}

/** "smtp:HOST:PORT", "lmtp:HOST:PORT" or "maildir:FOLDER"; throws Problem `bad-delivery-target`. */
export function parseDeliveryTarget(text: string, baseFolder: string): DeliveryTarget {
  const [, kind, rest] = /^(smtp|lmtp|maildir):(.+)$/.exec(text) ?? [];
  if (kind === 'maildir' && rest !== undefined) return { kind, folder: resolve(baseFolder, rest) };
  const endpoint = rest === undefined ? undefined : parseEndpoint(rest);
  if ((kind === 'smtp' || kind === 'lmtp') && endpoint && endpoint.port > 0) return { kind, ...endpoint };
  throw new Problem(
    'bad-delivery-target',
    `"${text}" is no delivery target; write smtp:HOST:PORT, lmtp:HOST:PORT or maildir:FOLDER`,
  );
}

/** First label, upper case, 15 characters at most. */
export function netbiosNameOf(fqdn: string): string {
  return (fqdn.split('.')[0] ?? fqdn).toUpperCase().slice(0, 15);
}
