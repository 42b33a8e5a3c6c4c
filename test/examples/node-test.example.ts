import { it } from 'node:test';
import { assertFellBack, assertTravelledEncrypted, assertUnaltered, createPair } from 'relaypair/testing';

void it('sends mail from the world on to the mailboxes, in TLS and then in clear', async () => {
  await using pair = await createPair();

  const message = await pair.message(await pair.send({ direction: 'in' }));
  assertTravelledEncrypted(message, 'direct-trust');
  assertUnaltered(message);

  await pair.expire('hub', 'edge');
  assertFellBack(await pair.message(await pair.send({ direction: 'in' })), 'own-certificate-expired');
});
