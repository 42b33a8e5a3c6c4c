// Fault: the connection of EdgeSync is cut, at the end of every LDAP message and in the middle of any. The Edge holds what it
// held or what AD says, never some of both, the cookie says which, and mail flows.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { acceptedDomainView } from '../../src/directory/accepted-domain.ts';
import { findCookie, type SyncTypeName } from '../../src/directory/edge-sync-cookie.ts';
import { connectLdap, type LdapClient } from '../../src/ldap/client.ts';
import { getText, getValues, type LdapEntry } from '../../src/ldap/entry.ts';
import { column } from '../helpers/cmdlet-context.ts';
import { Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';
import { WireCutter } from '../helpers/wire-cutter.ts';

const CUTS = 200;
/** Cuts between two letters each way. */
const LETTERS_EVERY = 25;
const TAG_DOMAIN = 'tag.test';

it(`leaves the old state or the new after each of ${CUTS} cuts, with the cookie that belongs to it, and mail flows`, {
  timeout: 1_800_000,
}, async () => {
  const seed = Number(process.env['SYNC_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`SYNC_SEED=${seed}`);
  const random = makeRandom(seed);
  await using relaying = await Relaying.start();
  const cutter = await WireCutter.open(relaying.servers.ports.ldaps);
  try {
    await subscribeThrough(relaying, cutter);
    const reader = await openReader(relaying);
    await tag(relaying, 0);
    await relaying.synchronize();
    await tag(relaying, 1);
    await relaying.synchronize();
    const { records, octets } = cutter.carried;
    console.log(`a round is ${records} records and ${octets} octets`);
    expect(records).toBeGreaterThan(30);
    expect(records).toBeLessThan(CUTS);

    const outcomes: Record<string, number> = { old: 0, new: 0 };
    let before = await readEdge(reader);
    for (let number = 0; number < CUTS; number++) {
      if (number % LETTERS_EVERY === 0)
        expect(await relaying.exchangeLetters(`after ${number}`)).toMatchObject(FLOWING);
      cutter.cut = number < records ? { records: number + 1 } : { octets: 1 + Math.floor(random() * (octets - 1)) };
      const wanted = number + 2;
      await tag(relaying, wanted);
      const reports = await relaying.servers.ask('hub', 'Start-EdgeSynchronization');
      const what = `cut ${number}, ${JSON.stringify(cutter.cut)}: ${column(reports, 'Result').join(', ')}`;
      cutter.cut = undefined;
      // What was committed while the answer was on its way may show a moment later; then the next look sees it.
      for (const after of [await readEdge(reader), await readEdge(reader)]) {
        expectWhole(after, { before, wanted, what });
        before = after;
      }
      outcomes[before.configuration.tags[0] === `${wanted}` ? 'new' : 'old']! += 1;
    }
    console.log(
      `after ${CUTS} cuts the Edge held the old state ${outcomes['old']} times, the new one ${outcomes['new']} times`,
    );
    expect(outcomes['old']).toBeGreaterThan(CUTS / 4);
    expect(outcomes['new']).toBeGreaterThan(0);

    // A whole round steps either cookie, whether or not the last cut came after what it carries.
    await relaying.synchronize();
    const { configuration, recipients } = await readEdge(reader);
    expect(configuration).toEqual({
      tags: Array(3).fill(`${CUTS + 1}`),
      version: before.configuration.version + 1,
    });
    expect(recipients).toEqual({ count: CUTS + 2, version: before.recipients.version + 1 });
    expect(await relaying.exchangeLetters('at the end')).toMatchObject(FLOWING);
    expect(await relaying.reports()).toEqual([]);
    await reader.close();
  } finally {
    await cutter.close();
  }
});

const FLOWING = { outbound: TRUSTED_TLS, inbound: TRUSTED_TLS };

/** What the Edge holds, read in one search and so at one moment. */
interface EdgeContent {
  readonly configuration: { readonly tags: readonly string[]; readonly version: number };
  readonly recipients: { readonly count: number; readonly version: number };
}

/** Three objects carry the tag of the same change: if they ever differ, the Edge holds a mixture. */
function expectWhole(
  after: EdgeContent,
  { before, wanted, what }: { before: EdgeContent; wanted: number; what: string },
): void {
  const { tags, version } = after.configuration;
  expect(new Set(tags).size, `${what}: tags ${tags.join(' ')}`).toBe(1);
  if (tags[0] === before.configuration.tags[0]) expect(version, what).toBe(before.configuration.version);
  else {
    expect(tags[0], what).toBe(`${wanted}`);
    expect(version, what).toBe(before.configuration.version + 1);
  }
  const { count, version: recipientsVersion } = after.recipients;
  if (recipientsVersion === before.recipients.version) expect(count, what).toBe(before.recipients.count);
  else {
    expect(recipientsVersion, what).toBe(before.recipients.version + 1);
    expect(count, what).toBe(wanted + 1);
  }
}

/** Changes three objects of the configuration, adds and takes away one, and adds a recipient. */
async function tag({ servers }: Relaying, number: number): Promise<void> {
  await servers.ask('hub', 'Set-TransportConfig', { InternalSMTPServers: `10.0.0.${number}` });
  await servers.ask('hub', 'Set-SendConnector', {
    Identity: 'EdgeSync - Default-First-Site-Name to Internet',
    Fqdn: `tag-${number}.contoso.test`,
  });
  if (number > 0) await servers.ask('hub', 'Remove-AcceptedDomain', { Identity: `tag-${number - 1}` });
  await servers.ask('hub', 'New-AcceptedDomain', { Name: `tag-${number}`, DomainName: TAG_DOMAIN });
  await servers.ask('hub', 'New-MailUser', {
    Name: `user-${number}`,
    PrimarySmtpAddress: `user-${number}@contoso.test`,
  });
}

async function readEdge(reader: LdapClient): Promise<EdgeContent> {
  const entries = await reader.search({ base: await namingContext(reader), scope: 'sub' });
  const texts = (attribute: string): string[] =>
    entries.flatMap((entry) => getValues(entry, attribute).map((value) => value.toString('utf8')));
  const cookies = texts('msExchEdgeSyncCookie');
  const version = (type: SyncTypeName): number => findCookie(cookies, type)?.version ?? -1;
  const tags = [
    ...texts('msExchInternalSMTPServers').map((text) => text.replace('10.0.0.', '')),
    ...texts('msExchSMTPSendConnectorFQDN').flatMap((text) => /^tag-(\d+)\./.exec(text)?.[1] ?? []),
    ...entries.filter(isTagDomain).map((entry) => (getText(entry, 'cn') ?? '').replace('tag-', '')),
  ];
  return {
    configuration: { tags, version: version('Configuration') },
    recipients: {
      count: entries.filter(({ dn }) => /,CN=Recipients,/i.test(dn)).length,
      version: version('Recipients'),
    },
  };
}

function isTagDomain(entry: LdapEntry): boolean {
  return getText(entry, acceptedDomainView.fields.domainName.attribute) === TAG_DOMAIN;
}

async function namingContext(reader: LdapClient): Promise<string> {
  const [root] = await reader.search({ base: '', scope: 'base', attributes: ['namingContexts'] });
  return (root && getText(root, 'namingContexts')) ?? '';
}

/** The Hub reaches the Edge's ADAM by the cutter, and by nobody's schedule. */
async function subscribeThrough({ servers }: Relaying, cutter: WireCutter): Promise<void> {
  const interval = '20d';
  await servers.ask('hub', 'Set-EdgeSyncServiceConfig', {
    ConfigurationSyncInterval: interval,
    RecipientSyncInterval: interval,
  });
  await servers.cmdlet('edge', 'New-EdgeSubscription', '-FileName', 'cut.xml');
  const path = join(servers.folder, 'cut.xml');
  const xml = readFileSync(path, 'utf8');
  writeFileSync(path, xml.replace(/(<AdamSslPort>)\d+/, `$1${cutter.port}`));
  await servers.cmdlet('hub', 'New-EdgeSubscription', '-FileName', 'cut.xml', '-Site', 'Default-First-Site-Name');
  expect(cutter.carried.records).toBeGreaterThan(0);
}

/** A connection past the cutter, with an account for readers. */
async function openReader({ servers }: Relaying): Promise<LdapClient> {
  await servers.cmdlet('edge', 'New-DirectoryAccount', 'observer', '-PasswordFile', 'observer.password');
  const client = await connectLdap({ host: '127.0.0.1', port: servers.ports.ldaps, approve: () => undefined });
  await client.bindSimple('CN=observer', readFileSync(join(servers.folder, 'observer.password')));
  return client;
}

/** Mulberry32: small, and the same for a seed everywhere. */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
