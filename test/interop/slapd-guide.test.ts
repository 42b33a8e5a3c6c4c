// docs/slapd.md, done: its commands run as they stand, on ports of the test's own, and its settings lead to the two slapds.

import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/clock.ts';
import type { Config } from '../../src/config.ts';
import { parseConfig } from '../../src/config.ts';
import { ensureBaseTree } from '../../src/directory/base-tree.ts';
import { layoutOf } from '../../src/directory/layout.ts';
import { dialDirectory } from '../../src/directory/ldap-dialing.ts';
import { LdapDirectory } from '../../src/directory/ldap-directory.ts';
import { getText } from '../../src/ldap/entry.ts';
import { requirePeer } from '../helpers/peers.ts';
import { runProgram, runToSuccess } from '../helpers/program.ts';
import { freePort } from '../helpers/free-port.ts';
import { eventually } from '../helpers/server-processes.ts';

const GUIDE = readFileSync(new URL('../../docs/slapd.md', import.meta.url), 'utf8');
const isThere = requirePeer('slapd') && requirePeer('ldapsearch') && requirePeer('openssl');

let folder: string;
let ports: { ad: number; copy: number; adam: number };
const directories: LdapDirectory[] = [];

/** The blocks of one language, in order, with the ports of this test. */
function blocks(language: 'sh' | 'yaml'): string[] {
  const found = [...GUIDE.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, text]) => text ?? '');
  return found.map((text) =>
    text
      .replaceAll('50636', String(ports.adam))
      .replaceAll(':636', `:${ports.ad}`)
      .replaceAll(':1636', `:${ports.copy}`)
      // Of the names, those by which the slapds find each other are not known to this machine.
      .replaceAll(/dc0(?:\d|\[12\])\.corp\.test/g, '127.0.0.1'),
  );
}

const run = (script: string) => runToSuccess('bash', ['-eu', '-c', script], { cwd: folder, env: { HOME: folder } });

async function open(config: Config, place = 0): Promise<LdapDirectory> {
  if (config.directory.backend !== 'ldap') throw new Error('the guide is about LDAP');
  const connect = dialDirectory({
    config: config.directory,
    url: config.directory.urls[place] ?? config.directory.urls[0],
    clock: new SystemClock(),
    ownKeyPair: () => undefined,
    hostOf: (name) => (isIP(name) === 0 ? '127.0.0.1' : undefined),
  });
  const directory = await LdapDirectory.open({
    servers: [{ name: 'ldap', connect }],
    namingContext: '',
    clock: new SystemClock(),
    refreshMs: 50,
  });
  directories.push(directory);
  return directory;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-guide-'));
  symlinkSync(new URL('../../docker', import.meta.url).pathname, join(folder, 'docker'));
  ports = { ad: await freePort(), copy: await freePort(), adam: await freePort() };
});

afterAll(async () => {
  for (const directory of directories) directory.close();
  if (isThere)
    await runProgram('bash', ['-c', 'kill $(cat ad/slapd.pid ad2/slapd.pid adam/slapd.pid)'], { cwd: folder });
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!isThere)('the guide to slapd', () => {
  it('sets up AD and ADAM, which the two servers then fill', async () => {
    const [makeAd = '', _replicate, makeAdam = '', lookAtAd = '', lookAtAdam = '', ...others] = blocks('sh');
    expect(others).toEqual([]);
    await run(makeAd);
    await run(makeAdam);
    const [hub, , edge] = blocks('yaml').map((text) => parseConfig(text, join(folder, 'server.yaml')));
    if (!hub || !edge) throw new Error('the guide has the settings of both');
    const ad = await open(hub);
    await ensureBaseTree(ad, { name: 'HUB01', fqdn: hub.fqdn, role: 'HubTransport', site: hub.site });
    const adam = await open(edge);
    await ensureBaseTree(adam, { name: 'EDGE01', fqdn: edge.fqdn, role: 'EdgeTransport' });

    expect((await run(lookAtAd)).stdout).toContain('dNSHostName: hub01.corp.test');
    expect((await run(lookAtAdam)).stdout.toLowerCase()).toContain('namingcontexts: cn=configuration,cn=adam');
    // A second look finds the entry that keeps each container from being empty, and makes it no second time.
    await ensureBaseTree(ad, { name: 'HUB01', fqdn: hub.fqdn, role: 'HubTransport', site: hub.site });
  }, 180_000);

  it('lets a server see cheaply that nothing has changed, and soon that something has', async () => {
    const [hub] = blocks('yaml').map((text) => parseConfig(text, join(folder, 'server.yaml')));
    if (!hub) throw new Error('the guide has the settings of a Hub');
    const [one, two] = [await open(hub), await open(hub)];
    let asked = 0;
    let heard = 0;
    one.onChange(() => (heard += 1));
    const search = one.search.bind(one);
    one.search = (query) => {
      asked += 1;
      return search(query);
    };
    await eventually('the first looks', () => (asked > 4 ? true : undefined));
    const before = heard;
    await eventually('more looks', () => (asked > 10 ? true : undefined));
    expect(heard).toBe(before);
    const { transportSettings } = layoutOf(two.namingContext);
    const change = { operation: 'replace', attribute: 'adminDescription', values: [Buffer.from('changed')] } as const;
    await two.apply([{ kind: 'modify', dn: transportSettings, changes: [change] }]);
    await eventually('word of the change', () => (heard > before ? true : undefined));
  });

  it('adds a slapd that copies from the first one', async () => {
    await run(blocks('sh')[1] ?? '');
    const config = parseConfig(blocks('yaml')[1] ?? '', join(folder, 'server.yaml'));
    const [provider, copy] = [await open(config), await open(config, 1)];
    const { transportSettings } = layoutOf(provider.namingContext);
    const change = { operation: 'replace', attribute: 'adminDescription', values: [Buffer.from('copied')] } as const;
    await provider.apply([{ kind: 'modify', dn: transportSettings, changes: [change] }]);
    await eventually('the copy', async () => {
      const found = await copy.search({ base: transportSettings, scope: 'base' }).catch(() => []);
      return found.some((entry) => getText(entry, 'adminDescription') === 'copied') ? true : undefined;
    });
    const refused = copy.apply([{ kind: 'delete', dn: transportSettings }]);
    await expect(refused).rejects.toMatchObject({ code: 'directory-read-only' });
  }, 180_000);
});
