// Takes a PFX file (PKCS#12, RFC 7292) apart: private keys and certificates, byte for byte as they were put in. node-forge's
// own reader knows RSA only and writes certificates anew, so only its ASN.1 is used. What belongs to what, and whether it is
// supported, is certificate-import.ts.

import { createPrivateKey, type KeyObject } from 'node:crypto';
import type forge from 'node-forge';
import { isProblem, Problem } from '../problem.ts';
import { childOf, childrenOf, decodeAsn1, encodeAsn1, integerOf, octetsOf, oidOf } from './asn1.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { decryptWithPassword, type PfxPassword, verifyMac } from './pfx-encryption.ts';

export interface PfxContent {
  readonly keys: readonly KeyObject[];
  readonly certificates: readonly Certificate[];
}

export const OID = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
} as const;

const MAX_PFX_BYTES = 1024 * 1024;
const MAX_BAGS = 64;

/** Reads a PFX; throws Problem `pfx-unreadable` or `pfx-password-wrong`. */
export function readPfx(file: Buffer, password = ''): PfxContent {
  if (file.length > MAX_PFX_BYTES) throw unreadable();
  try {
    // "No password" has two spellings in PKCS#12.
    const passwords: readonly PfxPassword[] = password === '' ? ['', null] : [password];
    for (const candidate of passwords) {
      const content = openPfx(file, candidate);
      if (content !== undefined) return content;
    }
  } catch (error) {
    throw isProblem(error) ? error : unreadable(error);
  }
  throw new Problem(
    'pfx-password-wrong',
    password === ''
      ? 'the PFX file is protected by a password, and none was given'
      : 'the password does not open the PFX file',
  );
}

/** Undefined when the password does not fit. */
function openPfx(file: Buffer, password: PfxPassword): PfxContent | undefined {
  const [version, authSafe, macData] = childrenOf(decodeAsn1(file));
  if (integerOf(version) !== 3 || oidOf(childOf(authSafe, 0)) !== OID.data) {
    throw new TypeError('not a PFX of version 3 with a password');
  }
  const content = octetsOf(childOf(childOf(authSafe, 1), 0));
  if (macData !== undefined && !verifyMac(macData, content, password)) return undefined;
  const keys: KeyObject[] = [];
  const certificates: Certificate[] = [];
  for (const contentInfo of childrenOf(decodeAsn1(content))) {
    const bags = openSafe(contentInfo, password);
    if (bags === undefined) return undefined;
    for (const bag of childrenOf(decodeAsn1(bags))) {
      if (keys.length + certificates.length >= MAX_BAGS) throw new RangeError('too many bags');
      const found = openBag(bag, password);
      if (found === 'wrong-password') return undefined;
      if (found?.key !== undefined) keys.push(found.key);
      if (found?.certificate !== undefined) certificates.push(found.certificate);
    }
  }
  return { keys, certificates };
}

function openSafe(contentInfo: forge.asn1.Asn1, password: PfxPassword): Buffer | undefined {
  const content = childOf(childOf(contentInfo, 1), 0);
  const type = oidOf(childOf(contentInfo, 0));
  if (type === OID.data) return octetsOf(content);
  if (type !== OID.encryptedData) throw new TypeError('a safe of a kind that is not known here');
  const [, algorithm, encrypted] = childrenOf(childOf(content, 1));
  if (algorithm === undefined) throw new TypeError('an encrypted safe without its algorithm');
  return decryptWithPassword(algorithm, octetsOf(encrypted), password);
}

type OpenedBag = { key?: KeyObject; certificate?: Certificate } | undefined | 'wrong-password';

function openBag(bag: forge.asn1.Asn1, password: PfxPassword): OpenedBag {
  const value = childOf(childOf(bag, 1), 0);
  const type = oidOf(childOf(bag, 0));
  if (type === OID.keyBag) return { key: readKey(encodeAsn1(value)) };
  if (type === OID.shroudedKeyBag) {
    const der = decryptWithPassword(childOf(value, 0), octetsOf(childOf(value, 1)), password);
    return der === undefined ? 'wrong-password' : { key: readKey(der) };
  }
  if (type !== OID.certificateBag || oidOf(childOf(value, 0)) !== OID.x509Certificate) return undefined;
  return { certificate: parseCertificate(octetsOf(childOf(childOf(value, 1), 0))) };
}

function readKey(der: Buffer): KeyObject {
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function unreadable(cause?: unknown): Problem {
  return new Problem('pfx-unreadable', 'the file is no PFX (PKCS #12) that can be read here, or it is damaged', {
    cause,
  });
}
