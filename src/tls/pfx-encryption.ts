// Password-based decryption inside PFX files. What current tools write (PBES2, RFC 8018 §6.2) is done by OpenSSL through
// node:crypto; what old ones write (RC2-40 and Triple DES with PKCS#12's own derivation, RFC 7292 App. B) by node-forge, since
// OpenSSL 3 keeps those in a provider that is not loaded.

import { createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import forge from 'node-forge';
import { childOf, childrenOf, decodeAsn1, integerOf, octetsOf, oidOf } from './asn1.ts';

const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const PRFS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};
const CIPHERS: Readonly<Record<string, { name: string; keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyBytes: 24 },
};
const DIGESTS: Readonly<Record<string, { name: string; bytes: number; create: () => forge.md.MessageDigest }>> = {
  '1.3.14.3.2.26': { name: 'sha1', bytes: 20, create: () => forge.md.sha1.create() },
  '2.16.840.1.101.3.4.2.1': { name: 'sha256', bytes: 32, create: () => forge.md.sha256.create() },
  '2.16.840.1.101.3.4.2.2': { name: 'sha384', bytes: 48, create: () => forge.md.sha384.create() },
  '2.16.840.1.101.3.4.2.3': { name: 'sha512', bytes: 64, create: () => forge.md.sha512.create() },
};
/** What the derived bytes are for (RFC 7292 App. B.3). */
const MAC_KEY = 3;
/** A file can ask for any amount of work: ours stays under some seconds. */
const MAX_ITERATIONS = 1_000_000;

/** An absent password and an empty one are two different things to PKCS#12's derivation, and tools disagree which to use. */
export type PfxPassword = string | null;

/** The plain bytes, or undefined when the password does not fit; throws on what is malformed or not known here. */
export function decryptWithPassword(
  algorithm: forge.asn1.Asn1,
  encrypted: Buffer,
  password: PfxPassword,
): Buffer | undefined {
  const plain = decrypt(algorithm, encrypted, password);
  // One wrong key in 256 leaves padding that fits by chance; what it decrypts to is no ASN.1.
  return plain !== undefined && isAsn1(plain) ? plain : undefined;
}

function isAsn1(bytes: Buffer): boolean {
  try {
    decodeAsn1(bytes);
    return true;
  } catch {
    return false;
  }
}

function decrypt(algorithm: forge.asn1.Asn1, encrypted: Buffer, password: PfxPassword): Buffer | undefined {
  const oid = oidOf(childOf(algorithm, 0));
  const parameters = childOf(algorithm, 1);
  if (oid === PBES2) return decryptPbes2(parameters, encrypted, password ?? '');
  checkIterations(integerOf(childOf(parameters, 1)));
  const cipher = legacyCipher(oid, parameters, password);
  cipher.update(forge.util.createBuffer(encrypted.toString('latin1')));
  return cipher.finish() ? Buffer.from(cipher.output.getBytes(), 'latin1') : undefined;
}

/** True when the MAC over `content` was made with `password` (RFC 7292 §5.1). */
export function verifyMac(macData: forge.asn1.Asn1, content: Buffer, password: PfxPassword): boolean {
  const [digestInfo, salt, count] = childrenOf(macData);
  const digest = DIGESTS[oidOf(childOf(childOf(digestInfo, 0), 0))];
  if (digest === undefined) throw new TypeError('the MAC uses a digest that is not known here');
  const iterations = count === undefined ? 1 : integerOf(count);
  const key = deriveMacKey(password, octetsOf(salt), { iterations, bytes: digest.bytes, digest: digest.create() });
  const expected = createHmac(digest.name, key).update(content).digest();
  const found = octetsOf(childOf(digestInfo, 1));
  return found.length === expected.length && timingSafeEqual(found, expected);
}

/** The key of a PFX's MAC (RFC 7292 App. B.2, ID 3). */
export function deriveMacKey(
  password: PfxPassword,
  salt: Buffer,
  options: { iterations: number; bytes: number; digest: forge.md.MessageDigest },
): Buffer {
  checkIterations(options.iterations);
  const { iterations, bytes, digest } = options;
  const saltBuffer = forge.util.createBuffer(salt.toString('latin1'));
  const key = forge.pkcs12.generateKey(password, saltBuffer, MAC_KEY, iterations, bytes, digest);
  return Buffer.from(key.getBytes(), 'latin1');
}

function decryptPbes2(parameters: forge.asn1.Asn1, encrypted: Buffer, password: string): Buffer | undefined {
  const [derivation, scheme] = childrenOf(parameters);
  if (oidOf(childOf(derivation, 0)) !== PBKDF2) throw new TypeError('a key derivation that is not known here');
  const cipher = CIPHERS[oidOf(childOf(scheme, 0))];
  if (cipher === undefined) throw new TypeError('a cipher that is not known here');
  const [salt, count, ...optional] = childrenOf(childOf(derivation, 1));
  const iterations = integerOf(count);
  checkIterations(iterations);
  const prf = optional.find((node) => node.type === forge.asn1.Type.SEQUENCE);
  const digest = prf === undefined ? 'sha1' : PRFS[oidOf(childOf(prf, 0))];
  if (digest === undefined) throw new TypeError('a pseudo-random function that is not known here');
  const key = pbkdf2Sync(password, octetsOf(salt), iterations, cipher.keyBytes, digest);
  const decipher = createDecipheriv(cipher.name, key, octetsOf(childOf(scheme, 1)));
  const start = decipher.update(encrypted);
  try {
    return Buffer.concat([start, decipher.final()]);
  } catch {
    // Padding that does not fit is how CBC shows a wrong key.
    return undefined;
  }
}

interface LegacyCipher {
  update(input: forge.util.ByteStringBuffer): void;
  finish(): boolean;
  readonly output: forge.util.ByteStringBuffer;
}

function legacyCipher(oid: string, parameters: forge.asn1.Asn1, password: PfxPassword): LegacyCipher {
  // Present in node-forge, absent from its type declarations.
  const { pbe } = forge.pki as unknown as {
    pbe: { getCipher(oid: string, parameters: forge.asn1.Asn1, password: PfxPassword): LegacyCipher };
  };
  return pbe.getCipher(oid, parameters, password);
}

function checkIterations(count: number): void {
  if (!(count >= 1 && count <= MAX_ITERATIONS)) throw new RangeError('an iteration count out of bounds');
}
