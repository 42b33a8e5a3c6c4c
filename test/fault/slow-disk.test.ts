// Fault: a Hub whose disk takes its time over a sync. The message has set out meanwhile, as far as one gets without its body: the next
// hop hears the envelope, and not one octet more before the disk is through. When the disk then fails, the client is refused and
// the next hop gets nothing. Needs strace.

import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openScriptedServer, type ScriptedServer } from '../helpers/scripted-smtp-server.ts';
import { eventually, Servers } from '../helpers/servers.ts';
import { CAN_STRACE, slowSyncs } from '../helpers/strace.ts';
import { submit } from '../helpers/submit.ts';

const LIMIT = { timeout: 120_000 };
const SYNC_MS = 1500;

/** A Hub whose mailboxes are behind a next hop. */
async function openBench(): Promise<{ servers: Servers; nextHop: ScriptedServer } & AsyncDisposable> {
  const nextHop = await openScriptedServer({ keywords: ['PIPELINING', 'SIZE 104857600'] });
  const servers = await Servers.prepare({ deliver: `smtp:127.0.0.1:${nextHop.port}` });
  await servers.start('hub');
  await servers.ask('hub', 'New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
  return {
    servers,
    nextHop,
    [Symbol.asyncDispose]: async () => {
      await servers[Symbol.asyncDispose]();
      await nextHop.close();
    },
  };
}

async function hand(servers: Servers, subject: string): Promise<string> {
  const content = Buffer.from(`Subject: ${subject}\r\n\r\nBody\r\n`);
  const from = 'inside@contoso.test';
  return (await submit({ port: servers.ports.hub, from, to: ['anna@contoso.test'], content })).reply;
}

function countEnvelopes({ commands }: ScriptedServer): number {
  return commands.filter((line) => line === 'DATA').length;
}

describe.skipIf(!CAN_STRACE)('a Hub whose syncs are slow (needs strace)', () => {
  it('tells the next hop the envelope meanwhile, and the rest when the message is on the disk', LIMIT, async () => {
    await using bench = await openBench();
    const { servers, nextHop } = bench;
    const release = await slowSyncs(servers.pid('hub'), SYNC_MS);
    let reply: string | undefined;
    const replied = hand(servers, 'slow').then((text) => (reply = text));
    await eventually('the envelope at the next hop', () => Promise.resolve(countEnvelopes(nextHop) === 1 || undefined));
    // The next hop has given leave, and would have more by now.
    await delay(SYNC_MS / 5);
    expect([reply, nextHop.bodies, nextHop.peers.map(({ unread }) => unread)]).toEqual([undefined, [], ['']]);
    expect(await replied).toMatch(/^250 /);
    await eventually('the message at the next hop', () => Promise.resolve(nextHop.bodies.length === 1 || undefined));
    await release();
  });

  it('sends nothing of what it then refuses because the disk failed', LIMIT, async () => {
    await using bench = await openBench();
    const { servers, nextHop } = bench;
    const release = await slowSyncs(servers.pid('hub'), SYNC_MS, 'EIO');
    expect(await hand(servers, 'refused')).toMatch(/^45[12] /);
    expect([countEnvelopes(nextHop), nextHop.peers.map(({ unread }) => unread)]).toEqual([1, ['']]);
    await release();
    expect(
      await eventually('mail is taken again', async () => {
        const reply = await hand(servers, 'taken');
        return reply.startsWith('250') ? reply : undefined;
      }),
    ).toMatch(/^250 /);
    await eventually('the message at the next hop', () => Promise.resolve(nextHop.bodies.length > 0 || undefined));
    await eventually('empty queues', async () => {
      const queues = await servers.ask('hub', 'Get-Queue');
      return queues.every((queue) => queue['MessageCount'] === 0) || undefined;
    });
    expect(nextHop.bodies.map((body) => /Subject: (.*)\r\n/.exec(body)?.[1])).toEqual(['taken']);
  });
});
