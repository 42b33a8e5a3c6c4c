import { createPair } from 'relaypair/testing';
import 'relaypair/testing/vitest';
import { expect, it } from 'vitest';

it('goes on in clear once the certificate of the Edge has expired, and in TLS once it is renewed', async () => {
  await using pair = await createPair();

  const before = await pair.message(await pair.send());
  expect(before).toHaveTravelledEncrypted('direct-trust');
  expect(before).toHaveArrivedUnaltered();

  await pair.expire('edge');
  const expired = await pair.message(await pair.send({ subject: 'Quarterly figures' }));
  expect(expired).toHaveFallenBack('certificate-expired');
  // What somebody on the path between the two servers could read.
  expect(expired.transcript).toContain('C: Subject: Quarterly figures');

  await pair.renew('edge');
  expect(await pair.message(await pair.send())).toHaveTravelledEncrypted();
});
