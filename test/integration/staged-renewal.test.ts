// Both sides renew their certificates by -Staged while mail flows at a steady rate in both directions: not one message in
// plaintext, not one deferred or bounced, none twice, the new certificates in use at the end, the old ones withdrawn on both sides.

import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { MailFlow, type SentMessage } from '../helpers/mail-flow.ts';
import { type Card, INSIDER, OUTSIDER, Relaying } from '../helpers/relaying.ts';
import { eventually, type Role } from '../helpers/servers.ts';

/** In each direction. */
const MESSAGES_A_SECOND = 50;
const TICK_MS = 20;
/** Not where the servers are: the connections that a source may have are counted. */
const CLIENTS_AT = '127.0.0.2';
const ROLES: readonly Role[] = ['hub', 'edge'];
const OTHER: Record<Role, Role> = { hub: 'edge', edge: 'hub' };

/** What each server sends to the other, at a steady rate until it is stopped. */
class SteadyFlow {
  readonly flows: Record<Role, MailFlow>;
  readonly #startedMs = performance.now();
  readonly #ticking: Promise<void>;
  #released = 0;
  #isStopped = false;

  constructor({ servers }: Relaying) {
    this.flows = {
      hub: new MailFlow(servers.ports.hub, { from: INSIDER, domain: 'elsewhere.test', source: CLIENTS_AT }),
      edge: new MailFlow(servers.ports.edge, { from: OUTSIDER, domain: 'contoso.test', source: CLIENTS_AT }),
    };
    this.#ticking = this.#tick();
  }

  /** Messages released to each direction so far. */
  get released(): number {
    return this.#released;
  }

  async stop(): Promise<{ seconds: number }> {
    this.#isStopped = true;
    await this.#ticking;
    const seconds = (performance.now() - this.#startedMs) / 1000;
    for (const role of ROLES) {
      await this.flows[role].untilIdle();
      await this.flows[role].stop();
    }
    return { seconds };
  }

  /** As many as the clock says, however late the tick: the rate does not sink with the machine's load. */
  async #tick(): Promise<void> {
    while (!this.#isStopped) {
      const due = Math.floor(((performance.now() - this.#startedMs) / 1000) * MESSAGES_A_SECOND);
      for (const role of ROLES) this.flows[role].release(due - this.#released);
      this.#released = due;
      await pause(TICK_MS);
    }
  }
}

/** The sender's cards of the hop between the two. */
function hopCards({ servers }: Relaying, role: Role): Card[] {
  return servers.cards(role).filter((card) => card['side'] === 'sender' && card['policy'] === 'direct-trust');
}

/** What the cards say of messages that were not delivered once and at the first attempt, and of whatever else has cards. */
function describeOdd(cards: readonly Card[], sent: Iterable<SentMessage>): string[] {
  const outcomes = new Map(Array.from(sent, ({ messageId }): [string, string[]] => [messageId, []]));
  for (const card of cards) {
    const messageId = String(card['messageId']);
    const known = outcomes.get(messageId) ?? ['not of this flow'];
    known.push(['outcome', 'time', 'reason', 'detail'].map((part) => String(card[part])).join(' '));
    outcomes.set(messageId, known);
  }
  return Array.from(outcomes)
    .filter(([, told]) => told.length !== 1 || !told[0]?.startsWith('delivered '))
    .map(([messageId, told]) => [messageId, ...(told.length === 0 ? ['no card'] : told)].join(': '));
}

/** The certificates that one side of the hop has shown. */
function shownBy(cards: readonly Card[], part: 'localThumbprint' | 'peerThumbprint'): Set<unknown> {
  return new Set(cards.map((card) => (card['tls'] as Record<string, unknown>)[part]));
}

async function thumbprintsOf({ servers }: Relaying, role: Role, part: string, holder = role): Promise<unknown[]> {
  const rows = await servers.ask(holder, 'Get-TrustStatus', { Identity: role === 'hub' ? 'HUB01' : 'EDGE01' });
  return rows.filter((row) => row['Certificate'] === part).map((row) => row['Thumbprint']);
}

async function untilIs(what: string, look: () => Promise<unknown[]>, wanted: readonly unknown[]): Promise<void> {
  await eventually(what, async () => ((await look()).join() === wanted.join() ? true : undefined), 60_000);
}

it('a staged renewal of both sides under load defers no message and sends none in plaintext', {
  timeout: 900_000,
}, async () => {
  await using relaying = await Relaying.start();
  const { servers } = relaying;
  // More in a minute than a stranger may send.
  await servers.ask('edge', 'Set-ReceiveConnector', {
    Identity: 'Default internal receive connector EDGE01',
    MessageRateLimit: 'unlimited',
  });
  const flow = new SteadyFlow(relaying);
  await eventually('a flow both ways', () =>
    ROLES.every((role) => hopCards(relaying, role).length > 50) ? true : undefined,
  );

  const next = {} as Record<Role, unknown>;
  for (const role of ROLES) {
    const [made] = await servers.ask(role, 'New-ExchangeCertificate', { Staged: 'true', GracePeriod: '5s' });
    next[role] = made?.['Thumbprint'];
  }
  const stagedAt = flow.released;
  await relaying.synchronize();
  for (const role of ROLES)
    await untilIs(`${role} takes over`, () => thumbprintsOf(relaying, role, 'Current'), [next[role]]);
  const takenOverAt = flow.released;
  for (const role of ROLES) await untilIs(`${role} withdraws`, () => thumbprintsOf(relaying, role, 'Previous'), []);
  const withdrawnAt = new Date().toISOString();
  await relaying.synchronize();
  for (const role of ROLES) {
    for (const holder of ROLES) {
      expect(await thumbprintsOf(relaying, role, 'Current', holder), `${role} at ${holder}`).toEqual([next[role]]);
      expect(await thumbprintsOf(relaying, role, 'Previous', holder), `${role} at ${holder}`).toEqual([]);
    }
  }
  const renewedAt = flow.released;
  await eventually('mail after the renewal', () =>
    flow.released > renewedAt + 2 * MESSAGES_A_SECOND ? true : undefined,
  );

  const { seconds } = await flow.stop();
  await relaying.awaitEmptyQueues(120_000);
  for (const role of ROLES) {
    const cards = hopCards(relaying, role);
    const sent = [...flow.flows[role].messages.values()];
    expect(sent.filter(({ isAcknowledged }) => !isAcknowledged)).toEqual([]);
    expect(describeOdd(cards, sent), role).toEqual([]);
    expect(cards.filter((card) => card['channel'] !== 'tls' || card['reason'] !== 'direct-trust')).toEqual([]);
    const received = servers
      .cards(role)
      .filter((card) => card['side'] === 'receiver' && card['reason'] === 'direct-trust');
    expect(received.length, role).toBe(flow.flows[OTHER[role]].messages.size);
    expect(servers.cards(role).filter((card) => card['outcome'] === 'deferred')).toEqual([]);
    expect(shownBy(cards, 'peerThumbprint').size, `${OTHER[role]} showed both`).toBe(2);
    const afterwards = cards.filter((card) => String(card['time']) > withdrawnAt);
    expect(shownBy(afterwards, 'localThumbprint'), role).toEqual(new Set([next[role]]));
    expect(shownBy(afterwards, 'peerThumbprint'), role).toEqual(new Set([next[OTHER[role]]]));
    console.log(
      `${role} → ${OTHER[role]}: ${cards.length} messages in ${seconds.toFixed(0)} s (${(cards.length / seconds).toFixed(1)} a second), all direct-trust in TLS, 0 deferred; staged at ${stagedAt}, taken over by ${takenOverAt}, withdrawn by ${renewedAt}`,
    );
  }
  expect(await relaying.reports()).toEqual([]);
  expect(flow.flows.hub.messages.size / seconds).toBeGreaterThan(0.9 * MESSAGES_A_SECOND);
});
