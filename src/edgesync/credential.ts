// The credentials that a Hub makes for one pair of servers: a replication account for LDAP, and an SMTP credential for each
// direction. A password is made here, sealed at once to the server that will present it, and only a verifier is kept for
// the side that receives it.

import { randomBytes } from 'node:crypto';
import { type EdgeSyncCredential, isInForce } from '../directory/edge-sync-credential.ts';
import { derivePasswordVerifier } from '../directory/password-verifier.ts';
import { seal } from '../directory/sealed-secret.ts';
import { deriveScramVerifier, encodeScramVerifier } from '../smtp/scram-verifier.ts';

/**
 * How long a credential lives. Exchange does not document its own; two years outlive a certificate, so that a pair whose
 * certificates have expired can still prove who is who.
 */
const CREDENTIAL_LIFETIME_MS = 730 * 86_400_000;

const PASSWORD_BYTES = 48;

export interface PairOfServers {
  readonly hub: { readonly fqdn: string; readonly encryptionKeyPem: string };
  readonly edge: { readonly fqdn: string; readonly encryptionKeyPem: string };
}

/** What AD keeps on the two server objects for this pair. */
export interface PairCredentials {
  readonly onHub: readonly EdgeSyncCredential[];
  readonly onEdge: readonly EdgeSyncCredential[];
}

/** Fresh credentials for a pair, in force from `now`. `accountName` is the replication account's. */
export async function makePairCredentials(
  pair: PairOfServers,
  accountName: string,
  now: Date,
): Promise<PairCredentials> {
  const window = { effective: now, expiration: new Date(now.getTime() + CREDENTIAL_LIFETIME_MS) };
  const toEdge = { ...window, sourceServerFqdn: pair.hub.fqdn, targetServerFqdn: pair.edge.fqdn };
  const toHub = { ...window, sourceServerFqdn: pair.edge.fqdn, targetServerFqdn: pair.hub.fqdn };
  const ldap = makePassword();
  return {
    onHub: [
      {
        ...toEdge,
        purpose: 'LDAP',
        userName: accountName,
        sealedPassword: seal(pair.hub.encryptionKeyPem, ldap, accountName),
        verifier: await derivePasswordVerifier(ldap),
      },
      makeSmtpCredential(toEdge, pair.hub.encryptionKeyPem),
    ],
    onEdge: [makeSmtpCredential(toHub, pair.edge.encryptionKeyPem)],
  };
}

type Direction = Pick<EdgeSyncCredential, 'sourceServerFqdn' | 'targetServerFqdn' | 'effective' | 'expiration'>;

/** The user name of SCRAM is the sender's own name: it is what the receiver looks up. */
function makeSmtpCredential(direction: Direction, presenterKeyPem: string): EdgeSyncCredential {
  const password = makePassword();
  const userName = direction.sourceServerFqdn;
  return {
    ...direction,
    purpose: 'SMTP',
    userName,
    sealedPassword: seal(presenterKeyPem, password, userName),
    verifier: encodeScramVerifier(deriveScramVerifier(password)),
  };
}

function makePassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('base64url');
}

/** The bootstrap credential of a subscription file, as AD keeps it for the Hub that will present it. */
export function makeBootstrapCredential(
  hubKeyPem: string,
  file: {
    readonly edgeServerFqdn: string;
    readonly esraUsername: string;
    readonly esraPassword: string;
    readonly effectiveDate: Date;
    readonly durationMs: number;
  },
): EdgeSyncCredential {
  return {
    sourceServerFqdn: '',
    targetServerFqdn: file.edgeServerFqdn,
    effective: file.effectiveDate,
    expiration: new Date(file.effectiveDate.getTime() + file.durationMs),
    userName: file.esraUsername,
    purpose: 'LDAP',
    sealedPassword: seal(hubKeyPem, file.esraPassword, file.esraUsername),
  };
}

/** Credentials for LDAP towards an Edge in the order in which to try them: the Hub's own before the bootstrap one. */
export function ldapCredentials(
  credentials: readonly EdgeSyncCredential[],
  edgeFqdn: string,
  now: Date,
): readonly EdgeSyncCredential[] {
  return credentials
    .filter(
      (credential) =>
        credential.purpose === 'LDAP' && isSame(credential.targetServerFqdn, edgeFqdn) && isInForce(credential, now),
    )
    .toSorted((a, b) => Number(a.sourceServerFqdn === '') - Number(b.sourceServerFqdn === ''));
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
