// The schema file that the project ships, against its generator and against OpenLDAP's slapd: it loads, and the tree that
// every directory starts with can be put into it, under AD's naming context and under ADAM's.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ensureBaseTree, type OwnServer } from '../../src/directory/base-tree.ts';
import { adamNamingContext, adNamingContext } from '../../src/directory/layout.ts';
import { LdapDirectory } from '../../src/directory/ldap-directory.ts';
import { OBJECT_CLASSES } from '../../src/directory/schema.ts';
import { ATTRIBUTE_TYPES } from '../../src/directory/schema-attributes.ts';
import { describeAttributeType, describeObjectClass } from '../../src/directory/schema-text.ts';
import { formatSlapdSchema } from '../../src/directory/slapd-schema.ts';
import { connectLdap, type LdapClient } from '../../src/ldap/client.ts';
import { SystemClock } from '../../src/clock.ts';
import { getText, getValues } from '../../src/ldap/entry.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { requirePeer } from '../helpers/peers.ts';
import { SLAPD_PASSWORD, startSlapd } from '../helpers/slapd.ts';

const FILE = new URL('../../docker/slapd/relaypair.schema', import.meta.url).pathname;
const LAUNCHER = new URL('../../bin/relaypair.js', import.meta.url).pathname;

let keyPair: KeyPair;
beforeAll(async () => {
  keyPair = await createSelfSigned({ netbiosName: 'LDAP', fqdn: 'ldap.contoso.test', notBefore: new Date() });
});

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

describe('docker/slapd/relaypair.schema', () => {
  it('is what the schema makes, and what "relaypair schema" prints', () => {
    const file = readFileSync(FILE, 'utf8');
    expect(file).toBe(formatSlapdSchema());
    expect(execFileSync(process.execPath, [LAUNCHER, 'schema'], { encoding: 'utf8' })).toBe(file);
  });

  it('has lines that a person can read', () => {
    expect(
      formatSlapdSchema()
        .split('\n')
        .filter((line) => line.length > 120),
    ).toEqual([]);
  });
});

describe.skipIf(!requirePeer('slapd'))('slapd with the schema file', () => {
  async function openSlapd(suffix: string): Promise<LdapClient> {
    const slapd = await startSlapd({ server: keyPair, client: keyPair, suffix, schemaFile: FILE });
    ends.push(() => slapd.stop());
    const client = await connectLdap({ host: '127.0.0.1', port: slapd.port, approve: () => undefined });
    ends.push(() => client.close());
    await client.bindSimple(`cn=admin,${suffix}`, SLAPD_PASSWORD);
    return client;
  }

  const ad = adNamingContext('hub01.contoso.test');
  const adam = adamNamingContext('0f6f2d6e-0000-4000-8000-0000000000ad');
  const hub: OwnServer = { name: 'HUB01', fqdn: 'hub01.contoso.test', role: 'HubTransport', site: 'Site' };
  const edge: OwnServer = { name: 'EDGE01', fqdn: 'edge01.contoso.test', role: 'EdgeTransport' };

  it.each([
    ['AD', ad, hub],
    ['ADAM', adam, edge],
  ])('takes the tree that %s starts with', async (_what, suffix, server) => {
    const client = await openSlapd(suffix);
    const connect = () => Promise.resolve(client);
    const directory = await LdapDirectory.open({
      servers: [{ name: 'ldap', connect }],
      namingContext: suffix,
      clock: new SystemClock(),
    });
    await ensureBaseTree(directory, server);
    const found = await directory.search({ base: suffix, scope: 'sub', filter: '(objectClass=msExchExchangeServer)' });
    expect(found.map((entry) => getText(entry, 'cn'))).toEqual([server.name]);
    // A second time nothing is missing.
    await ensureBaseTree(directory, server);
  });

  it('describes every type and class of ours as we do', async () => {
    const client = await openSlapd(ad);
    const [subschema] = await client.search({ base: 'cn=Subschema', scope: 'base', attributes: ['+'] });
    const described = (name: string) =>
      (subschema ? getValues(subschema, name) : []).map((value) => value.toString('utf8').replace(/\s+/g, ' '));
    const own = <T extends { oid: string }>(items: readonly T[]) => items.filter(({ oid }) => oid.startsWith('2.25.'));
    const types = own(ATTRIBUTE_TYPES.filter(({ isOperational }) => !isOperational)).map(describeAttributeType);
    expect(described('attributeTypes')).toEqual(expect.arrayContaining(types));
    expect(described('objectClasses')).toEqual(expect.arrayContaining(own(OBJECT_CLASSES).map(describeObjectClass)));
  });
});
