// The access rules that the project ships, on slapd: what EdgeSync's accounts may and may not do in ADAM, and that everybody
// else reads nothing. The tree is the one that an Edge makes.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/clock.ts';
import { accountView } from '../../src/directory/account.ts';
import { OWN_OBJECT_ATTRIBUTES } from '../../src/directory/adam-access.ts';
import { ensureBaseTree } from '../../src/directory/base-tree.ts';
import { toAdd } from '../../src/directory/entry-diff.ts';
import { layoutOf, serverDn } from '../../src/directory/layout.ts';
import { LdapDirectory } from '../../src/directory/ldap-directory.ts';
import { makePasswordVerifier } from '../../src/directory/password-verifier.ts';
import { connectLdap, type LdapClient } from '../../src/ldap/client.ts';
import { childDn } from '../../src/ldap/dn.ts';
import { getText, getValues, type LdapOperation, toAttributes } from '../../src/ldap/entry.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { requirePeer } from '../helpers/peers.ts';
import { type RunningSlapd, SLAPD_PASSWORD, SLAPD_SCHEMA, startSlapd } from '../helpers/slapd.ts';
import { ADAM_SUFFIX, readAccessRules } from '../helpers/slapd-pair.ts';

const LAYOUT = layoutOf(ADAM_SUFFIX);
const OWN = serverDn(LAYOUT, 'EDGE01');
const DENIED = { code: 'ldap-insufficient-access-rights' };

let slapd: RunningSlapd;
let administrator: LdapClient;
let hub: LdapClient;

const isThere = requirePeer('slapd');

async function dial(dn?: string, password?: string): Promise<LdapClient> {
  const client = await connectLdap({ host: '127.0.0.1', port: slapd.port, approve: () => undefined });
  if (dn !== undefined) await client.bindSimple(dn, password ?? '');
  return client;
}

async function account(name: string, kind: 'bootstrap' | 'replication'): Promise<LdapOperation> {
  const [effective, expiration] = [new Date(), new Date(Date.now() + 86_400_000)];
  const passwordVerifier = await makePasswordVerifier(name, 'SSHA');
  return toAdd(
    accountView.toEntry({ name, kind, passwordVerifier, effective, expiration, superseded: false }, LAYOUT.services),
  );
}

const accountDn = (name: string): string => childDn('CN', name, LAYOUT.services);

function server(name: string, role: string): LdapOperation {
  const attributes = { objectClass: 'msExchExchangeServer', dNSHostName: 'x.test', msExchCurrentServerRoles: role };
  return { kind: 'add', dn: serverDn(LAYOUT, name), attributes: toAttributes(attributes) };
}

function add(dn: string, attributes: Parameters<typeof toAttributes>[0]): LdapOperation {
  return { kind: 'add', dn, attributes: toAttributes(attributes) };
}

function replace(dn: string, attribute: string, value: string): LdapOperation {
  return { kind: 'modify', dn, changes: [{ operation: 'replace', attribute, values: [Buffer.from(value)] }] };
}

beforeAll(async () => {
  if (!isThere) return;
  const notBefore = new Date(Date.now() - 60_000);
  const pair = await createSelfSigned({ netbiosName: 'ADAM', fqdn: 'edge01.perimeter.test', notBefore });
  const database = readAccessRules('adam', ADAM_SUFFIX);
  const suffix = ADAM_SUFFIX;
  slapd = await startSlapd({ server: pair, client: pair, suffix, schemaFile: SLAPD_SCHEMA, database });
  const connect = () => dial(`cn=admin,${ADAM_SUFFIX}`, SLAPD_PASSWORD);
  const directory = await LdapDirectory.open({
    servers: [{ name: 'ldap', connect }],
    namingContext: '',
    clock: new SystemClock(),
  });
  await ensureBaseTree(directory, { name: 'EDGE01', fqdn: 'edge01.perimeter.test', role: 'EdgeTransport' });
  directory.close();
  administrator = await connect();
  await administrator.apply([await account('ESRA.EDGE01', 'bootstrap')]);
  await administrator.apply([await account('ESRA.EDGE01.HUB01.0', 'replication')]);
  hub = await dial(accountDn('ESRA.EDGE01.HUB01.0'), 'ESRA.EDGE01.HUB01.0');
});

afterAll(async () => {
  await hub?.close();
  await administrator?.close();
  await slapd?.stop();
});

it("names the attributes of the Edge's own object that the embedded ADAM lets EdgeSync write", () => {
  const rules = readAccessRules('adam', ADAM_SUFFIX).join('\n');
  const listed = /attrs=(msExchEdgeSyncCredential,\S+)/.exec(rules)?.[1]?.split(',');
  expect(listed?.toSorted()).toEqual([...OWN_OBJECT_ATTRIBUTES].toSorted());
});

describe.skipIf(!isThere)("slapd with the project's access rules for ADAM", () => {
  const connector = childDn('CN', 'A connector', LAYOUT.connections);
  const domain = childDn('CN', 'contoso.test', LAYOUT.acceptedDomains);

  it('lets an account of EdgeSync write what EdgeSync carries, as one transaction', async () => {
    await hub.apply([
      replace(OWN, 'msExchEdgeSyncCookie', 'a cookie'),
      server('HUB01', '32'),
      add(connector, { objectClass: 'msExchRoutingSMTPConnector' }),
      add(domain, { objectClass: 'msExchAcceptedDomain', msExchAcceptedDomainName: 'contoso.test' }),
      replace(LAYOUT.transportSettings, 'msExchTransportMaxRecipients', '77'),
      await account('ESRA.EDGE01.HUB02.0', 'replication'),
    ]);
    const next = await dial(accountDn('ESRA.EDGE01.HUB02.0'), 'ESRA.EDGE01.HUB02.0');
    await next.apply([
      replace(serverDn(LAYOUT, 'HUB01'), 'dNSHostName', 'hub01.test'),
      { kind: 'delete', dn: accountDn('ESRA.EDGE01.HUB02.0') },
      { kind: 'delete', dn: domain },
      { kind: 'delete', dn: connector },
      { kind: 'delete', dn: serverDn(LAYOUT, 'HUB01') },
    ]);
    await next.close();
  });

  const refused: readonly [what: string, operation: () => LdapOperation | Promise<LdapOperation>][] = [
    ["the Edge's certificate", () => replace(OWN, 'msExchServerInternalTLSCert', 'x')],
    ["the state of the Edge's subscription", () => replace(OWN, 'msExchEdgeSubscriptionExportedAt', '20260101000000Z')],
    ["the end of the Edge's own object", () => ({ kind: 'delete', dn: OWN })],
    ['another Edge', () => server('EDGE02', '64')],
    ['a hub among the connectors', () => add(connector, { objectClass: 'msExchContainer' })],
    ['a bootstrap account', () => account('ESRA.EDGE01.X', 'bootstrap')],
    ['an account of another name', () => account('administrator', 'replication')],
    ['the end of the bootstrap account', () => ({ kind: 'delete', dn: accountDn('ESRA.EDGE01') })],
    ["the bootstrap account's password", () => replace(accountDn('ESRA.EDGE01'), 'userPassword', 'x')],
    ["another account's password", () => replace(accountDn('ESRA.EDGE01.HUB01.0'), 'userPassword', 'x')],
    [
      'the kind of the bootstrap account',
      () => replace(accountDn('ESRA.EDGE01'), 'msExchEdgeSyncAccountKind', 'replication'),
    ],
    [
      'a container under the organization',
      () => add(childDn('CN', 'New', LAYOUT.organization), { objectClass: 'msExchContainer' }),
    ],
    [
      'a Receive connector',
      () => {
        const parent = `CN=SMTP Receive Connectors,CN=Protocols,${OWN}`;
        return add(childDn('CN', 'Open relay', parent), { objectClass: 'msExchSmtpReceiveConnector' });
      },
    ],
    ['the end of a placeholder', () => ({ kind: 'delete', dn: childDn('CN', 'Placeholder', LAYOUT.connections) })],
  ];

  it.each(refused)('refuses it %s', async (_what, operation) => {
    await expect(hub.apply([await operation()])).rejects.toMatchObject(DENIED);
  });

  it('lets it read everything but password hashes, the whole of it at once', async () => {
    const people = Array.from({ length: 600 }, (_none, index) =>
      add(childDn('CN', `c${index}`, LAYOUT.connections), { objectClass: 'msExchRoutingSMTPConnector' }),
    );
    await administrator.apply(people);
    const found = await hub.search({ base: ADAM_SUFFIX, scope: 'sub', attributes: ['*', '+'] });
    expect(found.length).toBeGreaterThan(600);
    expect(found.flatMap((entry) => getValues(entry, 'userPassword'))).toEqual([]);
    expect(await hub.search({ base: ADAM_SUFFIX, scope: 'sub', filter: '(userPassword=*)' })).toEqual([]);
    await administrator.apply(people.map(({ dn }): LdapOperation => ({ kind: 'delete', dn })));
  });

  it('shows a stranger its root DSE and nothing else', async () => {
    const stranger = await dial();
    const [root] = await stranger.search({ base: '', scope: 'base', attributes: ['namingContexts'] });
    expect(root && getText(root, 'namingContexts')?.toLowerCase()).toBe(ADAM_SUFFIX.toLowerCase());
    for (const base of [ADAM_SUFFIX, LAYOUT.services, OWN]) {
      await expect(stranger.search({ base, scope: 'sub' })).rejects.toMatchObject({ code: 'ldap-no-such-object' });
    }
    await expect(stranger.apply([server('HUB09', '32')])).rejects.toBeDefined();
    await stranger.close();
  });

  it('loses every entry of a container but the placeholder in a transaction', async () => {
    const [one, two] = ['one', 'two'].map((name) => childDn('CN', name, LAYOUT.acceptedDomains));
    const values = { objectClass: 'msExchAcceptedDomain', msExchAcceptedDomainName: 'contoso.test' };
    await hub.apply([add(one ?? '', values), add(two ?? '', values)]);
    await hub.apply([
      { kind: 'delete', dn: one ?? '' },
      { kind: 'delete', dn: two ?? '' },
      replace(OWN, 'msExchEdgeSyncStatus', 'done'),
    ]);
    const left = await hub.search({ base: LAYOUT.acceptedDomains, scope: 'one' });
    expect(left.map((entry) => getText(entry, 'cn'))).toEqual(['Placeholder']);
  });
});
