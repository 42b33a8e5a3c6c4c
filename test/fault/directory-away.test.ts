// Fault: the LDAP servers that hold AD and ADAM are killed under mail, and both servers of the pair are started again while
// they are away. Mail goes on with the last good state, which says that it is stale; nothing that it would refuse is taken;
// when the directories are back everything recovers by itself.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requirePeer } from '../helpers/peers.ts';
import { OUTSIDER, type Relaying, TRUSTED_TLS, writeLetter } from '../helpers/relaying.ts';
import { eventually, type Role } from '../helpers/servers.ts';
import { SlapdPair } from '../helpers/slapd-pair.ts';
import { submit } from '../helpers/submit.ts';

const FLOWING = { outbound: TRUSTED_TLS, inbound: TRUSTED_TLS };
const ROLES: readonly Role[] = ['hub', 'edge'];

describe.skipIf(!requirePeer('slapd'))('a pair whose directories are killed', () => {
  it('goes on with the last good state, over a restart too, and recovers by itself', async () => {
    await using pair = await SlapdPair.start();
    const { relaying, ad, adam } = pair;
    const { servers } = relaying;
    expect(await relaying.exchangeLetters('before')).toMatchObject(FLOWING);
    expect(await status(relaying)).toEqual([false, false]);

    await Promise.all([ad.kill(), adam.kill()]);
    expect(await relaying.exchangeLetters('the directories are away')).toMatchObject(FLOWING);
    await eventually('both to know it', async () => ((await status(relaying)).every(Boolean) ? true : undefined));
    for (const role of ROLES) {
      expect(await servers.ask(role, 'Get-EventLog', { EventId: '30161' })).toHaveLength(1);
      expect(await counter(relaying, role, 'relaypair_directory_stale')).toBe(1);
      expect(await counter(relaying, role, 'relaypair_directory_read_failures_total')).toBeGreaterThan(0);
    }
    await expectNothingMoreIsTaken(relaying);

    await Promise.all(ROLES.map((role) => servers.stop(role)));
    await Promise.all(ROLES.map((role) => servers.start(role)));
    expect(await status(relaying)).toEqual([true, true]);
    expect(await relaying.exchangeLetters('started without directories')).toMatchObject(FLOWING);
    await expectNothingMoreIsTaken(relaying);
    for (const role of ROLES) {
      const kept = join(servers.folder, role, 'directory', 'last-good-state.json');
      expect(statSync(kept).mode & 0o777, role).toBe(0o600);
    }

    await Promise.all([ad.resume(), adam.resume()]);
    await eventually('both to have recovered', async () => {
      const stale = await status(relaying);
      return stale.some(Boolean) ? undefined : true;
    });
    for (const role of ROLES) {
      expect(await servers.ask(role, 'Get-EventLog', { EventId: '30162' })).toHaveLength(1);
      expect(await counter(relaying, role, 'relaypair_directory_stale')).toBe(0);
    }
    await servers.ask('hub', 'New-AcceptedDomain', { Name: 'Later', DomainName: 'later.test' });
    await relaying.synchronize();
    await eventually('the edge to read what was brought', async () => {
      const domains = await servers.ask('edge', 'Get-AcceptedDomain');
      return domains.some((each) => each['Name'] === 'Later') ? true : undefined;
    });
    expect(await relaying.exchangeLetters('after')).toMatchObject(FLOWING);
    expect(await relaying.reports()).toEqual([]);
  }, 720_000);

  it('of two slapds with one AD: mail and the hub go on with the copy, over a restart too, and changes wait', async () => {
    await using pair = await SlapdPair.start({ isReplicated: true });
    const { relaying, ad, adCopy } = pair;
    const { servers } = relaying;
    const using = async () => (await servers.ask('hub', 'Get-DirectoryStatus'))[0];
    const isAt = (port: number | undefined) => async () =>
      (await using())?.['Server'] === `127.0.0.1:${port}` ? true : undefined;
    await pair.awaitCopy();
    expect(await relaying.exchangeLetters('before')).toMatchObject(FLOWING);

    await ad.kill();
    await eventually('the hub to read from the copy', isAt(adCopy?.port));
    expect(await relaying.exchangeLetters('the provider is away')).toMatchObject(FLOWING);
    expect(await using()).toMatchObject({ IsStale: false });
    const refused = await servers.run('hub', 'New-AcceptedDomain', 'Later', '-DomainName', 'later.test');
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^relaypair: no LDAP server that takes changes can be reached[^\n]+\n$/),
    });
    await servers.stop('hub');
    await servers.start('hub');
    expect(await relaying.exchangeLetters('started with the copy alone')).toMatchObject(FLOWING);

    await ad.resume();
    await servers.ask('hub', 'New-AcceptedDomain', { Name: 'Later', DomainName: 'later.test' });
    await eventually('the hub to be back at the provider', isAt(ad.port));
    expect(await servers.ask('hub', 'Get-EventLog', { EventId: '30163' })).not.toEqual([]);
    expect(await relaying.exchangeLetters('after')).toMatchObject(FLOWING);
    expect(await relaying.reports()).toEqual([]);
  }, 720_000);

  it('a certificate that was renewed meanwhile is published when the directory is back', async () => {
    await using pair = await SlapdPair.start();
    const { relaying, ad } = pair;
    const { servers } = relaying;
    await ad.kill();
    await servers.cmdlet('hub', 'New-ExchangeCertificate', '-Confirm:false');
    await servers.stop('hub');
    await servers.start('hub');
    await ad.resume();
    await eventually('the hub to have recovered', async () => ((await status(relaying))[0] ? undefined : true));
    const letter = await relaying.sendLetter('outbound', 'with the new certificate');
    await eventually('mail to flow again', async () => {
      await relaying.synchronize();
      return relaying.countArrivals('outbound', letter) > 0 ? true : undefined;
    });
    expect(await relaying.awaitHopCard('outbound', letter, 'delivered')).toMatchObject(TRUSTED_TLS);
  }, 720_000);
});

/** Whether hub and edge say that their state is only the last good one. */
function status({ servers }: Relaying): Promise<boolean[]> {
  return Promise.all(
    ROLES.map(async (role) => (await servers.ask(role, 'Get-DirectoryStatus'))[0]?.['IsStale'] === true),
  );
}

async function counter({ servers }: Relaying, role: Role, name: string): Promise<number> {
  const [found] = await servers.ask(role, 'Get-Counter', { Counter: name });
  return Number(found?.['Value']);
}

/** What the last good state refuses stays refused, and it cannot be changed. */
async function expectNothingMoreIsTaken({ servers }: Relaying): Promise<void> {
  const foreign = await submit({
    port: servers.ports.edge,
    from: OUTSIDER,
    to: ['somebody@elsewhere.test'],
    content: writeLetter('to be relayed').content,
  });
  expect(foreign).toMatchObject({ isAccepted: false, reply: expect.stringMatching(/^5/) });
  const ran = await servers.run('hub', 'New-AcceptedDomain', 'Elsewhere', '-DomainName', 'elsewhere.test');
  expect(ran).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^relaypair: the directory cannot be reached, and nothing was changed: [^\n]+\n$/),
  });
}
