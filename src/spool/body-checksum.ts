// What a large body is known again by. Polynomial evaluation over 128 bits (GHASH, the half of AES-GCM that authenticates: NIST SP 800-38D §6.4)
// under a key that is no secret: one flipped bit always changes it, and of anything else that a disk may do one case in 2^120 could
// pass. It is no defence against somebody who writes to the disk; nor would SHA-256 be, which takes eight times as long. For a small
// body that is one call it is quicker, and is what its row has.

import { type CipherGCM, createCipheriv, createHash } from 'node:crypto';

/** A sum under way. */
export interface BodyChecksum {
  update(octets: Uint8Array): void;
  /** The sum; nothing may be added after it. */
  end(): Buffer;
}

const KEY = Buffer.from('relaypair body 1');
const NONCE = Buffer.alloc(12);
const SHA256_OCTETS = 32;

/** Begins the sum of a new body. */
export function beginChecksum(): BodyChecksum {
  return new BodyTag();
}

/** Begins a sum to be compared with `expected`, which may be SHA-256 as well. */
export function checksumLike(expected: Uint8Array): BodyChecksum {
  return expected.length === SHA256_OCTETS ? new Sha256() : new BodyTag();
}

class BodyTag implements BodyChecksum {
  readonly #cipher: CipherGCM = createCipheriv('aes-128-gcm', KEY, NONCE);

  update(octets: Uint8Array): void {
    this.#cipher.setAAD(octets);
  }

  end(): Buffer {
    this.#cipher.final();
    return this.#cipher.getAuthTag();
  }
}

class Sha256 implements BodyChecksum {
  readonly #hash = createHash('sha256');

  update(octets: Uint8Array): void {
    this.#hash.update(octets);
  }

  end(): Buffer {
    return this.#hash.digest();
  }
}
