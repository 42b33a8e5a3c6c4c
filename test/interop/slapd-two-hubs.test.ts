// Two hubs whose AD is one slapd, writing the same objects at the same time: slapd carries out one after the other, and
// nothing that either was told is done gets lost.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/clock.ts';
import { ActiveDirectory } from '../../src/directory/active-directory.ts';
import { LdapDirectory } from '../../src/directory/ldap-directory.ts';
import { makeInternetSendConnector } from '../../src/directory/send-connector.ts';
import { connectLdap } from '../../src/ldap/client.ts';
import { silentLog } from '../../src/log.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { requirePeer } from '../helpers/peers.ts';
import { type RunningSlapd, SLAPD_PASSWORD, SLAPD_SCHEMA, startSlapd } from '../helpers/slapd.ts';
import { AD_SUFFIX, readAccessRules } from '../helpers/slapd-pair.ts';

const isThere = requirePeer('slapd');
const SITE = 'Default-First-Site-Name';
const ROUNDS = 10;

let slapd: RunningSlapd;
const ends: { close(): void }[] = [];

beforeAll(async () => {
  if (!isThere) return;
  const pair = await createSelfSigned({ netbiosName: 'DC01', fqdn: 'dc01.corp.test', notBefore: new Date() });
  const database = readAccessRules('ad', AD_SUFFIX);
  slapd = await startSlapd({ server: pair, client: pair, suffix: AD_SUFFIX, schemaFile: SLAPD_SCHEMA, database });
});

afterAll(async () => {
  for (const end of ends.toReversed()) end.close();
  await slapd?.stop();
});

async function openHub(name: string): Promise<ActiveDirectory> {
  const connect = async () => {
    const client = await connectLdap({ host: '127.0.0.1', port: slapd.port, approve: () => undefined });
    await client.bindSimple(`cn=admin,${AD_SUFFIX}`, SLAPD_PASSWORD);
    return client;
  };
  const directory = await LdapDirectory.open({
    servers: [{ name: 'ldap', connect }],
    namingContext: '',
    clock: new SystemClock(),
  });
  const server = { name, fqdn: `${name.toLowerCase()}.corp.test`, site: SITE };
  const activeDirectory = await ActiveDirectory.open({ directory, server, log: silentLog() });
  ends.push(directory, activeDirectory);
  return activeDirectory;
}

describe.skipIf(!isThere)('two hubs on one slapd', () => {
  it('start in the empty directory at the same moment, and lose nothing of what each writes', async () => {
    const hubs = await Promise.all([openHub('HUB01'), openHub('HUB02')]);
    const [one, two] = hubs;
    await one.refresh();
    expect(one.snapshot().hubs.map(({ name }) => name)).toEqual(['HUB01', 'HUB02']);

    const connector = makeInternetSendConnector(SITE, 'HUB01');
    await one.addSendConnector({ ...connector, port: 1000 });
    const numbers = Array.from({ length: ROUNDS }, (_none, index) => index);
    await Promise.all(
      hubs.flatMap((hub, index) =>
        numbers.flatMap((number) => [
          hub.replaceSendConnector(connector.name, (current) => ({ ...current, port: current.port + 1 })),
          hub.addAcceptedDomain({
            name: `d${index}-${number}`,
            domainName: `d${index}-${number}.test`,
            matchSubDomains: false,
            domainType: 'Authoritative',
            default: true,
          }),
        ]),
      ),
    );
    await Promise.all(hubs.map((hub) => hub.refresh()));
    const { sendConnectors, acceptedDomains } = two.snapshot();
    expect(sendConnectors[0]?.port).toBe(1000 + hubs.length * ROUNDS);
    expect(acceptedDomains).toHaveLength(hubs.length * ROUNDS);
    expect(acceptedDomains.filter((domain) => domain.default)).toHaveLength(1);
    expect(one.snapshot().acceptedDomains).toEqual(acceptedDomains);
  }, 180_000);
});
