// TLS 1.3 of a recorded session opened with its own secrets (RFC 8446 §5.2, §7.3), for the transcript that people read. Older versions
// and unknown cipher suites stay closed: Wireshark opens those. Pure.

import { createDecipheriv, createHmac } from 'node:crypto';
import type { Side } from './tcp-conversation.ts';

const SUITES: Readonly<Record<number, { name: string; cipher: Cipher; hash: string; keyOctets: number }>> = {
  0x1301: { name: 'TLS_AES_128_GCM_SHA256', cipher: 'aes-128-gcm', hash: 'sha256', keyOctets: 16 },
  0x1302: { name: 'TLS_AES_256_GCM_SHA384', cipher: 'aes-256-gcm', hash: 'sha384', keyOctets: 32 },
  0x1303: { name: 'TLS_CHACHA20_POLY1305_SHA256', cipher: 'chacha20-poly1305', hash: 'sha256', keyOctets: 32 },
};

type Cipher = 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';
type Suite = NonNullable<(typeof SUITES)[number]>;

const HANDSHAKE = 22;
const APPLICATION_DATA = 23;
const KEY_UPDATE = 24;
const TAG_OCTETS = 16;
const HEADER_OCTETS = 5;

/** What is in the stream of one side from the first record on. */
export class TlsOpening {
  readonly #secrets: ReadonlyMap<string, Buffer>;
  readonly #sides = { client: new OpenedSide(), server: new OpenedSide() };
  #random = '';
  #suite: Suite | undefined;

  /** `keyLog` as NSS defined it. */
  constructor(keyLog: string) {
    const found = keyLog.matchAll(/^([A-Z0-9_]+) ([0-9a-f]{64}) ([0-9a-f]+)$/gim);
    this.#secrets = new Map(
      [...found].map(([, label, random, secret]) => [`${label} ${random}`, Buffer.from(secret ?? '', 'hex')]),
    );
  }

  /** The suite that the server chose; undefined for one that is not opened here. */
  get suiteName(): string | undefined {
    return this.#suite?.name;
  }

  /** The application data that `octets` complete; empty while nothing can be opened. */
  take(side: Side, octets: Buffer): Buffer {
    const records = this.#sides[side].records(octets);
    return Buffer.concat(records.map((record) => this.#takeRecord(side, record)));
  }

  #takeRecord(side: Side, record: Buffer): Buffer {
    const type = record.readUInt8(0);
    if (type === HANDSHAKE) this.#takeHello(side, record.subarray(HEADER_OCTETS));
    if (type !== APPLICATION_DATA || this.#suite === undefined) return Buffer.alloc(0);
    return this.#sides[side].open(record, this.#suite, (label) => this.#secrets.get(`${label} ${this.#random}`), side);
  }

  /** ClientHello and ServerHello are in clear; the client's random names the secrets. */
  #takeHello(side: Side, message: Buffer): void {
    if (message.length < 40) return;
    if (side === 'client') this.#random = message.subarray(6, 38).toString('hex');
    else this.#suite = SUITES[message.readUInt16BE(39 + message.readUInt8(38))];
  }
}

/** Keys of one direction, and the record that is not whole yet. */
class OpenedSide {
  #rest: Buffer = Buffer.alloc(0);
  #secret: Buffer | undefined;
  #isHandshake = true;
  #sequence = 0n;

  records(octets: Buffer): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, octets]);
    const records: Buffer[] = [];
    while (this.#rest.length >= HEADER_OCTETS) {
      const end = HEADER_OCTETS + this.#rest.readUInt16BE(3);
      if (this.#rest.length < end) break;
      records.push(this.#rest.subarray(0, end));
      this.#rest = this.#rest.subarray(end);
    }
    return records;
  }

  /** What was sent by the application; empty for messages of the handshake. */
  open(record: Buffer, suite: Suite, secretOf: (label: string) => Buffer | undefined, side: Side): Buffer {
    this.#secret ??= secretOf(`${side.toUpperCase()}_HANDSHAKE_TRAFFIC_SECRET`);
    let inner = this.#secret && decrypt(record, suite, this.#secret, this.#sequence);
    if (inner === undefined && this.#isHandshake) {
      // The handshake of this side is over: what does not open with its key is the first record of the next.
      this.#isHandshake = false;
      this.#secret = secretOf(`${side.toUpperCase()}_TRAFFIC_SECRET_0`);
      this.#sequence = 0n;
      inner = this.#secret && decrypt(record, suite, this.#secret, this.#sequence);
    }
    if (inner === undefined || this.#secret === undefined) return Buffer.alloc(0);
    this.#sequence += 1n;
    const end = inner.findLastIndex((octet) => octet !== 0);
    const [type, content] = [inner[end], inner.subarray(0, end)];
    if (type === HANDSHAKE && !this.#isHandshake && content[0] === KEY_UPDATE) {
      this.#secret = expandLabel(suite.hash, this.#secret, 'traffic upd', this.#secret.length);
      this.#sequence = 0n;
    }
    return type === APPLICATION_DATA ? content : Buffer.alloc(0);
  }
}

/** Undefined where the key is not that of the record. */
function decrypt(record: Buffer, suite: Suite, secret: Buffer, sequence: bigint): Buffer | undefined {
  const key = expandLabel(suite.hash, secret, 'key', suite.keyOctets);
  const nonce = expandLabel(suite.hash, secret, 'iv', 12);
  nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ sequence, 4);
  const sealed = record.subarray(HEADER_OCTETS, -TAG_OCTETS);
  const options = { authTagLength: TAG_OCTETS };
  try {
    const opener =
      suite.cipher === 'chacha20-poly1305'
        ? createDecipheriv(suite.cipher, key, nonce, options)
        : createDecipheriv(suite.cipher, key, nonce, options);
    opener.setAAD(record.subarray(0, HEADER_OCTETS), { plaintextLength: sealed.length });
    opener.setAuthTag(record.subarray(-TAG_OCTETS));
    return Buffer.concat([opener.update(sealed), opener.final()]);
  } catch {
    return undefined;
  }
}

/** HKDF-Expand-Label without a context; one block of HMAC is enough for every length that is asked for. */
function expandLabel(hash: string, secret: Buffer, label: string, octets: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([octets >> 8, octets & 0xff, name.length]), name, Buffer.from([0, 1])]);
  return Buffer.from(createHmac(hash, secret).update(info).digest().subarray(0, octets));
}
