// What ADAM keeps instead of a password (RFC 2307 manner, `{SCRYPT}`), and the check against it: scrypt, constant in time; for
// an LDAP server that does the check itself, `{SSHA}`. A check without a verifier costs the same as one with, so that a name that is not there shows nothing.

import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { Problem } from '../problem.ts';

const COST = 16_384;
const BLOCK_SIZE = 8;
const PARALLELISM = 1;
const SALT_BYTES = 16;
const KEY_BYTES = 32;

interface Verifier {
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** The first is the embedded directory's, the second slapd's. */
export const PASSWORD_SCHEMES = ['SCRYPT', 'SSHA'] as const;
export type PasswordScheme = (typeof PASSWORD_SCHEMES)[number];

/**
 * What a directory keeps of a password that EdgeSync made. slapd without modules checks nothing better than `{SSHA}`, salted
 * SHA-1 (RFC 2307), which is quick to try and so no protection for a password that a person chose. These are random with 256
 * bits or more: there are too many to try however quick one try is, and SHA-1's known weakness, collisions, helps nobody here.
 */
export async function makePasswordVerifier(password: string, scheme: PasswordScheme = 'SCRYPT'): Promise<string> {
  if (scheme === 'SCRYPT') return derivePasswordVerifier(password);
  const salt = randomBytes(SALT_BYTES);
  const digest = createHash('sha1').update(password).update(salt).digest();
  return `{SSHA}${Buffer.concat([digest, salt]).toString('base64')}`;
}

/** `{SCRYPT}16384:8:1$salt$key`, base64; the cost is part of it, but no other than this one is taken. */
export async function derivePasswordVerifier(password: string | Buffer): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await deriveKey(password, salt);
  return `{SCRYPT}${COST}:${BLOCK_SIZE}:${PARALLELISM}$${salt.toString('base64')}$${key.toString('base64')}`;
}

/** Nobody knows a password for it: its salt and key are random. */
const DECOY: Verifier = { salt: randomBytes(SALT_BYTES), key: randomBytes(KEY_BYTES) };

/**
 * Whether the password is the one that the verifier was made of; false without a verifier, after the same work.
 * Throws Problem `verifier-unreadable`, which quotes nothing.
 */
export async function verifyPassword(password: string | Buffer, verifier: string | undefined): Promise<boolean> {
  const { salt, key } = verifier === undefined ? DECOY : parseVerifier(verifier);
  const isRight = timingSafeEqual(await deriveKey(password, salt), key);
  return isRight && verifier !== undefined;
}

function parseVerifier(text: string): Verifier {
  const [, cost, block, parallelism, salt = '', key = ''] =
    /^\{SCRYPT\}(\d{1,7}):(\d{1,3}):(\d{1,3})\$([\w+/=]{1,64})\$([\w+/=]{1,64})$/.exec(text) ?? [];
  const isKnown = Number(cost) === COST && Number(block) === BLOCK_SIZE && Number(parallelism) === PARALLELISM;
  const verifier = { salt: Buffer.from(salt, 'base64'), key: Buffer.from(key, 'base64') };
  if (!isKnown || verifier.salt.length !== SALT_BYTES || verifier.key.length !== KEY_BYTES) {
    throw new Problem('verifier-unreadable', 'a stored password verifier is damaged; subscribe the Edge again');
  }
  return verifier;
}

/** Throws Problem `verifier-unreadable` unless `verifyPassword` could use it. */
export function checkPasswordVerifier(text: string): void {
  parseVerifier(text);
}

function deriveKey(password: string | Buffer, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, KEY_BYTES, { N: COST, r: BLOCK_SIZE, p: PARALLELISM }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}
