// A PKCS#10 request (RFC 2986) for a certificate from somebody else, one's own PKI or a bought one. Beside it stands a
// placeholder, as in Exchange: a self-signed certificate for the same key, which gives the pending request a thumbprint in
// the store and is never shown to a peer.

import forge from 'node-forge';
import { Problem } from '../problem.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { commonName, normalizeDomains, parseSubjectName } from './certificate-names.ts';
import { createSigner, generateRsaKey, type RsaKey } from './rsa-key.ts';
import { endOfValidity, serverExtensions, signSelf } from './self-signed.ts';

export interface RequestOptions {
  /** The names of the SAN; the first one is the common name unless `subjectName` says otherwise. */
  domains: readonly string[];
  /** "CN=mail.contoso.com, O=Contoso, C=US". */
  subjectName?: string;
  /** 2048 (default), 3072 or 4096. */
  keySizeBits?: number;
  /** The server's date, for the placeholder. */
  notBefore: Date;
}

export interface CertificateRequest {
  /** What goes to the authority. */
  readonly requestPem: string;
  readonly privateKeyPem: string;
  readonly placeholder: Certificate;
}

/** Makes a key and a request. Throws Problem `key-size-unsupported`, `subject-unreadable` or `domain-name-invalid`. */
export async function createCertificateRequest(options: RequestOptions): Promise<CertificateRequest> {
  const domains = normalizeDomains(options.domains);
  const [first] = domains;
  if (first === undefined) {
    throw new Problem('domain-name-invalid', 'a certificate request needs at least one domain name');
  }
  const subject = options.subjectName === undefined ? commonName(first) : parseSubjectName(options.subjectName);
  const key = await generateRsaKey(options.keySizeBits ?? 2048);
  const { notBefore } = options;
  const placeholder = signSelf(key, { subject, domains, notBefore, notAfter: endOfValidity(notBefore) });
  return {
    requestPem: signRequest(key, subject, domains),
    privateKeyPem: key.privateKeyPem,
    placeholder: parseCertificate(placeholder),
  };
}

function signRequest(key: RsaKey, subject: forge.pki.CertificateField[], domains: readonly string[]): string {
  const request = forge.pki.createCertificationRequest();
  request.publicKey = forge.pki.publicKeyFromPem(key.publicKeyPem);
  request.setSubject(subject);
  request.setAttributes([{ name: 'extensionRequest', extensions: serverExtensions(domains) }]);
  request.sign(createSigner(key.privateKeyPem), forge.md.sha256.create());
  return forge.pki.certificationRequestToPem(request);
}
