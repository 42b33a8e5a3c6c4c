// Hubs of one site that share one AD, the embedded one of the first served over LDAPS, and an Edge: the rules for a Hub that
// comes, is renewed and goes, as real processes.

import { describe, expect, it } from 'vitest';
import { TRUSTED_TLS } from '../helpers/relaying.ts';
import { eventually } from '../helpers/server-processes.ts';
import { peerOf, SiteMail } from '../helpers/site-mail.ts';

const LIMIT = { timeout: 180_000 };

/** A first Hub with its Edge, subscribed, and a second Hub that joined later and has been started. */
async function openWithLateHub(): Promise<SiteMail> {
  const mail = await SiteMail.prepare({ hubs: 2 });
  await mail.open('hub01', 'edge01');
  await mail.site.join('hub02');
  await mail.site.start('hub02');
  return mail;
}

describe('a Hub that is added to a site with a subscribed Edge', () => {
  it(
    'finds the Edge in AD, waits until the next round has made it known there, and then sends and receives securely',
    LIMIT,
    async () => {
      await using mail = await openWithLateHub();
      const { site } = mail;
      expect(await site.ask('hub02', 'Get-EdgeSubscription')).toMatchObject([{ Name: 'EDGE01' }]);

      const early = await mail.send('hub02', 'early');
      expect(await mail.awaitCard('hub02', early, 'deferred')).toMatchObject({
        channel: 'none',
        peer: { name: 'edge01.perimeter.test' },
      });
      expect(mail.countArrivals(early)).toBe(0);

      await site.synchronize('hub01');
      await mail.awaitArrival(early);
      expect(await mail.awaitCard('hub02', early, 'delivered')).toMatchObject(TRUSTED_TLS);
      const inbound = await eventually('mail from the Edge by both Hubs', async () => {
        const cards = await mail.exchange('inbound', ['edge01', 'edge01', 'edge01', 'edge01']);
        return new Set(cards.map(peerOf)).size === 2 ? cards : undefined;
      });
      for (const card of inbound) expect(card).toMatchObject(TRUSTED_TLS);
      expect(await mail.reports(['hub01', 'hub02', 'edge01'])).toEqual([]);
    },
  );
});
