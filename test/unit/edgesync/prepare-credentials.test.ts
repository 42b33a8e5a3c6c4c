// What EdgeSync makes in AD for the hubs of a site and an Edge: over a real AD with several hubs, each with a key of its own.

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ActiveDirectory } from '../../../src/directory/active-directory.ts';
import type { Directory } from '../../../src/directory/directory.ts';
import type { EdgeSyncCredential } from '../../../src/directory/edge-sync-credential.ts';
import type { EdgeSubscription } from '../../../src/directory/edge-subscription.ts';
import { toAdd } from '../../../src/directory/entry-diff.ts';
import { openSecretKey, type SecretKey, unseal } from '../../../src/directory/sealed-secret.ts';
import { type TransportServer, transportServerView } from '../../../src/directory/transport-server.ts';
import { makeBootstrapCredential } from '../../../src/edgesync/credential.ts';
import { prepareCredentials } from '../../../src/edgesync/prepare-credentials.ts';
import type { SyncScene } from '../../../src/edgesync/sync-type.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { EDGE, makeServer, makeSubscription, openHub, SITE, temporaryFolder } from '../directory/fixtures.ts';

const START = new Date('2026-01-01T12:00:00.000Z');
const DAY_MS = 86_400_000;

/** A site whose first hub is the one that synchronizes. */
class Site {
  readonly clock = new HandClock(START);
  readonly keys = new Map<string, SecretKey>();
  readonly ad: ActiveDirectory;
  readonly directory: Directory;

  private constructor(ad: ActiveDirectory, directory: Directory) {
    this.ad = ad;
    this.directory = directory;
  }

  static async open(): Promise<Site> {
    const { ad, directory } = await openHub();
    const site = new Site(ad, directory);
    await ad.publishServer({ encryptionKeyPem: site.#keyOf('HUB01').publicKeyPem });
    return site;
  }

  /** A hub that joins AD. */
  async addHub(name: string, given: Partial<TransportServer> = {}): Promise<void> {
    const encryptionKeyPem = this.#keyOf(name).publicKeyPem;
    const server = makeServer({
      name,
      fqdn: `${name.toLowerCase()}.contoso.test`,
      site: SITE,
      encryptionKeyPem,
      ...given,
    });
    await this.directory.apply([toAdd(transportServerView.toEntry(server, this.ad.layout.servers))]);
    await this.ad.refresh();
  }

  /** Imports a subscription file, as New-EdgeSubscription does. */
  subscribe(at = START): Promise<void> {
    const file = {
      edgeServerFqdn: EDGE.fqdn,
      esraUsername: 'CN=ESRA.EDGE01',
      esraPassword: 'bootstrap',
      effectiveDate: at,
      durationMs: DAY_MS,
    };
    return this.ad.subscribe({
      subscription: makeSubscription({ subscriptionEffective: at }),
      createInboundSendConnector: true,
      createInternetSendConnector: true,
      credentialsFor: ({ encryptionKeyPem }) =>
        encryptionKeyPem === undefined ? [] : [makeBootstrapCredential(encryptionKeyPem, file)],
    });
  }

  /** What a round does in AD before it plans. */
  async prepare(accountNames: readonly string[] = []): Promise<void> {
    const self = makeServer({ ...EDGE, role: 'EdgeTransport', encryptionKeyPem: this.#keyOf('EDGE01').publicKeyPem });
    const state = { self, accountNames };
    await prepareCredentials.prepare({
      activeDirectory: this.ad,
      clock: this.clock,
      edge: this.edge,
      state,
    } as unknown as SyncScene);
  }

  get edge(): EdgeSubscription {
    const [edge] = this.ad.snapshot().edges;
    if (!edge) throw new Error('no Edge is subscribed');
    return edge;
  }

  credentialsOf(name: string): readonly EdgeSyncCredential[] {
    return this.ad.snapshot().servers.find((server) => server.name === name)?.credentials ?? [];
  }

  /** `LDAP ESRA.EDGE01.HUB01.0`, `SMTP hub01.contoso.test > edge01.perimeter.test` … of a server. */
  listOf(name: string): string[] {
    return this.credentialsOf(name)
      .map(({ purpose, userName, sourceServerFqdn: source, targetServerFqdn: target }) =>
        purpose === 'LDAP' ? `LDAP ${userName}` : `SMTP ${source} > ${target}`,
      )
      .toSorted((a, b) => a.localeCompare(b));
  }

  /** The server's own key must open every password that is kept for it, and no other server's may. */
  expectSealedToOwner(name: string): void {
    for (const { sealedPassword, userName } of this.credentialsOf(name)) {
      if (!sealedPassword) continue;
      for (const [owner, key] of this.keys) {
        const open = (): Buffer => unseal(key, sealedPassword, userName);
        if (owner === name) expect(open().length).toBeGreaterThan(8);
        else expect(open).toThrow(/not sealed to the key of this server/);
      }
    }
  }

  #keyOf(name: string): SecretKey {
    const key = this.keys.get(name) ?? openSecretKey(join(temporaryFolder(), name));
    this.keys.set(name, key);
    return key;
  }
}

const BOOTSTRAP = 'LDAP CN=ESRA.EDGE01';
const mail = (hub: string): string[] => [`SMTP ${hub}.contoso.test > ${EDGE.fqdn}`];

describe('credentials of a site with several hubs', () => {
  it('every hub of the site can use the subscription file at import, with its own key alone', async () => {
    const site = await Site.open();
    await site.addHub('HUB02');
    await site.addHub('HUB03', { site: 'Elsewhere' });
    await site.addHub('HUB04', { encryptionKeyPem: undefined });
    await site.subscribe();
    const lists = ['HUB01', 'HUB02', 'HUB03', 'HUB04'].map((name) => site.listOf(name));
    expect(lists).toEqual([[BOOTSTRAP], [BOOTSTRAP], [], []]);
    for (const name of ['HUB01', 'HUB02']) site.expectSealedToOwner(name);
  });

  it('the first round makes an account for each of them, and mail credentials with the Edge, in one step', async () => {
    const site = await Site.open();
    await site.addHub('HUB02');
    await site.subscribe();
    let changes = 0;
    site.directory.onChange(() => (changes += 1));
    await site.prepare();
    expect(changes).toBe(1);
    for (const number of ['01', '02']) {
      const name = `HUB${number}`;
      expect(site.listOf(name)).toEqual([BOOTSTRAP, `LDAP ESRA.EDGE01.${name}.0`, ...mail(`hub${number}`)]);
      site.expectSealedToOwner(name);
    }
    expect(site.listOf('EDGE01')).toEqual([
      `SMTP ${EDGE.fqdn} > hub01.contoso.test`,
      `SMTP ${EDGE.fqdn} > hub02.contoso.test`,
    ]);
    site.expectSealedToOwner('EDGE01');
    const before = JSON.stringify(site.ad.snapshot().servers.map(({ credentials }) => credentials));
    await site.prepare();
    expect(JSON.stringify(site.ad.snapshot().servers.map(({ credentials }) => credentials))).toBe(before);
  });

  it('a hub that came later can prove itself in mail, and takes no part in EdgeSync until the Edge is subscribed again', async () => {
    const site = await Site.open();
    await site.subscribe();
    await site.prepare();
    const before = site.credentialsOf('HUB01');
    await site.addHub('HUB02');
    await site.prepare();
    expect(site.listOf('HUB02')).toEqual(mail('hub02'));
    expect(site.credentialsOf('HUB01')).toEqual(before);
    expect(site.listOf('EDGE01')).toContain(`SMTP ${EDGE.fqdn} > hub02.contoso.test`);

    await site.subscribe(new Date(START.getTime() + DAY_MS));
    expect(site.listOf('HUB02')).toEqual([BOOTSTRAP, ...mail('hub02')]);
    await site.prepare(['ESRA.EDGE01', 'ESRA.EDGE01.HUB01.0']);
    expect(site.listOf('HUB02')).toEqual([BOOTSTRAP, 'LDAP ESRA.EDGE01.HUB02.0', ...mail('hub02')]);
    expect(site.listOf('HUB01')).toContain('LDAP ESRA.EDGE01.HUB01.1');
  });

  it('a successor is made 7 days before the end of an account, comes into force 3 days before, and the old one goes at its end', async () => {
    const site = await Site.open();
    await site.addHub('HUB02');
    await site.subscribe();
    await site.prepare();
    const accounts = (name: string): string[] =>
      site
        .credentialsOf(name)
        .filter(({ purpose, sourceServerFqdn }) => purpose === 'LDAP' && sourceServerFqdn !== '')
        .map(({ userName, effective, expiration }) => `${userName} ${dayOf(effective)}-${dayOf(expiration)}`);
    expect(accounts('HUB02')).toEqual(['ESRA.EDGE01.HUB02.0 0-90']);
    site.clock.advance(82 * DAY_MS);
    await site.prepare();
    expect(accounts('HUB02')).toEqual(['ESRA.EDGE01.HUB02.0 0-90']);
    site.clock.advance(DAY_MS);
    await site.prepare();
    await site.prepare();
    const both = (name: string) => [`ESRA.EDGE01.${name}.0 0-90`, `ESRA.EDGE01.${name}.1 87-177`];
    expect([accounts('HUB01'), accounts('HUB02')]).toEqual([both('HUB01'), both('HUB02')]);
    site.expectSealedToOwner('HUB02');
    site.clock.advance(7 * DAY_MS);
    await site.prepare();
    expect(accounts('HUB02')).toEqual(['ESRA.EDGE01.HUB02.1 87-177']);
  });

  it('do not undo what a round with another Edge, or another hub, adds while they are made', async () => {
    const site = await Site.open();
    await site.subscribe();
    const others = { sourceServerFqdn: 'hub01.contoso.test', targetServerFqdn: 'edge02.perimeter.test' };
    const window = { effective: START, expiration: new Date(START.getTime() + DAY_MS) };
    const other = { ...others, ...window, userName: 'ESRA.EDGE02.HUB01.0', purpose: 'LDAP', verifier: 'v' } as const;
    const back = { ...other, sourceServerFqdn: EDGE.fqdn, targetServerFqdn: 'hub09.contoso.test' } as const;
    const preparing = site.prepare();
    await site.ad.changeServer('HUB01', ({ credentials }) => ({ credentials: [...credentials, other] }));
    await site.ad.changeServer('EDGE01', ({ credentials }) => ({ credentials: [...credentials, back] }));
    await preparing;
    expect(site.listOf('HUB01')).toEqual([
      BOOTSTRAP,
      'LDAP ESRA.EDGE01.HUB01.0',
      'LDAP ESRA.EDGE02.HUB01.0',
      ...mail('hub01'),
    ]);
    expect(site.listOf('EDGE01')).toEqual(['LDAP ESRA.EDGE02.HUB01.0', `SMTP ${EDGE.fqdn} > hub01.contoso.test`]);
  });

  it('what was forgotten until it ended is made anew at once', async () => {
    const site = await Site.open();
    await site.subscribe();
    await site.prepare();
    site.clock.advance(100 * DAY_MS);
    await site.prepare();
    expect(site.listOf('HUB01')).toEqual(['LDAP ESRA.EDGE01.HUB01.1', ...mail('hub01')]);
  });

  it('credentials for mail overlap as well, both directions alike', async () => {
    const site = await Site.open();
    await site.subscribe();
    await site.prepare();
    const windows = (name: string): string[] =>
      site
        .credentialsOf(name)
        .filter(({ purpose }) => purpose === 'SMTP')
        .map(({ effective, expiration }) => `${dayOf(effective)}-${dayOf(expiration)}`);
    site.clock.advance(700 * DAY_MS);
    await site.prepare();
    expect([windows('HUB01'), windows('EDGE01')]).toEqual([
      ['0-730', '723-1453'],
      ['0-730', '723-1453'],
    ]);
    site.clock.advance(30 * DAY_MS);
    await site.prepare();
    expect([windows('HUB01'), windows('EDGE01')]).toEqual([['723-1453'], ['723-1453']]);
  });
});

/** Days since the start. */
function dayOf(date: Date): number {
  return (date.getTime() - START.getTime()) / DAY_MS;
}
