// What every request must be before anybody looks at it: one of three methods, addressed to this server and not to a name that
// somebody made resolve to it (DNS rebinding), and not sent by a page of somebody else's, unless the config names that page's origin
// (CORS). Pure. The headers of every answer.

import { isIP } from 'node:net';
import { Problem } from '../problem.ts';

export interface RequestFacts {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** Sec-Fetch-Site, which a browser sets and no page can. */
  readonly fetchSite: string | undefined;
  readonly contentType: string | undefined;
}

export interface GuardRules {
  readonly scheme: 'http' | 'https';
  /** Names that this server is asked by, in lower case. */
  readonly names: ReadonlySet<string>;
  /** Origins of other pages that may ask, as a browser writes them. */
  readonly allowedOrigins: ReadonlySet<string>;
}

const METHODS = ['GET', 'HEAD', 'POST'];
const HOST = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::\d{1,5})?$/;

/** The Problem of a request that is not answered; undefined for one that is. */
export function judgeRequest(facts: RequestFacts, rules: GuardRules): Problem | undefined {
  if (!METHODS.includes(facts.method) && !isPreflight(facts, rules))
    return new Problem('method-not-allowed', `${METHODS.join(', ')} are the methods of this API`);
  if (!isOwnHost(facts.host, rules.names))
    return new Problem(
      'wrong-host',
      "this server is asked by its address, localhost, its FQDN or a name of web.hosts in its config; the request's Host is none of them",
    );
  if (!isOwnOrigin(facts, rules.scheme) && !isAllowedOrigin(facts, rules))
    return new Problem('wrong-origin', 'a page of another origin may not use this API');
  if (facts.method === 'POST' && !/^application\/json(?:\s*;|$)/i.test(facts.contentType ?? ''))
    return new Problem('media-type', 'a POST carries its parameters as "Content-Type: application/json"');
  return undefined;
}

/** What a browser asks before a page of an allowed origin may ask anything (Fetch, "CORS-preflight request"). */
export function isPreflight(facts: RequestFacts, rules: GuardRules): boolean {
  return facts.method === 'OPTIONS' && isAllowedOrigin(facts, rules);
}

export function isAllowedOrigin({ origin }: RequestFacts, { allowedOrigins }: GuardRules): boolean {
  return origin !== undefined && allowedOrigins.has(origin.toLowerCase());
}

/** An address is never a name that somebody made resolve to this server. */
function isOwnHost(host: string | undefined, names: ReadonlySet<string>): boolean {
  const [, literal, name] = HOST.exec(host ?? '') ?? [];
  if (literal !== undefined) return isIP(literal) === 6;
  if (name === undefined) return false;
  return isIP(name) === 4 || names.has(name.toLowerCase());
}

/** Without an Origin it is no request of a page, or a page's own GET. */
function isOwnOrigin({ origin, host, fetchSite }: RequestFacts, scheme: string): boolean {
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none') return false;
  return origin === undefined || origin.toLowerCase() === `${scheme}://${host?.toLowerCase()}`;
}

export type Headers = Readonly<Record<string, string>>;

/** Nothing but this server's own files runs, is shown or framed; nothing but it and `partners` is asked; nothing is kept by a cache. */
export const answerHeaders = (partners: readonly string[]): Headers => ({
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    ["connect-src 'self'", ...partners].join(' '),
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
  vary: 'Origin',
});

/** What lets a page of an allowed origin read the answer. Never with credentials: there are no cookies. */
export function crossOriginHeaders(origin: string): Headers {
  return { 'access-control-allow-origin': origin, 'access-control-expose-headers': 'content-disposition' };
}

export const PREFLIGHT_HEADERS: Headers = {
  'access-control-allow-methods': METHODS.join(', '),
  'access-control-allow-headers': 'authorization, content-type, last-event-id',
  'access-control-max-age': '600',
};
