// Staged renewals in a site of two Hubs that share the AD of the first: what one Hub stages or takes over from an Edge, the
// other has read before it is used, and the Hub that serves AD renews without the other losing it. The minute that a staged
// certificate is given to be read by everybody passes by the laboratory's clocks.

import { expect, it } from 'vitest';
import { TRUSTED_TLS } from '../helpers/relaying.ts';
import { eventually } from '../helpers/server-processes.ts';
import { SiteMail } from '../helpers/site-mail.ts';

const LIMIT = { timeout: 720_000 };
const SERVERS = ['hub01', 'hub02', 'edge01'] as const;
const LAB = { isLab: true };
const A_MINUTE_LATER = '+61s';

async function open(): Promise<SiteMail> {
  const mail = await SiteMail.prepare({ hubs: 2 });
  await mail.open(['hub01', 'edge01'], LAB);
  await mail.site.join('hub02');
  await mail.site.start('hub02', undefined, LAB);
  await mail.site.synchronize('hub01');
  return mail;
}

/** The thumbprint and the state of a server's own certificate of that part. */
async function find({ site }: SiteMail, name: string, part: string): Promise<{ thumbprint: unknown; state: unknown }> {
  const rows = await site.ask(name, 'Get-TrustStatus', { Identity: name });
  const row = rows.find((each) => each['Certificate'] === part);
  return { thumbprint: row?.['Thumbprint'], state: row?.['State'] };
}

/** The one that takes over comes last: what the others have to read by then was due before. */
async function letAMinutePass({ site }: SiteMail, last: string): Promise<void> {
  for (const name of [...SERVERS.filter((each) => each !== last), last]) {
    await site.ask(name, 'Set-LabClock', { Offset: A_MINUTE_LATER });
  }
}

async function awaitTakeover(mail: SiteMail, name: string, thumbprint: unknown): Promise<void> {
  await eventually(
    `the takeover by ${name}`,
    async () => ((await find(mail, name, 'Current')).thumbprint === thumbprint ? true : undefined),
    90_000,
  );
}

async function expectTrusted(mail: SiteMail, subject: string): Promise<void> {
  for (const card of await mail.exchange(subject, ['hub01', 'hub02', 'edge01', 'edge01'])) {
    expect(card).toMatchObject(TRUSTED_TLS);
  }
}

it.each(SERVERS)('%s renews by -Staged and no Hub or Edge is taken by surprise', LIMIT, async (name) => {
  await using mail = await open();
  const { site } = mail;
  await expectTrusted(mail, 'before');
  const [made] = await site.ask(name, 'New-ExchangeCertificate', { Staged: 'true', GracePeriod: '1s' });
  await eventually('a round that carries it', async () => {
    await site.synchronize('hub01');
    return /takes over at/.test(String((await find(mail, name, 'Next')).state)) ? true : undefined;
  });
  await expectTrusted(mail, 'settling');
  expect((await find(mail, name, 'Current')).thumbprint).not.toBe(made?.['Thumbprint']);
  await letAMinutePass(mail, name);
  await awaitTakeover(mail, name, made?.['Thumbprint']);
  await site.synchronize('hub01');
  await expectTrusted(mail, 'taken over');
  // The second Hub still finds, reads and writes the AD of the first, whose certificate its config file does not know.
  await site.stop('hub02');
  await site.start('hub02', A_MINUTE_LATER, LAB);
  await site.ask('hub02', 'New-AcceptedDomain', { Name: 'late.test', DomainName: 'late.test' });
  expect(await site.ask('hub01', 'Get-AcceptedDomain')).toContainEqual(expect.objectContaining({ Name: 'late.test' }));
  const cards = SERVERS.flatMap((each) => site.cards(each));
  expect(cards.filter((card) => card['outcome'] === 'deferred' && card['reason'] !== 'connection-failed')).toEqual([]);
});
