// Secrets for one server in a directory that others read: sealed to a key pair that the server made for nothing else (its
// certificate's key will not do: ECDSA cannot encrypt, and a renewal must lose nothing). The pair lives in an owner-only
// folder; its public half is published on the server's object. RFC 9180 (hpke.ts).

import { createPrivateKey, createPublicKey, generateKeyPairSync, hkdfSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '../problem.ts';
import { ensurePrivateFolder, writeFileDurably } from '../storage/files.ts';
import { ENCAPSULATED_KEY_BYTES, openHpke, sealHpke, TAG_BYTES } from './hpke.ts';

/** The server's own key for secrets. Never to be logged. */
export interface SecretKey {
  readonly publicKeyPem: string;
  readonly privateKey: KeyObject;
}

/** First octet of what is sealed: 1 is DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM. */
const FORMAT = 1;
const INFO = Buffer.from('relaypair sealed secret');
const KEY_FILE = 'secret-key.pem';

/** The key in `folder`, made at first use, readable by its owner alone. Throws Problem `secret-key-unreadable`. */
export function openSecretKey(folder: string): SecretKey {
  ensurePrivateFolder(folder);
  const path = join(folder, KEY_FILE);
  const pem = readIfThere(path) ?? createKeyFile(path);
  try {
    const privateKey = createPrivateKey(pem);
    if (privateKey.asymmetricKeyType !== 'x25519') throw new TypeError('another kind of key');
    return { privateKey, publicKeyPem: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString() };
  } catch (cause) {
    throw new Problem(
      'secret-key-unreadable',
      `${path} is damaged: restore it from a copy, or remove it and subscribe again`,
      { cause },
    );
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function createKeyFile(path: string): string {
  const pem = generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  writeFileDurably(path, pem, { overwrite: false });
  return pem;
}

/**
 * Seals a secret to the server with that public key. `label` says what it is (the account's name, say) and must be said
 * again to unseal, so that one sealed value cannot stand in for another. Throws Problem `bad-encryption-key`.
 */
export function seal(publicKeyPem: string, secret: string | Buffer, label = ''): Buffer {
  const sealed = sealHpke(readPublicKey(publicKeyPem), Buffer.from(secret), { info: INFO, aad: Buffer.from(label) });
  return Buffer.concat([Buffer.from([FORMAT]), sealed]);
}

function readPublicKey(pem: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    // A private key is read as its public half: nobody should hand one out, so it is refused like rubbish.
    key = pem.includes('PRIVATE') ? undefined : createPublicKey(pem);
  } catch {
    key = undefined;
  }
  if (key?.asymmetricKeyType === 'x25519') return key;
  throw new Problem(
    'bad-encryption-key',
    'the encryption key of a server in the directory cannot be used: publish it again from that server',
  );
}

/** 32 octets that only this server can make, the same at every start; `purpose` keeps different uses apart. RFC 5869. */
export function deriveServerSecret(key: SecretKey, purpose: string): Buffer {
  const seed = key.privateKey.export({ type: 'pkcs8', format: 'der' });
  return Buffer.from(hkdfSync('sha256', seed, '', `relaypair ${purpose}`, 32));
}

/** Throws Problem `unsealing-failed` when it was sealed to another key, under another label, or was changed. */
export function unseal(key: SecretKey, sealed: Buffer, label = ''): Buffer {
  if (sealed[0] === FORMAT && sealed.length >= 1 + ENCAPSULATED_KEY_BYTES + TAG_BYTES) {
    try {
      return openHpke(key.privateKey, sealed.subarray(1), { info: INFO, aad: Buffer.from(label) });
    } catch (cause) {
      throw failed(cause);
    }
  }
  throw failed(undefined);
}

function failed(cause: unknown): Problem {
  return new Problem(
    'unsealing-failed',
    'a secret in the directory was not sealed to the key of this server: subscribe again',
    { cause },
  );
}
