// What can be read in a handshake that is not yet encrypted: what a ClientHello asks for, what a ServerHello chose, whose
// certificate a server of TLS 1.2 shows (RFC 8446 §4.1, RFC 5246 §7.4). Whatever is not as it should be reads as nothing.

import { isProblem } from '../problem.ts';
import { parseCertificate } from '../tls/certificate.ts';

export interface ServerChoice {
  readonly version: string;
  readonly cipher: string;
  readonly isRetry: boolean;
}

const VERSIONS: Readonly<Record<number, string>> = {
  0x0300: 'SSLv3',
  0x0301: 'TLSv1',
  0x0302: 'TLSv1.1',
  0x0303: 'TLSv1.2',
  0x0304: 'TLSv1.3',
};

/** Those that are met; others are told by their number. */
const SUITES: Readonly<Record<number, string>> = {
  0x1301: 'TLS_AES_128_GCM_SHA256',
  0x1302: 'TLS_AES_256_GCM_SHA384',
  0x1303: 'TLS_CHACHA20_POLY1305_SHA256',
  0xc02b: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  0xc02c: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  0xc02f: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  0xc030: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  0xcca8: 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
  0xcca9: 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  0xc009: 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
  0xc00a: 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA',
  0xc013: 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
  0xc014: 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
  0x002f: 'TLS_RSA_WITH_AES_128_CBC_SHA',
  0x0035: 'TLS_RSA_WITH_AES_256_CBC_SHA',
  0x009c: 'TLS_RSA_WITH_AES_128_GCM_SHA256',
  0x009d: 'TLS_RSA_WITH_AES_256_GCM_SHA384',
};

const EXTENSION = { serverName: 0, supportedVersions: 43 } as const;
/** SHA-256 of "HelloRetryRequest", in place of a random (RFC 8446 §4.1.3). */
const RETRY_RANDOM = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');

/** Reads on through octets; past their end it throws RangeError. */
class Reader {
  readonly #octets: Buffer;
  #at = 0;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#octets.length;
  }

  number(length: 1 | 2 | 3): number {
    const value = this.#octets.readUIntBE(this.#at, length);
    this.#at += length;
    return value;
  }

  octets(length: number): Buffer {
    if (this.#at + length > this.#octets.length) throw new RangeError('there are not so many octets');
    const value = this.#octets.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }

  /** A vector with its length in front. */
  vector(lengthOctets: 1 | 2 | 3): Buffer {
    return this.octets(this.number(lengthOctets));
  }
}

/** The name asked for by SNI; undefined when none is (RFC 6066 §3). `body` is a whole ClientHello without its header. */
export function readServerName(body: Buffer): string | undefined {
  return orNothing(() => {
    const list = readExtensions(clientExtensions(body)).get(EXTENSION.serverName);
    if (!list) return undefined;
    const reader = new Reader(new Reader(list).vector(2));
    return reader.number(1) === 0 ? reader.vector(2).toString('latin1') : undefined;
  });
}

/** One line for people. */
export function describeClientHello(body: Buffer): string {
  const versions = orNothing(() => {
    const list = readExtensions(clientExtensions(body)).get(EXTENSION.supportedVersions);
    if (!list) return nameVersion(body.readUInt16BE(0));
    const octets = new Reader(list).vector(1);
    const numbers = Array.from({ length: octets.length / 2 }, (_, index) => octets.readUInt16BE(index * 2));
    return numbers
      .filter((number) => number in VERSIONS)
      .map(nameVersion)
      .join(' ');
  });
  const name = readServerName(body);
  return `asks for ${versions ?? 'something unreadable'}${name === undefined ? '' : `, server name ${name}`}`;
}

/** `body` is a whole ServerHello without its header; undefined when it is none. */
export function readServerHello(body: Buffer): ServerChoice | undefined {
  return orNothing(() => {
    const reader = new Reader(body);
    const legacy = reader.number(2);
    const random = reader.octets(32);
    reader.vector(1);
    const suite = reader.number(2);
    reader.number(1);
    const chosen = reader.isAtEnd ? undefined : readExtensions(reader.vector(2)).get(EXTENSION.supportedVersions);
    return {
      version: nameVersion(chosen?.readUInt16BE(0) ?? legacy),
      cipher: SUITES[suite] ?? `0x${suite.toString(16).padStart(4, '0')}`,
      isRetry: random.equals(RETRY_RANDOM),
    };
  });
}

/** The first certificate of a Certificate message of TLS 1.2, in words; undefined when it cannot be read. */
export function describeCertificate(body: Buffer): string | undefined {
  try {
    const list = orNothing(() => new Reader(new Reader(body).vector(3)).vector(3));
    if (!list) return undefined;
    const { subject, notAfter, thumbprint } = parseCertificate(list);
    return `${subject}, valid until ${notAfter.toISOString()}, ${thumbprint}`;
  } catch (error) {
    if (isProblem(error)) return undefined;
    throw error;
  }
}

function clientExtensions(body: Buffer): Buffer {
  const reader = new Reader(body);
  reader.octets(34);
  reader.vector(1);
  reader.vector(2);
  reader.vector(1);
  return reader.isAtEnd ? Buffer.alloc(0) : reader.vector(2);
}

function readExtensions(octets: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (const reader = new Reader(octets); !reader.isAtEnd; ) {
    const type = reader.number(2);
    found.set(type, reader.vector(2));
  }
  return found;
}

function nameVersion(number: number): string {
  return VERSIONS[number] ?? `0x${number.toString(16).padStart(4, '0')}`;
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
