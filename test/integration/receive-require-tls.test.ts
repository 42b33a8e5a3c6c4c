// RequireTLS on the receiving side: a hop that can only be in clear is refused there, and the mail waits for it. It does not
// bounce, although 530 is a 5xx.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, Servers } from '../helpers/servers.ts';
import { submit } from '../helpers/submit.ts';

const CONNECTOR = 'Default internal receive connector EDGE01';

describe('a Receive connector with RequireTLS', () => {
  let servers: Servers;

  beforeAll(async () => {
    servers = await Servers.prepare();
    await Promise.all([servers.start('hub', '-400d'), servers.start('edge', '-400d')]);
    await servers.subscribe();
    await Promise.all([servers.stop('hub'), servers.stop('edge')]);
    await Promise.all([servers.start('hub'), servers.start('edge')]);
    await servers.ask('edge', 'Set-ReceiveConnector', { Identity: CONNECTOR, RequireTLS: 'true' });
  }, 180_000);

  afterAll(() => servers[Symbol.asyncDispose]());

  it('lets mail in clear wait and not bounce, and takes it once TLS is no longer required', async () => {
    const content = Buffer.from('Message-ID: <waits@trust.test>\r\n\r\nhello\r\n');
    await submit({ port: servers.ports.hub, from: 'a@contoso.test', to: ['b@elsewhere.test'], content });
    const cards = () => servers.cards('hub').filter(({ side }) => side === 'sender');
    const refused = await eventually('an attempt', () => cards()[0]);
    expect(refused).toMatchObject({
      channel: 'plaintext',
      outcome: 'deferred',
      detail: expect.stringMatching(/^530 5\.7\.0/),
    });
    await servers.ask('edge', 'Set-ReceiveConnector', { Identity: CONNECTOR, RequireTLS: 'false' });
    const taken = await eventually('a delivery', () => cards().find(({ outcome }) => outcome !== 'deferred'));
    expect(taken).toMatchObject({ outcome: 'delivered', reason: 'own-certificate-expired' });
  });
});
