// Which certificate a handshake shows, and the TLS context for it: one for each certificate and each connector's terms, so a
// renewed one, being a new thumbprint, serves the next handshake.

import type { SecureContext } from 'node:tls';
import type { Clock } from './clock.ts';
import type { ServerIdentity } from './smtp/session-policy.ts';
import type { Certificate } from './tls/certificate.ts';
import type { SelectionQuestion } from './tls/certificate-selection.ts';
import type { KeyPair } from './tls/key-pair.ts';
import { createServerContext, termsKey } from './tls/secure-context.ts';
import type { TlsTerms } from './tls/tls-terms.ts';
import { type IdentityQuestion, showingFor } from './transport/identity-question.ts';

/** Where the pairs are: the certificate store, or in a worker what its owner pushed. */
export interface PairSource {
  selectFor(question: SelectionQuestion): { readonly certificate: Certificate } | undefined;
  internalTransport(): { readonly certificate: Certificate } | undefined;
  /** Of a certificate that one of the two gave. */
  keyPair(thumbprint: string): KeyPair;
}

/** TLS identities of this server. */
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

  /** The certificate for a handshake: for the name asked for by SNI, else for the connector's own, or that of direct trust. */
  select(question: IdentityQuestion): Certificate | undefined {
    const showing = showingFor(question);
    if (showing === 'published') return this.#store.internalTransport()?.certificate;
    const { servername, connectorFqdn } = question;
    const byNameAlone = showing === 'by-name';
    const now = this.#clock.now();
    return this.#store.selectFor({ servername, connectorFqdn, serverFqdn: this.#serverFqdn, now, byNameAlone })
      ?.certificate;
  }

  /** The same with its context. Where STARTTLS is for strangers they are not asked who they are. */
  identityFor(question: IdentityQuestion): ServerIdentity | undefined {
    const certificate = this.select(question);
    return (
      certificate && {
        certificate,
        context: this.#contextOf(certificate, question.tls),
        minimumVersion: question.tls.tlsMinimumVersion,
        asksForCertificate: showingFor(question) !== 'by-name',
      }
    );
  }

  ownKeyPair(): KeyPair | undefined {
    const thumbprint = this.#store.internalTransport()?.certificate.thumbprint;
    return thumbprint === undefined ? undefined : this.#store.keyPair(thumbprint);
  }

  #contextOf({ thumbprint }: Certificate, terms: TlsTerms): SecureContext {
    const key = `${thumbprint} ${termsKey(terms)}`;
    const known = this.#contexts.get(key);
    if (known) return known;
    const made = createServerContext(this.#store.keyPair(thumbprint), { terms });
    this.#contexts.set(key, made);
    return made;
  }
}
