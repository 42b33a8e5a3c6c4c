// The certificates that the fault box shows in place of a server's own: like the original in whatever is not wished otherwise,
// self-signed, with a key made here.

import { generateKeyPair } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Problem } from '../problem.ts';
import { type KeyKind, type Keys, signWithAnyKey } from '../tls/any-key-certificate.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { CertificateWish } from './fault.ts';

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
  const made = GENERATORS[kind]();
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

const generate = promisify(generateKeyPair);

const GENERATORS: Readonly<Record<KeyKind, () => Promise<Keys>>> = {
  rsa: () => generate('rsa', { modulusLength: 2048 }),
  ecdsa: () => generate('ec', { namedCurve: 'prime256v1' }),
  ed25519: () => generate('ed25519'),
};

/** Makes a key and a self-signed certificate for it; the first name is its common name. */
export async function createCertificate(content: CertificateContent): Promise<ForgedCertificate> {
  return writeCertificate(content, await GENERATORS[content.key]());
}

function writeCertificate({ key, ...content }: CertificateContent, keys: Keys): ForgedCertificate {
  const DNS_NAME = 2;
  const altNames = content.names.map((value) => ({ type: DNS_NAME, value }));
  const certificate = signWithAnyKey({ ...content, extensions: [{ name: 'subjectAltName', altNames }] }, key, keys);
  return {
    certificatePem: certificate.pem,
    privateKeyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
