// Self-signed certificates on P-256 for a laboratory: a thousand times quicker to make than the RSA key of a server's own, and
// direct trust asks for nothing else. node-forge writes the frame, Node makes the key and the signature.

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import forge from 'node-forge';
import { parseCertificate } from '../tls/certificate.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import { serverExtensions } from '../tls/self-signed.ts';

export interface EcCertificateOptions {
  /** The first one is the common name too. */
  readonly domains: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

// Public in node-forge, missing in its types.
const pki = forge.pki as typeof forge.pki & { getTBSCertificate(certificate: forge.pki.Certificate): forge.asn1.Asn1 };

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
/** Where RFC 5280 §4.1 has the signature's algorithm and the subject's key in a certificate of version 3. */
const SIGNATURE_PLACE = 2;
const SUBJECT_KEY_PLACE = 6;

/** Makes key and certificate. */
export function createEcCertificate(options: EcCertificateOptions): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = sequence([oid(ECDSA_WITH_SHA256)]);
  const tbs = frameOf(options);
  const members = tbs.value as forge.asn1.Asn1[];
  members[SIGNATURE_PLACE] = algorithm;
  members[SUBJECT_KEY_PLACE] = forge.asn1.fromDer(publicKey.export({ type: 'spki', format: 'der' }).toString('latin1'));
  const certificate = parseCertificate(toDer(sequence([tbs, algorithm, signatureOf(tbs, privateKey)])));
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certificate, chain: [], privateKeyPem };
}

/** All of it but key and algorithm, for which forge knows RSA alone: a placeholder stands there. */
function frameOf({ domains, notBefore, notAfter }: EcCertificateOptions): forge.asn1.Asn1 {
  const frame = forge.pki.createCertificate();
  frame.publicKey = forge.pki.setRsaPublicKey(new forge.jsbn.BigInteger('3'), new forge.jsbn.BigInteger('3'));
  frame.serialNumber = `0a${randomBytes(15).toString('hex')}`;
  frame.validity.notBefore = notBefore;
  frame.validity.notAfter = notAfter;
  const subject = [{ name: 'commonName', value: domains[0] ?? '' }];
  frame.setSubject(subject);
  frame.setIssuer(subject);
  frame.setExtensions(serverExtensions(domains));
  frame.siginfo.algorithmOid = ECDSA_WITH_SHA256;
  frame.signatureOid = ECDSA_WITH_SHA256;
  return pki.getTBSCertificate(frame);
}

function signatureOf(tbs: forge.asn1.Asn1, key: KeyObject): forge.asn1.Asn1 {
  const { Class, Type } = forge.asn1;
  const signature = sign('sha256', toDer(tbs), key);
  return forge.asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, `\0${signature.toString('latin1')}`);
}

function sequence(members: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return forge.asn1.create(forge.asn1.Class.UNIVERSAL, forge.asn1.Type.SEQUENCE, true, members);
}

function oid(dotted: string): forge.asn1.Asn1 {
  const { Class, Type } = forge.asn1;
  return forge.asn1.create(Class.UNIVERSAL, Type.OID, false, forge.asn1.oidToDer(dotted).getBytes());
}

function toDer(node: forge.asn1.Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(node).getBytes(), 'latin1');
}
