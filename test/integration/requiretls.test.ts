// REQUIRETLS from one end to the other: through both servers and a restart, and back to the sender with the reason where it cannot
// go on. It is the one mail that does not flow in clear once the certificates have expired.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readReport, type ReadReport } from '../helpers/mime.ts';
import { RawSmtpClient } from '../helpers/raw-smtp-client.ts';
import { INSIDER, OUTSIDER, Relaying, writeLetter } from '../helpers/relaying.ts';
import { eventually } from '../helpers/servers.ts';
import { openScriptedServer } from '../helpers/scripted-smtp-server.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { REASONS } from '../../src/trust/reasons.ts';

const RELAY = 'relay.isp.test';

let relaying: Relaying;

beforeAll(async () => {
  // The Edge's first certificate has run out.
  relaying = await Relaying.start({ clocks: { edge: '-400d' } });
}, 240_000);
afterAll(() => relaying?.[Symbol.asyncDispose]());

/** Hands a letter with REQUIRETLS in at the Hub, in TLS; gives back its Message-ID. */
async function sendRequiringTls(subject: string, to: string): Promise<string> {
  const { messageId, content } = writeLetter(subject);
  const client = await RawSmtpClient.greet(relaying.servers.ports.hub);
  try {
    expect(await client.ask('STARTTLS')).toMatch(/^220/);
    await client.secure();
    expect(await client.ask('EHLO client.test')).toContain('REQUIRETLS');
    expect(await client.ask(`MAIL FROM:<${INSIDER}> REQUIRETLS RET=FULL`)).toMatch(/^250/);
    expect(await client.ask(`RCPT TO:<${to}>`)).toMatch(/^250/);
    expect(await client.ask('DATA')).toMatch(/^354/);
    expect(await client.ask(`${content.toString()}.`)).toMatch(/^250/);
    return messageId;
  } finally {
    client.destroy();
  }
}

/** The report on a message that came into the sender's mailbox. */
async function reportOn(messageId: string): Promise<ReadReport> {
  const isIt = ({ content }: { content: Buffer }) => content.includes(`In-Reply-To: ${messageId}`);
  await relaying.inside.waitFor((messages) => messages.some(isIt));
  return readReport(relaying.inside.messages.find(isIt)?.content ?? Buffer.alloc(0));
}

function cardsOf(role: 'hub' | 'edge', messageId: string) {
  return relaying.servers.cards(role).filter((card) => card['side'] === 'sender' && card['messageId'] === messageId);
}

describe('a message with REQUIRETLS', () => {
  it('comes back where a certificate of the pair has expired and all other mail goes in clear', async () => {
    const other = await relaying.sendLetter('outbound', 'in clear');
    await relaying.awaitArrival('outbound', other);
    expect(await relaying.awaitHopCard('outbound', other, 'delivered')).toMatchObject({ channel: 'plaintext' });
    const messageId = await sendRequiringTls('not in clear', OUTSIDER);
    const report = await reportOn(messageId);
    expect(report.groups[1]?.get('status')).toBe('5.7.10');
    expect(report.text.replaceAll(/\s+/g, ' ')).toContain(REASONS['certificate-expired']);
    expect(cardsOf('hub', messageId)).toMatchObject([
      { outcome: 'failed', policy: 'sender-requires-tls', reason: 'certificate-expired', channel: 'none' },
    ]);
    expect(relaying.servers.cards('edge').filter((card) => card['messageId'] === messageId)).toEqual([]);
  }, 240_000);

  it('waits through a restart, crosses the pair by the pin, and comes back from a smart host without TLS', async () => {
    const { servers } = relaying;
    await servers.cmdlet('edge', 'New-ExchangeCertificate', '-Confirm:false');
    await servers.subscribe();
    await relaying.synchronize();
    await servers.stop('edge');
    const messageId = await sendRequiringTls('to a smart host without TLS', OUTSIDER);
    await eventually('a try', () => cardsOf('hub', messageId)[0]);
    const queues = await servers.ask('hub', 'Get-Queue');
    expect(queues.filter(({ MessageCount }) => MessageCount !== 0)).toMatchObject([
      { TlsDemand: 'requiretls', MessageCount: 1 },
    ]);
    await servers.stop('hub');
    await Promise.all([servers.start('hub'), servers.start('edge')]);
    const report = await reportOn(messageId);
    expect(report.groups[1]?.get('status')).toBe('5.7.10');
    expect(report.returned.fields.get('content-type')).toBe('text/rfc822-headers');
    expect(cardsOf('hub', messageId).at(-1)).toMatchObject({
      outcome: 'delivered',
      policy: 'sender-requires-tls',
      reason: 'direct-trust',
      channel: 'tls',
    });
    expect(cardsOf('edge', messageId)).toMatchObject([
      { outcome: 'failed', reason: 'starttls-not-supported', channel: 'none' },
    ]);
    expect(relaying.outside.messages.filter(({ content }) => content.includes(messageId))).toEqual([]);
  }, 240_000);

  it('arrives with REQUIRETLS at a smart host whose authority the Edge was told of', async () => {
    const { servers } = relaying;
    const notBefore = new Date(Date.now() - 60_000);
    const { certificate, privateKeyPem } = await createSelfSigned({ netbiosName: 'RELAY', fqdn: RELAY, notBefore });
    const roots = join(servers.folder, 'roots.pem');
    writeFileSync(roots, certificate.pem);
    const relay = await openScriptedServer({
      keywords: ['STARTTLS'],
      keywordsInTls: ['REQUIRETLS'],
      tls: { key: privateKeyPem, cert: certificate.pem },
    });
    try {
      const hosts = {
        'hub01.corp.test': `127.0.0.1:${servers.ports.hub}`,
        [RELAY]: `127.0.0.1:${relay.port}`,
      };
      servers.configureBoth({ deliver: `smtp:127.0.0.1:${relaying.inside.port}`, edgeExtra: { hosts } });
      await servers.stop('edge');
      await servers.start('edge', undefined, { environment: { NODE_EXTRA_CA_CERTS: roots } });
      const connector = 'EdgeSync - Default-First-Site-Name to Internet';
      await servers.ask('hub', 'Set-SendConnector', { Identity: connector, SmartHosts: RELAY });
      await relaying.synchronize();
      const messageId = await sendRequiringTls('all the way', OUTSIDER);
      await eventually('the message', () => relay.bodies.find((body) => body.includes(messageId)));
      expect(relay.commands.filter((line) => line.startsWith('MAIL'))).toEqual([`MAIL FROM:<${INSIDER}> REQUIRETLS`]);
      const [card] = await eventually('the card', () => {
        const cards = cardsOf('edge', messageId);
        return cards.length > 0 ? cards : undefined;
      });
      expect(card).toMatchObject({ outcome: 'delivered', reason: 'tls-verified', policy: 'sender-requires-tls' });
    } finally {
      await relay.close();
    }
  }, 240_000);
});
