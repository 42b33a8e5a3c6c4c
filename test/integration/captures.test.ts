// Captures of a running server: in worker processes as in one, ended by their limits, and refused where people are served.

import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { eventually, Servers } from '../helpers/servers.ts';
import { Conversation, submit } from '../helpers/submit.ts';
import { TWO_WORKERS } from '../helpers/worker-processes.ts';

const LIMIT = { timeout: 360_000 };

it('workers capture what they receive into one limit, and a server for people refuses', LIMIT, async () => {
  await using servers = await Servers.prepare(TWO_WORKERS);
  await servers.start('hub', undefined, { isLab: true });
  await servers.ask('hub', 'New-AcceptedDomain', { Name: 'contoso', DomainName: 'contoso.test' });
  await servers.ask('hub', 'Start-Capture', { MaxSize: '200KB' });
  const hand = async (text: string): Promise<void> => {
    const letter = { from: 'a@contoso.test', to: ['b@contoso.test'], content: Buffer.from(text) };
    expect(await submit({ port: servers.ports.hub, ...letter })).toMatchObject({ isAccepted: true });
  };
  await hand('Subject: small\r\n\r\nhello\r\n');
  const card = await eventually('the card', () => servers.cards('hub').find(({ side }) => side === 'receiver'));
  const [file = ''] = card['captures'] as string[];
  expect(file).toMatch(/-worker[12]-1-smtp-in\.pcapng$/);
  expect(existsSync(file)).toBe(true);
  const status = async () => (await servers.ask('hub', 'Get-Capture'))[0];
  await eventually('the count', async () => ((await status())?.['Sessions'] === 1 ? true : undefined));
  expect(await status()).toMatchObject({ State: 'Capturing', StopCause: null });

  await hand(`Subject: large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(4000)}`);
  await eventually('the end of the capture', async () => ((await status())?.['State'] === 'Off' ? true : undefined));
  expect(await status()).toMatchObject({ StopCause: 'size' });
  const [stopped] = await servers.ask('hub', 'Get-EventLog', { Newest: '1' });
  expect(stopped?.['Message']).toMatch(/^The capture has ended: it has reached its size\./);
  const client = await Conversation.open(servers.ports.hub);
  expect(await client.reply()).not.toContain('captured');
  client.close();

  await servers.stop('hub');
  await servers.start('hub');
  const refused = await servers.run('hub', 'Start-Capture');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^relaypair: this server serves people and captures nothing: .*--lab.*\n$/);
  await servers.stop('hub');
  servers.configureBoth({ hubExtra: { lab: { capture: true } } });
  await expect(servers.start('hub')).rejects.toThrow(/this server serves people and captures nothing/);
});
