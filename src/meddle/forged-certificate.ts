// The certificates that the fault box shows in place of a server's own: like the original in whatever is not wished otherwise,
// self-signed, with a key made here. node-forge writes the frame, Node the key and the signature, since forge knows RSA alone.

import { generateKeyPair, type KeyObject, randomBytes, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { Problem } from '../problem.ts';
import { absent, decodeAsn1, encodeAsn1, oid, sequence } from '../tls/asn1.ts';
import { type Certificate, parseCertificate } from '../tls/certificate.ts';
import { formatPem } from '../tls/pem.ts';
import type { CertificateWish } from './fault.ts';

export type KeyKind = 'rsa' | 'ecdsa' | 'ed25519';

export interface ForgedCertificate {
  readonly certificatePem: string;
  /** PKCS#8. */
  readonly privateKeyPem: string;
}

export interface CertificateContent {
  readonly names: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly key: KeyKind;
}

const DAY_MS = 86_400_000;

/** What is shown when a wish is put before the original; throws Problem `certificate-unreadable` for files that are no pair. */
export async function forgeCertificate(
  wish: CertificateWish,
  original: Certificate | undefined,
  now: Date,
): Promise<ForgedCertificate> {
  const given = wish.pem ?? (wish.files && readFiles(wish.files));
  if (given) return { certificatePem: given.certificate, privateKeyPem: given.key };
  const key = wish.key ?? kindOf(original);
  const content = { names: wish.names ?? namesOf(original), ...datesOf(wish.dates, original, now), key };
  return writeCertificate(content, await ownKey(key));
}

const ownKeys = new Map<KeyKind, Promise<Keys>>();

/** One of each kind for all that is forged: a client waits for no key to be made, but for the first. */
function ownKey(kind: KeyKind): Promise<Keys> {
  const known = ownKeys.get(kind);
  if (known) return known;
  const made = ALGORITHMS[kind].generate();
  ownKeys.set(kind, made);
  return made;
}

function readFiles(files: NonNullable<CertificateWish['files']>): { certificate: string; key: string } {
  try {
    return { certificate: readFileSync(files.certificate, 'utf8'), key: readFileSync(files.key, 'utf8') };
  } catch (error) {
    const { path, code } = error as NodeJS.ErrnoException;
    throw new Problem('certificate-unreadable', `${path} cannot be read (${code})`, { cause: error });
  }
}

function namesOf(original: Certificate | undefined): readonly string[] {
  return original && original.domains.length > 0 ? original.domains : ['meddler.test'];
}

function kindOf(original: Certificate | undefined): KeyKind {
  if (original?.keyType === 'ec') return 'ecdsa';
  return original?.keyType === 'other' ? 'ed25519' : 'rsa';
}

function datesOf(
  dates: CertificateWish['dates'],
  original: Certificate | undefined,
  now: Date,
): { notBefore: Date; notAfter: Date } {
  if (dates === undefined && original) return { notBefore: original.notBefore, notAfter: original.notAfter };
  const startDays = { 'in-date': -1, expired: -400, 'not-yet-valid': 2 }[dates ?? 'in-date'];
  const notBefore = new Date(now.getTime() + startDays * DAY_MS);
  return { notBefore, notAfter: new Date(notBefore.getTime() + 365 * DAY_MS) };
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface Algorithm {
  readonly signature: string;
  readonly digest: string | null;
  readonly generate: () => Promise<Keys>;
}

const generate = promisify(generateKeyPair);

/** Signature algorithms as RFC 4055 §5, RFC 5758 §3.2 and RFC 8410 §3 number them. */
const ALGORITHMS: Readonly<Record<KeyKind, Algorithm>> = {
  rsa: {
    signature: '1.2.840.113549.1.1.11',
    digest: 'sha256',
    generate: () => generate('rsa', { modulusLength: 2048 }),
  },
  ecdsa: {
    signature: '1.2.840.10045.4.3.2',
    digest: 'sha256',
    generate: () => generate('ec', { namedCurve: 'prime256v1' }),
  },
  ed25519: { signature: '1.3.101.112', digest: null, generate: () => generate('ed25519') },
};

// Public in node-forge, missing in its types.
const pki = forge.pki as typeof forge.pki & { getTBSCertificate(certificate: forge.pki.Certificate): forge.asn1.Asn1 };

/** Makes a key and a self-signed certificate for it; the first name is its common name. */
export async function createCertificate(content: CertificateContent): Promise<ForgedCertificate> {
  return writeCertificate(content, await ALGORITHMS[content.key].generate());
}

function writeCertificate(content: CertificateContent, { publicKey, privateKey }: Keys): ForgedCertificate {
  const { signature: algorithmOid, digest } = ALGORITHMS[content.key];
  const algorithm = algorithmIdentifier(algorithmOid, content.key);
  const tbs = frameOf(content, algorithmOid);
  // Where the frame has a stand-in, version 3's third and seventh members (RFC 5280 §4.1).
  const members = tbs.value as forge.asn1.Asn1[];
  members[2] = algorithm;
  members[6] = decodeAsn1(publicKey.export({ type: 'spki', format: 'der' }));
  const signature = sign(digest, encodeAsn1(tbs), privateKey);
  const der = encodeAsn1(sequence(tbs, algorithm, bitString(signature)));
  return {
    certificatePem: parseCertificate(formatPem('CERTIFICATE', der)).pem,
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function frameOf({ names, notBefore, notAfter }: CertificateContent, algorithmOid: string): forge.asn1.Asn1 {
  const frame = forge.pki.createCertificate();
  frame.publicKey = STAND_IN;
  frame.serialNumber = `4${randomBytes(16).toString('hex').slice(1)}`;
  frame.validity.notBefore = notBefore;
  frame.validity.notAfter = notAfter;
  const subject = [{ name: 'commonName', value: names[0] ?? '' }];
  frame.setSubject(subject);
  frame.setIssuer(subject);
  const DNS_NAME = 2;
  frame.setExtensions([{ name: 'subjectAltName', altNames: names.map((value) => ({ type: DNS_NAME, value })) }]);
  frame.siginfo.algorithmOid = algorithmOid;
  frame.signatureOid = algorithmOid;
  return pki.getTBSCertificate(frame);
}

/** Never used and never seen: forge writes no frame without an RSA key. */
const STAND_IN = forge.pki.setRsaPublicKey(new forge.jsbn.BigInteger('3'), new forge.jsbn.BigInteger('3'));

/** RSA alone has parameters, and they are NULL. */
function algorithmIdentifier(dotted: string, key: KeyKind): forge.asn1.Asn1 {
  return sequence(...(key === 'rsa' ? [oid(dotted), absent()] : [oid(dotted)]));
}

function bitString(octets: Buffer): forge.asn1.Asn1 {
  const { Class, Type } = forge.asn1;
  return forge.asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, `\0${octets.toString('latin1')}`);
}
