// The way from a Hub to the ADAM of one Edge: dialled over LDAPS, judged by trust/ before a byte of LDAP is sent, bound with
// the credential that AD keeps on this hub's own object. To accept one more certificate of an Edge (a second pin, the next
// certificate of a renewal), add it in `pinsOf`: every dial asks it.

import type { OpenTap } from '../capture/tap.ts';
import type { Clock } from '../clock.ts';
import type { ActiveDirectory } from '../directory/active-directory.ts';
import type { EdgeSyncCredential } from '../directory/edge-sync-credential.ts';
import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import { heldBy } from '../directory/transport-server.ts';
import { type SecretKey, unseal } from '../directory/sealed-secret.ts';
import { connectLdap, type LdapClient } from '../ldap/client.ts';
import { childDn } from '../ldap/dn.ts';
import { LdapFault, ResultCode } from '../ldap/result.ts';
import { Problem } from '../problem.ts';
import type { Certificate } from '../tls/certificate.ts';
import { certificatesOnRecord } from '../tls/on-record.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import type { TlsSession } from '../tls/tls-session.ts';
import type { EventLog } from '../tracking/event-log.ts';
import { createEvent } from '../tracking/events.ts';
import { judge, requirementFor } from '../trust/policies.ts';
import type { Verdict } from '../trust/tls-policy.ts';
import { ldapCredentials, takesPartInSync } from './credential.ts';
import { readLayout } from './edge-state.ts';

export interface EdgeConnectionOptions {
  readonly activeDirectory: ActiveDirectory;
  /** What this hub's secrets in AD are sealed to. */
  readonly secretKey: SecretKey;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly ownKeyPair: () => KeyPair | undefined;
  /** From the config's hosts table; undefined: the name itself is resolved. */
  readonly hostOf: (fqdn: string) => string | undefined;
  /** How long others that read a shared directory at intervals need to have read a change; a minute when absent. */
  readonly settleMs?: number;
  /** Who may want to watch the connection. */
  readonly tap?: OpenTap | undefined;
}

/** A connection that is approved and bound; whoever asked for it closes it. */
export interface EdgeConnection {
  readonly client: LdapClient;
  /** True while the account of the subscription file is all this hub has: the round makes its own and proves it. */
  readonly isBootstrap: boolean;
  /** True when the Edge refused an account that AD has for it: what it holds is not what the cookie says. */
  readonly isDoubtful: boolean;
}

/**
 * This hub's own account first; the bootstrap account of the file while there is no other, or the Edge does not know it.
 * Throws Problem `sync-disabled`, `subscription-expired`, `direct-trust-failed`, `credential-refused`, `ldap-unreachable`, or LdapFault.
 */
export async function connectToEdge(edge: EdgeSubscription, options: EdgeConnectionOptions): Promise<EdgeConnection> {
  const { activeDirectory, clock } = options;
  const { self } = activeDirectory.snapshot();
  if (!takesPartInSync(self, edge.fqdn)) {
    throw new Problem(
      'sync-disabled',
      `${self.name} takes no part in EdgeSync with ${edge.name}, which was subscribed before this hub was there: export a new Edge Subscription there and import it here`,
    );
  }
  const credentials = ldapCredentials(self.credentials, edge.fqdn, clock.now());
  if (credentials.length === 0) {
    throw new Problem(
      'subscription-expired',
      `this hub's credentials for ${edge.name} have expired: export a new Edge Subscription there and import it here`,
    );
  }
  let last: unknown;
  for (const credential of credentials) {
    try {
      const client = await connectWith(edge, credential, options);
      return { client, isBootstrap: credential.sourceServerFqdn === '', isDoubtful: last !== undefined };
    } catch (error) {
      if (!(error instanceof LdapFault && error.resultCode === ResultCode.invalidCredentials)) throw error;
      noteRefusedSuccessor(edge, credential, credentials, options);
      last = error;
    }
  }
  throw new Problem(
    'credential-refused',
    `${edge.name} refused this hub's credential: export a new Edge Subscription there and import it here`,
    { cause: last },
  );
}

/** A successor is tried from the day it comes into force: while the one before it is good, there is time to see to it. */
function noteRefusedSuccessor(
  edge: EdgeSubscription,
  refused: EdgeSyncCredential,
  credentials: readonly EdgeSyncCredential[],
  { events }: EdgeConnectionOptions,
): void {
  const before = credentials.find(
    ({ sourceServerFqdn, expiration }) => sourceServerFqdn !== '' && expiration < refused.expiration,
  );
  if (!before) return;
  const { userName: account } = refused;
  events.record(
    createEvent('NextCredentialNotVerified', {
      edge: edge.name,
      account,
      present: before.userName,
      until: before.expiration,
    }),
  );
}

/** Dials and binds with one credential; throws LdapFault `invalidCredentials` when the Edge does not take it. */
async function connectWith(
  edge: EdgeSubscription,
  { userName, sealedPassword }: EdgeSyncCredential,
  options: EdgeConnectionOptions,
): Promise<LdapClient> {
  const client = await dial(edge, options);
  try {
    const password = unseal(options.secretKey, sealedPassword ?? Buffer.alloc(0), userName);
    await client.bindSimple(await bindName(client, userName), password);
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

function dial(edge: EdgeSubscription, options: EdgeConnectionOptions): Promise<LdapClient> {
  const { hostOf, ownKeyPair, tap } = options;
  const pair = ownKeyPair();
  return connectLdap({
    host: hostOf(edge.fqdn) ?? edge.fqdn,
    port: edge.adamSslPort,
    servername: edge.fqdn,
    ...(pair && { clientCertificate: pair }),
    tap,
    approve: (session) => approve(edge, session, options),
  });
}

/**
 * An Edge whose ADAM is an LDAP server of its own (slapd) carried that server's certificate in its subscription: that one alone.
 * What ADAM's door at this Edge may show: any one of them does. Not the previous certificate, which the door has left behind:
 * what is announced on this connection goes on record, and an old key must not be able to name its successor.
 */
function pinsOf(edge: EdgeSubscription, now: Date): readonly (Certificate | undefined)[] {
  if (edge.adamCertificate) return [edge.adamCertificate];
  const onRecord = certificatesOnRecord(heldBy(edge), now).filter(({ part }) => part !== 'previous');
  return onRecord.length > 0 ? onRecord.map(({ certificate }) => certificate) : [undefined];
}

/** trust/'s two questions, asked before a byte of LDAP is sent. */
function approve(edge: EdgeSubscription, session: TlsSession, options: EdgeConnectionOptions): Problem | undefined {
  const { events } = options;
  const shown = session.peerCertificate;
  const verdicts = pinsOf(edge, options.clock.now()).map((pin) => judgeByPin(edge, pin, session, options));
  const verdict = verdicts.find(({ action }) => action === 'proceed');
  if (verdict) {
    if (verdict.reason === 'expired-tls-kept' && shown) {
      events.record(
        createEvent('RemoteInternalTransportCertificateExpired', {
          subject: shown.subject,
          thumbprint: shown.thumbprint,
          notAfter: shown.notAfter,
          server: edge.fqdn,
        }),
      );
    }
    return undefined;
  }
  const thumbprint = shown?.thumbprint ?? 'none';
  events.record(createEvent('FailedDirectTrustMatch', { server: edge.fqdn, thumbprint }));
  const isReissued = verdicts.some(({ reason }) => reason === 'same-key-reissued');
  return new Problem(
    'direct-trust-failed',
    `${edge.fqdn} showed the certificate ${thumbprint}, which is not the one of its Edge Subscription${isReissued ? ' but was issued for the same key (same-key-reissued)' : ''}: nothing was sent; export a new subscription there and import it here${isReissued ? ', and stage the next one there with Enable-ExchangeCertificate -Staged before it serves' : ''}`,
  );
}

function judgeByPin(
  edge: EdgeSubscription,
  pin: Certificate | undefined,
  session: TlsSession,
  { activeDirectory, clock, ownKeyPair }: EdgeConnectionOptions,
): Verdict {
  const now = clock.now();
  const requirement = requirementFor(
    {
      purpose: 'edgesync',
      stance: 'require',
      peer: pin && { fqdn: edge.fqdn, certificate: pin },
      own: ownKeyPair()?.certificate,
      settings: activeDirectory.snapshot().transportConfig,
    },
    now,
  );
  return judge(requirement, { kind: 'established', session }, { now, hasWaited: false });
}

/** The file names its account by DN; one of our own stands among the services of the Edge's naming context. */
async function bindName(client: LdapClient, userName: string): Promise<string> {
  return userName.includes('=') ? userName : childDn('CN', userName, (await readLayout(client, userName)).services);
}
