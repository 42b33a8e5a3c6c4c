// Two hubs on one directory, a directory that goes away, and a server that starts while it is away. The directory is an
// embedded one behind a wall that a test can raise, so each fault happens when it shall.

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ActiveDirectory } from '../../../src/directory/active-directory.ts';
import type { Directory } from '../../../src/directory/directory.ts';
import type { EdgeSyncCredential } from '../../../src/directory/edge-sync-credential.ts';
import { KeptState } from '../../../src/directory/kept-state.ts';
import { adNamingContext } from '../../../src/directory/layout.ts';
import { makeInternetSendConnector } from '../../../src/directory/send-connector.ts';
import type { LdapOperations } from '../../../src/ldap/entry.ts';
import { fault } from '../../../src/ldap/result.ts';
import { silentLog } from '../../../src/log.ts';
import { Problem } from '../../../src/problem.ts';
import { AD_CONTEXT, closeLater, HUB, openEmbedded, SITE, temporaryFolder } from './fixtures.ts';

const HUB2 = { name: 'HUB02', fqdn: 'hub02.contoso.test', site: SITE } as const;

/** A directory that can be away, and in which somebody else can be faster. */
class Wall implements Directory {
  readonly backend = 'ldap';
  readonly namingContext: string;
  isAway = false;
  /** Runs before the next write, once: what another hub writes between our reading and our writing. */
  meanwhile: (() => Promise<void>) | undefined;
  readonly #behind: Directory;

  constructor(behind: Directory) {
    this.#behind = behind;
    this.namingContext = behind.namingContext;
  }

  search(query: Parameters<Directory['search']>[0]): ReturnType<Directory['search']> {
    return this.#isReached().then(() => this.#behind.search(query));
  }

  async *scan(query: Parameters<Directory['scan']>[0]): ReturnType<Directory['scan']> {
    yield await this.search(query);
  }

  async apply(operations: LdapOperations): Promise<void> {
    await this.#isReached();
    const first = this.meanwhile;
    this.meanwhile = undefined;
    await first?.();
    await this.#behind.apply(operations);
  }

  readChanges(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  onChange(listener: () => void): () => void {
    return this.#behind.onChange(listener);
  }

  close(): void {}

  #isReached(): Promise<void> {
    const away = new Problem('ldap-unreachable', 'dc01:636 cannot be reached over LDAP (ECONNREFUSED)');
    return this.isAway ? Promise.reject(away) : Promise.resolve();
  }
}

async function openTwoHubs() {
  const shared = openEmbedded(AD_CONTEXT);
  const walls = [new Wall(shared), new Wall(shared)] as const;
  const [one, two] = await Promise.all(
    walls.map((directory, index) =>
      ActiveDirectory.open({ directory, server: index === 0 ? HUB : HUB2, log: silentLog() }),
    ),
  );
  if (!one || !two) throw new Error('two were opened');
  for (const ad of [one, two]) closeLater(ad);
  return { shared, walls, one, two };
}

function credential(userName: string): EdgeSyncCredential {
  const [effective, expiration] = [new Date(0), new Date(Date.UTC(2100, 0))];
  const pair = { sourceServerFqdn: 'hub01.contoso.test', targetServerFqdn: 'edge01.perimeter.test' };
  return { ...pair, effective, expiration, userName, purpose: 'SMTP', verifier: 'v' };
}

const domain = (name: string, isDefault = false) => ({
  name,
  domainName: name,
  matchSubDomains: false,
  domainType: 'Authoritative' as const,
  default: isDefault,
});

describe('two hubs that write one directory', () => {
  it('keep both what each adds to the list of one object', async () => {
    const { walls, one, two } = await openTwoHubs();
    const [a, b] = [credential('a'), credential('b')];
    walls[0].meanwhile = () => two.changeServer('HUB01', () => ({ credentials: [b] }));
    await one.changeServer('HUB01', () => ({ credentials: [a] }));
    await two.refresh();
    const names = two
      .snapshot()
      .hubs.find(({ name }) => name === 'HUB01')
      ?.credentials.map(({ userName }) => userName);
    expect(new Set(names)).toEqual(new Set(['a', 'b']));
  });

  it('do not undo what the other has changed on the same object: what it becomes is made of what it is', async () => {
    const { walls, one, two } = await openTwoHubs();
    const { name } = makeInternetSendConnector(SITE, 'HUB01');
    await one.addSendConnector(makeInternetSendConnector(SITE, 'HUB01'));
    walls[0].meanwhile = () => two.replaceSendConnector(name, (current) => ({ ...current, port: 2525 }));
    await one.replaceSendConnector(name, (current) => ({ ...current, comment: 'ours' }));
    expect(one.snapshot().sendConnectors[0]).toMatchObject({ port: 2525, comment: 'ours' });
    walls[0].meanwhile = () => two.replaceSendConnector(name, (current) => ({ ...current, port: current.port + 1 }));
    await one.replaceSendConnector(name, (current) => ({ ...current, port: current.port + 1 }));
    expect(one.snapshot().sendConnectors[0]?.port).toBe(2527);
  });

  it('agree on one default accepted domain however their writes cross', async () => {
    const { walls, one, two } = await openTwoHubs();
    await one.addAcceptedDomain(domain('first.test', true));
    walls[0].meanwhile = () => two.addAcceptedDomain(domain('b.test', true));
    await one.addAcceptedDomain(domain('a.test', true));
    const { acceptedDomains } = one.snapshot();
    expect(acceptedDomains.map(({ name }) => name)).toEqual(['a.test', 'b.test', 'first.test']);
    expect(acceptedDomains.filter((each) => each.default).map(({ name }) => name)).toEqual(['a.test']);
  });

  it('say at once why a change is refused that no race explains', async () => {
    const { walls, one } = await openTwoHubs();
    walls[0].meanwhile = () => Promise.reject(fault('insufficientAccessRights', 'not you'));
    await expect(one.addAcceptedDomain(domain('a.test'))).rejects.toMatchObject({
      code: 'ldap-insufficient-access-rights',
    });
    expect(one.snapshot().acceptedDomains).toEqual([]);
  });

  it('are told of nothing while nothing changes, however often it is read', async () => {
    const { one, two } = await openTwoHubs();
    await two.refresh();
    let heard = 0;
    two.onChange(() => (heard += 1));
    await two.refresh();
    await two.refresh();
    expect(heard).toBe(0);
    await one.addAcceptedDomain(domain('a.test'));
    await two.refresh();
    expect(heard).toBe(1);
  });
});

describe('a directory that counts its changes', () => {
  it('is read again after a change of anybody, and not for who only asks', async () => {
    const directory = openEmbedded(AD_CONTEXT);
    const [one, two] = await Promise.all(
      [HUB, HUB2].map((server) => ActiveDirectory.open({ directory, server, log: silentLog() })),
    );
    if (!one || !two) throw new Error('two were opened');
    for (const ad of [one, two]) closeLater(ad);
    await Promise.all([one.refresh(), two.refresh()]);
    const search = vi.spyOn(directory, 'search');
    await one.refresh();
    expect(search).not.toHaveBeenCalled();
    await two.addAcceptedDomain(domain('a.test'));
    await one.refresh();
    expect(one.snapshot().acceptedDomains.map(({ name }) => name)).toEqual(['a.test']);
    const { length } = search.mock.calls;
    await Promise.all([one.refresh(), two.refresh()]);
    expect(search.mock.calls).toHaveLength(length);
  });
});

describe('a directory that is away', () => {
  const kept = (folder: string) => new KeptState(join(folder, 'directory', 'kept.json'), silentLog());

  async function openKept(folder = temporaryFolder()) {
    const shared = openEmbedded(AD_CONTEXT);
    const wall = new Wall(shared);
    const open = () => ActiveDirectory.open({ directory: wall, server: HUB, log: silentLog(), kept: kept(folder) });
    return { wall, shared, folder, open, ad: closeLater(await open()) };
  }

  it('leaves the last good state, and refuses writes in one sentence', async () => {
    const { ad, wall } = await openKept();
    await ad.addAcceptedDomain(domain('a.test'));
    wall.isAway = true;
    await ad.refresh();
    expect([ad.isStale, ad.snapshot().acceptedDomains.length]).toEqual([true, 1]);
    await expect(ad.addAcceptedDomain(domain('b.test'))).rejects.toMatchObject({
      code: 'directory-unreachable',
      message: expect.stringMatching(/^the directory cannot be reached, and nothing was changed: .*ECONNREFUSED/),
    });
    wall.isAway = false;
    await ad.addAcceptedDomain(domain('b.test'));
    expect([ad.isStale, ad.snapshot().acceptedDomains.length]).toEqual([false, 2]);
  });

  it('leaves it to a server that starts meanwhile, which publishes itself when the directory is back', async () => {
    const { ad, wall, shared, open } = await openKept();
    await ad.addAcceptedDomain(domain('a.test'));
    wall.isAway = true;
    const again = closeLater(await open());
    expect([again.isStale, again.snapshot().acceptedDomains.length]).toEqual([true, 1]);
    let published = 0;
    await again.keepDone(async () => void (published += 1));
    await again.refresh();
    expect(published).toBe(0);
    wall.isAway = false;
    await shared.apply([]);
    await again.refresh();
    expect([again.isStale, published]).toEqual([false, 1]);
    await again.refresh();
    expect(published).toBe(1);
  });

  it('stops a server that never knew it', async () => {
    const { wall, open } = await openKept();
    wall.isAway = true;
    const stranger = ActiveDirectory.open({
      directory: wall,
      server: HUB,
      log: silentLog(),
      kept: kept(temporaryFolder()),
    });
    await expect(stranger).rejects.toMatchObject({ code: 'ldap-unreachable' });
    await expect(open()).resolves.toMatchObject({ isStale: true });
  });

  it('is kept in a file that only its owner reads, and a damaged one counts as none', async () => {
    const { folder, wall, open } = await openKept();
    const path = join(folder, 'directory', 'kept.json');
    expect([statSync(path).mode & 0o777, statSync(join(folder, 'directory')).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(kept(folder).namingContext).toBe(AD_CONTEXT);
    expect(kept(folder).entriesOf(adNamingContext('hub01.fabrikam.test'))).toBeUndefined();
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -20));
    expect(kept(folder).namingContext).toBeUndefined();
    wall.isAway = true;
    await expect(open()).rejects.toMatchObject({ code: 'ldap-unreachable' });
  });

  it('is not written again while nothing changes', async () => {
    const { ad, folder } = await openKept();
    const path = join(folder, 'directory', 'kept.json');
    const before = statSync(path).ino;
    await ad.refresh();
    expect(statSync(path).ino).toBe(before);
    await ad.addAcceptedDomain(domain('a.test'));
    expect(statSync(path).ino).not.toBe(before);
  });
});
