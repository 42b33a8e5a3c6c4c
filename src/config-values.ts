// The kinds of value that settings of the config file have, each with its sentence for what is none: durations, addresses and
// ports, host names.

import { isIP } from 'node:net';
import { z } from 'zod';
import { parseDuration } from './duration.ts';
import { parseIpRange } from './ip-range.ts';
import { messageOf } from './problem.ts';
import { parseSize } from './size.ts';

/** What a server of the pair can be. */
export const ROLES = ['hub', 'edge'] as const;
export type Role = (typeof ROLES)[number];

/** An address to listen at or to reach; port 0 lets the system choose one. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const MIN_INTERVAL_MS = 10;
const NO_ENDPOINT = 'not an address and port; write 127.0.0.1:25 or [::1]:25';

/** Seconds, or a text such as 2s or 15m; milliseconds inside. */
export const duration = z
  .union([z.string(), z.number().min(0)], 'not a duration; write it as 2s, 15m or 24h')
  .transform((value, context) => {
    try {
      return parseDuration(typeof value === 'number' ? `${value}s` : value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  });

/** What is waited for again and again: without a pause it would be a busy loop. */
export const interval = duration.refine((ms) => ms >= MIN_INTERVAL_MS, 'too short; 10ms is the least');

/** Octets, or a text such as 500MB. */
export const size = z
  .union([z.string(), z.number().min(0)], 'not a size; write it as 512KB, 10MB or 1GB')
  .transform((value, context) => {
    try {
      return parseSize(String(value));
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  });

/** Of a whole; one percent of a large machine is more than a server needs. */
export const percent = z.number().min(0.1).max(100);

export const endpoint = z.string(NO_ENDPOINT).transform((text, context) => {
  const parsed = parseEndpoint(text);
  if (parsed) return parsed;
  context.addIssue({ code: 'custom', message: `"${text}" is no address and port; write 127.0.0.1:25 or [::1]:25` });
  return z.NEVER;
});

/** Where somebody else listens. */
export const target = endpoint.refine(({ port }) => port > 0, 'port 0 can be listened at, not connected to');

const NO_NAME_SERVER = 'not the address of a name server; write 192.0.2.53, 192.0.2.53:53 or [2001:db8::53]:53';
const DNS_PORT = 53;

/** A name server by address, as c-ares reads it: with its port, IPv6 in brackets. */
export const nameServer = z.string(NO_NAME_SERVER).transform((text, context) => {
  const written = text.trim();
  const parsed = isIP(written) === 0 ? parseEndpoint(written) : { host: written, port: DNS_PORT };
  if (parsed && isIP(parsed.host) !== 0 && parsed.port > 0) return formatEndpoint(parsed);
  context.addIssue({ code: 'custom', message: `"${text}" is ${NO_NAME_SERVER}` });
  return z.NEVER;
});

/** Addresses as a Receive connector names them. */
export const ipRange = z.string('not a range of addresses').refine((text) => parseIpRange(text) !== undefined, {
  error: ({ input }) => `"${String(input)}" is no address, no CIDR and no low-high range`,
});

const NO_NAME = 'not a fully qualified name such as edge01.perimeter.test';
const LABEL = '(?!-)[A-Za-z0-9-]{1,63}(?<!-)';

/** In lower case, as names are compared. */
export const hostName = z
  .string(NO_NAME)
  .max(253, NO_NAME)
  .regex(new RegExp(`^${LABEL}(?:\\.${LABEL})+$`), NO_NAME)
  .toLowerCase();

/** "127.0.0.1:25", "[::1]:25" or "host:25"; undefined when it is none of them. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, literal, name, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text.trim()) ?? [];
  const host = literal ?? name;
  const port = Number(digits);
  if (host === undefined || port > 65_535) return undefined;
  if (literal !== undefined && isIP(literal) !== 6) return undefined;
  // A name whose last label is a number is a wrong address (RFC 3696 §2).
  return /(?:^|\.)\d+$/.test(host) && isIP(host) === 0 ? undefined : { host, port };
}

/** The way back: IPv6 addresses in brackets. */
export function formatEndpoint(endpoint: Endpoint): string {
  return isIP(endpoint.host) === 6 ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
}
