// The credentials that EdgeSync makes for a Hub and an Edge: a replication account for LDAP, and an SMTP credential for each
// direction. A password is made here, sealed at once to the server that will present it, and only a verifier is kept for
// the side that receives it.

import { randomBytes } from 'node:crypto';
import { type EdgeSyncCredential, isInForce } from '../directory/edge-sync-credential.ts';
import { makePasswordVerifier } from '../directory/password-verifier.ts';
import type { TransportServer } from '../directory/transport-server.ts';
import { seal } from '../directory/sealed-secret.ts';
import type { Window } from './credential-rotation.ts';
import { deriveScramVerifier, encodeScramVerifier } from '../smtp/scram-verifier.ts';

const PASSWORD_BYTES = 48;

export interface PairOfServers {
  readonly hub: { readonly fqdn: string; readonly encryptionKeyPem: string };
  readonly edge: { readonly fqdn: string; readonly encryptionKeyPem: string };
}

/** What AD keeps on the two server objects for this pair. */
export interface MailCredentials {
  readonly onHub: EdgeSyncCredential;
  readonly onEdge: EdgeSyncCredential;
}

/** The hub's account in the Edge's ADAM; its password is kept there as that ADAM can check it. */
export async function makeReplicationCredential(
  { hub, edge }: Pick<PairOfServers, 'hub'> & { readonly edge: Pick<TransportServer, 'fqdn' | 'passwordScheme'> },
  accountName: string,
  window: Window,
): Promise<EdgeSyncCredential> {
  const password = makePassword();
  return {
    ...window,
    sourceServerFqdn: hub.fqdn,
    targetServerFqdn: edge.fqdn,
    purpose: 'LDAP',
    userName: accountName,
    sealedPassword: seal(hub.encryptionKeyPem, password, accountName),
    verifier: await makePasswordVerifier(password, edge.passwordScheme),
  };
}

/** What the two prove themselves with in mail, each to the other. */
export function makeMailCredentials({ hub, edge }: PairOfServers, window: Window): MailCredentials {
  const toEdge = { ...window, sourceServerFqdn: hub.fqdn, targetServerFqdn: edge.fqdn };
  const toHub = { ...window, sourceServerFqdn: edge.fqdn, targetServerFqdn: hub.fqdn };
  return {
    onHub: makeSmtpCredential(toEdge, hub.encryptionKeyPem),
    onEdge: makeSmtpCredential(toHub, edge.encryptionKeyPem),
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

/**
 * Credentials for LDAP towards an Edge in the order in which to try them: the Hub's own before the bootstrap one, and of its
 * own the successor first from the day it comes into force, so that it is tried while there is another to fall back on.
 */
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
    .toSorted((a, b) => rank(a, now) - rank(b, now) || b.effective.getTime() - a.effective.getTime());
}

/** One that is only in force by the tolerance for the other side's clock comes after one that is without. */
function rank({ sourceServerFqdn, effective }: EdgeSyncCredential, now: Date): number {
  if (sourceServerFqdn === '') return 2;
  return effective.getTime() <= now.getTime() ? 0 : 1;
}

/** Whether a hub takes part in EdgeSync with an Edge: it does when AD keeps a credential for LDAP for it, even one that has expired. */
export function takesPartInSync({ credentials }: Pick<TransportServer, 'credentials'>, edgeFqdn: string): boolean {
  return credentials.some(({ purpose, targetServerFqdn }) => purpose === 'LDAP' && isSame(targetServerFqdn, edgeFqdn));
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
