// Fault: kill -9 of either server while mail flows Hub → Edge → smart host, again and again, at random and at the two moments
// that matter: between the final dot and the 250, and between the next hop's 250 and its record.

import { expect, it } from 'vitest';
import { MailFlow, type SentMessage, sha256 } from '../helpers/mail-flow.ts';
import { type Card, Relaying } from '../helpers/relaying.ts';
import { eventually, type Role } from '../helpers/servers.ts';
import type { SunkMessage } from '../helpers/sink.ts';

const ROUNDS = 20;
/** Not every kill hits its moment: so many rounds may be needed to see `PROVEN` of each kind. */
const MAX_ROUNDS = 32;
const PROVEN = 5;
const MESSAGES_A_ROUND = 500;
/** Ten connections a hop: what may be between a 250 and its record when a server is killed. The Edge has a hop on either side. */
const IN_FLIGHT: Record<Role, number> = { hub: 10, edge: 20 };
const MOMENTS = ['after the dot', 'before the record', 'random'] as const;

interface Kill {
  readonly role: Role;
  readonly atMs: number;
  /** When its successor was up. What arrives before was sent by the dead one, and may have lain unread in the socket. */
  upAgainMs: number;
}

interface Arrival {
  readonly atMs: number;
  /** When the Edge went on on that connection, which it does only after it has recorded our 250. */
  notedAtMs: number;
}

/** What arrived at the smart host, by number; what should not have is in `strange`. */
class Ledger {
  readonly strange: string[] = [];
  readonly #arrivals = new Map<number, Arrival[]>();
  readonly #byMessage = new WeakMap<SunkMessage, Arrival>();

  take(message: SunkMessage, sent: ReadonlyMap<number, SentMessage>): void {
    const original = sent.get(numberOf(message));
    const trouble = original ? findTrouble(message, original) : 'was never submitted';
    if (trouble !== undefined) this.strange.push(`${message.recipients.join()}: ${trouble}`);
    const arrival = { atMs: Date.now(), notedAtMs: Number.POSITIVE_INFINITY };
    this.#arrivals.set(numberOf(message), [...this.arrivals(numberOf(message)), arrival]);
    this.#byMessage.set(message, arrival);
  }

  note(message: SunkMessage): void {
    const arrival = this.#byMessage.get(message);
    if (arrival) arrival.notedAtMs = Date.now();
  }

  arrivals(number: number): readonly Arrival[] {
    return this.#arrivals.get(number) ?? [];
  }
}

function numberOf({ recipients }: SunkMessage): number {
  return Number(/^n(\d+)@elsewhere\.test$/.exec(recipients[0] ?? '')?.[1]);
}

/** The submitted octets must be there whole, with nothing but the two servers' trace fields before them. */
function findTrouble({ content, recipients }: SunkMessage, sent: SentMessage): string | undefined {
  if (recipients.length !== 1) return `${recipients.length} recipients`;
  const start = content.length - sent.sizeBytes;
  if (start < 0) return `${content.length} of ${sent.sizeBytes} octets`;
  if (sha256(content.subarray(start)) !== sent.sha256) return 'another content than was submitted';
  const trace = content.subarray(0, start).toString();
  return /^(?:Received: (?:[^\r\n]|\r\n[\t ])+\r\n){2}$/.test(trace) ? undefined : `its trace fields are: ${trace}`;
}

/** Kills servers and starts them again, one at a time. */
class Assault {
  readonly kills: Kill[] = [];
  readonly #relaying: Relaying;
  #restart: Promise<void> = Promise.resolve();

  constructor(relaying: Relaying) {
    this.#relaying = relaying;
  }

  /** At once, within the same turn. */
  kill(role: Role): void {
    const { servers } = this.#relaying;
    process.kill(servers.pid(role), 'SIGKILL');
    const kill: Kill = { role, atMs: Date.now(), upAgainMs: Number.POSITIVE_INFINITY };
    this.kills.push(kill);
    this.#restart = servers
      .stop(role, 'SIGKILL')
      .then(() => servers.start(role))
      .then(() => void (kill.upAgainMs = Date.now()));
  }

  async recover(): Promise<void> {
    await this.#restart;
  }
}

it('loses, halves and invents nothing, and doubles only what was in flight', { timeout: 900_000 }, async () => {
  const ledger = new Ledger();
  const flows: MailFlow[] = [];
  /** Messages whose dot was on its way without a 250 when the Hub was killed. */
  const unanswered: SentMessage[] = [];
  /** Messages whose 250 had just been written when the Edge was killed. */
  const unrecorded: number[] = [];
  const traps: { record?: (() => void) | undefined } = {};
  await using relaying = await Relaying.start({
    outside: {
      onMessage: (message) => {
        ledger.take(message, flows[0]?.messages ?? new Map());
        return undefined;
      },
      onAnswered: (message) => {
        relaying.outside.messages.length = 0;
        if (!traps.record || ledger.arrivals(numberOf(message)).length > 1) return;
        traps.record();
        traps.record = undefined;
        unrecorded.push(numberOf(message));
      },
      onNoted: (message) => ledger.note(message),
    },
  });
  const assault = new Assault(relaying);
  const flow = new MailFlow(relaying.servers.ports.hub);
  flows.push(flow);

  const strike: Record<(typeof MOMENTS)[number], (round: number) => Promise<void>> = {
    'after the dot': (round) =>
      new Promise((resolve) => {
        flow.dotTrap = {
          turns: (round * 7) % 60,
          kill: () => assault.kill('hub'),
          sprung: (message, isUnanswered) => {
            if (isUnanswered) unanswered.push(message);
            resolve();
          },
        };
      }),
    'before the record': () =>
      new Promise((resolve) => {
        traps.record = () => {
          assault.kill('edge');
          resolve();
        };
      }),
    random: async (round) => assault.kill(round % 2 === 0 ? 'hub' : 'edge'),
  };
  /** Only what arrives again although the Edge had taken it once from a Hub that knows so was killed before its record. */
  const countProven = (): number => {
    const accepted = cardsOf(relaying, 'edge', 'accepted');
    return unrecorded.filter((number) => ledger.arrivals(number).length > 1 && accepted.get(number)?.length === 1)
      .length;
  };

  for (let round = 0; round < ROUNDS || unanswered.length < PROVEN || countProven() < PROVEN; round++) {
    expect(round).toBeLessThan(MAX_ROUNDS);
    const before = flow.messages.size;
    flow.release(MESSAGES_A_ROUND);
    await flow.untilBegun(before + Math.floor((Math.random() * MESSAGES_A_ROUND) / 2));
    await strike[MOMENTS[round % MOMENTS.length] ?? 'random'](round);
    await assault.recover();
    await flow.untilIdle();
    const numbers = Array.from({ length: MESSAGES_A_ROUND }, (_none, index) => before + 1 + index);
    await awaitArrivals(relaying, () =>
      numbers.filter((number) => flow.messages.get(number)?.isAcknowledged && ledger.arrivals(number).length === 0),
    );
    const doubled = numbers.filter((number) => ledger.arrivals(number).length > 1);
    expect(doubled.length).toBeLessThanOrEqual(IN_FLIGHT[assault.kills.at(-1)?.role ?? 'hub']);
  }
  await flow.stop();
  await relaying.awaitEmptyQueues();

  const sent = [...flow.messages.values()];
  expect(ledger.strange).toEqual([]);
  expect(unanswered.filter(({ isAcknowledged }) => isAcknowledged)).toEqual([]);

  const delivered = cardsOf(relaying, 'hub', 'delivered');
  const inexplicable = sent.filter(({ number, startedAtMs }) => {
    const arrivals = ledger.arrivals(number);
    const recordedAtMs = Math.min(...(delivered.get(number) ?? []).map((card) => Date.parse(String(card['time']))));
    const reasons = assault.kills.map(({ role, atMs, upAgainMs }) => {
      const onTheHub = startedAtMs <= atMs && atMs <= recordedAtMs;
      const onTheEdge =
        role === 'edge' ? arrivals.filter((arrival) => arrival.atMs <= upAgainMs && atMs <= arrival.notedAtMs) : [];
      return onTheEdge.length + (onTheHub ? 1 : 0);
    });
    return arrivals.length > 1 + reasons.reduce((sum, count) => sum + count, 0);
  });
  expect(inexplicable).toEqual([]);
  for (const role of ['hub', 'edge'] as const) expect(findSentAfterRecord(relaying.servers.cards(role))).toEqual([]);
  const doubled = sent.filter(({ number }) => ledger.arrivals(number).length > 1).length;
  console.log(
    `${sent.length} messages, ${sent.filter(({ isAcknowledged }) => isAcknowledged).length} acknowledged, ${assault.kills.length} kills, ` +
      `${unanswered.length} between dot and 250, ${countProven()} between 250 and record, ${doubled} messages doubled`,
  );
});

/** Waits while something still comes; what stays out is named, with the queues that may hold it. */
async function awaitArrivals({ servers }: Relaying, missing: () => readonly number[]): Promise<void> {
  for (let left = missing(); left.length > 0; left = missing()) {
    const before = left.length;
    try {
      await eventually('one more', () => missing().length < before || undefined, 30_000);
    } catch {
      const queues = await Promise.allSettled([servers.ask('hub', 'Get-Queue'), servers.ask('edge', 'Get-Queue')]);
      expect.fail(`nothing comes any more: ${missing().join()} are missing; ${JSON.stringify(queues, undefined, 1)}`);
    }
  }
}

/** Cards by the number of their message. */
function cardsOf(relaying: Relaying, role: Role, outcome: string): Map<number, Card[]> {
  const found = new Map<number, Card[]>();
  for (const card of relaying.servers.cards(role)) {
    if (card['outcome'] !== outcome) continue;
    const number = Number(/^<flow-(\d+)@/.exec(String(card['messageId']))?.[1]);
    found.set(number, [...(found.get(number) ?? []), card]);
  }
  return found;
}

/** The card is written after the record: a message that has one must never have gone out again. */
function findSentAfterRecord(cards: readonly Card[]): unknown[] {
  const seen = new Set<unknown>();
  const ids = cards.filter((card) => card['outcome'] === 'delivered').map((card) => card['internalMessageId']);
  return ids.filter((id) => seen.size === seen.add(id).size);
}
