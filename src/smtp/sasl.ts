// The two sides of a SASL exchange (RFC 4422) as SMTP's AUTH needs them (RFC 4954). A mechanism is a small state machine over
// octets: it knows no socket, no base64 and no directory. `sender.ts` and `listener.ts` carry the octets; `external.ts`,
// `scram-sha-256.ts`, `plain.ts` and `login.ts` are the mechanisms.

/** The code of the Problem thrown by `SaslClient.respond` when the server's proof is wrong. */
export const SASL_SERVER_UNPROVEN = 'sasl-server-unproven';

/** The code of the Problem thrown by `SaslClient.respond` for a challenge that breaks the mechanism's grammar or limits. */
export const SASL_CHALLENGE_INVALID = 'sasl-challenge-invalid';

/** The side that wants to be recognised. One object serves one exchange. */
export interface SaslClient {
  /** The mechanism's registered name, as in EHLO's AUTH line: "SCRAM-SHA-256". */
  readonly mechanism: string;
  /** The octets to send with AUTH; empty is sent as "="; undefined when the server must speak first. */
  initialResponse(): Buffer | undefined;
  /**
   * The answer to a challenge, possibly empty.
   * Throws Problem `sasl-server-unproven` or `sasl-challenge-invalid`: the exchange is to be cancelled with "*".
   */
  respond(challenge: Buffer): Buffer;
  /** True once the server proved that it knows the secret too, or when the mechanism has no such proof. */
  readonly serverProven: boolean;
}

/**
 * What the server says next. A success that carries data is a `challenge` first and a `success` after the client's empty
 * answer (RFC 4954 §4). A failure says nothing about its reason to the peer.
 */
export type SaslStep =
  | { readonly kind: 'challenge'; readonly data: Buffer }
  | { readonly kind: 'success'; readonly identity: string }
  | { readonly kind: 'failure' }
  /** Nobody can tell now; the client may come again (454). */
  | { readonly kind: 'unavailable' };

/** The side that recognises. One object serves one exchange; after success or failure it fails every further step. */
export interface SaslServer {
  readonly mechanism: string;
  /** Takes the client's next octets; the first call gets the initial response, or undefined when the client sent none. */
  step(response: Buffer | undefined): Promise<SaslStep> | SaslStep;
}

/** Looks at a user name and password: success with the identity that it is on record by, failure, or unavailable. */
export type PasswordCheck = (user: string, password: string) => Promise<Exclude<SaslStep, { kind: 'challenge' }>>;
