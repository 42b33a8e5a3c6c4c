// AD on two slapds that copy from each other or one from the other: whoever is killed, what was read stays readable, a change
// is made at a provider or refused in one sentence, and no hub misses a change by moving from one to the other.

import { afterEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/clock.ts';
import { ActiveDirectory } from '../../src/directory/active-directory.ts';
import { LdapDirectory } from '../../src/directory/ldap-directory.ts';
import type { LdapServer, ServerChange } from '../../src/directory/ldap-servers.ts';
import { silentLog } from '../../src/log.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { requirePeer } from '../helpers/peers.ts';
import { eventually } from '../helpers/server-processes.ts';
import type { RunningSlapd } from '../helpers/slapd.ts';
import { AD_SUFFIX, readAccessRules } from '../helpers/slapd-pair.ts';
import { type SecondSlapd, SlapdReplicas } from '../helpers/slapd-replicas.ts';

const isThere = requirePeer('slapd');
const SITE = 'Default-First-Site-Name';
const LIMITS = { timeout: 180_000 };

const ends: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function start(second: SecondSlapd): Promise<SlapdReplicas> {
  const client = await createSelfSigned({ netbiosName: 'HUB01', fqdn: 'hub01.corp.test', notBefore: new Date() });
  const access = readAccessRules('ad', AD_SUFFIX);
  const replicas = await SlapdReplicas.start({ suffix: AD_SUFFIX, second, access, client });
  ends.push(() => replicas.stop());
  return replicas;
}

interface Hub {
  readonly directory: LdapDirectory;
  readonly ad: ActiveDirectory;
  readonly moves: ServerChange[];
  readonly domains: () => string[];
  readonly add: (name: string) => Promise<void>;
}

async function openHub(name: string, servers: readonly LdapServer[]): Promise<Hub> {
  const moves: ServerChange[] = [];
  const directory = await LdapDirectory.open({
    servers,
    namingContext: '',
    clock: new SystemClock(),
    refreshMs: 200,
    onServerChange: (change) => void moves.push(change),
  });
  const server = { name, fqdn: `${name.toLowerCase()}.corp.test`, site: SITE };
  const ad = await ActiveDirectory.open({ directory, server, log: silentLog() });
  ends.push(
    () => directory.close(),
    () => ad.close(),
  );
  const domains = () => ad.snapshot().acceptedDomains.map((domain) => domain.name);
  const add = (domain: string) =>
    ad.addAcceptedDomain({
      name: domain,
      domainName: `${domain}.test`,
      matchSubDomains: false,
      domainType: 'Authoritative',
      default: false,
    });
  return { directory, ad, moves, domains, add };
}

const settled = (what: string, hub: Hub, isSo: () => boolean) =>
  eventually(what, () => (isSo() && !hub.ad.isStale ? true : undefined));

const usedBy = ({ directory }: Hub, slapd: RunningSlapd) => directory.server === `127.0.0.1:${slapd.port}`;

describe.skipIf(!isThere)('a provider and its consumer', () => {
  it(
    'are read on from the consumer while the provider is away, and nothing can be changed until it is back',
    LIMITS,
    async () => {
      const replicas = await start('consumer');
      const { first: provider, second: consumer } = replicas;
      const servers = [provider, consumer].map((slapd) => replicas.server(slapd));
      const [one, two] = [await openHub('HUB01', servers), await openHub('HUB02', servers)];
      await one.add('before');
      await settled('the other hub to see it', two, () => two.domains().includes('before'));
      await replicas.awaitCopy();

      await provider.kill();
      await settled('the first to read from the consumer', one, () => usedBy(one, consumer));
      await settled('the second to read from the consumer', two, () => usedBy(two, consumer));
      expect([one.domains(), two.domains()]).toEqual([['before'], ['before']]);
      await expect(one.add('refused')).rejects.toMatchObject({
        code: 'directory-read-only',
        message: expect.stringMatching(
          /^no LDAP server that takes changes can be reached, and nothing was changed: [^\n]+$/,
        ),
      });

      await provider.resume();
      await one.add('after');
      await settled('the other hub to see it', two, () => two.domains().includes('after'));
      await settled('both to be back', one, () => usedBy(one, provider) && usedBy(two, provider));
      expect(one.domains()).not.toContain('refused');
      expect(one.moves.map(({ isBehind }) => isBehind)).toEqual([false, false]);
    },
  );

  it(
    'a change that the consumer refers elsewhere goes to the provider if it is listed, and nowhere else',
    LIMITS,
    async () => {
      const replicas = await start('consumer');
      const [provider, consumer] = [replicas.server(replicas.first), replicas.server(replicas.second)];
      const writing = await openHub('HUB01', [provider]);
      await writing.add('first');
      const reading = await openHub('HUB02', [consumer, provider]);
      await settled('the copy', reading, () => reading.domains().includes('first'));
      // Its own start wrote at the provider; the nearer one is used again when it has that.
      await settled('to read from the nearer one', reading, () => usedBy(reading, replicas.second));

      await reading.add('second');
      expect(reading.domains()).toContain('second');
      await settled('the other hub to see it', writing, () => writing.domains().includes('second'));
      await settled('to read from the nearer one again', reading, () => usedBy(reading, replicas.second));
      expect(reading.domains()).toContain('second');

      const alone = await openHub('HUB01', [consumer]);
      await expect(alone.add('third')).rejects.toMatchObject({ code: 'directory-read-only' });
    },
  );
});

describe.skipIf(!isThere)('two providers', () => {
  it(
    'take changes while either is away, and the preferred one is used again only with all that was changed',
    LIMITS,
    async () => {
      const replicas = await start('provider');
      const { first, second } = replicas;
      const servers = [first, second].map((slapd) => replicas.server(slapd));
      const [one, two] = [await openHub('HUB01', servers), await openHub('HUB02', servers)];
      const written: string[] = [];
      const write = async (count: number) => {
        for (let number = 0; number < count; number += 1) {
          const name = `d${written.length}`;
          await one.add(name);
          written.push(name);
        }
      };
      await write(3);
      await settled('the other hub to see them', two, () => two.domains().length === written.length);
      await replicas.awaitCopy();
      await first.kill();
      await settled('the second to be used', one, () => usedBy(one, second));
      await write(5);
      await settled('the other hub to see those too', two, () => two.domains().length === written.length);

      await first.resume();
      await settled('the first to be used again', one, () => usedBy(one, first));
      expect(one.domains().toSorted()).toEqual(written);
      await second.kill();
      await write(2);
      await settled('the other hub to see all', two, () => two.domains().length === written.length);
      expect(two.domains().toSorted()).toEqual(written);
      expect([...one.moves, ...two.moves].filter(({ isBehind }) => isBehind)).toEqual([]);
    },
  );
});
