// A Hub and an Edge whose SMTP and TLS are done by worker processes: what one process promises, they promise together.

import { expect, it } from 'vitest';
import { DIRECTIONS, type Direction, INSIDER, Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';
import { QUICK_RETRY } from '../helpers/server-processes.ts';
import { eventually, Servers } from '../helpers/servers.ts';
import { Conversation, rcpt } from '../helpers/submit.ts';
import { awaitWorkers, countSockets, TWO_WORKERS, workersOf } from '../helpers/worker-processes.ts';

const LIMIT = { timeout: 360_000 };
const FLOWING = { outbound: TRUSTED_TLS, inbound: TRUSTED_TLS };

/** What the server that took a letter over the hop wrote about it. */
function receiverCard(relaying: Relaying, direction: Direction, messageId: string): Promise<Record<string, unknown>> {
  const role = direction === 'outbound' ? 'edge' : 'hub';
  return eventually('the card of the receiver', () =>
    relaying.servers.cards(role).find((card) => card['side'] === 'receiver' && card['messageId'] === messageId),
  );
}

it(
  'relay in trusted TLS, show a staged certificate once it takes over, and refuse whom the Edge does not know',
  LIMIT,
  async () => {
    await using relaying = await Relaying.start({ servers: TWO_WORKERS });
    const { servers } = relaying;
    for (const role of ['hub', 'edge'] as const) expect(workersOf(servers.pid(role))).toHaveLength(2);
    expect(await relaying.exchangeLetters('by workers')).toMatchObject(FLOWING);

    const [made] = await servers.ask('edge', 'New-ExchangeCertificate', { Staged: 'true', GracePeriod: '3s' });
    await relaying.synchronize();
    await eventually('the takeover', async () => {
      const records = await servers.ask('edge', 'Get-ExchangeCertificate');
      return records.some((record) => record['Thumbprint'] === made?.['Thumbprint'] && record['Renewal'] === 'Current')
        ? true
        : undefined;
    });
    const taken = await relaying.exchangeLetters('taken over');
    expect(taken).toMatchObject(FLOWING);
    expect(taken.outbound['tls']).toMatchObject({ peerThumbprint: made?.['Thumbprint'] });

    await servers.ask('hub', 'New-MailUser', { Name: 'inside', PrimarySmtpAddress: INSIDER });
    await relaying.synchronize();
    await servers.ask('edge', 'Set-RecipientFilterConfig', { RecipientValidationEnabled: '$true' });
    expect(await rcpt(servers.ports.edge, INSIDER, 'nobody@contoso.test')).toEqual([
      '250 2.1.5 Recipient OK',
      '550 5.1.1 User unknown',
    ]);
    const lookups = await servers.ask('edge', 'Get-Counter', { Counter: 'relaypair_recipient_lookups_total' });
    expect(lookups.map((record) => record['Value'])).toEqual([1, 1]);
  },
);

it('relay in clear with SCRAM when the certificates have expired, and say why', LIMIT, async () => {
  await using relaying = await Relaying.start({
    servers: TWO_WORKERS,
    clocks: { hub: '-400d', edge: '-400d' },
  });
  for (const direction of DIRECTIONS) {
    const letter = await relaying.sendLetter(direction, 'in clear');
    await relaying.awaitArrival(direction, letter);
    expect(await relaying.awaitHopCard(direction, letter, 'delivered')).toMatchObject({
      channel: 'plaintext',
      reason: 'own-certificate-expired',
      protection: 'authenticated-not-protected',
    });
    expect(await receiverCard(relaying, direction, letter.messageId)).toMatchObject({
      channel: 'plaintext',
      reason: 'own-certificate-expired',
      authentication: { mechanism: 'SCRAM-SHA-256', result: 'recognised' },
    });
  }
});

it('share connections evenly, and one limit', LIMIT, async () => {
  await using servers = await Servers.prepare({
    hubExtra: { workers: 2, retry: QUICK_RETRY, limits: { maxConnections: 4 } },
  });
  await servers.start('hub');
  const workers = await awaitWorkers(servers.pid('hub'), 2);
  const before = workers.map(countSockets);
  const open = async (): Promise<{ conversation: Conversation; greeting: string }> => {
    const conversation = await Conversation.open(servers.ports.hub);
    return { conversation, greeting: await conversation.reply() };
  };
  const four = [await open(), await open(), await open(), await open()];
  expect(four.map(({ greeting }) => greeting.slice(0, 3))).toEqual(['220', '220', '220', '220']);
  expect(workers.map((worker, index) => countSockets(worker) - (before[index] ?? 0))).toEqual([2, 2]);
  // One more, and somebody of its worker who has done nothing goes for it.
  const fifth = await open();
  expect(fifth.greeting).toMatch(/^220 /);
  const shed = await Promise.race(four.map(({ conversation }) => conversation.reply()));
  expect(shed).toBe('421 4.3.2 Server busy, closing a connection that made no progress');
  // From one source no more than it may have, whichever worker has them.
  await servers.ask('hub', 'Set-ReceiveConnector', { Identity: 'Client HUB01', MaxInboundConnectionPerSource: '4' });
  expect((await open()).greeting).toMatch(/^421 4\.3\.2 The maximum number of concurrent connections has exceeded/);
  for (const { conversation } of [...four, fifth]) conversation.close();
});

it('finish their transactions when the server is asked to stop, and end with it', LIMIT, async () => {
  await using servers = await Servers.prepare({ hubExtra: { workers: 2, retry: QUICK_RETRY } });
  await servers.start('hub');
  const pid = servers.pid('hub');
  const workers = await awaitWorkers(pid, 2);
  await servers.ask('hub', 'New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
  const idle = await Conversation.open(servers.ports.hub);
  await idle.reply();
  const busy = await Conversation.open(servers.ports.hub);
  await busy.reply();
  for (const line of ['EHLO client.test', 'MAIL FROM:<a@contoso.test>', `RCPT TO:<${INSIDER}>`, 'DATA'])
    await busy.say(line);
  // As when a whole process group is signalled: the workers wait for their owner's word.
  for (const worker of workers) process.kill(worker, 'SIGTERM');
  const stopped = servers.stop('hub');
  expect(await idle.reply()).toMatch(/^421 4\.3\.2 /);
  expect(await busy.say('Subject: the last one\r\n\r\nhello\r\n.')).toMatch(/^250 2\.6\.0 /);
  await stopped;
  for (const worker of workers) expect(() => process.kill(worker, 0)).toThrow('ESRCH');

  await servers.start('hub');
  await eventually('the last letter in its mailbox', () =>
    servers.cards('hub').find((card) => card['side'] === 'sender' && card['outcome'] === 'delivered'),
  );
});
