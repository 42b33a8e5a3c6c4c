// The TLS settings of both ends, in one place: versions and suites as a connector's terms have them (tls-terms.ts), no resumption.
// A resumed session proves no key, and direct trust lives on that proof; so no ticket that could resume one is given, none is kept,
// none is taken. (OpenSSL still sends two under TLS 1.3, each the name of a session that nobody keeps.)
// Certificates are read and judged by the callers: nothing is refused here for being self-signed.

import { constants } from 'node:crypto';
import { type ConnectionOptions, createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { KeyPair } from './key-pair.ts';
import { contextTerms, DEFAULT_TLS_TERMS, type TlsTerms } from './tls-terms.ts';

export interface ContextOptions {
  /** The default ones when absent. */
  terms?: TlsTerms;
  /** PEM of the roots that a peer's PKI chain may end in; direct trust needs none. */
  ca?: readonly string[];
}

export interface ClientOptions extends ContextOptions {
  /** What this side shows when it is asked for a certificate. */
  pair?: KeyPair;
  /** Name for SNI (RFC 6066 §3). Absent: none is sent. */
  servername?: string;
}

const { SSL_OP_CIPHER_SERVER_PREFERENCE, SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = constants;

/** The settings of a server's context for `pair`, for callers that make the context themselves. */
export function serverContextOptions(pair: KeyPair, options: ContextOptions = {}): SecureContextOptions {
  return {
    ...sharedOptions(options),
    ...identityOf(pair),
    // Suites with DHE need a group; this one fits the key.
    dhparam: 'auto',
    // Node's servers keep no sessions of their own, so without tickets there is nothing to resume, under TLS 1.2 and 1.3.
    secureOptions: SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE,
    sessionIdContext: pair.certificate.thumbprint.slice(0, 32),
  };
}

/** The context of a server that shows `pair`; to be kept by thumbprint, and made anew when the certificate changes. */
export function createServerContext(pair: KeyPair, options: ContextOptions = {}): SecureContext {
  return createSecureContext(serverContextOptions(pair, options));
}

/**
 * What a client hands to `tls.connect` or to an upgrade. The peer's certificate is not judged by Node: read it with
 * `describeTlsSession` and judge it before anything is sent.
 */
export function clientTlsOptions(options: ClientOptions = {}): ConnectionOptions {
  return {
    ...sharedOptions(options),
    ...(options.pair === undefined ? {} : identityOf(options.pair)),
    ...(options.servername === undefined ? {} : { servername: options.servername }),
    secureOptions: SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION,
    rejectUnauthorized: false,
  };
}

/** Stands for having nothing to show. */
const NOBODY = {};
const clientContexts = new WeakMap<object, Map<string, SecureContext>>();

/**
 * The same with a context that all connections showing `pair` on the same terms share: to make one costs as much as a small
 * message. No session is resumed by it.
 */
export function sharedClientTlsOptions(
  pair: KeyPair | undefined,
  terms: TlsTerms = DEFAULT_TLS_TERMS,
): ConnectionOptions {
  const owner = pair ?? NOBODY;
  const contexts = clientContexts.get(owner) ?? new Map<string, SecureContext>();
  clientContexts.set(owner, contexts);
  const key = termsKey(terms);
  const secureContext = contexts.get(key) ?? createSecureContext(clientTlsOptions({ terms, ...(pair && { pair }) }));
  contexts.set(key, secureContext);
  // The chain is looked at and the name is not: whom it must name is for trust/ to say.
  return { secureContext, rejectUnauthorized: false, checkServerIdentity: () => undefined };
}

/** The same for terms that come to the same context. */
export function termsKey(terms: TlsTerms): string {
  const { minVersion, ciphers } = contextTerms(terms);
  return `${minVersion} ${ciphers}`;
}

function sharedOptions({ terms = DEFAULT_TLS_TERMS, ca }: ContextOptions): SecureContextOptions {
  return { ...contextTerms(terms), ...(ca === undefined ? {} : { ca: [...ca] }) };
}

function identityOf(pair: KeyPair): SecureContextOptions {
  const cert = [pair.certificate, ...pair.chain].map(({ pem }) => pem).join('');
  return { cert, key: pair.privateKeyPem };
}
