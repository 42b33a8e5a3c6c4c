// What the receiving side keeps instead of a password, and the arithmetic both sides of SCRAM-SHA-256 share (RFC 5802 §3,
// RFC 7677). Who may be looked up and where verifiers are stored is the directory's.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { Problem } from '../problem.ts';
import { decodeBase64 } from './base64.ts';

/** RFC 7677 §4: at least 4096 rounds; below it neither side goes on. */
export const MIN_SCRAM_ITERATIONS = 4096;
/** A server could otherwise keep a client counting for minutes. */
const MAX_SCRAM_ITERATIONS = 1_000_000;
/** The length of every salt made here; made-up salts have it too, so that length tells nothing. */
export const SCRAM_SALT_BYTES = 16;

const KEY_BYTES = 32;

/** Enough to check a proof and to give one, not enough to make the client's proof (RFC 5802 §3). */
export interface ScramVerifier {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

export interface ScramVerifierOptions {
  /** Random by default. */
  readonly salt?: Buffer;
  /** From 4096, the default, to a million. */
  readonly iterations?: number;
}

/** The keys that a client makes from the password for one salt and count. */
export interface ScramKeys {
  readonly clientKey: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** HMAC-SHA-256. */
export function computeHmac(key: Buffer, data: Buffer | string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** SHA-256, the H of RFC 5802 §2.2. */
export function computeHash(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}

/** `left` and `right` have equal length. */
export function xorBuffers(left: Buffer, right: Buffer): Buffer {
  return Buffer.from(left.map((octet, index) => octet ^ (right[index] ?? 0)));
}

/** The client's side of RFC 5802 §3. Throws Problem `scram-password-unsupported`. */
export function deriveScramKeys(password: string, salt: Buffer, iterations: number): ScramKeys {
  // SASLprep leaves printable ASCII as it is and the credentials of the pair are nothing else: no tables needed.
  if (!/^[\x20-\x7e]+$/.test(password)) {
    throw new Problem('scram-password-unsupported', 'a SCRAM password is one or more printable ASCII characters');
  }
  const saltedPassword = pbkdf2Sync(password, salt, iterations, KEY_BYTES, 'sha256');
  const clientKey = computeHmac(saltedPassword, 'Client Key');
  return { clientKey, storedKey: computeHash(clientKey), serverKey: computeHmac(saltedPassword, 'Server Key') };
}

/** What to store for `password`. Throws Problem `scram-password-unsupported` or `scram-iterations-refused`. */
export function deriveScramVerifier(password: string, options: ScramVerifierOptions = {}): ScramVerifier {
  const iterations = options.iterations ?? MIN_SCRAM_ITERATIONS;
  if (!areIterationsSane(iterations)) {
    throw new Problem(
      'scram-iterations-refused',
      `${iterations} SCRAM iterations are outside ${MIN_SCRAM_ITERATIONS} to ${MAX_SCRAM_ITERATIONS}`,
    );
  }
  const salt = options.salt ?? randomBytes(SCRAM_SALT_BYTES);
  const { storedKey, serverKey } = deriveScramKeys(password, salt, iterations);
  return { salt, iterations, storedKey, serverKey };
}

/** True for a whole count within the two limits. */
export function areIterationsSane(iterations: number): boolean {
  return Number.isSafeInteger(iterations) && iterations >= MIN_SCRAM_ITERATIONS && iterations <= MAX_SCRAM_ITERATIONS;
}

/** One line for a directory, in the manner of RFC 5803: `SCRAM-SHA-256$4096:<salt>$<stored>:<server>`, base64. */
export function encodeScramVerifier(verifier: ScramVerifier): string {
  const [salt, stored, server] = [verifier.salt, verifier.storedKey, verifier.serverKey].map((part) =>
    part.toString('base64'),
  );
  return `SCRAM-SHA-256$${verifier.iterations}:${salt}$${stored}:${server}`;
}

/** The reverse of `encodeScramVerifier`. Throws Problem `scram-verifier-unreadable`, which never quotes the text. */
export function decodeScramVerifier(text: string): ScramVerifier {
  const match = /^SCRAM-SHA-256\$(\d{1,9}):([\w+/=]+)\$([\w+/=]+):([\w+/=]+)$/.exec(text);
  const [salt, storedKey, serverKey] = (match ?? []).slice(2).map(decodeBase64);
  const iterations = Number(match?.[1]);
  if (
    !salt?.length ||
    storedKey?.length !== KEY_BYTES ||
    serverKey?.length !== KEY_BYTES ||
    !areIterationsSane(iterations)
  ) {
    throw new Problem('scram-verifier-unreadable', 'a stored SCRAM verifier is damaged; set the credential again');
  }
  return { salt, iterations, storedKey, serverKey };
}
