// A pair that relays: subscribed, contoso.test accepted and delivered to one sink, everything else through the smart host,
// another sink or whatever a test has there.

import { randomUUID } from 'node:crypto';
import type { OutputRecord } from '../../src/cmdlets/output.ts';
import { type Launch, QUICK_RETRY } from './server-processes.ts';
import { eventually, type Role, Servers, type ServersOptions } from './servers.ts';
import { Sink, type SinkOptions } from './sink.ts';
import { type Submitted, submit } from './submit.ts';

const ACCEPTED_DOMAIN = 'contoso.test';
const TO_INTERNET = 'EdgeSync - Default-First-Site-Name to Internet';

/** Outbound is from the Hub by the Edge to the smart host, inbound from the Edge by the Hub to the mailboxes. */
export type Direction = 'outbound' | 'inbound';
export const DIRECTIONS: readonly Direction[] = ['outbound', 'inbound'];

export const INSIDER = `inside@${ACCEPTED_DOMAIN}`;
export const OUTSIDER = 'outside@elsewhere.test';

export interface RelayingOptions {
  readonly inside?: SinkOptions;
  readonly outside?: SinkOptions;
  /** Stands in the place of the outside sink. */
  readonly smartHostPort?: number;
  /** Retry times other than a quick try again. */
  readonly retry?: Record<string, unknown>;
  readonly servers?: ServersOptions;
  /** The clock of each server's very first start, which dates its certificate; it runs on with the right time. */
  readonly clocks?: Partial<Record<Role, string>>;
  /** How the two are started, after that. */
  readonly launch?: Launch;
}

export interface Letter {
  /** With angle brackets. */
  readonly messageId: string;
  readonly content: Buffer;
}

export type Card = Record<string, unknown>;

export class Relaying {
  readonly servers: Servers;
  readonly inside: Sink;
  readonly outside: Sink;

  private constructor(servers: Servers, inside: Sink, outside: Sink) {
    this.servers = servers;
    this.inside = inside;
    this.outside = outside;
  }

  static async start(options: RelayingOptions = {}): Promise<Relaying> {
    const [inside, outside] = await Promise.all([Sink.open(options.inside), Sink.open(options.outside)]);
    const extra = options.retry ? { retry: { ...QUICK_RETRY, ...options.retry } } : {};
    const servers = await Servers.prepare({
      deliver: `smtp:127.0.0.1:${inside.port}`,
      hubExtra: extra,
      edgeExtra: extra,
      ...options.servers,
    });
    const relaying = new Relaying(servers, inside, outside);
    for (const [role, clock] of Object.entries(options.clocks ?? {}) as [Role, string][]) {
      await servers.start(role, clock);
      await servers.stop(role);
    }
    await Promise.all((['hub', 'edge'] as const).map((role) => servers.start(role, undefined, options.launch)));
    await servers.ask('hub', 'New-AcceptedDomain', { Name: ACCEPTED_DOMAIN, DomainName: ACCEPTED_DOMAIN });
    await servers.subscribe();
    await relaying.setSmartHost(options.smartHostPort ?? outside.port);
    return relaying;
  }

  /** Brings all mail for elsewhere to a port of this machine. */
  async setSmartHost(port: number): Promise<void> {
    await this.servers.ask('hub', 'Set-SendConnector', {
      Identity: TO_INTERNET,
      DNSRoutingEnabled: '$false',
      DomainSecureEnabled: '$false',
      SmartHosts: '127.0.0.1',
      Port: String(port),
    });
    await this.synchronize();
    // An Edge whose ADAM is on an LDAP server reads it at intervals: until then it routes as before.
    await eventually('the smart host on the Edge', async () => {
      const connectors = await this.servers.ask('edge', 'Get-SendConnector');
      return connectors.some(({ Name, Port }) => Name === TO_INTERNET && Port === port) ? true : undefined;
    });
  }

  /** Start-EdgeSynchronization, which must succeed. */
  async synchronize(): Promise<void> {
    const [report] = await this.servers.ask('hub', 'Start-EdgeSynchronization');
    if (report?.['Result'] !== 'Success') throw new Error(`EdgeSync: ${JSON.stringify(report)}`);
  }

  /** Hands a letter in at the first server of its way. */
  send(direction: Direction, letter: Letter, sender?: string): Promise<Submitted> {
    const isOutbound = direction === 'outbound';
    return submit({
      port: isOutbound ? this.servers.ports.hub : this.servers.ports.edge,
      from: sender ?? (isOutbound ? INSIDER : OUTSIDER),
      to: [isOutbound ? OUTSIDER : INSIDER],
      content: letter.content,
    });
  }

  /** Sends a letter that must be taken, and gives it back. */
  async sendLetter(direction: Direction, subject: string, sender?: string): Promise<Letter> {
    const letter = writeLetter(subject);
    const { reply, isAccepted } = await this.send(direction, letter, sender);
    if (!isAccepted) throw new Error(`"${subject}" was refused: ${reply}`);
    return letter;
  }

  /** How often the letter came to the end of its way. */
  countArrivals(direction: Direction, letter: Letter): number {
    const sink = direction === 'outbound' ? this.outside : this.inside;
    return sink.messages.filter(({ content }) => content.includes(letter.content)).length;
  }

  async awaitArrival(direction: Direction, letter: Letter): Promise<void> {
    const sink = direction === 'outbound' ? this.outside : this.inside;
    await sink.waitFor(() => this.countArrivals(direction, letter) > 0);
  }

  /** The sender's cards about the letter's hop between the two servers, oldest first. */
  hopCards(direction: Direction, letter: Letter): Card[] {
    return this.servers
      .cards(direction === 'outbound' ? 'hub' : 'edge')
      .filter((card) => card['side'] === 'sender' && card['messageId'] === letter.messageId);
  }

  /** Waits for a card of that hop with this outcome. */
  awaitHopCard(direction: Direction, letter: Letter, outcome: string): Promise<Card> {
    return eventually(`"${outcome}" of an ${direction} letter`, () =>
      this.hopCards(direction, letter).find((card) => card['outcome'] === outcome),
    );
  }

  /** A letter each way, each of which must arrive; gives back the cards of the hop between the two. */
  async exchangeLetters(subject: string): Promise<Record<Direction, Card>> {
    const exchange = async (direction: Direction): Promise<Card> => {
      const letter = await this.sendLetter(direction, subject);
      await this.awaitArrival(direction, letter);
      return this.awaitHopCard(direction, letter, 'delivered');
    };
    const [outbound, inbound] = await Promise.all([exchange('outbound'), exchange('inbound')]);
    return { outbound, inbound };
  }

  /** Waits until neither server holds a message. */
  async awaitEmptyQueues(timeoutMs = 60_000): Promise<void> {
    for (const role of ['hub', 'edge', 'hub'] as const) {
      await eventually(
        `empty queues on the ${role}`,
        async () => {
          const queues = await this.servers.ask(role, 'Get-Queue');
          return queues.every((queue) => queue['MessageCount'] === 0) ? true : undefined;
        },
        timeoutMs,
      );
    }
  }

  /** The reports of non-delivery that the two have made, as message tracking has them. */
  async reports(): Promise<readonly OutputRecord[]> {
    const [hub, edge] = await Promise.all(
      (['hub', 'edge'] as const).map((role) => this.servers.ask(role, 'Get-MessageTrackingLog', { EventId: 'DSN' })),
    );
    return [...(hub ?? []), ...(edge ?? [])];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.servers[Symbol.asyncDispose]();
    await Promise.all([this.inside.close(), this.outside.close()]);
  }
}

/** What a hop in trusted TLS has on its card. */
export const TRUSTED_TLS = {
  channel: 'tls',
  reason: 'direct-trust',
  protection: 'authenticated-and-protected',
} as const;

export function writeLetter(subject: string): Letter {
  const messageId = `<${randomUUID()}@relaying.test>`;
  return { messageId, content: Buffer.from(`Message-ID: ${messageId}\r\nSubject: ${subject}\r\n\r\nhello\r\n`) };
}
