// A self-signed certificate on P-256, for tests that need a key of another kind than RSA: node-forge writes the frame, Node the
// key and the signature.

import { generateKeyPairSync, sign } from 'node:crypto';
import forge from 'node-forge';

export interface EcPair {
  certificatePem: string;
  privateKeyPem: string;
}

// Public in node-forge, missing in its types.
const pki = forge.pki as typeof forge.pki & { getTBSCertificate(certificate: forge.pki.Certificate): forge.asn1.Asn1 };

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';

/** Valid from yesterday for a year, for one DNS name. */
export function createEcCertificate(name: string): EcPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const frame = forge.pki.createCertificate();
  frame.publicKey = forge.pki.rsa.generateKeyPair(512).publicKey;
  frame.serialNumber = '0a0b0c0d';
  frame.validity.notBefore = new Date(Date.now() - 86_400_000);
  frame.validity.notAfter = new Date(Date.now() + 365 * 86_400_000);
  const subject = [{ name: 'commonName', value: name }];
  frame.setSubject(subject);
  frame.setIssuer(subject);
  frame.setExtensions([{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }]);
  frame.siginfo.algorithmOid = ECDSA_WITH_SHA256;
  frame.signatureOid = ECDSA_WITH_SHA256;

  const algorithm = sequence([oid(ECDSA_WITH_SHA256)]);
  const tbs = pki.getTBSCertificate(frame);
  const members = tbs.value as forge.asn1.Asn1[];
  members[2] = algorithm;
  members[6] = forge.asn1.fromDer(publicKey.export({ type: 'spki', format: 'der' }).toString('latin1'));
  const signature = sign('sha256', toDer(tbs), privateKey);
  const bits = forge.asn1.create(
    forge.asn1.Class.UNIVERSAL,
    forge.asn1.Type.BITSTRING,
    false,
    `\0${signature.toString('latin1')}`,
  );
  const base64 = toDer(sequence([tbs, algorithm, bits])).toString('base64');
  return {
    certificatePem: `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`,
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
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
