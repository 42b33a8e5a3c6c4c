// The published weaknesses by which one message, one command or one address hides another, tried on what our sender puts on the
// wire. Bodies come from our own listener, as they do in the product. docs/weaknesses.md lists them with their sources.

import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Offer } from '../../src/smtp/session-policy.ts';
import { FALSE_ENDINGS, smugglingBody } from '../helpers/false-endings.ts';
import { beginData, ListenerBench } from '../helpers/listener-bench.ts';
import { ScriptedPolicy } from '../helpers/scripted-policy.ts';
import type { ScriptedPeer } from '../helpers/scripted-smtp-server.ts';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';

const OFFER: Offer = { startTls: false, mechanisms: [], sizeLimitBytes: undefined, chunking: true, binaryMime: true };
const ALL_KEYWORDS = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN', 'SIZE'];

const bench = new ListenerBench();
const fixture = new SenderFixture();
let policy: ScriptedPolicy;

beforeEach(() => {
  policy = new ScriptedPolicy({ offered: OFFER });
});
afterEach(async () => {
  await fixture.cleanUp();
  await bench.clear();
});

/** What a server makes of a body when every octet string that was ever taken for its end is one to it. */
function countEnds(wire: string): number {
  const withoutNuls = wire.replaceAll('\0', '');
  return [...withoutNuls.matchAll(/(?<=\r|\n)\.(?=\r|\n)/g)].length;
}

function messageOf(body: Buffer, binaryMime = false) {
  return makeMessage({ sizeBytes: body.length, eightBit: true, binaryMime, body: () => Readable.from([body]) });
}

describe('SMTP smuggling', () => {
  it.each(FALSE_ENDINGS)('a body with $name leaves with one end to everybody, or was never taken', async (ending) => {
    const client = await bench.greet(await bench.listen(policy));
    await beginData(client);
    client.write(smugglingBody(ending.octets));
    const { code } = await client.reply();
    expect(code).toBe(ending.kind === 'text' ? 250 : 550);
    const server = await fixture.listen({ keywords: ALL_KEYWORDS });
    const session = await fixture.connect(server.port);
    for (const { body } of policy.messages) {
      expect((await session.send(messageOf(body))).recipients[0]?.status).toBe('delivered');
    }
    expect(server.bodies.map((wire) => countEnds(`\r\n${wire}.\r\n`))).toEqual(ending.kind === 'text' ? [1] : []);
    expect(server.commands.filter((line) => line.includes('evil'))).toEqual([]);
  });

  it.each([false, true])(
    'a body that came in one chunk is stuffed with dots where it leaves by DATA (split %s)',
    async (split) => {
      const client = await bench.greet(await bench.listen(policy));
      await client.ask('MAIL FROM:<a@client.test>');
      await client.ask('RCPT TO:<b@listener.test>');
      const body = 'one\r\n.\r\nMAIL FROM:<evil@client.test>\r\n.\r\n';
      const octets = Buffer.from(body);
      const at = split ? body.indexOf('.') : 0;
      if (split) client.write(Buffer.concat([Buffer.from(`BDAT ${at}\r\n`), octets.subarray(0, at)]));
      client.write(Buffer.concat([Buffer.from(`BDAT ${octets.length - at} LAST\r\n`), octets.subarray(at)]));
      if (split) await client.reply();
      expect((await client.reply()).code).toBe(250);
      const server = await fixture.listen({ keywords: ALL_KEYWORDS });
      const session = await fixture.connect(server.port);
      await session.send(messageOf(policy.messages[0]?.body ?? Buffer.alloc(0)));
      expect(server.bodies).toEqual(['one\r\n..\r\nMAIL FROM:<evil@client.test>\r\n..\r\n']);
    },
  );

  it('a binary message never leaves by DATA: in one chunk of its size, or not at all', async () => {
    const octets = smugglingBody('\n.\n');
    const lines = await fixture.listen({ keywords: [...ALL_KEYWORDS, 'CHUNKING'] });
    const refused = await (await fixture.connect(lines.port)).send(messageOf(octets, true));
    expect(refused.recipients[0]).toMatchObject({ status: 'failed', reply: { enhanced: '5.6.3' }, local: true });
    expect(lines.bodies).toEqual([]);
    const port = await bench.listen(policy);
    const taken = await (await fixture.connect(port)).send(messageOf(octets, true));
    expect(taken.recipients[0]?.status).toBe('delivered');
    expect(policy.messages.map(({ body }) => body)).toEqual([octets]);
  });
});

describe('BDAT smuggling', () => {
  it.each([
    ['shorter', -3],
    ['longer', 3],
  ])('a body that is %s than was announced is never made up for by what follows', async (_what, difference) => {
    const octets = Buffer.from('Subject: binary\r\n\r\n12345');
    const session = await fixture.connect(await bench.listen(policy));
    const message = { ...messageOf(octets, true), sizeBytes: octets.length - difference };
    const [first, second] = await Promise.all([session.send(message), session.send(messageOf(octets, true))]);
    expect(first.recipients[0]?.status).toBe('deferred');
    expect(second.recipients[0]?.status).toBe('deferred');
    expect(session.alive).toBe(false);
    await policy.seen(/^closed$/);
    expect(policy.messages).toEqual([]);
  });

  it('no chunk follows when every recipient is refused', async () => {
    policy.recipient = () => ({ code: 550, enhanced: '5.1.1', text: 'User unknown' });
    const session = await fixture.connect(await bench.listen(policy));
    const result = await session.send(messageOf(smugglingBody('\n.\n'), true));
    expect(result.recipients.map(({ status }) => status)).toEqual(['failed', 'failed']);
    policy.recipient = () => undefined;
    expect((await session.send(makeMessage())).recipients[0]?.status).toBe('delivered');
    expect(policy.messages).toHaveLength(1);
  });
});

describe('a hidden command', () => {
  const hostile = [
    'a@x.test>\r\nRCPT TO:<evil@x.test',
    'a@x.test\r',
    'a@x.test\n',
    'a@x.test\0',
    'a@x.test> NOTIFY=NEVER',
    '"a\r\nRSET\r\n"@x.test',
    'a b@x.test',
    'a\u001b[2J@x.test',
    'a\u009b2J@x.test',
    'a\u202e@x.test',
    'a\u2028@x.test',
    'a\ud800@x.test',
  ];

  it.each(hostile)('in a recipient is no address: %j', async (address) => {
    const server = await fixture.listen({ keywords: ALL_KEYWORDS });
    const session = await fixture.connect(server.port);
    const result = await session.send(makeMessage({ recipients: [{ address }, { address: 'b@x.test' }] }));
    expect(result.recipients.map(({ status }) => status)).toEqual(['failed', 'delivered']);
    expect(server.commands.filter((line) => line.startsWith('RCPT'))).toEqual(['RCPT TO:<b@x.test>']);
    expect(server.commands).toHaveLength(4);
  });

  it.each(hostile)('in a sender is no address: %j', async (reversePath) => {
    const server = await fixture.listen({ keywords: ALL_KEYWORDS });
    const session = await fixture.connect(server.port);
    const result = await session.send(makeMessage({ reversePath }));
    expect(result.recipients.map(({ status }) => status)).toEqual(['failed', 'failed']);
    expect(server.commands).toEqual(['EHLO sender.test']);
  });

  it('in an envelope id or an original recipient is spelled out in xtext', async () => {
    const server = await fixture.listen({ keywords: ALL_KEYWORDS });
    const session = await fixture.connect(server.port);
    const evil = 'x\r\nRSET\r\n\0\u760a+=';
    await session.send(
      makeMessage({
        envelopeId: evil,
        recipients: [
          { address: 'a@x.test', originalRecipient: `rfc822;${evil}` },
          { address: 'b@x.test', originalRecipient: `utf-8;${evil}` },
        ],
      }),
    );
    expect(server.commands.map((line) => line.split(' ')[0])).toEqual(['EHLO', 'MAIL', 'RCPT', 'RCPT', 'DATA']);
    expect(server.commands.join('')).not.toMatch(/[\0\r\n]/);
    expect(server.commands[1]).toContain('ENVID=x+0D+0ARSET+0D+0A+00+E7+98+8A+2B+3D');
  });

  it('in characters whose lower octet is CR or LF is no such octet on the wire', async () => {
    const server = await fixture.listen({ keywords: ALL_KEYWORDS });
    const session = await fixture.connect(server.port);
    const address = 'a\u760d\u760aRSET\u010d\u010a@x.test';
    const message = makeMessage({ reversePath: address, recipients: [{ address }], smtpUtf8: true });
    expect((await session.send(message)).recipients[0]?.status).toBe('delivered');
    const wire = Buffer.from(address).toString('latin1');
    expect(server.commands.slice(1, 3)).toEqual([expect.stringContaining(`MAIL FROM:<${wire}> `), `RCPT TO:<${wire}>`]);
    expect(server.commands).toHaveLength(4);
  });

  it('in our own name is never sent', async () => {
    const server = await fixture.listen();
    const name = 'sender.test\r\nMAIL FROM:<evil@x.test>\r\nRSET';
    await fixture.dial(server.port, { name, timeouts: { ehloMs: 1000 } });
    expect(server.commands.filter((line) => !line.startsWith('EHLO'))).toEqual([]);
  });
});

describe('hostile text in a reply', () => {
  it.each([
    ['an escape sequence', '550 5.7.1 \x1b]0;evil\x07\x1b[2J no'],
    ['8-bit controls', '550 5.7.1 \x9b2J\x9d0;evil\x9c no'],
    ['controls in UTF-8', '550 5.7.1 \xc2\x9b2J no'],
    ['backspaces', '550 5.7.1 no\b\b\byes\x7f'],
  ])('comes to us without %s', async (_what, RCPT) => {
    const server = await fixture.listen({ answers: { RCPT } });
    const session = await fixture.connect(server.port);
    const { recipients } = await session.send(makeMessage());
    expect(recipients[0]).toMatchObject({ status: 'failed', reply: { code: 550 } });
    expect(recipients[0]?.reply.text).not.toMatch(/\p{Cc}/u);
  });

  it.each(['550 5.7.1 no\0\r\n250 Ok', '550 5.7.1 no\r250 Ok'])('hides no second reply: %j', async (answer) => {
    const RCPT = (_line: string, peer: ScriptedPeer) => {
      peer.say(answer);
      return undefined;
    };
    const server = await fixture.listen({ answers: { RCPT } });
    const session = await fixture.connect(server.port);
    const { recipients } = await session.send(makeMessage());
    expect(recipients.filter(({ status }) => status === 'delivered')).toEqual([]);
    expect(server.bodies).toEqual([]);
  });
});
