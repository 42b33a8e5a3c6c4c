// The Edge relays for nobody but its Hub, and knows its Hub by proof alone: not by address, which all clients here share with
// it, not by name. The same in TLS and after both certificates have expired, when everything goes in clear.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ScramClient } from '../../src/smtp/scram-sha-256.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { Pair } from '../helpers/pair.ts';
import { RawSmtpClient } from '../helpers/raw-smtp-client.ts';
import { type Disguise, DISGUISES } from '../helpers/relay-disguises.ts';
import { Sink } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';
import { waitUntil } from '../helpers/wait.ts';

const HUB = 'hub01.corp.test';
const RELAY_DENIED = '550 5.7.1 Unable to relay';

let folder: string;
let internet: Sink;
let mailboxes: Sink;
let pair: Pair;
/** When this pair was started, by its own clock: what its log has from before is not looked at. */
let since: string;
/** Of a stranger, who gave it the Hub's names. */
let strangersPair: KeyPair;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
  [internet, mailboxes] = await Promise.all([Sink.open(), Sink.open()]);
  strangersPair = await createSelfSigned({ netbiosName: 'HUB01', fqdn: HUB, notBefore: new Date() });
});
afterAll(async () => {
  await Promise.all([internet.close(), mailboxes.close()]);
  rmSync(folder, { recursive: true, force: true });
});

/** How a client comes before it tries. */
interface Manner {
  readonly name: string;
  readonly helo: string;
  readonly isTls?: true;
}

const IN_CLEAR: readonly Manner[] = [
  { name: 'a client', helo: 'client.test' },
  { name: 'one that calls itself the Hub', helo: HUB },
  { name: 'one that calls itself the Edge', helo: 'edge01.perimeter.test' },
];
const IN_TLS: Manner = {
  name: 'one that calls itself the Hub, in TLS with a certificate of its own',
  helo: HUB,
  isTls: true,
};

async function come({ helo, isTls }: Manner): Promise<RawSmtpClient> {
  const client = await RawSmtpClient.dial(pair.edgePort);
  await client.reply();
  await client.ask(`EHLO ${helo}`);
  if (isTls) {
    expect(await client.ask('STARTTLS')).toMatch(/^220 /);
    await client.secure({ key: strangersPair.privateKeyPem, cert: strangersPair.certificate.pem, servername: '' });
    await client.ask(`EHLO ${helo}`);
  }
  return client;
}

/** The whole attempt; the refusal, or the reply to the final dot. */
async function attempt(manner: Manner, disguise: Disguise, tag: string): Promise<string> {
  const client = await come(manner);
  try {
    for (const line of [`MAIL FROM:<${disguise.from}>`, `RCPT TO:${disguise.to}`, 'DATA']) {
      const reply = await client.ask(line);
      if (!/^[23]/.test(reply)) return reply;
    }
    client.write(`Subject: ${tag}\r\n\r\nbuy now\r\n.\r\n`);
    const { code, text } = await client.reply();
    return `${code} ${text}`;
  } finally {
    client.destroy();
  }
}

/** Tries everything; afterwards nothing may be on its way any more, and none of it may have left. */
async function tryAll(manner: Manner, state: string): Promise<void> {
  const wrong: string[] = [];
  const mine: string[] = [];
  for (const [index, disguise] of DISGUISES.entries()) {
    const tag = `${state} ${manner.helo} ${manner.isTls ? 'tls' : 'clear'} ${index}`;
    const reply = await attempt(manner, disguise, tag);
    if (reply.startsWith('250 ')) mine.push(tag);
    const isRight = disguise.isOurs ? reply.startsWith('250 2.6.0') : /^5\d\d 5\.\d/.test(reply);
    if (!isRight) wrong.push(`${disguise.name}: ${reply}`);
  }
  expect(wrong).toEqual([]);
  for (const tag of mine) await mailboxes.waitFor((messages) => messages.some((message) => isTagged(message, tag)));
  await waitUntil('both queues are empty', async () => (await countWaiting()) === 0);
  expect(internet.messages.filter(({ content }) => !content.includes('the Hub itself'))).toEqual([]);
}

function isTagged({ content }: { content: Buffer }, tag: string): boolean {
  return content.includes(`Subject: ${tag}\r\n`);
}

async function countWaiting(): Promise<number> {
  const queues = [...(await pair.ask('hub', 'Get-Queue')), ...(await pair.ask('edge', 'Get-Queue'))];
  return queues.reduce((total, queue) => total + Number(queue['MessageCount']), 0);
}

/** Mail of the Hub's own goes out at the same time. */
async function expectHubRelays(channel: 'TLS' | 'plaintext', reason: string): Promise<void> {
  const to = `friend-${channel}@elsewhere.test`;
  const content = Buffer.from(
    `From: a@contoso.test\r\nMessage-ID: <${channel}@contoso.test>\r\n\r\nthe Hub itself\r\n`,
  );
  expect((await submit({ port: pair.hubPort, from: 'a@contoso.test', to: [to], content })).isAccepted).toBe(true);
  await internet.messageFor(to);
  const cards = await pair.cmdlet('edge', 'Get-DecisionCard', '-MessageId', `${channel}@contoso.test`);
  expect(cards.find(({ Side }) => Side === 'receiver')).toMatchObject({
    Channel: channel,
    AuthenticationResult: 'recognised',
    Reason: reason,
  });
}

/** What anonymous rights are: mail to us and to nobody else. */
async function expectAnonymous(client: RawSmtpClient): Promise<void> {
  expect(await client.ask('MAIL FROM:<a@contoso.test>')).toMatch(/^250 /);
  expect(await client.ask('RCPT TO:<victim@victim.test>')).toBe(RELAY_DENIED);
  expect(await client.ask('RCPT TO:<somebody@contoso.test>')).toMatch(/^250 /);
  expect(await client.ask('RSET')).toMatch(/^250 /);
}

async function expectEvent(id: number, ...texts: string[]): Promise<void> {
  const events = await pair.cmdlet('edge', 'Get-EventLog', '-EventId', String(id), '-After', since);
  expect(events.length).toBeGreaterThan(0);
  for (const text of texts) expect(String(events[0]?.['Message'])).toContain(text);
}

/** AUTH with these credentials; the last reply. */
async function authenticate(client: RawSmtpClient, user: string, password: string): Promise<string> {
  const scram = new ScramClient(user, password);
  const challenge = await client.ask(`AUTH SCRAM-SHA-256 ${scram.initialResponse().toString('base64')}`);
  if (!challenge.startsWith('334 ')) return challenge;
  return client.ask(scram.respond(Buffer.from(challenge.slice(4), 'base64')).toString('base64'));
}

describe.each([
  { state: 'in TLS', clock: undefined, channel: 'TLS', reason: 'direct-trust', manners: [...IN_CLEAR, IN_TLS] },
  { state: 'in clear', clock: '+400d', channel: 'plaintext', reason: 'own-certificate-expired', manners: IN_CLEAR },
] as const)('with the pair $state', ({ state, clock, channel, reason, manners }) => {
  beforeAll(async () => {
    since = new Date(Date.now() + (clock === undefined ? 0 : 400 * 86_400_000)).toISOString();
    pair = await Pair.up({
      folder,
      smartHostPort: internet.port,
      deliver: `smtp:127.0.0.1:${mailboxes.port}`,
      ...(clock !== undefined && { clock }),
    });
    // Hundreds of refusals: that each is slow is another test's affair.
    const connector = 'Default internal receive connector EDGE01';
    await pair.cmdlet('edge', 'Set-ReceiveConnector', connector, '-TarpitInterval', '0s');
  });
  afterAll(() => pair?.stop());

  it('relays for the Hub, which proves who it is', () => expectHubRelays(channel, reason));

  it.each(manners)(`relays for nobody under any of ${DISGUISES.length} disguises: $name`, (manner) =>
    tryAll(manner, state),
  );

  it.each(manners)('gives anonymous rights and no more to $name', async (manner) => {
    const client = await come(manner);
    await expectAnonymous(client);
    client.destroy();
  });

  it.each([
    ['the Hub with a wrong password', HUB],
    ['somebody whom it does not know', 'hub02.corp.test'],
  ])('does not recognise %s by SCRAM, and leaves it anonymous', async (_who, user) => {
    const client = await come({ name: '', helo: HUB });
    expect(await authenticate(client, user, 'guessed')).toBe('535 5.7.8 Authentication unsuccessful');
    await expectAnonymous(client);
    expect(await authenticate(client, user, 'again')).toMatch(/^535 /);
    // And that is enough.
    expect(await authenticate(client, user, 'third')).toMatch(/^421 4\.7\.0 /);
    await client.closed;
    await expectEvent(30_012, HUB, '127.0.0.1');
  });

  it('takes neither a password in clear nor the mere claim of a certificate', async () => {
    const client = await come({ name: '', helo: HUB });
    const plain = Buffer.from(`\0${HUB}\0guessed`).toString('base64');
    for (const line of [`AUTH PLAIN ${plain}`, 'AUTH LOGIN', 'AUTH EXTERNAL ='])
      expect(`${line}: ${await client.ask(line)}`).toMatch(/: 504 5\.5\.4 /);
    await expectAnonymous(client);
    client.destroy();
  });

  it('offers no authentication to who does not call itself a member', async () => {
    const client = await RawSmtpClient.dial(pair.edgePort);
    await client.reply();
    client.write('EHLO client.test\r\n');
    expect((await client.reply()).text).not.toMatch(/AUTH/);
    expect(await client.ask('AUTH SCRAM-SHA-256')).toMatch(/^50[24] /);
    client.destroy();
  });

  if (channel === 'TLS') {
    it('does not recognise a certificate that only has the names of the Hub: event 1036', async () => {
      const client = await come(IN_TLS);
      expect(await client.ask('AUTH EXTERNAL =')).toBe('535 5.7.8 Authentication unsuccessful');
      await expectAnonymous(client);
      expect(await authenticate(client, HUB, 'guessed')).toMatch(/^535 /);
      await expectAnonymous(client);
      client.destroy();
      await expectEvent(1036, strangersPair.certificate.thumbprint, '127.0.0.1');
    });
  } else {
    it('offers no STARTTLS, and refuses it to who asks all the same', async () => {
      const client = await come({ name: '', helo: HUB });
      expect(await client.ask('STARTTLS')).toMatch(/^502 5\.5\.1 /);
      client.destroy();
    });
  }

  it('has not locked the Hub out by all that', () => expectHubRelays(channel, reason));
});
