import { createPair } from 'relaypair/testing';
import 'relaypair/testing/vitest';
import { expect, it } from 'vitest';

it('goes in clear, and says why, while somebody takes the offer of STARTTLS away', async () => {
  await using pair = await createPair();

  await pair.meddle('edge', [{ at: 'EHLO reply', do: 'strip' }]);
  expect(await pair.message(await pair.send())).toHaveFallenBack('downgrade-suspected');

  await pair.meddle('edge', []);
  expect(await pair.message(await pair.send())).toHaveTravelledEncrypted('direct-trust');
});
