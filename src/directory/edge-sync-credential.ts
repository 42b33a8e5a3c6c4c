// One value of msExchEdgeSyncCredential: what a server proves itself with to another, for LDAP or for SMTP. The side that
// presents it keeps the password, sealed to its own key; the side that receives keeps a verifier. A value is one JSON text:
//   {"target":"edge01.example","source":"hub01.example","effective":"…Z","expiration":"…Z","user":"…","purpose":"SMTP",
//    "sealed":"base64"} or "verifier":"…"; the source is "" for the bootstrap credential.

import { z } from 'zod';
import { readJson } from './sealed-login.ts';

const CREDENTIAL_PURPOSES = ['LDAP', 'SMTP'] as const;
type CredentialPurpose = (typeof CREDENTIAL_PURPOSES)[number];

export interface EdgeSyncCredential {
  /** The server that accepts it. */
  readonly targetServerFqdn: string;
  /** The server that presents it; '' for the bootstrap credential, which comes with the subscription file. */
  readonly sourceServerFqdn: string;
  readonly effective: Date;
  readonly expiration: Date;
  readonly userName: string;
  readonly purpose: CredentialPurpose;
  /** As sealed-secret.ts makes it, for the server on whose object it is kept. */
  readonly sealedPassword?: Buffer | undefined;
  /** What the receiving side checks a proof with: a SCRAM verifier or a password verifier. */
  readonly verifier?: string | undefined;
}

const serverName = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9._-]*$/);
const instant = z.iso.datetime();

const schema = z
  .strictObject({
    target: serverName.min(1),
    source: serverName,
    effective: instant,
    expiration: instant,
    user: z.string().min(1).max(512),
    purpose: z.enum(CREDENTIAL_PURPOSES),
    sealed: z.base64().min(4).max(8192).optional(),
    verifier: z.string().min(1).max(1024).optional(),
  })
  .refine(({ effective, expiration }) => effective < expiration);

export function formatEdgeSyncCredential(credential: EdgeSyncCredential): string {
  return JSON.stringify({
    target: credential.targetServerFqdn,
    source: credential.sourceServerFqdn,
    effective: credential.effective.toISOString(),
    expiration: credential.expiration.toISOString(),
    user: credential.userName,
    purpose: credential.purpose,
    sealed: credential.sealedPassword?.toString('base64'),
    verifier: credential.verifier,
  });
}

/** Throws RangeError, which quotes nothing of the text. */
export function parseEdgeSyncCredential(text: string): EdgeSyncCredential {
  const { data } = schema.safeParse(readJson(text));
  if (!data) throw new RangeError('not an EdgeSync credential');
  return {
    targetServerFqdn: data.target,
    sourceServerFqdn: data.source,
    effective: new Date(data.effective),
    expiration: new Date(data.expiration),
    userName: data.user,
    purpose: data.purpose,
    ...(data.sealed === undefined ? {} : { sealedPassword: Buffer.from(data.sealed, 'base64') }),
    ...(data.verifier === undefined ? {} : { verifier: data.verifier }),
  };
}

/** The two servers' clocks differ a little: what one has just made must not be too young for the other. */
const CLOCK_TOLERANCE_MS = 300_000;

/** True from its effective date, less five minutes for the other side's clock, up to its expiration, which is no longer part of it. */
export function isInForce(window: { readonly effective: Date; readonly expiration: Date }, now: Date): boolean {
  return (
    window.effective.getTime() - CLOCK_TOLERANCE_MS <= now.getTime() && now.getTime() < window.expiration.getTime()
  );
}

/** The credential to use now among several for one purpose and pair of servers: in force, the one that ends last. */
export function chooseCredential(
  credentials: readonly EdgeSyncCredential[],
  wanted: Pick<EdgeSyncCredential, 'purpose' | 'sourceServerFqdn' | 'targetServerFqdn'>,
  now: Date,
): EdgeSyncCredential | undefined {
  return credentials
    .filter(
      (credential) =>
        credential.purpose === wanted.purpose &&
        isSameName(credential.sourceServerFqdn, wanted.sourceServerFqdn) &&
        isSameName(credential.targetServerFqdn, wanted.targetServerFqdn) &&
        isInForce(credential, now),
    )
    .toSorted((a, b) => b.expiration.getTime() - a.expiration.getTime())[0];
}

function isSameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
