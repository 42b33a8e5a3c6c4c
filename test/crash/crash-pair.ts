// A pair whose servers are killed and started again, between sources that remember each 250 and sinks that remember each
// message. One address in three is deferred at first and one is never taken, so that every kind of outcome is under way.

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Card, INSIDER, OUTSIDER, Relaying } from '../helpers/relaying.ts';
import { eventually, type Role } from '../helpers/servers.ts';
import type { SinkOptions } from '../helpers/sink.ts';
import { sha256 } from '../helpers/spool-fixtures.ts';
import { submit } from '../helpers/submit.ts';
import { composeLetter } from '../helpers/mail-flow.ts';
import { Ledger, type Verdict } from './ledger.ts';
import type { Kill, Letter } from './letter.ts';
import { readWreck } from './wreck.ts';

export const ROLES: readonly Role[] = ['hub', 'edge'];

export const SMALL_BYTES = 1500;
/** More than the spool keeps in its database: a file of its own. */
export const LARGE_BYTES = 300_000;

/** One thread for files: then the calls of each thread come in the same order every time. */
const ONE_FILE_THREAD = { UV_THREADPOOL_SIZE: '1' };
const PATIENCE_MS = 120_000;

/** Where a letter is handed in: outbound at the Hub, inbound at the Edge. */
export interface Way {
  readonly role: Role;
  readonly from: string;
  readonly domain: string;
}

export const WAYS: readonly Way[] = [
  { role: 'hub', from: INSIDER, domain: 'elsewhere.test' },
  { role: 'edge', from: OUTSIDER, domain: 'contoso.test' },
];

export class CrashPair {
  readonly ledger: Ledger;
  readonly #relaying: Relaying;
  readonly #sinkState: SinkState;
  readonly #startedMs: Record<Role, number> = { hub: 0, edge: 0 };
  #count = 0;

  private constructor(relaying: Relaying, ledger: Ledger, sinkState: SinkState) {
    this.#relaying = relaying;
    this.ledger = ledger;
    this.#sinkState = sinkState;
  }

  static async start(): Promise<CrashPair> {
    const ledger = new Ledger();
    const sinkState = new SinkState();
    const sink: SinkOptions = {
      onRecipient: (address) => sinkState.answer(address),
      onMessage: (message) => {
        ledger.take(message);
        return undefined;
      },
    };
    const relaying = await Relaying.start({ inside: sink, outside: sink });
    return new CrashPair(relaying, ledger, sinkState);
  }

  get servers(): Relaying['servers'] {
    return this.#relaying.servers;
  }

  /** Lets the sinks defer whatever they are asked to take, until it is false again. */
  set isHeldBack(isHeldBack: boolean) {
    this.#sinkState.isHeldBack = isHeldBack;
  }

  /** Hands in a small letter of three recipients and a large one, each way, one after the other. */
  async sendRound(): Promise<void> {
    for (const way of WAYS) {
      await this.sendLetter(way, SMALL_BYTES, ['now', 'later', 'never']);
      await this.sendLetter(way, LARGE_BYTES, ['now']);
    }
  }

  async sendLetter({ role, from, domain }: Way, sizeBytes: number, kinds: readonly string[]): Promise<Letter> {
    const number = ++this.#count;
    const id = `crash-${number}@crash.test`;
    const content = composeLetter(id, sizeBytes);
    const addresses = kinds.map((kind) => `${kind}-${number}@${domain}`);
    const refused = addresses.find((address) => address.startsWith('never-'));
    const letter: Letter = {
      id,
      recipients: addresses.filter((address) => address !== refused),
      ...(refused !== undefined && { refused }),
      sizeBytes: content.length,
      sha256: sha256(content),
      startedAtMs: Date.now(),
      answer: 'none',
    };
    this.ledger.add(letter);
    try {
      const { reply } = await submit({ port: this.servers.ports[role], from, to: addresses, content });
      if (reply.startsWith('250')) letter.answer = 'taken';
      else if (/^[45]/.test(reply)) letter.answer = 'refused';
    } catch {
      // Nobody listens while the server is down: nothing was promised.
    }
    return letter;
  }

  /** SIGKILL now; resolves when the server is dead and its spool was looked at. */
  async kill(role: Role, step: string): Promise<void> {
    await this.servers.stop(role, 'SIGKILL');
    await this.noteDeath(role, step);
  }

  /** Enters a server that has been killed, with what its spool shows. */
  async noteDeath(role: Role, step: string): Promise<Kill> {
    await this.servers.stop(role, 'SIGKILL');
    const atMs = Date.now();
    const { pending, troubles } = await readWreck(this.dataFolder(role), this.ledger.letters);
    this.ledger.strange.push(...troubles.map((trouble) => `${role} killed at ${step}: ${trouble}`));
    const kill = { role, step, startedMs: this.#startedMs[role], atMs, upAgainMs: Number.POSITIVE_INFINITY, pending };
    this.ledger.kills.push(kill);
    return kill;
  }

  dataFolder(role: Role): string {
    return join(this.servers.folder, role);
  }

  /** Starts a server, by default with as many threads as the steps were counted with. */
  async start(role: Role, under: readonly string[] = []): Promise<void> {
    const startedMs = Date.now();
    const dead = this.ledger.kills.findLast((kill) => kill.role === role);
    this.#startedMs[role] = startedMs;
    const environment = { ...ONE_FILE_THREAD, NODE_COMPILE_CACHE: join(this.servers.folder, 'compiled') };
    await this.servers.start(role, undefined, { under, environment });
    if (dead) dead.upAgainMs = Math.min(dead.upAgainMs, Date.now());
  }

  /** Both anew, as `start` does. */
  async restartBoth(): Promise<void> {
    for (const role of ROLES) await this.servers.stop(role);
    await Promise.all(ROLES.map((role) => this.start(role)));
  }

  /** Waits until everything acknowledged has arrived and both queues are empty; false when something stays out. */
  async settle(): Promise<boolean> {
    try {
      await this.#untilArrived();
      await this.#relaying.awaitEmptyQueues(PATIENCE_MS);
      return true;
    } catch {
      return false;
    }
  }

  judge(): Verdict {
    return this.ledger.judge({ hub: this.#cards('hub'), edge: this.#cards('edge') });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relaying[Symbol.asyncDispose]();
  }

  /** As long as something still comes, it may take its time. */
  async #untilArrived(): Promise<void> {
    for (let left = this.ledger.missing().length; left > 0; left = this.ledger.missing().length) {
      const before = left;
      await eventually('one more', () => this.ledger.missing().length < before || undefined, PATIENCE_MS);
      await pause(0);
    }
  }

  #cards(role: Role): Card[] {
    return this.servers.cards(role);
  }
}

/** What both sinks say to a recipient: `later-` is deferred once, `never-` always refused. */
class SinkState {
  isHeldBack = false;
  readonly #deferred = new Set<string>();

  answer(address: string): string | undefined {
    if (this.isHeldBack) return '451 4.3.2 not now';
    if (address.startsWith('never-')) return '550 5.1.1 no such user';
    if (!address.startsWith('later-') || this.#deferred.has(address)) return undefined;
    this.#deferred.add(address);
    return '451 4.2.1 later';
  }
}
