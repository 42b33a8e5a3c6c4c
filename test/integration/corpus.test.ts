// Real messages and awkward ones cross the pair in both directions and come out as they entered on the wire, but for the
// trace fields in front (RFC 5321 §4.4). What could not cross unchanged is refused at the first hop.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CORPUS,
  fieldNames,
  onTheWire,
  prefixOf,
  REFUSED,
  readCorpus,
  type SampleMessage,
  SAMPLES,
} from '../helpers/messages.ts';
import { Pair } from '../helpers/pair.ts';
import { Sink } from '../helpers/sink.ts';
import { Conversation, type Submitted, submitAll } from '../helpers/submit.ts';

let mailboxes: Sink;
let internet: Sink;
let pair: Pair;

beforeAll(async () => {
  [mailboxes, internet] = await Promise.all([Sink.open(), Sink.open()]);
  pair = await Pair.up({ smartHostPort: internet.port, deliver: `smtp:127.0.0.1:${mailboxes.port}` });
  // More in a minute than a stranger may send, and among them some that are refused.
  const connector = 'Default internal receive connector EDGE01';
  await pair.cmdlet('edge', 'Set-ReceiveConnector', connector, '-MessageRateLimit', 'unlimited');
});
afterAll(async () => {
  await pair?.[Symbol.asyncDispose]();
  await Promise.all([mailboxes.close(), internet.close()]);
});

interface Direction {
  readonly name: string;
  readonly entry: () => number;
  readonly sink: () => Sink;
  readonly domain: string;
}

const DIRECTIONS: readonly Direction[] = [
  { name: 'Hub to Edge to smart host', entry: () => pair.hubPort, sink: () => internet, domain: 'elsewhere.test' },
  { name: 'Edge to Hub to mailboxes', entry: () => pair.edgePort, sink: () => mailboxes, domain: 'contoso.test' },
];

/** Sends all of them, each to a recipient of its own, which is how they are told apart on arrival. */
async function cross(messages: readonly SampleMessage[], tag: string, direction: Direction): Promise<void> {
  const recipients = messages.map((_, index) => `${tag}-${index}@${direction.domain}`);
  const answers = await submitAll(
    direction.entry(),
    messages.map(({ content }, index) => ({
      from: 'sender@origin.test',
      to: [recipients[index] ?? ''],
      content,
      mailParameters: 'BODY=8BITMIME',
    })),
  );
  expect(refusals(messages, answers)).toEqual([]);
  for (const [index, { name, content }] of messages.entries()) {
    const arrived = await direction.sink().messageFor(recipients[index] ?? '');
    const prefix = prefixOf(arrived.content, onTheWire(content));
    const isUnchanged = prefix !== undefined;
    expect({ name, isUnchanged, inFront: fieldNames(prefix ?? ''), from: arrived.reversePath }).toEqual({
      name,
      isUnchanged: true,
      inFront: ['Received', 'Received'],
      from: 'sender@origin.test',
    });
  }
}

function refusals(messages: readonly SampleMessage[], answers: readonly Submitted[]): string[] {
  return messages.flatMap(({ name }, index) =>
    answers[index]?.isAccepted ? [] : [`${name}: ${answers[index]?.reply}`],
  );
}

/** DATA with these octets as they are; the reply after the final dot, with which the connection is closed. */
async function sendAsIs(port: number, recipient: string, octets: Buffer): Promise<string> {
  const conversation = await Conversation.open(port);
  await conversation.reply();
  for (const line of ['EHLO client.test', 'MAIL FROM:<sender@origin.test>', `RCPT TO:<${recipient}>`, 'DATA']) {
    const reply = await conversation.say(line);
    expect(reply).toMatch(/^[23]/);
  }
  const isEnded = octets.subarray(-2).toString() === '\r\n';
  conversation.socket.write(Buffer.concat([octets, Buffer.from(isEnded ? '.\r\n' : '\r\n.\r\n')]));
  const reply = await conversation.reply();
  // Where the client thinks that such a body ended nobody knows: nothing more is read.
  expect(await conversation.say('NOOP')).toBe('');
  conversation.close();
  return reply;
}

describe.each(DIRECTIONS)('$name', (direction) => {
  it('carries awkward messages octet for octet', () => cross(SAMPLES, 'sample', direction));

  const corpus = readCorpus();
  it.skipIf(corpus.length === 0)(
    `carries every message of ${CORPUS.split('/').slice(-2).join('/')} octet for octet`,
    async () => {
      expect(corpus.length).toBeGreaterThan(50);
      await cross(corpus, 'corpus', direction);
    },
  );

  it.each(REFUSED)('refuses $name at the first hop', async ({ name, content }) => {
    const recipient = `refused-${name.replaceAll(/\W/g, '-')}@${direction.domain}`;
    expect(await sendAsIs(direction.entry(), recipient, content)).toMatch(
      /^550 5\.6\.11 Message contains bare CR or LF/,
    );
  });

  it('passes nothing on of what it refused', async () => {
    const [marker] = SAMPLES;
    await cross(marker ? [marker] : [], 'after-the-refusals', direction);
    const arrived = direction.sink().messages.flatMap(({ recipients }) => recipients);
    expect(arrived.filter((recipient) => recipient.startsWith('refused-'))).toEqual([]);
  });
});

it('had the pair speak TLS by direct trust all the while', async () => {
  const cards = await pair.cmdlet('hub', 'Get-DecisionCard', '-ResultSize', 'Unlimited');
  const toEdge = cards.filter((card) => card['Side'] === 'sender' && card['Peer'] === 'edge01.perimeter.test');
  expect(toEdge.length).toBeGreaterThanOrEqual(SAMPLES.length);
  expect(new Set(toEdge.map((card) => card['Reason']))).toEqual(new Set(['direct-trust']));
});
