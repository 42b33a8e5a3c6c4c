// The TLS settings of both ends, in one place: TLS 1.2 or newer, suites with forward secrecy and AEAD only, no resumption.
// A resumed session proves no key, and direct trust lives on that proof; so no ticket is given, none is kept, none is taken.
// Certificates are read and judged by the callers: nothing is refused here for being self-signed.

import { constants } from 'node:crypto';
import {
  type ConnectionOptions,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type SecureVersion,
} from 'node:tls';
import type { KeyPair } from './key-pair.ts';

export interface ContextOptions {
  /** 'TLSv1.2' when absent. */
  minVersion?: SecureVersion;
  /** OpenSSL's list, TLS 1.3 suites first; the suites of `STRONG_CIPHERS` when absent. */
  ciphers?: string;
  /** PEM of the roots that a peer's PKI chain may end in; direct trust needs none. */
  ca?: readonly string[];
}

export interface ClientOptions extends ContextOptions {
  /** What this side shows when it is asked for a certificate. */
  pair?: KeyPair;
  /** Name for SNI (RFC 6066 §3). Absent: none is sent. */
  servername?: string;
}

const STRONG_CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

const { SSL_OP_CIPHER_SERVER_PREFERENCE, SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = constants;

/** The settings of a server's context for `pair`, for callers that make the context themselves. */
export function serverContextOptions(pair: KeyPair, options: ContextOptions = {}): SecureContextOptions {
  return {
    ...sharedOptions(options),
    ...identityOf(pair),
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
const clientContexts = new WeakMap<object, SecureContext>();

/**
 * The same with a context that all connections showing `pair` share: to make one costs as much as a small message. No session
 * is resumed by it.
 */
export function sharedClientTlsOptions(pair: KeyPair | undefined): ConnectionOptions {
  const known = clientContexts.get(pair ?? NOBODY);
  const secureContext = known ?? createSecureContext(clientTlsOptions(pair && { pair }));
  if (!known) clientContexts.set(pair ?? NOBODY, secureContext);
  // The chain is looked at and the name is not: whom it must name is for trust/ to say.
  return { secureContext, rejectUnauthorized: false, checkServerIdentity: () => undefined };
}

function sharedOptions(options: ContextOptions): SecureContextOptions {
  return {
    minVersion: options.minVersion ?? 'TLSv1.2',
    ciphers: options.ciphers ?? STRONG_CIPHERS,
    ...(options.ca === undefined ? {} : { ca: [...options.ca] }),
  };
}

function identityOf(pair: KeyPair): SecureContextOptions {
  const cert = [pair.certificate, ...pair.chain].map(({ pem }) => pem).join('');
  return { cert, key: pair.privateKeyPem };
}
