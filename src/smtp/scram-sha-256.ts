// SCRAM-SHA-256 (RFC 5802, RFC 7677), both sides, without channel binding: each proves to the other that it knows the
// credential, and neither says it. Pure apart from random nonces. The server leaves the look-up, the limits on attempts and
// the 535 to its caller; the client leaves the wire to `sender.ts`.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Problem } from '../problem.ts';
import {
  SASL_CHALLENGE_INVALID,
  SASL_SERVER_UNPROVEN,
  type SaslClient,
  type SaslServer,
  type SaslStep,
} from './sasl.ts';
import {
  type ClientFirst,
  escapeUser,
  parseClientFinal,
  parseClientFirst,
  parseServerFinal,
  parseServerFirst,
} from './scram-message.ts';
import {
  computeHash,
  computeHmac,
  deriveScramKeys,
  MIN_SCRAM_ITERATIONS,
  SCRAM_SALT_BYTES,
  type ScramVerifier,
  xorBuffers,
} from './scram-verifier.ts';

export interface ScramOptions {
  /** Only tests with a published vector hand in a nonce. */
  readonly createNonce?: () => string;
}

export interface ScramServerOptions extends ScramOptions {
  /** The count shown for unknown users; the same as that of the real verifiers, 4096 by default. */
  readonly decoyIterations?: number;
}

const GS2_HEADER = 'n,,';

function createRandomNonce(): string {
  return randomBytes(24).toString('base64');
}

/** The client's side: initial response, proof, check of the server's signature. */
export class ScramClient implements SaslClient {
  readonly mechanism = 'SCRAM-SHA-256';
  readonly #password: string;
  readonly #nonce: string;
  readonly #firstBare: string;
  #expectedSignature: Buffer | undefined;
  #state: 'first' | 'final' | 'over' = 'first';
  #serverProven = false;

  constructor(user: string, password: string, options: ScramOptions = {}) {
    this.#password = password;
    this.#nonce = (options.createNonce ?? createRandomNonce)();
    this.#firstBare = `n=${escapeUser(user)},r=${this.#nonce}`;
  }

  get serverProven(): boolean {
    return this.#serverProven;
  }

  initialResponse(): Buffer {
    return Buffer.from(GS2_HEADER + this.#firstBare);
  }

  respond(challenge: Buffer): Buffer {
    const state = this.#state;
    this.#state = state === 'first' ? 'final' : 'over';
    if (state === 'over') throw refuseChallenge('the server went on after its last SCRAM message');
    return state === 'first' ? this.#prove(challenge) : this.#checkServer(challenge);
  }

  #prove(challenge: Buffer): Buffer {
    const first = parseServerFirst(challenge);
    if (!first)
      throw refuseChallenge("the server's first SCRAM message is malformed or its iteration count is refused");
    // A server that adds nothing of its own replays an old exchange (RFC 5802 §5.1, r).
    if (!first.nonce.startsWith(this.#nonce) || first.nonce.length === this.#nonce.length) {
      throw refuseChallenge('the server did not extend the SCRAM nonce');
    }
    const keys = deriveScramKeys(this.#password, first.salt, first.iterations);
    const withoutProof = `c=${Buffer.from(GS2_HEADER).toString('base64')},r=${first.nonce}`;
    const signed = `${this.#firstBare},${challenge.toString('utf8')},${withoutProof}`;
    this.#expectedSignature = computeHmac(keys.serverKey, signed);
    const proof = xorBuffers(keys.clientKey, computeHmac(keys.storedKey, signed));
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`);
  }

  #checkServer(challenge: Buffer): Buffer {
    const signature = parseServerFinal(challenge);
    // The server's own refusal: it answers 535 to what follows, and a 235 would come without a proof.
    if (signature === 'error') return Buffer.alloc(0);
    if (!signature || !this.#expectedSignature || !isSame(signature, this.#expectedSignature)) {
      throw new Problem(SASL_SERVER_UNPROVEN, 'the server could not prove that it knows the credential');
    }
    this.#serverProven = true;
    return Buffer.alloc(0);
  }
}

/**
 * The server's side. `lookup` gives the verifier of a user or undefined; for an unknown one the exchange goes on with a salt
 * made from `decoySecret` and the name, the same at every attempt, and fails at the proof like a wrong password.
 */
export class ScramServer implements SaslServer {
  readonly mechanism = 'SCRAM-SHA-256';
  readonly #lookup: (user: string) => ScramVerifier | undefined;
  readonly #decoySecret: Buffer;
  readonly #options: ScramServerOptions;
  #state: 'start' | 'asked' | 'challenged' | 'proven' | 'over' = 'start';
  #exchange:
    | { first: ClientFirst; verifier: ScramVerifier; isKnown: boolean; nonce: string; serverFirst: string }
    | undefined;

  constructor(
    lookup: (user: string) => ScramVerifier | undefined,
    decoySecret: Buffer,
    options: ScramServerOptions = {},
  ) {
    this.#lookup = lookup;
    this.#decoySecret = decoySecret;
    this.#options = options;
  }

  step(response: Buffer | undefined): SaslStep {
    const state = this.#state;
    this.#state = 'over';
    if (state === 'start' && response === undefined) {
      this.#state = 'asked';
      return { kind: 'challenge', data: Buffer.alloc(0) };
    }
    if (response === undefined) return { kind: 'failure' };
    if (state === 'start' || state === 'asked') return this.#challenge(response);
    if (state === 'challenged') return this.#checkProof(response);
    // The empty answer to our own proof (RFC 4954 §4).
    if (state === 'proven' && response.length === 0 && this.#exchange) {
      return { kind: 'success', identity: this.#exchange.first.user };
    }
    return { kind: 'failure' };
  }

  #challenge(response: Buffer): SaslStep {
    const first = parseClientFirst(response);
    if (!first) return { kind: 'failure' };
    const found = this.#lookup(first.user);
    const verifier = found ?? inventVerifier(first.user, this.#decoySecret, this.#options.decoyIterations);
    const nonce = first.nonce + (this.#options.createNonce ?? createRandomNonce)();
    const serverFirst = `r=${nonce},s=${verifier.salt.toString('base64')},i=${verifier.iterations}`;
    this.#exchange = { first, verifier, isKnown: found !== undefined, nonce, serverFirst };
    this.#state = 'challenged';
    return { kind: 'challenge', data: Buffer.from(serverFirst) };
  }

  #checkProof(response: Buffer): SaslStep {
    const final = parseClientFinal(response);
    const exchange = this.#exchange;
    if (!final || !exchange || final.nonce !== exchange.nonce) return { kind: 'failure' };
    const { first, verifier } = exchange;
    if (final.channelBinding !== Buffer.from(first.gs2Header).toString('base64')) return { kind: 'failure' };
    const signed = `${first.bare},${exchange.serverFirst},${final.withoutProof}`;
    const clientSignature = computeHmac(verifier.storedKey, signed);
    const clientKey =
      final.proof.length === clientSignature.length ? xorBuffers(final.proof, clientSignature) : clientSignature;
    const isProven = isSame(computeHash(clientKey), verifier.storedKey);
    const serverSignature = computeHmac(verifier.serverKey, signed);
    if (!isProven || !exchange.isKnown) return { kind: 'failure' };
    this.#state = 'proven';
    return { kind: 'challenge', data: Buffer.from(`v=${serverSignature.toString('base64')}`) };
  }
}

function inventVerifier(user: string, secret: Buffer, iterations = MIN_SCRAM_ITERATIONS): ScramVerifier {
  const derive = (purpose: string) => computeHmac(secret, `${purpose}:${user}`);
  return {
    salt: derive('salt').subarray(0, SCRAM_SALT_BYTES),
    iterations,
    storedKey: derive('stored'),
    serverKey: derive('server'),
  };
}

function isSame(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

function refuseChallenge(sentence: string): Problem {
  return new Problem(SASL_CHALLENGE_INVALID, sentence);
}
