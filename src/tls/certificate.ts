// A parsed X.509 certificate (RFC 5280) as a value: what it says, never whether to believe it. Reading is strict, since direct
// trust compares certificates byte for byte; judging dates and names against a rule is trust/'s, with the two pure questions below.

import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { Problem } from '../problem.ts';
import { formatPem, readPem } from './pem.ts';

export interface Certificate {
  readonly der: Buffer;
  readonly pem: string;
  /** SHA-1 of the DER in upper-case hex: the name Exchange gives a certificate. */
  readonly thumbprint: string;
  /** SHA-256 of the DER in upper-case hex, without colons. */
  readonly sha256: string;
  /** One line, most specific part first: "CN=EDGE01, O=Contoso". */
  readonly subject: string;
  readonly issuer: string;
  /** Upper-case hex. */
  readonly serialNumber: string;
  /** DNS names of the SAN, in order and as written. */
  readonly domains: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly selfSigned: boolean;
  readonly keyType: 'rsa' | 'ec' | 'other';
  /** Modulus or curve size; 0 when the kind of key is not known here. */
  readonly keySizeBits: number;
  /** SHA-256 of the public key (SubjectPublicKeyInfo, DER) in upper-case hex. */
  readonly publicKeySha256: string;
}

export type Validity = 'valid' | 'expired' | 'not-yet-valid';

const MAX_CERTIFICATE_BYTES = 64 * 1024;
const MAX_CHAIN_LENGTH = 16;
const CURVE_SIZE_BITS: Readonly<Record<string, number>> = { prime256v1: 256, secp384r1: 384, secp521r1: 521 };

/** Reads one certificate, DER or PEM, and nothing besides; throws Problem `certificate-unreadable`. */
export function parseCertificate(input: Buffer | string): Certificate {
  const [certificate, ...others] = parseCertificateChain(input);
  if (certificate === undefined || others.length > 0) {
    throw unreadable(`holds ${others.length + 1} certificates where one is expected`);
  }
  return certificate;
}

/** Reads one DER certificate, or PEM certificates in the order they stand; throws Problem `certificate-unreadable`. */
export function parseCertificateChain(input: Buffer | string): readonly Certificate[] {
  if (input.length > MAX_CERTIFICATE_BYTES * MAX_CHAIN_LENGTH) throw unreadable('is too large to be a certificate');
  const text = typeof input === 'string' ? input : input.toString('latin1');
  if (typeof input !== 'string' && !text.trimStart().startsWith('-----BEGIN ')) return [readDer(input)];
  const { blocks, hasOtherText } = readPem(text);
  if (blocks.length === 0) throw unreadable('is neither DER nor PEM');
  if (hasOtherText) throw unreadable('holds text that belongs to no certificate');
  if (blocks.length > MAX_CHAIN_LENGTH) throw unreadable(`holds more than ${MAX_CHAIN_LENGTH} certificates`);
  return blocks.map(({ label, der }) => {
    if (label !== 'CERTIFICATE') throw unreadable(`holds a "${label}" and not a certificate`);
    if (der === undefined) throw unreadable('is PEM with a damaged body');
    return readDer(der);
  });
}

/** True when both are the same certificate to the last byte: the whole of what direct trust compares. */
export function isSameCertificate(a: Certificate, b: Certificate): boolean {
  return a.der.equals(b.der);
}

/** True when both were issued for one key pair: whoever serves one could serve the other. */
export function hasSameKey(a: Certificate, b: Certificate): boolean {
  return a.publicKeySha256 === b.publicKeySha256;
}

/**
 * Where `now` stands in the certificate's life; both ends belong to it (RFC 5280 §4.1.2.5).
 * `toleranceMs` forgives clock skew at the beginning only: an expired certificate stays expired.
 */
export function validityAt(certificate: Certificate, now: Date, toleranceMs = 0): Validity {
  if (now.getTime() > certificate.notAfter.getTime()) return 'expired';
  return now.getTime() + toleranceMs < certificate.notBefore.getTime() ? 'not-yet-valid' : 'valid';
}

/**
 * True when the certificate is made out to `name` (RFC 6125 §6.4): a DNS name of the SAN, exactly or by a wildcard that is the
 * whole left-most label, or the subject's CN when there is no such name. Letter case and a final dot do not matter.
 */
export function namesServer(certificate: Certificate, name: string): boolean {
  const wanted = normalizeName(name);
  if (wanted === '' || isIP(wanted) !== 0) return false;
  const patterns = certificate.domains.length > 0 ? certificate.domains : commonNames(certificate.subject);
  return patterns.some((pattern) => matchesPattern(normalizeName(pattern), wanted));
}

function matchesPattern(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === name;
  const parent = name.slice(name.indexOf('.') + 1);
  // "*.com" would name half the world; a wildcard stands for one label of a domain of its own.
  return name.includes('.') && parent.includes('.') && pattern === `*.${parent}`;
}

function normalizeName(name: string): string {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name;
  return /[^\x20-\x7e]/.test(bare) ? domainToASCII(bare) : bare.toLowerCase();
}

function commonNames(subject: string): readonly string[] {
  const name = /(?:^|, | \+ )CN=((?:[^,+\\]|\\.)+)/.exec(subject)?.[1];
  return name === undefined ? [] : [name];
}

function readDer(der: Buffer): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES) throw unreadable('is too large to be a certificate');
  try {
    const x509 = new X509Certificate(der);
    // OpenSSL reads the first certificate it finds and forgives what follows.
    if (x509.raw.equals(der)) return describe(x509);
  } catch (error) {
    throw unreadable('is not an X.509 certificate', error);
  }
  throw unreadable('has bytes after the end of the certificate');
}

function describe(x509: X509Certificate): Certificate {
  const publicKey = x509.publicKey;
  const certificate: Certificate = {
    der: x509.raw,
    pem: formatPem('CERTIFICATE', x509.raw),
    thumbprint: x509.fingerprint.replaceAll(':', ''),
    sha256: x509.fingerprint256.replaceAll(':', ''),
    subject: oneLine(x509.subject),
    issuer: oneLine(x509.issuer),
    serialNumber: x509.serialNumber.toUpperCase(),
    domains: readDomains(x509.subjectAltName ?? ''),
    notBefore: x509.validFromDate,
    notAfter: x509.validToDate,
    // Not checkIssued(): it asks for keyCertSign, which a server's self-signed certificate rightly lacks.
    selfSigned: x509.subject === x509.issuer && x509.verify(publicKey),
    ...describeKey(publicKey),
    publicKeySha256: digestOf(publicKey),
  };
  if (Number.isNaN(certificate.notBefore.getTime()) || Number.isNaN(certificate.notAfter.getTime())) {
    throw new TypeError('a date of the certificate cannot be read');
  }
  return certificate;
}

function describeKey(key: KeyObject): Pick<Certificate, 'keyType' | 'keySizeBits'> {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') return { keyType: 'rsa', keySizeBits: modulusLength };
  if (key.asymmetricKeyType === 'ec') return { keyType: 'ec', keySizeBits: CURVE_SIZE_BITS[namedCurve] ?? 0 };
  return { keyType: 'other', keySizeBits: modulusLength };
}

function digestOf(key: KeyObject): string {
  const spki = key.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex').toUpperCase();
}

/** Node gives a line for each part, in the order of the DER, a line break inside a value escaped; people read it backwards. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').toReversed().join(', ');
}

/** Node's `subjectAltName` quotes, as JSON strings, the values that could be mistaken for its own separators. */
function readDomains(subjectAltName: string): readonly string[] {
  const domains: string[] = [];
  for (const [, kind, value = ''] of subjectAltName.matchAll(/(?:^|, )([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)/g)) {
    if (kind !== 'DNS') continue;
    const quoted: unknown = value.startsWith('"') ? JSON.parse(value) : value;
    domains.push(String(quoted));
  }
  return domains;
}

function unreadable(what: string, cause?: unknown): Problem {
  return new Problem('certificate-unreadable', `the certificate cannot be read: it ${what}`, { cause });
}
