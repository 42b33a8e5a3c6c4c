// The published weaknesses by which one message, one command or one address hides another, tried on our listener.
// docs/weaknesses.md lists them with their sources.

import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Offer } from '../../src/smtp/session-policy.ts';
import { FALSE_ENDINGS, smugglingBody } from '../helpers/false-endings.ts';
import { beginData, ListenerBench } from '../helpers/listener-bench.ts';
import type { RawSmtpClient } from '../helpers/raw-smtp-client.ts';
import { ScriptedPolicy } from '../helpers/scripted-policy.ts';

const OFFER: Offer = {
  startTls: false,
  mechanisms: [],
  sizeLimitBytes: 100_000,
  chunking: true,
  binaryMime: true,
};
const EVIL = 'MAIL FROM:<evil@client.test>\r\nRCPT TO:<b@listener.test>\r\nDATA\r\nevil\r\n.\r\n';
const BARE = '550 5.6.11 Message contains bare CR or LF, lines must end in CRLF';
const HIDDEN = '550 5.6.0 Message has a line that begins with NUL and a dot';

const bench = new ListenerBench();
let policy: ScriptedPolicy;
let port: number;
let client: RawSmtpClient;

beforeEach(async () => {
  policy = new ScriptedPolicy({ offered: OFFER });
  port = await bench.listen(policy);
  client = await bench.greet(port);
});
afterEach(() => bench.clear());

/** Nothing more was answered than was asked, and the session is where it should be. */
async function expectInStep(): Promise<void> {
  expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
  expect(client.isQuiet).toBe(true);
}

async function openTransaction(parameters = ''): Promise<void> {
  expect(await client.ask(`MAIL FROM:<a@client.test>${parameters}`)).toMatch(/^250 /);
  expect(await client.ask('RCPT TO:<b@listener.test>')).toMatch(/^250 /);
}

async function answer(): Promise<string> {
  const { code, text } = await client.reply();
  return `${code} ${text}`;
}

describe('SMTP smuggling', () => {
  describe.each(FALSE_ENDINGS)('a body with $name in it', ({ octets, kind }) => {
    const whole = smugglingBody(octets);
    const expected = { bare: BARE, hidden: HIDDEN, text: '250 2.6.0 <1@listener.test> Queued mail for delivery' }[kind];

    function expectOneMessage(): void {
      expect(policy.messages.map(({ transaction }) => transaction.mail.reversePath?.text)).toEqual(
        kind === 'text' ? ['a@client.test'] : [],
      );
      for (const { body } of policy.messages) expect(body.toString('latin1')).toContain('smuggled');
    }

    /** Where the client thinks that such a body ended nobody knows: nothing more is read. */
    async function expectOneAnswer(): Promise<void> {
      expect(await answer()).toBe(expected);
      if (kind === 'text') return expectInStep();
      await client.closed;
      expect(client.isQuiet).toBe(true);
    }

    it(`ends at its true dot only, and is ${kind === 'text' ? 'one message' : 'refused'}`, async () => {
      await beginData(client);
      client.write(whole);
      await expectOneAnswer();
      expectOneMessage();
    });

    it('does so in whatever pieces it comes', async () => {
      await beginData(client);
      const from = whole.indexOf('first');
      client.write(whole.subarray(0, from));
      for (let at = from; at < from + 30; at += 1) {
        await turn();
        client.write(whole.subarray(at, at + 1));
      }
      client.write(whole.subarray(from + 30));
      await expectOneAnswer();
      expectOneMessage();
    });

    it('does so in a chunk, whose end is its size', async () => {
      await openTransaction();
      client.write(`BDAT ${whole.length} LAST\r\n`);
      client.write(whole);
      expect(await answer()).toBe(expected);
      await expectInStep();
      expectOneMessage();
      if (kind === 'text') expect(policy.messages[0]?.body).toEqual(whole);
    });
  });

  it('keeps a message that is all octets for those who announced one, as BINARYMIME', async () => {
    const whole = smugglingBody('\n.\n\r\n\0.\r\n');
    await openTransaction(' BODY=BINARYMIME');
    client.write(`BDAT ${whole.length} LAST\r\n`);
    client.write(whole);
    expect(await answer()).toMatch(/^250 2\.6\.0 /);
    await expectInStep();
    expect(policy.messages[0]?.body).toEqual(whole);
    await openTransaction(' BODY=BINARYMIME');
    expect(await client.ask('DATA')).toMatch(/^503 /);
  });
});

describe('a command with another one in it', () => {
  it.each([
    'NOOP\nRSET',
    'NOOP\n',
    'MAIL FROM:<a@client.test>\nRCPT TO:<b@listener.test>',
    '\nNOOP',
    'NOOP\r\r\n\nRSET',
  ])('that a bare LF parts is refused, and nothing more is read: %j', async (line) => {
    client.write(`${line}\r\n${EVIL}`);
    let last = await answer();
    if (!last.endsWith('CRLF')) last = await answer();
    expect(last).toBe('500 5.5.2 Lines must end in CRLF');
    await client.closed;
    expect(client.isQuiet).toBe(true);
    expect(policy.messages).toEqual([]);
  });

  it.each([
    'NOOP\rRSET',
    'NO\0OP',
    'MAIL FROM:<a@client.test>\r',
    '\0MAIL FROM:<a@client.test>',
    'NOOP \x1b[2J',
    'NOOP \x7f',
  ])('that CR, NUL or another control parts is none: %j', async (line) => {
    expect(await client.ask(line)).toBe('500 5.5.2 Invalid character in command');
    expect(await client.ask('RCPT TO:<b@listener.test>')).toMatch(/^503 /);
    await expectInStep();
  });
});

describe('an address', () => {
  it.each([
    ['CRLF in xtext', 'MAIL FROM:<a@client.test> ENVID=id+0D+0AX-Evil:+20yes', 501],
    ['NUL in xtext', 'MAIL FROM:<a@client.test> ENVID=id+00', 501],
    ['a parameter inside', 'MAIL FROM:<a@client.test SIZE=1>', 501],
    ['a second path', 'MAIL FROM:<a@client.test><evil@client.test>', 501],
    ['a path in quotes that is left open', 'MAIL FROM:<"a@client.test>', 501],
    ['no brackets', 'MAIL FROM:a@client.test', 501],
    ['8-bit octets without SMTPUTF8', 'MAIL FROM:<\u00e4@client.test>', 553],
    ['a mark that turns the reading direction', 'MAIL FROM:<a\u202eb@client.test> SMTPUTF8', 501],
    ['a line separator', 'MAIL FROM:<"a\u2028b"@client.test> SMTPUTF8', 500],
    ['a C1 control', 'MAIL FROM:<a\u009b2J@client.test> SMTPUTF8', 500],
    ['an invisible mark', 'MAIL FROM:<a\ufeff@client.test> SMTPUTF8', 501],
  ])('with %s opens no transaction', async (_what, line, code) => {
    expect(await client.ask(line)).toMatch(new RegExp(`^${code} `));
    expect(await client.ask('RCPT TO:<b@listener.test>')).toMatch(/^503 /);
    await expectInStep();
  });

  it.each([
    ['octets that are no UTF-8', Buffer.from('MAIL FROM:<\xff\xfe@client.test> SMTPUTF8\r\n', 'latin1')],
    ['an overlong CR', Buffer.from('MAIL FROM:<a\xc0\x8d\xc0\x8a@client.test> SMTPUTF8\r\n', 'latin1')],
    ['a surrogate', Buffer.from('MAIL FROM:<a\xed\xa0\x8d@client.test> SMTPUTF8\r\n', 'latin1')],
  ])('with %s is refused', async (_what, octets) => {
    client.write(octets);
    expect(await answer()).toBe('500 5.5.2 Invalid character in command');
    expect(await client.ask('RCPT TO:<b@listener.test>')).toMatch(/^503 /);
    await expectInStep();
  });

  it('keeps characters whose lower octet is CR or LF as the characters that they are', async () => {
    const address = 'a\u760d\u760aRSET@client.test';
    expect(await client.ask(`MAIL FROM:<${address}> SMTPUTF8`)).toMatch(/^250 /);
    expect(await client.ask(`RCPT TO:<b\u010a@listener.test>`)).toMatch(/^250 /);
    await client.ask('DATA');
    expect(await client.ask('x\r\n.')).toMatch(/^250 /);
    await expectInStep();
    expect(policy.messages[0]?.transaction.mail.reversePath?.text).toBe(address);
  });

  it('does not come back in a reply', async () => {
    for (const line of ['MAIL FROM:<evil-marker', 'evil-marker', 'EHLO evil\u202emarker', 'VRFY evil-marker']) {
      expect(await client.ask(line)).not.toMatch(/marker/);
    }
  });
});

describe('BDAT smuggling', () => {
  it.each([
    '',
    ' ',
    '-1',
    '+5',
    '0x10',
    '1e3',
    '5 5',
    '5LAST',
    '5 LAST LAST',
    '5 LASTING',
    '5,LAST',
    '9'.repeat(16),
    '5\u0665',
  ])('a chunk of size %j is the end: what follows cannot be told apart from commands', async (argument) => {
    await openTransaction();
    client.write(`BDAT ${argument}\r\n${EVIL}`);
    expect(await answer()).toBe('501 5.5.4 Syntax: BDAT size [LAST]');
    await client.closed;
    expect(client.isQuiet).toBe(true);
    expect(policy.messages).toEqual([]);
  });

  it('a chunk without a transaction is read and thrown away, commands in it and all', async () => {
    client.write(`BDAT ${EVIL.length} LAST\r\n${EVIL}`);
    expect(await answer()).toMatch(/^503 5\.5\.1 /);
    await expectInStep();
    expect(policy.messages).toEqual([]);
  });

  it('a chunk whose recipients were all refused is read and thrown away', async () => {
    policy.recipient = () => ({ code: 550, enhanced: '5.1.1', text: 'User unknown' });
    client.write(
      `MAIL FROM:<a@client.test>\r\nRCPT TO:<b@listener.test>\r\nBDAT ${EVIL.length} LAST\r\n${EVIL}NOOP\r\n`,
    );
    expect((await client.reply()).code).toBe(250);
    expect((await client.reply()).code).toBe(550);
    expect(await answer()).toMatch(/^554 5\.5\.1 /);
    expect(await answer()).toBe('250 2.0.0 OK');
    await expectInStep();
    expect(policy.messages).toEqual([]);
  });

  it('chunks that were sent after one that is refused are read and thrown away', async () => {
    await openTransaction();
    client.write(`BDAT 3\r\na\nbBDAT ${EVIL.length}\r\n${EVIL}BDAT ${EVIL.length} LAST\r\n${EVIL}`);
    expect(await answer()).toBe(BARE);
    expect(await answer()).toMatch(/^503 /);
    expect(await answer()).toMatch(/^503 /);
    await expectInStep();
    expect(policy.messages).toEqual([]);
  });

  it('a chunk beyond the size that is offered is read and thrown away', async () => {
    const flood = EVIL.repeat(2000);
    await openTransaction();
    client.write(`BDAT ${flood.length} LAST\r\n`);
    client.write(flood);
    expect(await answer()).toMatch(/^552 5\.3\.4 /);
    await expectInStep();
    expect(policy.messages).toEqual([]);
  });

  it('a chunk that is shorter than it said takes the commands behind it for its own', async () => {
    await openTransaction();
    client.write(`BDAT 40 LAST\r\nshort\r\nRSET\r\nQUIT\r\n`);
    client.write('x'.repeat(40 - 'short\r\nRSET\r\nQUIT\r\n'.length));
    expect(await answer()).toMatch(/^250 2\.6\.0 /);
    await expectInStep();
    expect(policy.messages[0]?.body.toString()).toMatch(/^short\r\nRSET\r\nQUIT\r\nx+$/);
  });

  it('a dot between two chunks ends nothing, and DATA after one is refused', async () => {
    await openTransaction();
    expect(await client.ask('BDAT 4\r\na\r')).toMatch(/^550 /);
    await openTransaction();
    expect(await client.ask('BDAT 3\r\na')).toMatch(/^250 /);
    expect(await client.ask('.')).toMatch(/^500 /);
    expect(await client.ask('DATA')).toMatch(/^503 /);
    expect(await client.ask('BDAT 3 LAST\r\n.')).toMatch(/^250 2\.6\.0 /);
    await expectInStep();
    expect(policy.messages.map(({ body }) => body.toString())).toEqual(['a\r\n.\r\n']);
  });
});
