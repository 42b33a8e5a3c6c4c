// SASL EXTERNAL (RFC 4422 appendix A): the client claims what the channel below has already proved, here the certificate it
// showed in TLS. Whether that certificate is the one on record is judged above and handed in as an identity.

import type { SaslClient, SaslServer, SaslStep } from './sasl.ts';

/** Asks to be whoever the client certificate names. RFC 4422 appendix A.1: an empty authorization identity. */
export class ExternalClient implements SaslClient {
  readonly mechanism = 'EXTERNAL';
  /** The server was recognised by its certificate, before the first SASL octet. */
  readonly serverProven = true;

  initialResponse(): Buffer {
    return Buffer.alloc(0);
  }

  respond(_challenge: Buffer): Buffer {
    // A server that ignores the initial response asks for it with an empty challenge.
    return Buffer.alloc(0);
  }
}

/**
 * Grants `identity` to a client that asks for it by name or by nothing at all. `undefined` means that the channel proved
 * nobody: every exchange fails.
 */
export class ExternalServer implements SaslServer {
  readonly mechanism = 'EXTERNAL';
  readonly #identity: string | undefined;
  #state: 'start' | 'asked' | 'over' = 'start';

  constructor(identity: string | undefined) {
    this.#identity = identity;
  }

  step(response: Buffer | undefined): SaslStep {
    if (this.#state === 'start' && response === undefined) {
      this.#state = 'asked';
      return { kind: 'challenge', data: Buffer.alloc(0) };
    }
    const isOver = this.#state === 'over';
    this.#state = 'over';
    if (isOver || response === undefined || this.#identity === undefined) return { kind: 'failure' };
    const asked = response.toString('utf8');
    return asked === '' || asked === this.#identity
      ? { kind: 'success', identity: this.#identity }
      : { kind: 'failure' };
  }
}
