import { createPair } from 'relaypair/testing';
import 'relaypair/testing/vitest';
import { expect, it } from 'vitest';

it('lets mail wait while the Hub does not know the new certificate of the Edge', async () => {
  await using pair = await createPair();
  await pair.renew('edge', { isMadeKnown: false });

  const sent = await pair.send({ from: 'anna@contoso.test', to: 'bob@fabrikam.test', text: 'Are you there?' });
  expect(await pair.message(sent)).toBeWaiting('certificate-not-trusted');

  // Five hours pass, in which EdgeSync meets the unknown certificate as well.
  await pair.clock.advance('5h', { isEdgeSyncNeeded: false });
  expect(await pair.message(sent)).toBeWaiting();
  expect(await pair.ask('hub', 'Get-Queue')).toContainEqual(expect.objectContaining({ MessageCount: 1 }));

  await pair.subscribe();
  const message = await pair.message(sent, 'delivered');
  expect(message).toHaveTravelledEncrypted('direct-trust');
  expect(message.hop.attempts.at(0)?.outcome).toBe('deferred');
  expect(message.delivered.at(0)?.to).toEqual(['bob@fabrikam.test']);
});
