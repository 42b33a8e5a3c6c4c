// Mail programs that others wrote, at every door of the pair: swaks and Postfix hand mail in at both ends, Postfix takes it at
// both ends, as the Edge's smart host and as what the Hub delivers to.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { noteInterop } from '../helpers/interop-report.ts';
import { Pair, type Ran } from '../helpers/pair.ts';
import { requirePeer, requireRoot } from '../helpers/peers.ts';
import { Postfix } from '../helpers/postfix.ts';
import { runProgram } from '../helpers/program.ts';
import { Sink } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';
import { waitUntil } from '../helpers/wait.ts';

const hasSwaks = requirePeer('swaks');
const hasPostfix = [requirePeer('postfix'), requireRoot()].every(Boolean);

let internet: Sink;
let mailboxes: Sink;

beforeAll(async () => {
  [internet, mailboxes] = await Promise.all([Sink.open(), Sink.open()]);
});
afterAll(() => Promise.all([internet.close(), mailboxes.close()]));

/** What the first of the pair wrote: the hop from a stranger, not the one between the two. */
function firstHop(content: Buffer): string {
  const [header = ''] = content.toString('latin1').split('\r\n\r\n');
  const fields = header
    .split(/\r\n(?![ \t])/)
    .filter((field) => /^Received: from [^]* by (?:hub01|edge01)\./.test(field));
  return fields.find((field) => !/^Received: from (?:hub01|edge01)\./.test(field)) ?? '';
}

describe.skipIf(!hasSwaks)('swaks', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await Pair.up({ smartHostPort: internet.port, deliver: `smtp:127.0.0.1:${mailboxes.port}` });
  });
  afterAll(() => pair?.[Symbol.asyncDispose]());

  const doors = [
    { door: 'Hub', tls: false },
    { door: 'Hub', tls: true },
    { door: 'Edge', tls: false },
    { door: 'Edge', tls: true },
  ] as const;

  it.each(doors)('hands in mail at the $door, TLS: $tls', async ({ door, tls }) => {
    const isHub = door === 'Hub';
    const to = `swaks-${tls ? 'tls' : 'clear'}@${isHub ? 'elsewhere' : 'contoso'}.test`;
    const ran = await swaks(isHub ? pair.hubPort : pair.edgePort, to, tls ? ['--tls'] : []);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/<[~-]+ {2}250 2\.6\.0 <.*> \[InternalId=\d+, Hostname=.*\] Queued mail for delivery/);
    const { content } = await (isHub ? internet : mailboxes).messageFor(to);
    expect(content.toString()).toContain('\r\nSubject: by swaks\r\n');
    expect(firstHop(content)).toMatch(
      tls ? /with ESMTPS\r\n \(version=TLSv1\.3, cipher=/ : /with ESMTP\r\n \(in clear, /,
    );
    noteInterop({
      peer: 'swaks',
      as: 'client',
      what: `to the ${door}, ${tls ? 'STARTTLS' : 'in clear'}`,
      result: 'taken',
    });
  });

  it('is refused at the Edge for a foreign domain', async () => {
    const ran = await swaks(pair.edgePort, 'x@elsewhere.test', []);
    expect(ran.code).not.toBe(0);
    expect(ran.stdout).toMatch(/<\*\* 550 5\.7\.1 Unable to relay/);
  });
});

function swaks(port: number, to: string, options: readonly string[]): Promise<Ran> {
  const where = ['--server', `127.0.0.1:${port}`, '--helo', 'swaks.test', '--from', 'a@origin.test', '--to', to];
  return runProgram('swaks', [...where, '--header', 'Subject: by swaks', '--body', 'hello', ...options]);
}

describe.skipIf(!hasPostfix)('Postfix', () => {
  let taker: Postfix;
  let giver: Postfix;
  let pair: Pair;

  beforeAll(async () => {
    const keyPair = await createSelfSigned({ netbiosName: 'MX', fqdn: 'mx.elsewhere.test', notBefore: new Date() });
    taker = await Postfix.open({
      name: 'taker',
      transports: { 'contoso.test': mailboxes.port, '*': internet.port },
      keyPair,
    });
    pair = await Pair.up({ smartHostPort: taker.port, deliver: `smtp:127.0.0.1:${taker.port}` });
    giver = await Postfix.open({ name: 'giver', transports: { 'contoso.test': pair.edgePort, '*': pair.hubPort } });
  }, 180_000);
  afterAll(async () => {
    await Promise.all([giver?.close(), taker?.close(), pair?.[Symbol.asyncDispose]()]);
  }, 180_000);

  const ways = [
    { door: 'Hub', to: 'postfix@elsewhere.test', sink: () => internet, last: 'edge' },
    { door: 'Edge', to: 'postfix@contoso.test', sink: () => mailboxes, last: 'hub' },
  ] as const;

  it.each(ways)('hands in mail at the $door over TLS, and Postfix takes it at the other end', async (way) => {
    await giver.sendmail('a@origin.test', way.to, 'From: a@origin.test\nSubject: by Postfix\n\n.\n..x\nhello\n');
    const { content } = await way.sink().messageFor(way.to);
    const text = content.toString();
    expect(text).toMatch(/\r\nSubject: by Postfix\r\n/);
    expect(text.endsWith('\r\n\r\n.\r\n..x\r\nhello\r\n')).toBe(true);
    expect(firstHop(content)).toMatch(/from giver\.test [^]* with ESMTPS\r\n \(version=TLSv1\.3, cipher=/);
    // Postfix's own words for the hop from the last of the pair to it.
    expect(text).toMatch(
      way.last === 'edge'
        ? /Received: from edge01\.perimeter\.test [^]*by taker\.test \(Postfix\) with ESMTPS/
        : /Received: from hub01\.corp\.test [^]*by taker\.test \(Postfix\) with ESMTPS/,
    );
    expect(giver.log()).toMatch(new RegExp(`to=<${way.to}>.*dsn=2\\.6\\.0, status=sent`));
    noteInterop({ peer: 'Postfix', as: 'client', what: `to the ${way.door}, STARTTLS`, result: 'taken' });
    noteInterop({ peer: 'Postfix', as: 'server', what: `from the ${way.last}, STARTTLS`, result: 'octet for octet' });
  });

  it.each(ways)('is sent to by the $last with TLS that proves nobody: tls-opportunistic', async (way) => {
    const to = `card-${way.to}`;
    const port = way.last === 'edge' ? pair.hubPort : pair.edgePort;
    const content = Buffer.from('From: a@origin.test\r\nMessage-ID: <card@origin.test>\r\n\r\nx\r\n');
    expect((await submit({ port, from: 'a@origin.test', to: [to], content })).isAccepted).toBe(true);
    await way.sink().messageFor(to);
    const card = await waitUntil('the card', async () => {
      const cards = await pair.cmdlet(way.last, 'Get-DecisionCard', '-MessageId', 'card@origin.test');
      return cards.find(({ Side, PeerPort }) => Side === 'sender' && PeerPort === taker.port);
    });
    expect(card).toMatchObject({
      Outcome: 'delivered',
      Channel: 'TLS',
      Reason: 'tls-opportunistic',
      TlsVersion: 'TLSv1.3',
      Authentication: null,
      StartTlsOffered: true,
    });
  });

  it('gets a refusal from the Edge that it turns into a bounce of its own', async () => {
    const from = 'sender-of-a-loop@origin.test';
    const deep = 'Received: by x; Mon, 1 Jan 2024 00:00:00 +0000\n'.repeat(40);
    await giver.sendmail(from, 'too-deep@contoso.test', `${deep}Subject: loop\n\nx\n`);
    // The bounce goes to the sender's domain, by the Hub and the Edge, back to the other Postfix.
    const { content, reversePath } = await internet.messageFor(from);
    expect(reversePath).toBe('');
    expect(content.toString()).toMatch(/554 5\.4\.6 Hop count exceeded/);
  });
});
