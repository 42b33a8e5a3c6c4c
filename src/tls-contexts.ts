// Which certificate a handshake shows, and the TLS context for it: one for each certificate, so a renewed one, being a new
// thumbprint, serves the next handshake.

import type { SecureContext } from 'node:tls';
import type { Clock } from './clock.ts';
import type { ServerIdentity } from './smtp/session-policy.ts';
import type { Certificate } from './tls/certificate.ts';
import type { SelectionQuestion } from './tls/certificate-selection.ts';
import type { KeyPair } from './tls/key-pair.ts';
import { createServerContext } from './tls/secure-context.ts';

/** Where the pairs are: the certificate store, or in a worker what its owner pushed. */
export interface PairSource {
  selectFor(question: SelectionQuestion): { readonly certificate: Certificate } | undefined;
  internalTransport(): { readonly certificate: Certificate } | undefined;
  /** Of a certificate that one of the two gave. */
  keyPair(thumbprint: string): KeyPair;
}

/** TLS identities of this server, one context for each certificate. */
export class TlsContexts {
  readonly #store: PairSource;
  readonly #serverFqdn: string;
  readonly #clock: Clock;
  readonly #contexts = new Map<string, SecureContext>();

  constructor(store: PairSource, serverFqdn: string, clock: Clock) {
    this.#store = store;
    this.#serverFqdn = serverFqdn;
    this.#clock = clock;
  }

  /** The certificate for a name: SNI, else the connector's own. */
  select(servername: string | undefined, connectorFqdn: string): Certificate | undefined {
    return this.#store.selectFor({ servername, connectorFqdn, serverFqdn: this.#serverFqdn, now: this.#clock.now() })
      ?.certificate;
  }

  identityFor(servername: string | undefined, connectorFqdn: string): ServerIdentity | undefined {
    const certificate = this.select(servername, connectorFqdn);
    return certificate && { certificate, context: this.#contextOf(certificate) };
  }

  /** The internal transport certificate, for ADAM's LDAPS. */
  internal(): ServerIdentity | undefined {
    const certificate = this.#store.internalTransport()?.certificate;
    return certificate && { certificate, context: this.#contextOf(certificate) };
  }

  ownKeyPair(): KeyPair | undefined {
    const thumbprint = this.#store.internalTransport()?.certificate.thumbprint;
    return thumbprint === undefined ? undefined : this.#store.keyPair(thumbprint);
  }

  #contextOf({ thumbprint }: Certificate): SecureContext {
    const known = this.#contexts.get(thumbprint);
    if (known) return known;
    const made = createServerContext(this.#store.keyPair(thumbprint));
    this.#contexts.set(thumbprint, made);
    return made;
  }
}
