// One value of msExchServerTLSCertAcknowledged: a server of the other side has a certificate of this one on record, or will
// not have it. A value is one JSON text: {"server":"EDGE01","sha256":"…","at":"…Z","effective":"…Z"}, with "refused" and a
// sentence when the certificate was not taken.

import { z } from 'zod';
import { readJson } from './sealed-login.ts';

export interface CertificateAcknowledgement {
  /** NetBIOS name of the server that has it. */
  readonly server: string;
  /** SHA-256 of the certificate. */
  readonly sha256: string;
  /** When it was put on record there. */
  readonly at: Date;
  /** From when on every server of that side has surely read it; later than `at` where directories are read at intervals. */
  readonly effective: Date;
  /** Why it was not put on record. */
  readonly refused?: string | undefined;
}

const instant = z.iso.datetime();

const schema = z.strictObject({
  server: z.string().min(1).max(64),
  sha256: z.string().regex(/^[0-9A-F]{64}$/),
  at: instant,
  effective: instant,
  refused: z.string().min(1).max(1024).optional(),
});

export function formatCertificateAcknowledgement(acknowledgement: CertificateAcknowledgement): string {
  const { server, sha256, at, effective, refused } = acknowledgement;
  return JSON.stringify({ server, sha256, at: at.toISOString(), effective: effective.toISOString(), refused });
}

/** Throws RangeError, which quotes nothing of the text. */
export function parseCertificateAcknowledgement(text: string): CertificateAcknowledgement {
  const { data } = schema.safeParse(readJson(text));
  if (!data) throw new RangeError('not an acknowledgement of a certificate');
  const { server, sha256, refused } = data;
  const times = { at: new Date(data.at), effective: new Date(data.effective) };
  return { server, sha256, ...times, ...(refused === undefined ? {} : { refused }) };
}
