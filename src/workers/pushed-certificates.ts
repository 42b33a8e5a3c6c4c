// A worker's certificates: those that the owner pushed, chosen from by the same rule. The store's folder is the owner's alone.

import type { Certificate } from '../tls/certificate.ts';
import { selectCertificate, type SelectionQuestion } from '../tls/certificate-selection.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import type { CertificateState } from './worker-state.ts';

/** Reads the state afresh for every question. */
export class PushedCertificates {
  readonly #state: () => CertificateState;

  constructor(state: () => CertificateState) {
    this.#state = state;
  }

  selectFor(question: SelectionQuestion): { readonly certificate: Certificate } | undefined {
    return selectCertificate(this.#state().serving, this.internalTransport(), question);
  }

  internalTransport(): { readonly certificate: Certificate } | undefined {
    const { serving, internalTransport } = this.#state();
    return serving.find(({ certificate }) => certificate.thumbprint === internalTransport);
  }

  /** Only ever asked for what was just selected. */
  keyPair(thumbprint: string): KeyPair {
    const pair = this.#state().serving.find(({ certificate }) => certificate.thumbprint === thumbprint);
    if (!pair) throw new Error(`the certificate ${thumbprint} was not pushed`);
    return pair;
  }
}
