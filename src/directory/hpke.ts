// HPKE in base mode, one message a key (RFC 9180 §5.1.1, §6.1) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM:
// encrypts to a public key so that only the private key opens. On node:crypto's primitives alone; sealed-secret.ts uses it.

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';

export const ENCAPSULATED_KEY_BYTES = 32;
export const TAG_BYTES = 16;

const SECRET_BYTES = 32;
const KEY_BYTES = 16;
const NONCE_BYTES = 12;
const KEM_SUITE = Buffer.concat([Buffer.from('KEM'), uint16(0x0020)]);
const HPKE_SUITE = Buffer.concat([Buffer.from('HPKE'), uint16(0x0020), uint16(0x0001), uint16(0x0001)]);
const BASE_MODE = Buffer.from([0]);
const EMPTY = Buffer.alloc(0);

export interface HpkeContext {
  /** Purpose of the message; both sides must say the same. */
  readonly info: Buffer;
  /** What the message belongs to; authenticated, not sent. */
  readonly aad: Buffer;
}

/** Encapsulated key, then ciphertext with its tag. `ephemeral` is for test vectors alone: used twice it gives the secret away. */
export function sealHpke(
  recipient: KeyObject,
  plaintext: Buffer,
  context: HpkeContext,
  ephemeral: KeyObject = generateKeyPairSync('x25519').privateKey,
): Buffer {
  const encapsulated = rawPublicKey(ephemeral);
  const shared = deriveShared(
    diffieHellman({ privateKey: ephemeral, publicKey: recipient }),
    encapsulated,
    rawPublicKey(recipient),
  );
  const { key, nonce } = scheduleKeys(shared, context.info);
  const cipher = createCipheriv('aes-128-gcm', key, nonce).setAAD(context.aad);
  return Buffer.concat([encapsulated, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** The plaintext; throws node:crypto's errors when it was sealed to another key, for another context, or was changed. */
export function openHpke(recipient: KeyObject, sealed: Buffer, context: HpkeContext): Buffer {
  const encapsulated = sealed.subarray(0, ENCAPSULATED_KEY_BYTES);
  const dh = diffieHellman({ privateKey: recipient, publicKey: readRawPublicKey(encapsulated) });
  const { key, nonce } = scheduleKeys(deriveShared(dh, encapsulated, rawPublicKey(recipient)), context.info);
  const decipher = createDecipheriv('aes-128-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(context.aad);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(ENCAPSULATED_KEY_BYTES, -TAG_BYTES)), decipher.final()]);
}

/** ExtractAndExpand of RFC 9180 §4.1. OpenSSL refuses an all-zero Diffie-Hellman result, as §7.1.4 demands. */
function deriveShared(dh: Buffer, encapsulated: Buffer, recipient: Buffer): Buffer {
  const secret = extract(KEM_SUITE, EMPTY, 'eae_prk', dh);
  return expand(KEM_SUITE, secret, {
    label: 'shared_secret',
    info: Buffer.concat([encapsulated, recipient]),
    length: SECRET_BYTES,
  });
}

/** KeySchedule of RFC 9180 §5.1 without PSK; the nonce of the first and only message is the base nonce. */
function scheduleKeys(shared: Buffer, purpose: Buffer): { key: Buffer; nonce: Buffer } {
  const pskIdHash = extract(HPKE_SUITE, EMPTY, 'psk_id_hash', EMPTY);
  const infoHash = extract(HPKE_SUITE, EMPTY, 'info_hash', purpose);
  const info = Buffer.concat([BASE_MODE, pskIdHash, infoHash]);
  const secret = extract(HPKE_SUITE, shared, 'secret', EMPTY);
  return {
    key: expand(HPKE_SUITE, secret, { label: 'key', info, length: KEY_BYTES }),
    nonce: expand(HPKE_SUITE, secret, { label: 'base_nonce', info, length: NONCE_BYTES }),
  };
}

/** LabeledExtract (§4); HKDF's empty salt is HMAC's empty key. */
function extract(suite: Buffer, salt: Buffer, label: string, material: Buffer): Buffer {
  return hmac(salt, Buffer.concat([Buffer.from('HPKE-v1'), suite, Buffer.from(label), material]));
}

/** LabeledExpand (§4) for one block of output, which is all that is ever needed here. */
function expand(
  suite: Buffer,
  secret: Buffer,
  { label, info, length }: { label: string; info: Buffer; length: number },
): Buffer {
  const labeled = Buffer.concat([uint16(length), Buffer.from('HPKE-v1'), suite, Buffer.from(label), info]);
  return hmac(secret, Buffer.concat([labeled, Buffer.from([1])])).subarray(0, length);
}

function hmac(key: Buffer, data: Buffer): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

/** The 32 octets of a key's public half (RFC 8410 puts them last in the SubjectPublicKeyInfo). */
function rawPublicKey(key: KeyObject): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(-ENCAPSULATED_KEY_BYTES);
}

const SPKI_HEADER = Buffer.from('302a300506032b656e032100', 'hex');

function readRawPublicKey(octets: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_HEADER, octets]), type: 'spki', format: 'der' });
}
