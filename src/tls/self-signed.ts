// The certificate that a server makes for itself at its first start, as Exchange 2007 does: subject and issuer are the NetBIOS
// name, the SAN holds NetBIOS name and FQDN, RSA 2048, one year; signed with SHA-256 where Exchange 2007 used SHA-1.

import forge from 'node-forge';
import { parseCertificate } from './certificate.ts';
import { frameCertificate } from './certificate-frame.ts';
import { commonName, normalizeDomains, parseSubjectName } from './certificate-names.ts';
import type { KeyPair } from './key-pair.ts';
import { createSigner, generateRsaKey, type RsaKey } from './rsa-key.ts';

export interface SelfSignedOptions {
  /** Becomes the common name, and the first name of the SAN. */
  netbiosName: string;
  fqdn: string;
  /** Beginning of the validity: what the server's clock says. X.509 knows no fraction of a second; it is cut off. */
  notBefore: Date;
  /** One calendar year when absent. */
  validityDays?: number;
  /** 2048 (default), 3072 or 4096. */
  keySizeBits?: number;
  /** The names of the SAN in place of NetBIOS name and FQDN. */
  domains?: readonly string[];
  /** The subject in place of the NetBIOS name: "CN=mail.contoso.com, O=Contoso". */
  subjectName?: string;
}

/**
 * Makes key and certificate. Throws Problem `key-size-unsupported`, `subject-unreadable` or `domain-name-invalid`.
 */
export async function createSelfSigned(options: SelfSignedOptions): Promise<KeyPair> {
  const subject =
    options.subjectName === undefined ? commonName(options.netbiosName) : parseSubjectName(options.subjectName);
  const domains = normalizeDomains(options.domains ?? [options.netbiosName, options.fqdn]);
  const key = await generateRsaKey(options.keySizeBits ?? 2048);
  const notAfter = endOfValidity(options.notBefore, options.validityDays);
  const pem = signSelf(key, { subject, domains, notBefore: options.notBefore, notAfter });
  return { certificate: parseCertificate(pem), chain: [], privateKeyPem: key.privateKeyPem };
}

/** What a certificate made here says, apart from its key. */
export interface CertificateContent {
  subject: forge.pki.CertificateField[];
  domains: readonly string[];
  notBefore: Date;
  notAfter: Date;
}

/** A self-signed certificate for a key that is there already, as PEM. */
export function signSelf(key: RsaKey, content: CertificateContent): string {
  const { subject, domains, notBefore, notAfter } = content;
  const certificate = frameCertificate({ subject, notBefore, notAfter, extensions: serverExtensions(domains) });
  certificate.publicKey = forge.pki.publicKeyFromPem(key.publicKeyPem);
  certificate.sign(createSigner(key.privateKeyPem), forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}

/** The extensions of an Exchange server's certificate; the same are asked for in a request. */
export function serverExtensions(domains: readonly string[]): object[] {
  const DNS_NAME = 2;
  return [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: domains.map((value) => ({ type: DNS_NAME, value })) },
  ];
}

/** When a validity that begins at `notBefore` ends: after so many days, or one calendar year (29 February ends on the 28th). */
export function endOfValidity(notBefore: Date, validityDays?: number): Date {
  if (validityDays !== undefined) return new Date(notBefore.getTime() + validityDays * 86_400_000);
  const end = new Date(notBefore);
  end.setUTCFullYear(end.getUTCFullYear() + 1);
  if (end.getUTCMonth() !== notBefore.getUTCMonth()) end.setUTCDate(0);
  return end;
}
