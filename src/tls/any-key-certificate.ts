// Self-signed certificates for keys of every kind. node-forge writes the frame, Node makes the signature, since forge knows RSA
// alone.

import { type KeyObject, sign } from 'node:crypto';
import forge from 'node-forge';
import { absent, bitString, decodeAsn1, encodeAsn1, oid, sequence } from './asn1.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { frameCertificate } from './certificate-frame.ts';
import { formatPem } from './pem.ts';

export type KeyKind = 'rsa' | 'ecdsa' | 'ed25519';

export interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface AnyKeyContent {
  /** The first one is the common name. */
  readonly names: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** As node-forge takes them. */
  readonly extensions: object[];
}

/** Signature algorithms as RFC 4055 §5, RFC 5758 §3.2 and RFC 8410 §3 number them. */
const ALGORITHMS: Readonly<Record<KeyKind, { readonly signature: string; readonly digest: string | null }>> = {
  rsa: { signature: '1.2.840.113549.1.1.11', digest: 'sha256' },
  ecdsa: { signature: '1.2.840.10045.4.3.2', digest: 'sha256' },
  ed25519: { signature: '1.3.101.112', digest: null },
};

// Public in node-forge, missing in its types.
const pki = forge.pki as typeof forge.pki & { getTBSCertificate(certificate: forge.pki.Certificate): forge.asn1.Asn1 };

/** Where RFC 5280 §4.1 has the signature's algorithm and the subject's key in a certificate of version 3. */
const SIGNATURE_PLACE = 2;
const SUBJECT_KEY_PLACE = 6;

/** Signs `content` with the keys, which are of the kind named. */
export function signWithAnyKey(content: AnyKeyContent, kind: KeyKind, { publicKey, privateKey }: Keys): Certificate {
  const { signature, digest } = ALGORITHMS[kind];
  // RSA alone has parameters, and they are NULL.
  const algorithm = sequence(...(kind === 'rsa' ? [oid(signature), absent()] : [oid(signature)]));
  const tbs = frameOf(content, signature);
  const members = tbs.value as forge.asn1.Asn1[];
  members[SIGNATURE_PLACE] = algorithm;
  members[SUBJECT_KEY_PLACE] = decodeAsn1(publicKey.export({ type: 'spki', format: 'der' }));
  const signed = bitString(sign(digest, encodeAsn1(tbs), privateKey));
  return parseCertificate(formatPem('CERTIFICATE', encodeAsn1(sequence(tbs, algorithm, signed))));
}

/** All of it but key and algorithm, for which stand-ins are there. */
function frameOf({ names, notBefore, notAfter, extensions }: AnyKeyContent, algorithmOid: string): forge.asn1.Asn1 {
  const subject = [{ name: 'commonName', value: names[0] ?? '' }];
  const frame = frameCertificate({ subject, notBefore, notAfter, extensions });
  frame.publicKey = STAND_IN;
  frame.siginfo.algorithmOid = algorithmOid;
  frame.signatureOid = algorithmOid;
  return pki.getTBSCertificate(frame);
}

/** Never used and never seen: forge writes no frame without an RSA key. */
const STAND_IN = forge.pki.setRsaPublicKey(new forge.jsbn.BigInteger('3'), new forge.jsbn.BigInteger('3'));
