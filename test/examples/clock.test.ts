import { createPair } from 'relaypair/testing';
import { expect, it } from 'vitest';

it('refuses a subscription file that is older than a day', async () => {
  await using pair = await createPair({ isSubscribed: false, startAt: new Date('2031-05-01T08:00:00Z') });
  const { files = [] } = await pair.edge.call('New-EdgeSubscription', { FileName: 'edge.xml' });
  const file = files.at(0)?.content ?? Buffer.alloc(0);

  await pair.clock.advance('25h');
  expect(pair.clock.now().toISOString()).toMatch(/^2031-05-02T09:/);
  const site = 'Default-First-Site-Name';
  await expect(pair.hub.call('New-EdgeSubscription', { Site: site }, { FileName: file })).rejects.toMatchObject({
    code: 'subscription-expired',
  });
});
