// Mail into every node of a site at once, and the ledger of what was promised of it. Most letters are taken by the sinks, some are
// deferred once, some never taken: their sender is owed a report.

import { MailFlow, type SentMessage } from '../helpers/mail-flow.ts';
import { INSIDER, OUTSIDER } from '../helpers/relaying.ts';
import type { Site } from '../helpers/site.ts';
import type { SinkOptions } from '../helpers/sink.ts';
import type { Ledger } from './ledger.ts';
import type { Letter } from './letter.ts';

/** Numbers of a flow begin at a multiple of this. */
const NUMBERS = 10_000_000;
const RELEASE_EVERY_MS = 500;
/** Released and not begun at most: a node that is down lets nothing pile up that would come at once. */
const BACKLOG = 10;

/** What both sinks say; each is asked by the number in the address. */
class SinkTemper {
  readonly #deferred = new Set<number>();

  answer(address: string): string | undefined {
    const number = Number(/^n(\d+)@/.exec(address)?.[1] ?? Number.NaN);
    if (Number.isNaN(number)) return undefined;
    if (isNeverTaken(number)) return '550 5.1.1 no such user';
    if (number % 10 !== 3 || this.#deferred.has(number)) return undefined;
    this.#deferred.add(number);
    return '451 4.2.1 later';
  }
}

function isNeverTaken(number: number): boolean {
  return number % 50 === 7;
}

/** Sinks that enter what they take. */
export function sinkInto(ledger: Ledger): SinkOptions {
  const temper = new SinkTemper();
  return {
    onRecipient: (address) => temper.answer(address),
    onMessage: (message) => {
      ledger.take(message);
      return undefined;
    },
  };
}

export class NodeMail {
  readonly #flows: ReadonlyMap<string, MailFlow>;
  readonly #timer: NodeJS.Timeout;
  readonly #released = new Map<MailFlow, number>();

  /** Begins at once, with `rate` letters a second into each node at most. Numbers begin after `after`, where others came before. */
  constructor({ site, ledger, rate, after = 0 }: { site: Site; ledger: Ledger; rate: number; after?: number }) {
    const flows = [...site.hubs, ...site.edges].map((name, index): [string, MailFlow] => {
      const { role, smtpPort } = site.member(name);
      const [from, domain] = role === 'hub' ? [INSIDER, 'elsewhere.test'] : [OUTSIDER, 'contoso.test'];
      const route = { from, domain, after: NUMBERS * (index + 1) + after };
      return [name, new MailFlow(smtpPort, route, (message) => ledger.add(letterOf(message, domain)))];
    });
    this.#flows = new Map(flows);
    const each = Math.max(1, Math.round((rate * RELEASE_EVERY_MS) / 1000));
    this.#timer = setInterval(() => {
      for (const flow of this.#flows.values()) this.#release(flow, each);
    }, RELEASE_EVERY_MS);
  }

  /** Answers that were refusals. */
  get refusals(): string[] {
    return [...this.#flows.keys()].flatMap((name) => this.sentTo(name).flatMap(({ refusal }) => refusal ?? []));
  }

  /** What was handed in at one node, oldest first. */
  sentTo(name: string): readonly SentMessage[] {
    return [...(this.#flows.get(name)?.messages.values() ?? [])];
  }

  /** Sends nothing more; what is under way is answered first. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#flows.values()].map((flow) => flow.stop()));
  }

  #release(flow: MailFlow, count: number): void {
    const released = this.#released.get(flow) ?? 0;
    if (released - flow.messages.size > BACKLOG) return;
    this.#released.set(flow, released + count);
    flow.release(count);
  }
}

function letterOf(message: SentMessage, domain: string): Letter {
  const { number, sizeBytes, sha256, startedAtMs } = message;
  const address = `n${number}@${domain}`;
  return {
    id: `flow-${number}@${domain}`,
    ...(isNeverTaken(number) ? { recipients: [], refused: address } : { recipients: [address] }),
    sizeBytes,
    sha256,
    startedAtMs,
    // What was refused may be there all the same where its node died before it could take that back.
    get answer() {
      return message.isAcknowledged ? 'taken' : 'none';
    },
  };
}
