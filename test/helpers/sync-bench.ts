// EdgeSync in one process: one or several hubs over one AD, an Edge's ADAM behind real LDAPS on loopback, all on one clock that
// a test moves. No mail, no control socket.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../../src/clock.ts';
import { ActiveDirectory } from '../../src/directory/active-directory.ts';
import { Adam } from '../../src/directory/adam.ts';
import { makeAdamDoor } from '../../src/directory/adam-door.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { DirectoryDoor } from '../../src/directory/directory-door.ts';
import { findCookie, type FoundCookie, type SyncTypeName } from '../../src/directory/edge-sync-cookie.ts';
import { EmbeddedDirectory } from '../../src/directory/embedded-directory.ts';
import { adamNamingContext, adNamingContext } from '../../src/directory/layout.ts';
import { openSecretKey, type SecretKey } from '../../src/directory/sealed-secret.ts';
import { makeBootstrapCredential } from '../../src/edgesync/credential.ts';
import type { SyncReport } from '../../src/edgesync/sync-report.ts';
import { Synchronizer } from '../../src/edgesync/synchronizer.ts';
import { LdapListener } from '../../src/ldap/server.ts';
import { silentLog } from '../../src/log.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { EventLog, type EventRecord } from '../../src/tracking/event-log.ts';

const BENCH_SITE = 'Default-First-Site-Name';
const EDGE = { name: 'EDGE01', fqdn: 'edge01.perimeter.test' } as const;
const DAY_MS = 86_400_000;

export interface BenchHub {
  readonly name: string;
  readonly ad: ActiveDirectory;
  readonly synchronizer: Synchronizer;
  readonly secretKey: SecretKey;
  readonly events: EventRecord[];
}

let edgePair: Promise<KeyPair> | undefined;
const hubPairs = new Map<string, Promise<KeyPair>>();

/** RSA keys take their time: one for each name and test file. */
function pairOf(name: string, fqdn: string): Promise<KeyPair> {
  const known = hubPairs.get(name) ?? createSelfSigned({ netbiosName: name, fqdn, notBefore: new Date() });
  hubPairs.set(name, known);
  return known;
}

export class SyncBench {
  readonly clock = new SystemClock();
  readonly folder: string;
  readonly adam: Adam;
  readonly adamDirectory: Directory;
  readonly adDirectory: Directory;
  readonly hubs: BenchHub[] = [];
  readonly #ends: (() => Promise<void> | void)[];
  /** Where hubs reach the Edge; a test may put something in between. */
  edgePort: number;

  private constructor(parts: {
    folder: string;
    clock: SystemClock;
    adam: Adam;
    adamDirectory: Directory;
    adDirectory: Directory;
    edgePort: number;
    ends: (() => Promise<void> | void)[];
  }) {
    this.clock = parts.clock;
    this.folder = parts.folder;
    this.adam = parts.adam;
    this.adamDirectory = parts.adamDirectory;
    this.adDirectory = parts.adDirectory;
    this.edgePort = parts.edgePort;
    this.#ends = parts.ends;
  }

  static async open(): Promise<SyncBench> {
    const folder = mkdtempSync(join(tmpdir(), 'relaypair-sync-'));
    const clock = new SystemClock();
    const log = silentLog();
    const ends: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
    const adamDirectory = EmbeddedDirectory.open({
      folder: join(folder, 'adam'),
      namingContext: adamNamingContext('0f6f2d6e-0000-4000-8000-0000000000ad'),
      clock,
      log,
    });
    ends.push(() => adamDirectory.close());
    const adDirectory = EmbeddedDirectory.open({
      folder: join(folder, 'ad'),
      namingContext: adNamingContext('hub01.contoso.test'),
      clock,
      log,
    });
    ends.push(() => adDirectory.close());
    const adam = await Adam.open({ directory: adamDirectory, server: EDGE, clock, log });
    ends.push(() => adam.close());
    edgePair ??= pairOf(EDGE.name, EDGE.fqdn);
    const pair = await edgePair;
    const key = openSecretKey(join(folder, 'edge-key'));
    await adam.publishServer({ certificate: pair.certificate, encryptionKeyPem: key.publicKeyPem });
    const door = makeAdamDoor({ adam, clock });
    const listener = await LdapListener.open({
      host: '127.0.0.1',
      port: 0,
      security: { kind: 'tls', keyPair: () => pair },
      handler: new DirectoryDoor({ directory: adamDirectory, door, clock, log }),
      log,
    });
    ends.push(() => listener.close());
    return new SyncBench({ folder, clock, adam, adamDirectory, adDirectory, edgePort: listener.address.port, ends });
  }

  /** A hub of the site over the shared AD. */
  async addHub(name = 'HUB01'): Promise<BenchHub> {
    const fqdn = `${name.toLowerCase()}.contoso.test`;
    const log = silentLog();
    const { clock } = this;
    const ad = await ActiveDirectory.open({
      directory: this.adDirectory,
      server: { name, fqdn, site: BENCH_SITE },
      log,
    });
    this.#ends.push(() => ad.close());
    const secretKey = openSecretKey(join(this.folder, `${name}-key`));
    const pair = await pairOf(name, fqdn);
    await ad.publishServer({ certificate: pair.certificate, encryptionKeyPem: secretKey.publicKeyPem });
    const eventLog = new EventLog({ folder: join(this.folder, `${name}-logs`), clock, log, version: '0.0.0' });
    this.#ends.push(() => eventLog.close());
    const events: EventRecord[] = [];
    eventLog.onEvent((event) => events.push(event));
    const synchronizer = new Synchronizer({
      activeDirectory: ad,
      secretKey,
      clock,
      log,
      events: eventLog,
      ownKeyPair: () => pair,
      hostOf: () => '127.0.0.1',
    });
    this.#ends.push(() => synchronizer.close());
    const hub = { name, ad, synchronizer, secretKey, events };
    this.hubs.push(hub);
    return hub;
  }

  /** Export on the Edge and import on this hub, with the first round. */
  async subscribe(hub: BenchHub): Promise<readonly SyncReport[]> {
    const credential = await this.adam.exportSubscription(DAY_MS);
    const { self } = this.adam.snapshot();
    await hub.ad.subscribe({
      subscription: {
        ...EDGE,
        role: 'EdgeTransport',
        site: BENCH_SITE,
        certificate: self.certificate,
        credentials: [],
        adamSslPort: this.edgePort,
        subscriptionEffective: credential.effective,
        subscriptionExpires: credential.expiration,
        subscribedAt: this.clock.now(),
      },
      createInboundSendConnector: true,
      createInternetSendConnector: true,
      credentialsFor: ({ encryptionKeyPem = '' }) => [
        makeBootstrapCredential(encryptionKeyPem, {
          edgeServerFqdn: EDGE.fqdn,
          esraUsername: credential.userName,
          esraPassword: credential.password,
          effectiveDate: credential.effective,
          durationMs: DAY_MS,
        }),
      ],
    });
    return hub.synchronizer.synchronize();
  }

  /** The cookie of a type as it is on the Edge. */
  cookie(type: SyncTypeName = 'Configuration'): FoundCookie | undefined {
    return findCookie(this.adam.snapshot().self.edgeSyncCookies ?? [], type);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await end();
  }
}

/** An accepted domain to tell one state of the Edge from another by. */
export function benchDomain(domainName: string) {
  return { name: domainName, domainName, matchSubDomains: false, domainType: 'Authoritative', default: false } as const;
}

/** Result and type of each report in a line. */
export function resultsOf(reports: readonly SyncReport[]): string[] {
  return reports.map(({ type, result }) => `${type} ${result}`);
}
