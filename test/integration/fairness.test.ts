// A peer that is dead, one that never answers to the final dot, and one that is well, behind one Edge at once: what waits for
// the first two holds nothing up for the third.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { DnsServer, zone } from '../helpers/dns-server.ts';
import { INSIDER, writeLetter } from '../helpers/relaying.ts';
import { openScriptedServer, type ScriptedServer } from '../helpers/scripted-smtp-server.ts';
import { freePort } from '../helpers/free-port.ts';
import { eventually, Servers } from '../helpers/servers.ts';
import { Sink } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';

const LIMIT_MS = 300_000;
const DOMAINS = ['dead.test', 'stalled.test', 'live.test'] as const;
/** Of each domain: more than connections are opened for one. */
const COUNT = 30;

let dns: DnsServer;
let servers: Servers;
let live: Sink;
let stalled: ScriptedServer;

beforeAll(async () => {
  live = await Sink.open();
  stalled = await openScriptedServer({ answers: { DOT: () => undefined } });
  const answer = zone(
    Object.fromEntries(
      DOMAINS.flatMap((domain) => [
        [domain, { MX: [`10 mx.${domain}`] }],
        [`mx.${domain}`, { A: ['127.0.0.1'] }],
      ]),
    ),
  );
  dns = await DnsServer.open((query) => answer(query));
  servers = await Servers.prepare();
  servers.configureBoth({
    edgeExtra: {
      dns: { servers: [dns.address] },
      hosts: {
        'hub01.corp.test': `127.0.0.1:${servers.ports.hub}`,
        'mx.dead.test': `mx.dead.test:${await freePort()}`,
        'mx.stalled.test': `mx.stalled.test:${stalled.port}`,
        'mx.live.test': `mx.live.test:${live.port}`,
      },
    },
  });
  await Promise.all([servers.start('hub'), servers.start('edge')]);
  await servers.ask('hub', 'New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
  await servers.subscribe();
  await servers.ask('hub', 'Start-EdgeSynchronization');
}, LIMIT_MS);

afterAll(async () => {
  await servers[Symbol.asyncDispose]();
  await Promise.all([dns.close(), live.close(), stalled.close()]);
});

it(
  'delivers all that is for the living while everything for the dead and the stalled waits',
  async () => {
    for (let number = 0; number < COUNT; number++) {
      for (const domain of DOMAINS) {
        const { content } = writeLetter(`${number} for ${domain}`);
        const to = [`n${number}@${domain}`];
        expect((await submit({ port: servers.ports.hub, from: INSIDER, to, content })).isAccepted).toBe(true);
      }
    }
    await live.waitFor((messages) => messages.length >= COUNT, LIMIT_MS / 2);
    expect(new Set(live.messages.flatMap(({ recipients }) => recipients)).size).toBe(COUNT);
    const counts = await eventually('both queues', async () => {
      const queues = await servers.ask('edge', 'Get-Queue');
      const found = ['dead.test', 'stalled.test'].map(
        (domain) => queues.find(({ NextHopDomain }) => NextHopDomain === domain)?.['MessageCount'],
      );
      return found.every((count) => count === COUNT) ? found : undefined;
    });
    expect(counts).toEqual([COUNT, COUNT]);
    // The stalled peer holds connections open all the while, and no more of them than one hop may have.
    expect(stalled.peers.length).toBeGreaterThan(0);
    expect(stalled.peers.length).toBeLessThanOrEqual(20);
  },
  LIMIT_MS,
);
