// A company's own certificate authority, for a laboratory: a root that signs what it is asked for. Just enough of one to show that
// direct trust does not care who signed.

import forge from 'node-forge';
import { endOfValidity, serverExtensions } from '../tls/self-signed.ts';
import { createSigner, generateRsaKey } from '../tls/rsa-key.ts';

const SUBJECT = [
  { name: 'commonName', value: 'Contoso Root' },
  { name: 'organizationName', value: 'Contoso' },
];

const TEN_YEARS_MS = 10 * 365 * 86_400_000;

export class Authority {
  /** What clients would know, as PEM. */
  readonly rootPem: string;
  readonly #privateKeyPem: string;
  readonly #notBefore: Date;
  #serial = 1;

  private constructor(rootPem: string, privateKeyPem: string, notBefore: Date) {
    this.rootPem = rootPem;
    this.#privateKeyPem = privateKeyPem;
    this.#notBefore = notBefore;
  }

  /** Makes the root; what it signs begins with it, and is good for a year. */
  static async create(notBefore: Date): Promise<Authority> {
    const key = await generateRsaKey(2048);
    const root = forge.pki.createCertificate();
    root.publicKey = forge.pki.publicKeyFromPem(key.publicKeyPem);
    root.serialNumber = '01';
    root.validity.notBefore = notBefore;
    root.validity.notAfter = new Date(notBefore.getTime() + TEN_YEARS_MS);
    root.setSubject(SUBJECT);
    root.setIssuer(SUBJECT);
    root.setExtensions([
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ]);
    root.sign(createSigner(key.privateKeyPem), forge.md.sha256.create());
    return new Authority(forge.pki.certificateToPem(root), key.privateKeyPem, notBefore);
  }

  /** Answers a PKCS#10 request with a certificate for `domains`, as PEM. */
  sign(requestPem: string, domains: readonly string[]): string {
    const request = forge.pki.certificationRequestFromPem(requestPem);
    if (!request.publicKey) throw new Error('the request has no key');
    const certificate = forge.pki.createCertificate();
    certificate.publicKey = request.publicKey;
    certificate.serialNumber = `02${String(this.#serial++).padStart(6, '0')}`;
    certificate.validity.notBefore = this.#notBefore;
    certificate.validity.notAfter = endOfValidity(this.#notBefore);
    certificate.setSubject(request.subject.attributes);
    certificate.setIssuer(SUBJECT);
    certificate.setExtensions(serverExtensions(domains));
    certificate.sign(createSigner(this.#privateKeyPem), forge.md.sha256.create());
    return forge.pki.certificateToPem(certificate);
  }
}
