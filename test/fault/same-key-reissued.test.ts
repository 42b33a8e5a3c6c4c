// Fault: an ACME client put a re-issued certificate, for the same key, in the place of the one on record. It is recognised as
// such: mail waits with a reason that says so, EdgeSync stops before the password leaves, and -Staged does without either.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { reissue } from '../helpers/reissue.ts';
import { Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';
import { eventually, type Servers } from '../helpers/servers.ts';

const EDGE = 'edge01.perimeter.test';
const LIMIT = { timeout: 360_000 };

/** Another certificate for the key of the Edge's first one, imported there; its thumbprint and what the import advised. */
async function importReissued(servers: Servers): Promise<{ thumbprint: string; advice: string }> {
  const folder = join(servers.folder, 'edge', 'certificates');
  const [entry] = readdirSync(folder).filter((name) => /^[0-9A-F]{40}\.json$/.test(name));
  const { privateKey } = JSON.parse(readFileSync(join(folder, entry ?? ''), 'utf8')) as { privateKey: string };
  writeFileSync(join(servers.folder, 'reissued.pem'), reissue(privateKey, EDGE), { mode: 0o600 });
  const { code, stdout, stderr } = await servers.run('edge', 'Import-ExchangeCertificate', 'reissued.pem', '--json');
  expect(code).toBe(0);
  const [made] = JSON.parse(stdout) as { Thumbprint: string }[];
  return { thumbprint: made?.Thumbprint ?? '', advice: stderr };
}

it('a certificate re-issued for the same key makes mail wait under its own name', LIMIT, async () => {
  await using relaying = await Relaying.start();
  const { servers } = relaying;
  const { thumbprint, advice } = await importReissued(servers);
  expect(advice).toMatch(/-Staged \(it was issued for the key of the present one \(same-key-reissued\)/);
  await servers.cmdlet('edge', 'Enable-ExchangeCertificate', thumbprint, '-Services', 'SMTP', '-Confirm:false');

  const letter = await relaying.sendLetter('outbound', 'waits');
  const card = await relaying.awaitHopCard('outbound', letter, 'deferred');
  expect(card).toMatchObject({ channel: 'none', reason: 'same-key-reissued', tls: { peerThumbprint: thumbprint } });
  const [event] = await servers.cmdlet('hub', 'Get-EventLog', '-EventId', '2018');
  expect(event?.['Message']).toMatch(/issued for the key of one that it does: run Enable-ExchangeCertificate -Staged/);

  const { code, stdout } = await servers.run('hub', 'Start-EdgeSynchronization', '--json');
  expect(code).toBe(1);
  expect(stdout).toMatch(/same-key-reissued.*nothing was sent/);
  const states = await servers.ask('hub', 'Get-TrustStatus', { Identity: 'EDGE01' });
  expect(states).toMatchObject([{ State: expect.stringMatching(/^stale/) }]);

  await servers.subscribe();
  await relaying.awaitArrival('outbound', letter);
  expect(await servers.ask('hub', 'Get-TrustStatus', { Identity: 'EDGE01' })).toMatchObject([{ State: 'matches' }]);
});

it('a certificate re-issued for the same key and staged makes no message wait', LIMIT, async () => {
  await using relaying = await Relaying.start();
  const { servers } = relaying;
  const { thumbprint } = await importReissued(servers);
  await servers.cmdlet('edge', 'Enable-ExchangeCertificate', thumbprint, '-Services', 'SMTP', '-Staged');
  await relaying.synchronize();
  await eventually('the takeover', async () => {
    const [current] = await servers.ask('edge', 'Get-TrustStatus', { Identity: 'EDGE01' });
    return current?.['Thumbprint'] === thumbprint ? true : undefined;
  });
  const cards = await relaying.exchangeLetters('staged');
  expect(cards).toMatchObject({ outbound: TRUSTED_TLS, inbound: TRUSTED_TLS });
  expect(cards.outbound['tls']).toMatchObject({ peerThumbprint: thumbprint });
  expect(servers.cards('hub').filter((card) => card['outcome'] === 'deferred')).toEqual([]);
});
