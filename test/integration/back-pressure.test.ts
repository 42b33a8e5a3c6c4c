// Back pressure on a real server. Its thresholds are moved by reading the config again, so that the machine need not be short of
// anything: refused at MAIL, what was accepted before goes out, and mail is taken again by itself.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, Servers } from '../helpers/servers.ts';
import { submit } from '../helpers/submit.ts';

describe('a server under back pressure', () => {
  let servers: Servers;
  let good: Record<string, unknown>;

  beforeAll(async () => {
    servers = await Servers.prepare();
    await servers.start('hub');
    await servers.ask('hub', 'New-AcceptedDomain', { Name: 'corp', DomainName: 'corp.test' });
    good = JSON.parse(readFileSync(join(servers.folder, 'hub.yaml'), 'utf8')) as Record<string, unknown>;
  }, 180_000);

  afterAll(() => servers[Symbol.asyncDispose]());

  async function reload(changes: Record<string, unknown>): Promise<void> {
    writeFileSync(join(servers.folder, 'hub.yaml'), JSON.stringify({ ...good, ...changes }));
    await servers.ask('hub', 'Update-Configuration');
  }

  it('refuses at MAIL, goes on delivering, and takes mail again by itself', async () => {
    const letter = {
      port: servers.ports.hub,
      from: 'a@corp.test',
      to: ['b@corp.test'],
      content: Buffer.from('Subject: one\r\n\r\nx\r\n'),
    };
    const delivered = () => servers.ask('hub', 'Get-MessageTrackingLog', { EventId: 'DELIVER' });
    await reload({ deliver: 'lmtp:127.0.0.1:9' });
    expect((await submit(letter)).isAccepted).toBe(true);
    expect(await delivered()).toEqual([]);

    await reload({ backPressure: { memoryMedium: 0.1, memoryHigh: 0.1 }, deliver: 'lmtp:127.0.0.1:9' });
    const refused = await eventually('a refusal', async () => {
      const { reply } = await submit(letter);
      return reply.startsWith('452') ? reply : undefined;
    });
    expect(refused).toMatch(/^452 4\.3\.1 Insufficient system resources/);
    const resources = await servers.ask('hub', 'Get-ExchangeDiagnosticInfo');
    expect(resources.find(({ Resource }) => Resource === 'PrivateBytes')).toMatchObject({ Level: 'High' });

    await reload({ backPressure: { memoryMedium: 0.1, memoryHigh: 0.1 } });
    await eventually('a delivery under pressure', async () => ((await delivered()).length > 0 ? true : undefined));
    expect((await submit(letter)).reply).toMatch(/^452 4\.3\.1/);

    await reload({});
    await eventually('mail taken again', async () => ((await submit(letter)).isAccepted ? true : undefined));
    const events = await servers.ask('hub', 'Get-EventLog', { Newest: '100' });
    const changes = events.filter(({ EventId }) => EventId === 15_004 || EventId === 15_005);
    expect(new Set(changes.map(({ EventId }) => EventId))).toEqual(new Set([15_004, 15_005]));
    expect(changes).toHaveLength(2);
  }, 180_000);
});
