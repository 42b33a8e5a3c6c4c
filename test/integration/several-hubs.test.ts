// Hubs of one site that share one AD, the embedded one of the first served over LDAPS, and an Edge: the rules for a Hub that
// comes, is renewed and goes, as real processes.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRUSTED_TLS } from '../helpers/relaying.ts';
import { eventually } from '../helpers/server-processes.ts';
import { peerOf, SiteMail } from '../helpers/site-mail.ts';

const LIMIT = { timeout: 720_000 };
const EDGE = 'edge01.perimeter.test';
const HUBS = ['hub01.corp.test', 'hub02.corp.test'];

/** A first Hub with its Edge, subscribed, and a second Hub that joined later and has been started. */
async function openWithLateHub(): Promise<SiteMail> {
  const mail = await SiteMail.prepare({ hubs: 2 });
  await mail.open(['hub01', 'edge01']);
  await mail.site.join('hub02');
  await mail.site.start('hub02');
  return mail;
}

/** Two Hubs that were there before the Edge was subscribed. */
async function openWithTwoHubs(): Promise<SiteMail> {
  const mail = await SiteMail.prepare({ hubs: 2 });
  await mail.site.start('hub01');
  await mail.site.join('hub02');
  await mail.open(['hub02', 'edge01']);
  return mail;
}

/** The Hubs that mail from the Edge goes to, seen over several letters, all of which arrive in trusted TLS. */
async function hubsUsed(mail: SiteMail, subject: string): Promise<string[]> {
  const used = new Set<string>();
  // One by one: each takes a connection of its own, and so its turn.
  for (let number = 1; number <= 4; number++) {
    const [card] = await mail.exchange(`${subject} ${number}`, ['edge01']);
    expect(card).toMatchObject(TRUSTED_TLS);
    used.add(peerOf(card ?? {}));
  }
  return [...used].toSorted((a, b) => a.localeCompare(b));
}

/** Waits until the hub's AD says so: a Hub that joined hears of others' changes a little later. */
async function awaitSynchronizedEdges({ site }: SiteMail, asked: string, hub: string, edges: string[]): Promise<void> {
  await eventually(`${hub} synchronizing ${edges.join()} as ${asked} sees it`, async () => {
    const [server] = await site.ask(asked, 'Get-TransportServer', { Identity: hub });
    return JSON.stringify(server?.['SynchronizedEdges']) === JSON.stringify(edges) ? true : undefined;
  });
}

describe('a Hub that is added to a site with a subscribed Edge', () => {
  let mail: SiteMail;
  beforeAll(async () => {
    mail = await openWithLateHub();
  }, LIMIT.timeout);
  afterAll(() => mail?.[Symbol.asyncDispose]());

  it('finds the Edge in AD, waits until a round has made it known there, and then mails securely', LIMIT, async () => {
    const { site } = mail;
    expect(await site.ask('hub02', 'Get-EdgeSubscription')).toMatchObject([{ Name: 'EDGE01' }]);
    const early = await mail.send('hub02', 'early');
    expect(await mail.awaitCard('hub02', early, 'deferred')).toMatchObject({
      channel: 'none',
      reason: 'authentication-not-offered',
      peer: { name: EDGE },
    });
    expect(await hubsUsed(mail, 'before the round')).toEqual(HUBS.slice(0, 1));
    expect(mail.countArrivals(early)).toBe(0);

    await site.synchronize('hub01');
    await mail.awaitArrival(early);
    expect(await mail.awaitCard('hub02', early, 'delivered')).toMatchObject(TRUSTED_TLS);
    expect(await hubsUsed(mail, 'after the round')).toEqual(HUBS);
    expect(mail.countArrivals(early)).toBe(1);
    expect(await mail.reports(['hub01', 'hub02', 'edge01'])).toEqual([]);
  });

  it('takes no part in EdgeSync until the Edge is subscribed again, and then it can', LIMIT, async () => {
    const { site } = mail;
    await awaitSynchronizedEdges(mail, 'hub02', 'HUB02', []);
    const refused = await site.run('hub02', 'Start-EdgeSynchronization');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/EDGE01.*subscri/s);

    await site.subscribe('edge01', 'hub01');
    await awaitSynchronizedEdges(mail, 'hub02', 'HUB02', ['EDGE01']);
    await site.synchronize('hub02');
    await site.synchronize('hub01');
    for (const card of await mail.exchange('after all', ['hub01', 'hub02'])) expect(card).toMatchObject(TRUSTED_TLS);

    // Any Hub of the site may import, and a change made on one is carried by the other.
    await site.subscribe('edge01', 'hub02');
    await site.ask('hub02', 'New-AcceptedDomain', { Name: 'fabrikam.test', DomainName: 'fabrikam.test' });
    await site.synchronize('hub01');
    expect(await site.ask('edge01', 'Get-AcceptedDomain', { Identity: 'fabrikam.test' })).toHaveLength(1);
  });

  it('is unknown to the Edge until the Edge is subscribed again, when CarryNewHubs is off', LIMIT, async () => {
    await using closed = await SiteMail.prepare({ hubs: 2 });
    const { site } = closed;
    await closed.open(['hub01', 'edge01']);
    await site.ask('hub01', 'Set-EdgeSyncServiceConfig', { CarryNewHubs: '$false' });
    await site.join('hub02');
    await site.start('hub02');
    const letter = await closed.send('hub02', 'kept');
    await site.synchronize('hub01');
    expect((await site.ask('edge01', 'Get-TransportServer')).map((server) => server['Name'])).toEqual([
      'EDGE01',
      'HUB01',
    ]);
    expect(await closed.awaitCard('hub02', letter, 'deferred')).toMatchObject({ reason: 'authentication-not-offered' });
    expect(await hubsUsed(closed, 'the first alone')).toEqual(HUBS.slice(0, 1));

    await site.subscribe('edge01', 'hub01');
    await closed.awaitArrival(letter);
    expect(await closed.awaitCard('hub02', letter, 'delivered')).toMatchObject(TRUSTED_TLS);
    expect(await hubsUsed(closed, 'both')).toEqual(HUBS);
  });
});

describe('a certificate that is renewed in a site with two Hubs', () => {
  let mail: SiteMail;
  beforeAll(async () => {
    mail = await openWithTwoHubs();
  }, LIMIT.timeout);
  afterAll(() => mail?.[Symbol.asyncDispose]());

  it(
    'needs one Start-EdgeSynchronization when it is a Hub’s; its mail waits, the other Hub’s does not',
    LIMIT,
    async () => {
      const { site } = mail;
      expect(await hubsUsed(mail, 'before')).toEqual(HUBS);
      await site.ask('hub02', 'New-ExchangeCertificate');
      const waiting = await mail.send('hub02', 'waiting');
      expect(await mail.awaitCard('hub02', waiting, 'deferred')).toMatchObject({ channel: 'none' });
      expect(await hubsUsed(mail, 'meanwhile')).toEqual(HUBS.slice(0, 1));
      expect(await site.ask('edge01', 'Get-EventLog', { EventId: '2018' })).toHaveLength(1);

      await site.synchronize('hub01');
      await mail.awaitArrival(waiting);
      expect(await mail.awaitCard('hub02', waiting, 'delivered')).toMatchObject(TRUSTED_TLS);
      expect(await hubsUsed(mail, 'after')).toEqual(HUBS);
      expect(await mail.reports(['hub01', 'hub02', 'edge01'])).toEqual([]);
    },
  );

  it('needs a new subscription when it is the Edge’s, with 10104, 2018 and 1036 until then', LIMIT, async () => {
    const { site } = mail;
    await site.ask('edge01', 'New-ExchangeCertificate');
    const letters = new Map<string, Awaited<ReturnType<SiteMail['send']>>>();
    for (const name of ['hub01', 'hub02', 'edge01']) letters.set(name, await mail.send(name, `waits at ${name}`));
    for (const [name, letter] of letters) {
      expect(await mail.awaitCard(name, letter, 'deferred')).toMatchObject({
        channel: 'none',
        reason: name === 'edge01' ? 'authentication-refused' : 'certificate-not-trusted',
      });
    }
    for (const hub of ['hub01', 'hub02']) {
      expect((await site.run(hub, 'Start-EdgeSynchronization')).code).toBe(1);
      expect(await site.ask(hub, 'Get-EventLog', { EventId: '10104' })).toHaveLength(1);
      expect(await site.ask(hub, 'Get-EventLog', { EventId: '2018' })).toHaveLength(1);
      expect(await site.ask(hub, 'Get-EventLog', { EventId: '1036' })).toHaveLength(1);
    }
    await site.subscribe('edge01', 'hub02');
    for (const letter of letters.values()) await mail.awaitArrival(letter);
    expect(await mail.reports(['hub01', 'hub02', 'edge01'])).toEqual([]);
    for (const hub of ['hub01', 'hub02']) await site.synchronize(hub);
  });
});

describe('a Hub that goes', () => {
  it('is forgotten by Remove-TransportServer, and by the Edge with the next round', LIMIT, async () => {
    await using mail = await openWithTwoHubs();
    const { site } = mail;
    const namesOn = async (server: string): Promise<unknown[]> =>
      (await site.ask(server, 'Get-TransportServer')).map(({ Name }) => Name);
    expect(await namesOn('edge01')).toEqual(['EDGE01', 'HUB01', 'HUB02']);
    await site.stop('hub02', 'SIGKILL');
    await site.ask('hub01', 'Remove-TransportServer', { Identity: 'HUB02' });
    await site.synchronize('hub01');
    expect(await namesOn('hub01')).toEqual(['EDGE01', 'HUB01']);
    expect(await namesOn('edge01')).toEqual(['EDGE01', 'HUB01']);
    expect(await hubsUsed(mail, 'the one that is left')).toEqual(HUBS.slice(0, 1));
    const queues = await site.ask('edge01', 'Get-Queue');
    expect(queues.map((queue) => queue['MessageCount'])).toEqual(queues.map(() => 0));
  });

  it(
    'leaves the Edge to the other: it carries what is changed once the lease of the dead one has ended',
    LIMIT,
    async () => {
      await using mail = await openWithTwoHubs();
      const { site } = mail;
      await site.ask('hub01', 'Set-EdgeSyncServiceConfig', {
        ConfigurationSyncInterval: '00:00:01',
        LockDuration: '00:00:10',
        LockRenewalDuration: '00:00:05',
        OptionDuration: '00:00:05',
      });
      // The first Hub begins a round each second, and nobody takes its lock from it.
      await eventually('the lease for the second Hub', async () => {
        const reports = await site.ask('hub02', 'Start-EdgeSynchronization');
        return reports.every(({ Result }) => Result === 'Success') ? true : undefined;
      });
      await site.stop('hub02', 'SIGKILL');
      await site.ask('hub01', 'New-AcceptedDomain', { Name: 'fabrikam.test', DomainName: 'fabrikam.test' });
      await eventually(
        'the new domain at the Edge, by the other Hub',
        async () => {
          const domains = await site.ask('edge01', 'Get-AcceptedDomain');
          return domains.some(({ Name }) => Name === 'fabrikam.test') ? true : undefined;
        },
        60_000,
      );
    },
  );

  it(
    'leaves an orphaned Edge when it is the last: it relays outward, keeps what is for inside, and says so',
    LIMIT,
    async () => {
      await using mail = await SiteMail.prepare();
      const { site } = mail;
      await mail.open(['hub01', 'edge01']);
      await site.ask('hub01', 'New-AcceptedDomain', {
        Name: 'partners.test',
        DomainName: 'partners.test',
        DomainType: 'ExternalRelay',
      });
      await site.synchronize();
      await site.stop('hub01', 'SIGKILL');
      const outward = await mail.send('edge01', 'outward', 'someone@partners.test');
      await mail.awaitArrival(outward);
      const inward = await mail.send('edge01', 'inward');
      expect(await mail.awaitCard('edge01', inward, 'deferred')).toMatchObject({ reason: 'connection-failed' });
      expect(await site.ask('edge01', 'Get-EventLog', { EventId: '30230' })).toEqual([]);

      await site.stop('edge01');
      await site.start('edge01', '+25h');
      expect(await site.ask('edge01', 'Get-EventLog', { EventId: '30230' })).toMatchObject([
        {
          Message: expect.stringMatching(
            /No hub has synchronized this Edge since .*HUB01.*mail to the Internet leaves/,
          ),
        },
      ]);
      await site.start('hub01');
      await mail.awaitArrival(inward);
    },
  );
});
