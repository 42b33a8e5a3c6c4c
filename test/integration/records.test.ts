// What is on record about one message: the cards of both sides join, tracking and the Received field tell the same, and
// hostile text in a message reaches no terminal.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Card,
  DIRECTIONS,
  type Direction,
  INSIDER,
  type Letter,
  OUTSIDER,
  Relaying,
} from '../helpers/relaying.ts';
import { eventually } from '../helpers/servers.ts';
import { submit } from '../helpers/submit.ts';

/** The receiver's card of the hop between the two servers. */
function receiverCard(relaying: Relaying, direction: Direction, letter: Letter): Promise<Card> {
  const receiver = direction === 'outbound' ? 'edge' : 'hub';
  return eventually("the receiver's card", () =>
    relaying.servers
      .cards(receiver)
      .find((card) => card['side'] === 'receiver' && card['messageId'] === letter.messageId),
  );
}

/** The Received field that the hop's receiver put in front, unfolded. */
async function hopField(relaying: Relaying, direction: Direction, letter: Letter): Promise<string> {
  const sink = direction === 'outbound' ? relaying.outside : relaying.inside;
  await relaying.awaitArrival(direction, letter);
  const message = sink.messages.find(({ content }) => content.includes(letter.content));
  const content = message?.content.toString('latin1') ?? '';
  return content.slice(0, content.indexOf('\r\nReceived:')).replaceAll('\r\n', '');
}

describe.each([
  { when: 'in TLS', clocks: {}, channel: 'tls', protection: 'authenticated-and-protected' },
  {
    when: 'in clear',
    clocks: { hub: '-400d', edge: '-400d' },
    channel: 'plaintext',
    protection: 'authenticated-not-protected',
  },
] as const)('a message that crosses the pair $when', ({ clocks, channel, protection }) => {
  let relaying: Relaying;

  beforeAll(async () => {
    relaying = await Relaying.start({ clocks });
  }, 180_000);

  afterAll(() => relaying[Symbol.asyncDispose]());

  it.each(DIRECTIONS)('%s: leaves two cards that join by its ids and agree', async (direction) => {
    const letter = await relaying.sendLetter(direction, 'joined');
    await relaying.awaitArrival(direction, letter);
    const sent = await relaying.awaitHopCard(direction, letter, 'delivered');
    const received = await receiverCard(relaying, direction, letter);
    expect(received['networkMessageId']).toBe(sent['networkMessageId']);
    expect(received).toMatchObject({ outcome: 'accepted', channel, protection });
    expect(sent).toMatchObject({ outcome: 'delivered', channel, protection });
    const [mine, theirs] = [sent['tls'], received['tls']] as (Record<string, string> | undefined)[];
    expect([mine?.['version'], mine?.['localThumbprint']]).toEqual([theirs?.['version'], theirs?.['peerThumbprint']]);
    expect(mine?.['peerThumbprint']).toBe(theirs?.['localThumbprint']);
  });

  it.each(DIRECTIONS)('%s: says in its Received field how that hop was', async (direction) => {
    const letter = await relaying.sendLetter(direction, 'traced');
    const field = await hopField(relaying, direction, letter);
    const expected =
      channel === 'tls'
        ? /with ESMTPSA \(version=TLSv1\.3, cipher=TLS_/
        : /with ESMTPA \(in clear, reason=own-certificate-expired\)/;
    expect(field).toMatch(expected);
  });

  it.each(DIRECTIONS)(
    '%s: can be followed in both tracking logs by its message id, with channel and reason',
    async (direction) => {
      const letter = await relaying.sendLetter(direction, 'tracked');
      await relaying.awaitArrival(direction, letter);
      await relaying.awaitHopCard(direction, letter, 'delivered');
      for (const role of ['hub', 'edge'] as const) {
        const lines = await eventually(`two lines on the ${role}`, async () => {
          const found = await relaying.servers.ask(role, 'Get-MessageTrackingLog', { MessageId: letter.messageId });
          return found.length >= 2 ? found : undefined;
        });
        expect(lines.map((line) => line['EventId'])).toContain('RECEIVE');
        expect(lines.every((line) => typeof line['Reason'] === 'string')).toBe(true);
        expect(lines.some((line) => line['Channel'] === (channel === 'tls' ? 'TLS' : 'plaintext'))).toBe(true);
      }
    },
  );
});

describe('a hostile message', () => {
  it('shows as harmless text in every cmdlet that prints it', async () => {
    await using relaying = await Relaying.start();
    const subject = 'a\u001B]0;owned\u0007\u001B[31mred\u009B2J <script>';
    const content = Buffer.from(`Message-ID: <hostile@trust.test>\r\nSubject: ${subject}\r\n\r\nhello\r\n`);
    await submit({ port: relaying.servers.ports.hub, from: INSIDER, to: [OUTSIDER], content });
    await relaying.outside.waitFor((messages) => messages.length > 0);
    const printed = await Promise.all(
      [
        ['Get-MessageTrackingLog'],
        ['Get-MessageTrackingLog', '--list'],
        ['Get-DecisionCard', '--list'],
        ['Get-EventLog'],
        ['Get-Message'],
      ].map((words) => relaying.servers.run('hub', ...words)),
    );
    for (const { code, stdout } of printed) {
      expect(code).toBe(0);
      // eslint-disable-next-line no-control-regex
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/);
    }
    expect(printed[0]?.stdout).toContain('owned');
  }, 180_000);
});
