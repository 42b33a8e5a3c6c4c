// Recipient validation between real processes: recipients are imported on the Hub, come to the Edge as hashes, and a stranger
// who names another one is refused at RCPT. Relay domains are not looked at.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { INSIDER, Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';
import { rcpt } from '../helpers/submit.ts';

const LIMIT = { timeout: 720_000 };
const UNKNOWN = '550 5.1.1 User unknown';
const KNOWN = '250 2.1.5 Recipient OK';

const PEOPLE = `PrimarySmtpAddress,EmailAddresses,RequireSenderAuthenticationEnabled
${INSIDER},alias@contoso.test,
leaver@contoso.test,,
hidden@contoso.test,,true
deep@tree.test,,
`;

it('an Edge refuses who is not known, as the Hub says it, in authoritative domains alone', LIMIT, async () => {
  await using relaying = await Relaying.start();
  const { servers } = relaying;
  const domains: [string, string][] = [
    ['*.tree.test', 'Authoritative'],
    ['relay.test', 'InternalRelay'],
    ['beyond.test', 'ExternalRelay'],
  ];
  for (const [DomainName, DomainType] of domains)
    await servers.ask('hub', 'New-AcceptedDomain', { Name: DomainName, DomainName, DomainType });
  writeFileSync(join(servers.folder, 'people.csv'), PEOPLE);
  expect(await servers.cmdlet('hub', 'Import-Recipient', '-FileName', 'people.csv')).toEqual([
    { Added: 4, Updated: 0, Unchanged: 0 },
  ]);
  const edge = servers.ports.edge;
  await relaying.synchronize();
  expect(await rcpt(edge, 'nobody@contoso.test')).toEqual([KNOWN]);
  await servers.ask('edge', 'Set-RecipientFilterConfig', { RecipientValidationEnabled: '$true' });
  const connector = 'Default internal receive connector EDGE01';
  await servers.ask('edge', 'Set-ReceiveConnector', { Identity: connector, TarpitInterval: '0s' });

  const asked = [
    INSIDER.toUpperCase(),
    'alias@contoso.test',
    'nobody@contoso.test',
    'hidden@contoso.test',
    'leaver@contoso.test',
  ];
  expect(await rcpt(edge, ...asked)).toEqual([KNOWN, KNOWN, UNKNOWN, UNKNOWN, KNOWN]);
  const elsewhere = [
    'deep@tree.test',
    'nobody@tree.test',
    'nobody@sub.tree.test',
    'nobody@relay.test',
    'nobody@beyond.test',
    'postmaster@contoso.test',
  ];
  expect(await rcpt(edge, ...elsewhere)).toEqual([KNOWN, UNKNOWN, UNKNOWN, KNOWN, KNOWN, KNOWN]);
  expect(await relaying.exchangeLetters('to somebody who is known')).toMatchObject({
    inbound: TRUSTED_TLS,
    outbound: TRUSTED_TLS,
  });

  await servers.cmdlet('hub', 'Remove-MailUser', 'leaver@contoso.test', '-Confirm:false');
  await servers.ask('hub', 'New-MailUser', { Name: 'New', PrimarySmtpAddress: 'new@contoso.test' });
  expect(await rcpt(edge, 'leaver@contoso.test', 'new@contoso.test')).toEqual([KNOWN, UNKNOWN]);
  const reports = await servers.ask('hub', 'Start-EdgeSynchronization');
  expect(reports.find(({ Type }) => Type === 'Recipients')).toMatchObject({ Added: 1, Deleted: 1, Scanned: 1 });
  expect(await rcpt(edge, 'leaver@contoso.test', 'new@contoso.test')).toEqual([UNKNOWN, KNOWN]);
  expect(await servers.cmdlet('edge', 'Get-RecipientFilterConfig')).toMatchObject([
    { RecipientValidationEnabled: true },
  ]);
});
