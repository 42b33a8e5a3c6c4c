// A MailQueue and a Settlement over the real embedded spool, with hops that do what the test says and a clock moved by hand.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../src/log.ts';
import type { Envelope, Spool, SpooledMessage } from '../../../src/spool/spool.ts';
import type { Attempt } from '../../../src/transport/attempt.ts';
import {
  factsWithoutPeer,
  type Hop,
  type HopConnection,
  type HopFacts,
  type OpenedHop,
  type Parcel,
  type RecipientOutcome,
} from '../../../src/transport/hop.ts';
import type { QueueSettings } from '../../../src/transport/connection-run.ts';
import { MailQueue, type QueueOptions } from '../../../src/transport/queue.ts';
import type { Records } from '../../../src/transport/records.ts';
import { Settlement } from '../../../src/transport/settlement.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { findBackend, makeEnvelope, storeMessage } from '../../helpers/spool-fixtures.ts';
import { waitUntil } from '../../helpers/wait.ts';
import { makeOrganisation } from './organisation-fixtures.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

export const RETRY = {
  glitchCount: 2,
  glitchInterval: MINUTE_MS,
  transientCount: 2,
  transientInterval: 5 * MINUTE_MS,
  outboundInterval: 30 * MINUTE_MS,
  messageInterval: MINUTE_MS,
  expiration: 48 * HOUR_MS,
  delayNotification: 4 * HOUR_MS,
};

/** What a hop does; whatever is absent succeeds. */
export interface Script {
  open?: (hop: Hop, hasWaited: boolean) => Promise<OpenedHop> | OpenedHop;
  deliver?: (parcel: Parcel) => Promise<readonly RecipientOutcome[]> | readonly RecipientOutcome[];
  facts?: Partial<HopFacts>;
}

/** `one.test` is the hop of everybody at one.test. */
export function hopTo(domain: string): Hop {
  return {
    kind: 'mailbox',
    key: domain,
    deliveryType: 'SmtpDeliveryToMailbox',
    nextHopDomain: domain,
    connector: 'Mailbox delivery',
    target: { kind: 'lmtp', host: domain, port: 24 },
  };
}

/** Routes to hops that take so many messages over a connection. */
export function withMaxMessages(maxMessagesPerConnection: number): Pick<QueueOptions, 'route'> {
  return { route: (address) => ({ ...hopTo(address.split('@')[1] ?? ''), maxMessagesPerConnection }) };
}

export function deferral(hop: Hop, reply = '421 4.4.1 no'): OpenedHop {
  return { kind: 'deferred', facts: factsWithoutPeer(hop), reply };
}

export function allOf({ indexes }: Parcel, status: RecipientOutcome['status'], reply: string): RecipientOutcome[] {
  return indexes.map((index) => ({ index, status, reply }));
}

const SETTINGS: QueueSettings = { retry: RETRY, maxConnectionsPerHop: 3, idleTimeoutMs: 300 };

/** Settings other than the bench's own. */
export function withSettings(changes: Partial<QueueSettings>): Pick<QueueOptions, 'settings'> {
  return { settings: () => ({ ...SETTINGS, ...changes }) };
}

export class QueueBench {
  readonly clock = new HandClock();
  readonly spool: Spool;
  readonly scripts: Record<string, Script> = {};
  /** In the order in which they were recorded. */
  readonly attempts: Attempt[] = [];
  readonly expired: SpooledMessage[] = [];
  /** Addresses in the order in which a hop took them. */
  readonly delivered: string[] = [];
  /** Hops in the order in which they were opened. */
  readonly opened: string[] = [];
  readonly closed: string[] = [];
  /** Messages of each connection. */
  readonly loads: number[] = [];
  route = (address: string): Hop => hopTo(address.slice(address.lastIndexOf('@') + 1));
  queue: MailQueue;
  readonly folder: string;
  readonly #changes: Partial<QueueOptions>;

  private constructor(folder: string, spool: Spool, changes: Partial<QueueOptions>) {
    this.folder = folder;
    this.spool = spool;
    this.#changes = changes;
    this.queue = this.makeQueue();
  }

  static async open(changes: Partial<QueueOptions> = {}): Promise<QueueBench> {
    const folder = mkdtempSync(join(tmpdir(), 'relaypair-queue-'));
    const clock = new HandClock();
    const spool = await findBackend('embedded').open({ folder: join(folder, 'spool'), log: silentLog(), clock });
    return new QueueBench(folder, spool, changes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.queue.stop(2000);
    await this.spool.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Another queue over the same spool, as after a start. */
  makeQueue(changes: Partial<QueueOptions> = {}): MailQueue {
    const { clock } = this;
    const log = silentLog();
    const spool = changes.spool ?? this.#changes.spool ?? this.spool;
    return new MailQueue({
      spool,
      clock,
      log,
      settings: () => SETTINGS,
      suspensions: new Set(),
      route: (address) => this.route(address),
      open: (hop, hasWaited) => this.#open(hop, hasWaited),
      settlement: new Settlement({
        spool,
        clock,
        log,
        organisation: () => makeOrganisation(),
        records: this.#records(),
        expirationMs: RETRY.expiration,
      }),
      ...this.#changes,
      ...changes,
    });
  }

  #records(): Records {
    const records: Pick<Records, 'attempt' | 'gaveUp' | 'reported'> = {
      attempt: (attempt) => void this.attempts.push(attempt),
      gaveUp: (message) => void this.expired.push(message),
      reported: () => {},
    };
    return records as Records;
  }

  async #open(hop: Hop, hasWaited: boolean): Promise<OpenedHop> {
    this.opened.push(hop.key);
    const script = this.scripts[hop.key] ?? {};
    if (!script.open) return { kind: 'ready', connection: this.connectionTo(hop) };
    return script.open(hop, hasWaited);
  }

  connectionTo(hop: Hop): HopConnection {
    const script = (): Script => this.scripts[hop.key] ?? {};
    const load = this.loads.push(0) - 1;
    let alive = true;
    return {
      facts: { ...factsWithoutPeer(hop), channel: 'tls', ...script().facts },
      get alive() {
        return alive;
      },
      deliver: async (parcel) => {
        this.loads[load] = (this.loads[load] ?? 0) + 1;
        const outcomes = (await script().deliver?.(parcel)) ?? allOf(parcel, 'delivered', '250 2.1.5 OK');
        for (const { index, status } of outcomes) {
          if (status === 'delivered') this.delivered.push(parcel.message.recipients[index]?.address ?? '');
        }
        return outcomes;
      },
      close: () => {
        this.closed.push(hop.key);
        return Promise.resolve();
      },
      destroy: () => {
        alive = false;
        this.closed.push(`${hop.key}!`);
      },
    };
  }

  /** Stores a message for these recipients, received now. */
  store(
    recipients: readonly string[],
    changes: Partial<Envelope> = {},
    body = 'Subject: x\r\n\r\nbody\r\n',
  ): Promise<SpooledMessage> {
    const receivedAt = this.clock.now();
    const expiresAt = new Date(receivedAt.getTime() + RETRY.expiration);
    const addresses = recipients.map((address) => ({ address }));
    return storeMessage(
      this.spool,
      Buffer.from(body),
      makeEnvelope({ recipients: addresses, receivedAt, expiresAt, ...changes }),
    );
  }

  /** Resolves once the spool holds nothing. */
  async emptied(): Promise<void> {
    await waitUntil('an empty spool', async () => (await this.spool.count()).messages === 0);
  }

  async attempted(count: number): Promise<void> {
    await waitUntil(
      `${count} attempts recorded, there are ${this.attempts.length}`,
      () => this.attempts.length >= count,
    );
    await this.quiet();
  }

  /** Resolves once no delivery is under way. */
  async quiet(): Promise<void> {
    await waitUntil('a quiet queue', () =>
      this.queue.queues().every(({ active, connections }) => active.size === 0 && connections === 0),
    );
  }

  /** The state of each queue: `one.test Retry 2`. */
  states(): string[] {
    return this.queue.queues().map((queue) => `${queue.hop.key} ${queue.status} ${queue.messageCount}`);
  }
}
