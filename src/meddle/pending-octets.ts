// Octets that came and were not handed out yet.

export class PendingOctets {
  #octets = Buffer.alloc(0);

  /** All of them. */
  get octets(): Buffer {
    return this.#octets;
  }

  add(octets: Buffer): void {
    this.#octets = Buffer.concat([this.#octets, octets]);
  }

  /** Hands out the first of them. */
  take(length = this.#octets.length): Buffer {
    const octets = this.#octets.subarray(0, length);
    this.#octets = this.#octets.subarray(length);
    return octets;
  }
}
