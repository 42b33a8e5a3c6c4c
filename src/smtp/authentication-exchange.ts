// AUTH seen from the server (RFC 4954 §4): base64 in and out, "*" cancels, "=" is an empty initial response, and only so many
// failures per connection. The mechanisms are SaslServers; which of them are offered, and when, is the session's to say.

import type { Log } from '../log.ts';
import { decodeBase64 } from './base64.ts';
import { challengeReply, REPLIES } from './replies.ts';
import type { Reply } from './reply.ts';
import type { SaslServer } from './sasl.ts';
import type { Authentication } from './session-policy.ts';

export type AuthenticationStep =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'authenticated'; readonly authentication: Authentication };

/** The exchanges of one connection, one after the other. */
export class AuthenticationExchange {
  readonly #maxFailures: () => number;
  readonly #log: Log;
  #server: SaslServer | undefined;
  #failureCount = 0;

  constructor(maxFailures: () => number, log: Log) {
    this.#maxFailures = maxFailures;
    this.#log = log;
  }

  /** True while the client's next line answers a challenge. */
  get isExpectingLine(): boolean {
    return this.#server !== undefined;
  }

  /** Starts with AUTH's second argument, if there was one. `choose` gives the mechanism's server, undefined for none. */
  begin(choose: () => SaslServer | undefined, initialResponse: string | undefined): Promise<AuthenticationStep> {
    return this.#take(choose, initialResponse === '=' ? '' : initialResponse);
  }

  /** Goes on with the client's answer to the last challenge. */
  async takeLine(line: string): Promise<AuthenticationStep> {
    const server = this.#server;
    this.#server = undefined;
    return line === '*' ? this.#fail(REPLIES.authCancelled) : this.#take(() => server, line);
  }

  /** Forgets the exchange, for a line that cannot be read. */
  abandon(): void {
    this.#server = undefined;
  }

  async #take(choose: () => SaslServer | undefined, encoded: string | undefined): Promise<AuthenticationStep> {
    const response = encoded === undefined ? undefined : decodeBase64(encoded);
    if (encoded !== undefined && response === undefined) return this.#fail(REPLIES.authBase64);
    try {
      const server = choose();
      return server ? await this.#step(server, response) : { kind: 'reply', reply: REPLIES.authMechanism };
    } catch (error) {
      this.#log.error({ err: error }, 'authentication broke off');
      return this.#fail(REPLIES.authTemporary);
    }
  }

  async #step(server: SaslServer, response: Buffer | undefined): Promise<AuthenticationStep> {
    const step = await server.step(response);
    if (step.kind === 'failure') return this.#fail(REPLIES.authFailed);
    // It counts like a failure: who asks again and again is cut off whatever the answer was.
    if (step.kind === 'unavailable') return this.#fail(REPLIES.authTemporary);
    if (step.kind === 'success') {
      return { kind: 'authenticated', authentication: { mechanism: server.mechanism, identity: step.identity } };
    }
    this.#server = server;
    return { kind: 'reply', reply: challengeReply(step.data) };
  }

  #fail(reply: Reply): AuthenticationStep {
    this.#failureCount += 1;
    return { kind: 'reply', reply: this.#failureCount >= this.#maxFailures() ? REPLIES.authTooMany : reply };
  }
}
