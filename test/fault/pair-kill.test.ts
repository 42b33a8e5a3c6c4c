// Fault: kill -9 of either server while mail flows Hub → Edge → smart host, again and again, at random and at the two moments
// that matter: between the final dot and the 250, and between the next hop's 250 and its record.

import { expect, it } from 'vitest';
import { MailFlow, type SentMessage, sha256 } from '../helpers/mail-flow.ts';
import { awaitEmptyQueues, startRelaying } from '../helpers/relaying.ts';
import { eventually, type Role, Servers } from '../helpers/servers.ts';
import { Sink, type SunkMessage } from '../helpers/sink.ts';

const ROUNDS = 20;
const MAX_ROUNDS = 30;
const PROVEN = 5;
const MESSAGES_A_ROUND = 500;

type Moment = 'after the dot' | 'before the record' | 'random';

interface Kill {
  readonly role: Role;
  readonly moment: Moment;
  readonly atMs: number;
}

interface Arrival {
  readonly atMs: number;
  /** When the Edge went on on that connection, which it does after it has recorded our 250. */
  notedAtMs: number;
}

/** What arrived at the smart host, by number; what should not have is in `strange`. */
class Ledger {
  readonly arrivals = new Map<number, Arrival[]>();
  readonly strange: string[] = [];
  readonly #byMessage = new WeakMap<SunkMessage, Arrival>();

  take(message: SunkMessage, sent: ReadonlyMap<number, SentMessage>): number {
    const number = Number(/^n(\d+)@elsewhere\.test$/.exec(message.recipients[0] ?? '')?.[1]);
    const original = sent.get(number);
    const trouble = original ? compare(message, original) : 'was never submitted';
    if (trouble !== undefined) this.strange.push(`${message.recipients.join()}: ${trouble}`);
    const arrival = { atMs: Date.now(), notedAtMs: Number.POSITIVE_INFINITY };
    this.arrivals.set(number, [...(this.arrivals.get(number) ?? []), arrival]);
    this.#byMessage.set(message, arrival);
    return number;
  }

  note(message: SunkMessage): void {
    const arrival = this.#byMessage.get(message);
    if (arrival) arrival.notedAtMs = Date.now();
  }

  count(number: number): number {
    return this.arrivals.get(number)?.length ?? 0;
  }
}

/** The submitted octets must be there whole, with nothing but trace fields before them. */
function compare({ content, recipients }: SunkMessage, { sizeBytes, sha256: wanted }: SentMessage): string | undefined {
  if (recipients.length !== 1) return `${recipients.length} recipients`;
  if (content.length < sizeBytes) return `${content.length} of ${sizeBytes} octets`;
  const start = content.length - sizeBytes;
  if (sha256(content.subarray(start)) !== wanted) return 'another content than was submitted';
  const trace = content.subarray(0, start).toString();
  return /^(?:Received: (?:[^\r\n]|\r\n[\t ])+\r\n){2}$/.test(trace) ? undefined : `no trace fields: ${trace}`;
}

class Assault {
  readonly kills: Kill[] = [];
  readonly servers: Servers;
  readonly flow: MailFlow;
  #restart: Promise<void> = Promise.resolve();

  constructor(servers: Servers, flow: MailFlow) {
    this.servers = servers;
    this.flow = flow;
  }

  /** At once, within the same turn. */
  kill(role: Role, moment: Moment): void {
    process.kill(this.servers.pid(role), 'SIGKILL');
    this.kills.push({ role, moment, atMs: Date.now() });
    this.#restart = this.servers.stop(role, 'SIGKILL').then(() => this.servers.start(role));
  }

  async recovered(): Promise<void> {
    await this.#restart;
  }
}

it('loses, halves and invents nothing, and doubles only what was in flight', { timeout: 400_000 }, async () => {
  const ledger = new Ledger();
  const provenDots: SentMessage[] = [];
  const suspects: number[] = [];
  let recordTrap: (() => void) | undefined;
  let sent: ReadonlyMap<number, SentMessage> = new Map();
  const sink = await Sink.open({
    onMessage: (message) => {
      ledger.take(message, sent);
      return undefined;
    },
    onAnswered: (message) => {
      const number = Number(message.recipients[0]?.slice(1, -'@elsewhere.test'.length));
      if (recordTrap && ledger.count(number) === 1) {
        recordTrap();
        recordTrap = undefined;
        suspects.push(number);
      }
      sink.messages.length = 0;
    },
    onNoted: (message) => ledger.note(message),
  });
  await using servers = await Servers.prepare();
  await startRelaying(servers, sink.port);
  const flow = new MailFlow(servers.ports.hub);
  sent = flow.messages;
  const assault = new Assault(servers, flow);

  const strike: Record<Moment, (round: number) => Promise<void>> = {
    'after the dot': (round) =>
      new Promise((resolve) => {
        flow.dotTrap = {
          turns: (round * 7) % 60,
          kill: () => assault.kill('hub', 'after the dot'),
          sprung: (message, isBefore250) => {
            if (isBefore250) provenDots.push(message);
            resolve();
          },
        };
      }),
    'before the record': () =>
      new Promise((resolve) => {
        recordTrap = () => {
          assault.kill('edge', 'before the record');
          resolve();
        };
      }),
    random: (round) => {
      assault.kill(round % 2 === 0 ? 'hub' : 'edge', 'random');
      return Promise.resolve();
    },
  };

  const isProven = (number: number): boolean => ledger.count(number) > 1;
  for (let round = 0; round < ROUNDS || provenDots.length < PROVEN || suspects.filter(isProven).length < PROVEN; round++) {
    expect(round).toBeLessThan(MAX_ROUNDS);
    const before = flow.messages.size;
    flow.release(MESSAGES_A_ROUND);
    await flow.untilBegun(before + Math.floor(Math.random() * MESSAGES_A_ROUND * 0.5));
    const moment = (['after the dot', 'before the record', 'random'] as const)[round % 3] ?? 'random';
    let struck = false;
    const dbg = setTimeout(async () => {
      if (struck) return;
      for (const r of ['hub', 'edge'] as const) console.log(r, servers.pid(r), JSON.stringify(await servers.cmdlet(r, 'Get-Queue'), undefined, 1));
      for (const r of ['hub', 'edge'] as const) console.log(r, JSON.stringify(servers.cards(r).slice(-3), undefined, 1));
      console.log(servers.folder);
    }, 15000);
    await strike[moment](round);
    struck = true;
    clearTimeout(dbg);
    await assault.recovered();
    await flow.untilBegun(before + MESSAGES_A_ROUND);
    console.log(round, moment, flow.messages.size, ledger.arrivals.size, Math.round(performance.now()));
  }
  await flow.stop();
  const acknowledged = [...flow.messages.values()].filter((message) => message.isAcknowledged);
  await eventually('every acknowledged message', () => acknowledged.every(({ number }) => ledger.count(number) > 0) || undefined, 60_000);
  await awaitEmptyQueues(servers);
  console.log(acknowledged.length, flow.messages.size, ledger.arrivals.size, suspects, suspects.map((n)=>ledger.count(n)), provenDots.length, performance.now());
  expect(ledger.strange).toEqual([]);
  await sink.close();
});
