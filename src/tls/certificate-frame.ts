// What every certificate made here has, whatever its key and whoever signs it: node-forge's form of a self-signed certificate of
// version 3, with a number of its own.

import { randomBytes } from 'node:crypto';
import forge from 'node-forge';

export interface FrameContent {
  /** The issuer's name too. */
  readonly subject: forge.pki.CertificateField[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** As node-forge takes them. */
  readonly extensions: object[];
}

/** All of it but key and signature. */
export function frameCertificate({ subject, notBefore, notAfter, extensions }: FrameContent): forge.pki.Certificate {
  const frame = forge.pki.createCertificate();
  frame.serialNumber = createSerialNumber();
  frame.validity.notBefore = notBefore;
  frame.validity.notAfter = notAfter;
  frame.setSubject(subject);
  frame.setIssuer(subject);
  frame.setExtensions(extensions);
  return frame;
}

/** 16 random bytes; the first is neither zero nor negative, so that the number is positive and keeps its length (RFC 5280 §4.1.2.2). */
function createSerialNumber(): string {
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x3f) | 0x40, 0);
  return serial.toString('hex');
}
