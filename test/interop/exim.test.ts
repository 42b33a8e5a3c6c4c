// Exim at every door of the pair: it hands in mail at both ends, by BDAT over TLS, and takes it at both ends, as the Edge's smart host
// and as what the Hub delivers to; by BDAT too where a Send connector says so.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { Exim } from '../helpers/exim.ts';
import { noteInterop } from '../helpers/interop-report.ts';
import { Pair } from '../helpers/pair.ts';
import { requirePeer, requireRoot } from '../helpers/peers.ts';
import { Sink } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';
import { waitUntil } from '../helpers/wait.ts';

const isPossible = [requirePeer('exim4'), requireRoot()].every(Boolean);
const TO_INTERNET = 'EdgeSync - Default-First-Site-Name to Internet';
const BODY = ['.', '..x', 'grüße', '', 'end'];

describe.skipIf(!isPossible)('Exim', () => {
  let internet: Sink;
  let mailboxes: Sink;
  let taker: Exim;
  let giver: Exim;
  let pair: Pair;

  beforeAll(async () => {
    [internet, mailboxes] = await Promise.all([Sink.open(), Sink.open()]);
    const keyPair = await createSelfSigned({ netbiosName: 'MX', fqdn: 'mx.elsewhere.test', notBefore: new Date() });
    taker = await Exim.open({
      name: 'taker',
      routes: { 'contoso.test': mailboxes.port, '*': internet.port },
      keyPair,
    });
    pair = await Pair.up({ smartHostPort: taker.port, deliver: `smtp:127.0.0.1:${taker.port}` });
    giver = await Exim.open({
      name: 'giver',
      routes: { 'contoso.test': pair.edgePort, '*': pair.hubPort },
      keyPair,
    });
  }, 180_000);
  afterAll(async () => {
    await Promise.all([giver?.close(), taker?.close(), pair?.[Symbol.asyncDispose]()]);
    await Promise.all([internet?.close(), mailboxes?.close()]);
  }, 180_000);

  const ways = [
    { door: 'Hub', to: 'exim@elsewhere.test', sink: () => internet, last: 'edge', host: 'edge01.perimeter.test' },
    { door: 'Edge', to: 'exim@contoso.test', sink: () => mailboxes, last: 'hub', host: 'hub01.corp.test' },
  ] as const;

  it.each(ways)('hands in mail at the $door by BDAT over TLS 1.3, and it arrives as it was', async (way) => {
    const head = 'From: a@origin.test\nSubject: by Exim\n\n';
    await giver.sendmail('a@origin.test', way.to, `${head}${BODY.join('\n')}\n`);
    const { content } = await way.sink().messageFor(way.to);
    expect(content.toString()).toMatch(/\r\nSubject: by Exim\r\n/);
    expect(content.toString().endsWith(`\r\n\r\n${BODY.join('\r\n')}\r\n`)).toBe(true);
    // Exim's K: the message went by BDAT; C: what was answered to it.
    const line =
      giver
        .log()
        .split('\n')
        .find((each) => each.includes(`=> ${way.to} `)) ?? '';
    expect(line).toMatch(
      / X=TLS1\.3:\S+ .*\bK C="250 2\.6\.0 <.*> \[InternalId=\d+, Hostname=.*\] Queued mail for delivery"/,
    );
    noteInterop({ peer: 'Exim', as: 'client', what: `to the ${way.door}, BDAT over STARTTLS`, result: line.slice(20) });
  });

  it.each(ways)('takes mail from the $last over TLS 1.3, with SIZE and 8BITMIME, octet for octet', async (way) => {
    const to = `taken-${way.to}`;
    const port = way.last === 'edge' ? pair.hubPort : pair.edgePort;
    const content = Buffer.from(`From: a@origin.test\r\nMessage-ID: <${to}>\r\n\r\n${BODY.join('\r\n')}\r\n`);
    const mailParameters = 'BODY=8BITMIME';
    expect((await submit({ port, from: 'a@origin.test', to: [to], content, mailParameters })).isAccepted).toBe(true);
    const message = await way.sink().messageFor(to);
    expect(message.content.toString().endsWith(`\r\n\r\n${BODY.join('\r\n')}\r\n`)).toBe(true);
    const line =
      taker
        .log()
        .split('\n')
        .find((each) => each.includes(`id=${to}`)) ?? '';
    expect(line).toMatch(/<= a@origin\.test H=\S+ .*P=esmtps X=TLS1\.3:\S+ .*M8S=8 /);
    expect(line).toContain(`(${way.host})`);
    const card = await waitUntil('the card', async () => {
      const cards = await pair.cmdlet(way.last, 'Get-DecisionCard', '-MessageId', to);
      return cards.find(({ Side, PeerPort }) => Side === 'sender' && PeerPort === taker.port);
    });
    expect(card).toMatchObject({ Outcome: 'delivered', Reason: 'tls-opportunistic', TlsVersion: 'TLSv1.3' });
    noteInterop({
      peer: 'Exim',
      as: 'server',
      what: `from the ${way.last === 'edge' ? 'Edge' : 'Hub'}, DATA over STARTTLS`,
      result: line.slice(20),
    });
  });

  it('takes mail from the Edge by BDAT over TLS 1.3, octet for octet, once the Send connector has ChunkingEnabled', async () => {
    await pair.cmdlet('hub', 'Set-SendConnector', TO_INTERNET, '-ChunkingEnabled', 'true');
    await pair.cmdlet('hub', 'Start-EdgeSynchronization');
    const to = 'chunked-exim@elsewhere.test';
    // Larger than what is written at once, with what dot-stuffing would touch at every kind of place.
    const lines = Array.from({ length: 3000 }, (_, index) => BODY[index % BODY.length] ?? '');
    const content = Buffer.from(`From: a@origin.test\r\nMessage-ID: <${to}>\r\n\r\n${lines.join('\r\n')}\r\n`);
    const handedIn = await submit({
      port: pair.hubPort,
      from: 'a@origin.test',
      to: [to],
      content,
      mailParameters: 'BODY=8BITMIME',
    });
    expect(handedIn.isAccepted).toBe(true);
    const message = await internet.messageFor(to);
    expect(message.content.toString().endsWith(`\r\n\r\n${lines.join('\r\n')}\r\n`)).toBe(true);
    const line =
      taker
        .log()
        .split('\n')
        .find((each) => each.includes(`id=${to}`)) ?? '';
    // Exim's K: the message came by BDAT.
    expect(line).toMatch(/<= a@origin\.test H=\S+ .*P=esmtps X=TLS1\.3:\S+ .*\bK S=/);
    noteInterop({
      peer: 'Exim',
      as: 'server',
      what: 'from the Edge, BDAT over STARTTLS (ChunkingEnabled)',
      result: line.slice(20),
    });
  });

  it('is refused by the Edge for a foreign domain and returns the message to its sender', async () => {
    const from = 'returned@elsewhere.test';
    const relay = await Exim.open({
      name: 'relay',
      routes: { 'other.test': pair.edgePort, '*': internet.port },
      keyPair: await createSelfSigned({ netbiosName: 'R', fqdn: 'relay.test', notBefore: new Date() }),
    });
    try {
      await relay.sendmail(from, 'x@other.test', 'Subject: foreign\n\nx\n');
      const { content, reversePath } = await internet.messageFor(from);
      expect(reversePath).toBe('');
      expect(content.toString()).toMatch(/550 5\.7\.1 Unable to relay/);
    } finally {
      await relay.close();
    }
    noteInterop({
      peer: 'Exim',
      as: 'client',
      what: 'to the Edge, for a foreign domain',
      result: '550 5.7.1 Unable to relay',
    });
  });
});
