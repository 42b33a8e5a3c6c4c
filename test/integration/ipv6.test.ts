// A pair that has IPv6 alone: every listener, every sender, EdgeSync, the ranges of a Receive connector and what is recorded.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, Servers } from '../helpers/servers.ts';
import { Sink } from '../helpers/sink.ts';
import { Conversation, submit } from '../helpers/submit.ts';

const LOOPBACK = '::1';
const TO_INTERNET = 'EdgeSync - Default-First-Site-Name to Internet';
const INSIDER = 'inside@contoso.test';
const OUTSIDER = 'outside@elsewhere.test';

let servers: Servers;
let inside: Sink;
let outside: Sink;

beforeAll(async () => {
  [inside, outside] = await Promise.all([Sink.open({ host: LOOPBACK }), Sink.open({ host: LOOPBACK })]);
  servers = await Servers.prepare();
  const { ports } = servers;
  servers.configureBoth({
    deliver: `smtp:[::1]:${inside.port}`,
    hubExtra: {
      listen: { smtp: [`[::1]:${ports.hub}`] },
      hosts: { 'edge01.perimeter.test': `[::1]:${ports.edge}` },
    },
    edgeExtra: {
      listen: { smtp: [`[::1]:${ports.edge}`], ldaps: `[::1]:${ports.ldaps}` },
      hosts: { 'hub01.corp.test': `[::1]:${ports.hub}` },
    },
  });
  await Promise.all([servers.start('hub'), servers.start('edge')]);
  await servers.ask('hub', 'New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
  await servers.subscribe();
  await servers.ask('hub', 'Set-SendConnector', {
    Identity: TO_INTERNET,
    DNSRoutingEnabled: '$false',
    DomainSecureEnabled: '$false',
    SmartHosts: '[::1]',
    Port: String(outside.port),
  });
  const [report] = await servers.ask('hub', 'Start-EdgeSynchronization');
  expect(report).toMatchObject({ Result: 'Success' });
}, 240_000);

afterAll(async () => {
  await servers?.[Symbol.asyncDispose]();
  await Promise.all([inside?.close(), outside?.close()]);
});

async function send(port: number, from: string, to: string, subject: string): Promise<void> {
  const content = Buffer.from(`Message-ID: <${subject}@ipv6.test>\r\nSubject: ${subject}\r\n\r\nhello\r\n`);
  const { reply } = await submit({ host: LOOPBACK, port, from, to: [to], content, helo: '[IPv6:2001:db8::7]' });
  expect(reply).toMatch(/^250/);
}

describe('a pair on IPv6', () => {
  it('relays both ways in trusted TLS, and says by which addresses', async () => {
    await send(servers.ports.hub, INSIDER, OUTSIDER, 'outbound');
    await send(servers.ports.edge, OUTSIDER, INSIDER, 'inbound');
    const [out, back] = await Promise.all([outside.messageFor(OUTSIDER), inside.messageFor(INSIDER)]);
    for (const { content } of [out, back]) {
      const received = content.toString().match(/^Received: (?:.*\r\n)(?:[ \t].*\r\n)*/gm) ?? [];
      expect(received).toHaveLength(2);
      for (const field of received) expect(field).toMatch(/\(\[IPv6:::1\]\)\r\n by \S+ \(\[IPv6:::1\]\)/);
      expect(received.at(-1)).toContain('from [IPv6:2001:db8::7] ([IPv6:::1])');
    }
    for (const [role, port] of [
      ['hub', servers.ports.edge],
      ['edge', servers.ports.hub],
    ] as const) {
      const isHop = (card: Record<string, unknown>) =>
        card['side'] === 'sender' && (card['peer'] as { port: number }).port === port;
      const card = await eventually('the card of the hop', () => servers.cards(role).find(isHop));
      expect(card).toMatchObject({ reason: 'direct-trust', peer: { address: LOOPBACK, port } });
    }
    const lines = await servers.ask('edge', 'Get-MessageTrackingLog', { EventId: 'RECEIVE' });
    expect(new Set(lines.map(({ ClientIp }) => ClientIp))).toEqual(new Set([LOOPBACK]));
  }, 240_000);

  it.each([
    ['::1', true],
    ['::/127', true],
    ['::-::9', true],
    ['::2-::9', false],
    ['::ffff:127.0.0.0/104', false],
    ['127.0.0.0/8', false],
  ])('chooses a Receive connector by the most specific range: %s, %s', async (ranges, isChosen) => {
    await servers.ask('edge', 'New-ReceiveConnector', {
      Name: 'narrow',
      RemoteIPRanges: ranges,
      PermissionGroups: 'AnonymousUsers',
      Bindings: `[::1]:${servers.ports.edge}`,
      Banner: '220 narrow',
    });
    const conversation = await Conversation.open(servers.ports.edge, LOOPBACK);
    try {
      expect(await conversation.reply()).toMatch(isChosen ? /^220 narrow$/ : /^220 edge01\./);
    } finally {
      conversation.close();
      await servers.ask('edge', 'Remove-ReceiveConnector', { Identity: 'narrow', Confirm: '$false' });
    }
  });

  it('knows literals as recipients and refuses to relay to them', async () => {
    const conversation = await Conversation.open(servers.ports.edge, LOOPBACK);
    await conversation.reply();
    await conversation.say('EHLO [IPv6:::1]');
    expect(await conversation.say('MAIL FROM:<a@[IPv6:2001:db8::1]>')).toMatch(/^250/);
    expect(await conversation.say('RCPT TO:<a@[IPv6:2001:db8::1]>')).toBe('550 5.7.1 Unable to relay');
    expect(await conversation.say('RCPT TO:<a@[IPv6:nonsense]>')).toMatch(/^501 5\.1\.3/);
    conversation.close();
  });
});
