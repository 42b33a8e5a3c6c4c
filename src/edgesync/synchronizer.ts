// EdgeSync on the Hub: pushes what AD says into the ADAM of each subscribed Edge, over LDAPS that trust/ has judged before the
// password leaves, as one LDAP transaction (RFC 5805): the Edge has all of it or keeps what it had. AD is the truth; a round
// that fails anywhere can simply be run again. One round at a time for each Edge.

import type { Clock } from '../clock.ts';
import type { ActiveDirectory } from '../directory/active-directory.ts';
import { chooseCredential } from '../directory/edge-sync-credential.ts';
import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import { replicationAccountName } from '../directory/account.ts';
import { type SecretKey, unseal } from '../directory/sealed-secret.ts';
import type { TransportServer } from '../directory/transport-server.ts';
import { type LdapClient, connectLdap } from '../ldap/client.ts';
import { LdapFault, ResultCode } from '../ldap/result.ts';
import type { Log } from '../log.ts';
import { isProblem, messageOf, Problem } from '../problem.ts';
import { isSameCertificate } from '../tls/certificate.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import type { TlsSession } from '../tls/tls-session.ts';
import type { EventLog } from '../tracking/event-log.ts';
import { createEvent } from '../tracking/events.ts';
import { judge, requirementFor } from '../trust/policies.ts';
import { ldapCredentials, makePairCredentials } from './credential.ts';
import { type ReplicaState, planReplica, readReplica } from './replica.ts';

export interface SynchronizerOptions {
  readonly activeDirectory: ActiveDirectory;
  readonly secretKey: SecretKey;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventLog;
  readonly ownKeyPair: () => KeyPair | undefined;
  /** From the config's hosts table; undefined: the name itself is resolved. */
  readonly hostOf: (fqdn: string) => string | undefined;
}

/** Exchange's words for how a round ended. */
export type SyncResult = 'Success' | 'CouldNotConnect' | 'Aborted';

export interface SyncReport {
  readonly result: SyncResult;
  readonly type: 'Configuration';
  /** The Edge's name. */
  readonly name: string;
  readonly failureDetails: string;
  readonly startUtc: Date;
  readonly endUtc: Date;
  readonly added: number;
  readonly deleted: number;
  readonly updated: number;
  readonly scanned: number;
  readonly targetScanned: number;
}

type Counts = Pick<SyncReport, 'added' | 'deleted' | 'updated' | 'scanned' | 'targetScanned'>;

const NOTHING: Counts = { added: 0, deleted: 0, updated: 0, scanned: 0, targetScanned: 0 };
/** A credential that ends within this time is replaced by the next round. */
const RENEW_BEFORE_MS = 30 * 86_400_000;

interface Bound {
  readonly client: LdapClient;
  readonly isBootstrap: boolean;
}

export class Synchronizer {
  readonly #options: SynchronizerOptions;
  readonly #running = new Map<string, Promise<SyncReport>>();

  constructor(options: SynchronizerOptions) {
    this.#options = options;
  }

  /** A round with each subscribed Edge, or with the one named; never rejects for what an Edge does. */
  async synchronize(edgeName?: string): Promise<readonly SyncReport[]> {
    const { edges } = this.#options.activeDirectory.snapshot();
    const chosen = edges.filter(({ name }) => edgeName === undefined || name.toLowerCase() === edgeName.toLowerCase());
    if (edgeName !== undefined && chosen.length === 0)
      throw new Problem('not-found', `there is no Edge Subscription "${edgeName}"`);
    return Promise.all(chosen.map((edge) => this.#join(edge)));
  }

  /** A round that is under way is waited for, and another follows: it may have read what has changed since. */
  #join(edge: EdgeSubscription): Promise<SyncReport> {
    const before = this.#running.get(edge.name) ?? Promise.resolve();
    const round = before.then(() => this.#run(edge.name));
    this.#running.set(edge.name, round);
    return round;
  }

  async #run(name: string): Promise<SyncReport> {
    const { clock, events, log } = this.#options;
    const startUtc = clock.now();
    const report = (result: SyncResult, failureDetails: string, counts: Counts): SyncReport => ({
      result,
      type: 'Configuration',
      name,
      failureDetails,
      startUtc,
      endUtc: clock.now(),
      ...counts,
    });
    try {
      const counts = await this.#push(name);
      events.record(
        createEvent('SynchronizationFinished', {
          edge: name,
          added: counts.added,
          updated: counts.updated,
          deleted: counts.deleted,
        }),
      );
      return report('Success', '', counts);
    } catch (error) {
      if (!isProblem(error))
        log.error({ edge: name, error: messageOf(error), stack: (error as Error).stack }, 'a sync round failed');
      const result = isProblem(error, 'ldap-unreachable') ? 'CouldNotConnect' : 'Aborted';
      const sentence = isProblem(error) ? error.message : 'an internal error, see the log';
      events.record(createEvent('SynchronizationFailed', { edge: name, result, cause: sentence }));
      return report(result, sentence, NOTHING);
    }
  }

  async #push(name: string): Promise<Counts> {
    const { client, isBootstrap } = await this.#connect(this.#edge(name));
    try {
      const state = await readReplica(client, name);
      await this.#ensureCredentials(name, state);
      const snapshot = this.#options.activeDirectory.snapshot();
      const plan = planReplica(snapshot, this.#edge(name), state);
      if (plan.operations.length > 0) await client.apply(plan.operations);
      if (isBootstrap) await this.#proveAccount(name);
      return plan.counts;
    } finally {
      await client.close();
    }
  }

  #edge(name: string): EdgeSubscription {
    const edge = this.#options.activeDirectory.snapshot().edges.find((candidate) => candidate.name === name);
    if (!edge) throw new Problem('not-found', `the Edge Subscription "${name}" was removed meanwhile`);
    return edge;
  }

  /** The Hub's own account first; the bootstrap account of the file while there is no other, or the Edge does not know it. */
  async #connect(edge: EdgeSubscription): Promise<Bound> {
    const { activeDirectory, clock } = this.#options;
    const credentials = ldapCredentials(activeDirectory.snapshot().self.credentials, edge.fqdn, clock.now());
    if (credentials.length === 0) {
      throw new Problem(
        'subscription-expired',
        `this hub has no credential in force for ${edge.name}: export a new Edge Subscription there and import it here`,
      );
    }
    let last: unknown;
    for (const { userName, sealedPassword, sourceServerFqdn } of credentials) {
      const client = await this.#dial(edge);
      try {
        await client.bindSimple(
          bindName(userName),
          unseal(this.#options.secretKey, sealedPassword ?? Buffer.alloc(0), userName),
        );
        return { client, isBootstrap: sourceServerFqdn === '' };
      } catch (error) {
        await client.close();
        if (!(error instanceof LdapFault && error.resultCode === ResultCode.invalidCredentials)) throw error;
        last = error;
      }
    }
    throw new Problem(
      'credential-refused',
      `${edge.name} refused this hub's credential: export a new Edge Subscription there and import it here`,
      { cause: last },
    );
  }

  #dial(edge: EdgeSubscription): Promise<LdapClient> {
    const { hostOf, ownKeyPair } = this.#options;
    const pair = ownKeyPair();
    return connectLdap({
      host: hostOf(edge.fqdn) ?? edge.fqdn,
      port: edge.adamSslPort,
      servername: edge.fqdn,
      ...(pair && { clientCertificate: pair }),
      approve: (session) => this.#judge(edge, session),
    });
  }

  /** trust/'s two questions, asked before a byte of LDAP is sent. */
  #judge(edge: EdgeSubscription, session: TlsSession): Problem | undefined {
    const { activeDirectory, clock, events, ownKeyPair } = this.#options;
    const requirement = requirementFor(
      {
        purpose: 'edgesync',
        stance: 'require',
        peer: edge.certificate && { fqdn: edge.fqdn, certificate: edge.certificate },
        own: ownKeyPair()?.certificate,
        settings: activeDirectory.snapshot().transportConfig,
      },
      clock.now(),
    );
    const verdict = judge(requirement, { kind: 'established', session }, { now: clock.now(), hasWaited: false });
    const shown = session.peerCertificate;
    if (verdict.action === 'proceed') {
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
    events.record(
      createEvent('FailedDirectTrustMatch', { server: edge.fqdn, thumbprint: shown?.thumbprint ?? 'none' }),
    );
    return new Problem(
      'direct-trust-failed',
      `${edge.fqdn} showed the certificate ${shown?.thumbprint ?? 'none'}, which is not the one of its Edge Subscription: nothing was sent; export a new subscription there and import it here`,
    );
  }

  /** Makes this hub's credentials for the Edge when there are none, they end soon, or the Edge's key for secrets is another. */
  async #ensureCredentials(name: string, state: ReplicaState): Promise<void> {
    const { activeDirectory, clock, secretKey } = this.#options;
    const edge = this.#edge(name);
    refuseSharedCertificate(activeDirectory.snapshot().hubs, state.self);
    const { encryptionKeyPem } = state.self;
    if (encryptionKeyPem === undefined)
      throw new Problem('edge-incomplete', `${name} has published no key for secrets: restart it`);
    const { self } = activeDirectory.snapshot();
    const soon = new Date(clock.now().getTime() + RENEW_BEFORE_MS);
    const known = chooseCredential(
      self.credentials,
      { purpose: 'LDAP', sourceServerFqdn: self.fqdn, targetServerFqdn: edge.fqdn },
      soon,
    );
    if (known && edge.encryptionKeyPem === encryptionKeyPem) return;
    const account = replicationAccountName(edge.name, self.name, nextAccountNumber(edge.name, self, state));
    const made = await makePairCredentials(
      {
        hub: { fqdn: self.fqdn, encryptionKeyPem: secretKey.publicKeyPem },
        edge: { fqdn: edge.fqdn, encryptionKeyPem },
      },
      account,
      clock.now(),
    );
    await activeDirectory.updateServer(edge.name, { encryptionKeyPem, credentials: made.onEdge });
    const others = self.credentials.filter(
      ({ targetServerFqdn, sourceServerFqdn }) => targetServerFqdn !== edge.fqdn || sourceServerFqdn === '',
    );
    await activeDirectory.updateServer(self.name, { credentials: [...others, ...made.onHub] });
  }

  /** A bind with the new account shows that it works, and ends the bootstrap account on the Edge. */
  async #proveAccount(name: string): Promise<void> {
    const { client } = await this.#connect(this.#edge(name));
    await client.close();
  }
}

/** The file names its account by DN, ADAM finds one of our own by its first part. */
function bindName(userName: string): string {
  return userName.includes('=') ? userName : `CN=${userName}`;
}

function nextAccountNumber(edgeName: string, hub: TransportServer, state: ReplicaState): number {
  const prefix = replicationAccountName(edgeName, hub.name, 0).replace(/0$/, '').toLowerCase();
  const names = [...state.accountNames, ...hub.credentials.map(({ userName }) => userName)];
  const numbers = names
    .filter((name) => name.toLowerCase().startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length)));
  return Math.max(-1, ...numbers.filter(Number.isInteger)) + 1;
}

/** One certificate on two servers would let each pass for the other. */
function refuseSharedCertificate(hubs: readonly TransportServer[], edge: TransportServer): void {
  const { certificate } = edge;
  const shared = certificate && hubs.find((hub) => hub.certificate && isSameCertificate(hub.certificate, certificate));
  if (!shared) return;
  throw new Problem(
    'certificate-on-two-servers',
    `${edge.name} and ${shared.name} have the same certificate ${certificate.thumbprint}: every server needs one of its own`,
  );
}
