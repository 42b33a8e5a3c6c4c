// Several peers for one hop, over real sockets and real handshakes: each is judged by its own certificate.

import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import type { DeliveryContext } from '../../../src/transport/delivery-context.ts';
import type { Hop } from '../../../src/transport/hop.ts';
import { LoadBalance, SHUN_MS } from '../../../src/transport/load-balance.ts';
import type { Peer } from '../../../src/transport/organisation.ts';
import { type Found, findServer } from '../../../src/transport/server-search.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { NO_DNS } from '../../helpers/no-dns.ts';
import { openScriptedServer, type ScriptedServer, type SmtpScript } from '../../helpers/scripted-smtp-server.ts';
import { makeOrganisation, makePeer } from './organisation-fixtures.ts';

const NAMES = ['hub01', 'hub02', 'hub03'] as const;
type Name = (typeof NAMES)[number];
const START = new Date('2026-01-01T00:00:00.000Z');

const pairs = new Map<Name, KeyPair>();
const servers: ScriptedServer[] = [];

beforeAll(async () => {
  for (const name of NAMES) {
    const options = { netbiosName: name.toUpperCase(), fqdn: `${name}.test`, notBefore: START };
    pairs.set(name, await createSelfSigned(options));
  }
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

function pairOf(name: Name): KeyPair {
  const pair = pairs.get(name);
  if (!pair) throw new Error(name);
  return pair;
}

/** A member of the pair that shows this certificate and recognises whoever comes. */
async function serve(shown: Name, script: SmtpScript = {}): Promise<ScriptedServer> {
  const { privateKeyPem: key, certificate } = pairOf(shown);
  const server = await openScriptedServer({
    keywords: ['STARTTLS'],
    keywordsInTls: ['AUTH EXTERNAL'],
    answers: { AUTH: '235 2.7.0 recognised' },
    tls: { key, cert: certificate.pem, requestCert: true, rejectUnauthorized: false },
    ...script,
  });
  servers.push(server);
  return server;
}

class World {
  readonly clock = new HandClock(new Date(START.getTime() + 86_400_000));
  readonly hosts: Record<string, { host: string; port: number }> = {};
  readonly context: DeliveryContext;
  /** On record by now; `find` is begun under the record that it is given. */
  peers: readonly Peer[] = [];

  constructor(at: Partial<Record<Name, ScriptedServer>>) {
    for (const [name, server] of Object.entries(at)) {
      this.hosts[`${name}.test`] = { host: '127.0.0.1', port: server.port };
    }
    this.context = {
      clock: this.clock,
      log: silentLog(),
      organisation: () => makeOrganisation({ role: 'edge', peers: this.peers }),
      addressBook: { hosts: this.hosts, resolver: NO_DNS },
      ownKeyPair: () => pairOf('hub03'),
      handshakeTimeoutMs: 5000,
      balance: new LoadBalance({ clock: this.clock, random: () => 0 }),
      random: () => 0,
      isOwnPlace: () => false,
    };
  }

  /** A connection to the hop whose members are these; it is closed again. */
  async find(names: readonly Name[], hasWaited = false): Promise<Found> {
    const peers = names.map((name) => makePeer(`${name}.test`, { certificate: pairOf(name).certificate }));
    const hop: Hop & { kind: 'pair' } = {
      kind: 'pair',
      key: 'hubs:inbound',
      deliveryType: 'SmartHostConnectorDelivery',
      nextHopDomain: 'hubs',
      connector: 'Inbound',
      peers,
      stance: 'opportunistic',
      port: 25,
    };
    const found = await findServer({ context: this.context, hop, hasWaited });
    if (found.kind === 'ready') await found.session.quit();
    return found;
  }
}

/** Who was used, or why nobody. */
function resultOf(found: Found): string {
  return found.kind === 'ready' ? String(found.facts.peer.name) : found.reply;
}

describe('findServer', () => {
  it('takes turns, every one authenticated by its own certificate', async () => {
    const world = new World({ hub01: await serve('hub01'), hub02: await serve('hub02') });
    const found: Found[] = [];
    for (let count = 0; count < 4; count++) found.push(await world.find(['hub01', 'hub02']));
    expect(found.map(resultOf)).toEqual(['hub01.test', 'hub02.test', 'hub01.test', 'hub02.test']);
    for (const { facts } of found) {
      expect(facts).toMatchObject({
        channel: 'tls',
        reason: 'direct-trust',
        protection: 'authenticated-and-protected',
        tls: { peerThumbprint: pairOf(facts.peer.name?.slice(0, 5) as Name).certificate.thumbprint },
      });
      expect(facts.passedOver).toBeUndefined();
    }
  });

  it('passes over an impostor and says so on the record of the one that is used', async () => {
    const world = new World({ hub01: await serve('hub03'), hub02: await serve('hub02') });
    const found = await world.find(['hub01', 'hub02']);
    expect(resultOf(found)).toBe('hub02.test');
    expect(found.facts.passedOver).toEqual([
      {
        reply: expect.stringMatching(/^454 4\.7\.5 certificate-not-trusted/),
        facts: expect.objectContaining({ reason: 'certificate-not-trusted', channel: 'none', events: [2018] }),
      },
    ]);
  });

  it('judges a peer anew whose certificate came on record while it was dialled, and does not go on asking', async () => {
    const peersWith = (name: Name) => [makePeer('hub01.test', { certificate: pairOf(name).certificate })];
    let recorded: Name = 'hub02';
    const renewing = await serve('hub02', {
      answers: {
        EHLO: () => {
          world.peers = peersWith(recorded);
          return '250-peer.test\r\n250-STARTTLS\r\n250 AUTH EXTERNAL';
        },
        AUTH: '235 2.7.0 recognised',
      },
    });
    const world = new World({ hub01: renewing });
    expect(await world.find(['hub01'])).toMatchObject({
      kind: 'ready',
      facts: { reason: 'direct-trust', tls: { peerThumbprint: pairOf('hub02').certificate.thumbprint }, events: [] },
    });
    expect(renewing.commands.filter((line) => line === 'STARTTLS')).toHaveLength(2);
    recorded = 'hub03';
    expect(resultOf(await world.find(['hub01']))).toMatch(/^454 4\.7\.5 certificate-not-trusted/);
    expect(renewing.commands.filter((line) => line === 'STARTTLS')).toHaveLength(4);
    recorded = 'hub01';
    expect(resultOf(await world.find(['hub01']))).toMatch(/^454 4\.7\.5 certificate-not-trusted/);
    expect(renewing.commands.filter((line) => line === 'STARTTLS')).toHaveLength(5);
  });

  it('lets mail wait when two peers have changed places: what one may show the other may not', async () => {
    const [first, second] = [await serve('hub02'), await serve('hub01')];
    const world = new World({ hub01: first, hub02: second });
    const found = await world.find(['hub01', 'hub02']);
    expect(resultOf(found)).toMatch(/^454 4\.7\.5 certificate-not-trusted/);
    expect(found.facts).toMatchObject({ peer: { name: 'hub01.test' }, passedOver: [{}] });
    for (const server of [first, second]) expect(server.commands.filter((line) => line.startsWith('AUTH'))).toEqual([]);
  });

  it.each<[string, SmtpScript]>([
    ['closes with 421', { greeting: '421 4.3.2 closing' }],
    ['refuses EHLO', { answers: { EHLO: '421 4.3.2 busy' } }],
    ['does not recognise this server', { answers: { AUTH: '535 5.7.8 no' } }],
    ['cuts the handshake', { answers: { STARTTLS: (_line, peer) => peer.vanish() } }],
  ])('goes on to the next, in TLS, when a peer %s', async (_, script) => {
    const world = new World({ hub01: await serve('hub01', script), hub02: await serve('hub02') });
    const found = await world.find(['hub01', 'hub02']);
    expect([resultOf(found), found.facts.channel]).toEqual(['hub02.test', 'tls']);
  });

  it('dials a dead peer once, and others instead for a minute', async () => {
    const dead = await serve('hub01', { greeting: '421 4.3.2 closing' });
    const world = new World({ hub01: dead, hub02: await serve('hub02'), hub03: await serve('hub03') });
    const used: string[] = [];
    for (let count = 0; count < 7; count++) used.push(resultOf(await world.find(NAMES)));
    expect(dead.peers.length).toBe(1);
    expect(used.filter((name) => name === 'hub02.test').length).toBeGreaterThanOrEqual(3);
    expect(used.filter((name) => name === 'hub03.test').length).toBeGreaterThanOrEqual(3);
    world.clock.advance(SHUN_MS);
    await world.find(NAMES);
    expect(dead.peers.length).toBe(2);
  });

  it('gives the reason of trust when another peer is merely away', async () => {
    const world = new World({ hub01: await serve('hub03') });
    for (const names of [
      ['hub01', 'hub02'],
      ['hub02', 'hub01'],
    ] as const) {
      const found = await world.find(names);
      expect(found.facts).toMatchObject({
        reason: 'certificate-not-trusted',
        peer: { name: 'hub01.test' },
        passedOver: [{ reply: expect.stringMatching(/no address is known for hub02\.test/) }],
      });
    }
  });

  it('judges a peer afresh when the directory has another certificate for it', async () => {
    const renewed = await serve('hub03');
    const world = new World({ hub01: renewed, hub02: await serve('hub02') });
    await world.find(['hub01', 'hub02']);
    expect(renewed.peers.length).toBe(1);
    pairs.set('hub01', { ...pairOf('hub03') });
    const found = [await world.find(['hub01', 'hub02']), await world.find(['hub01', 'hub02'])];
    expect(found.map(resultOf).toSorted()).toEqual(['hub01.test', 'hub02.test']);
  });
});
