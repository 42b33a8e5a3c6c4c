// Mail through a site: contoso.test is accepted and delivered by every Hub to one sink, everything else leaves every Edge for
// another. Letters are followed from the server that took them to the end of their way.

import type { OutputRecord } from '../../src/cmdlets/output.ts';
import { type Card, INSIDER, type Letter, OUTSIDER, writeLetter } from './relaying.ts';
import { eventually, type Launch } from './server-processes.ts';
import { Sink } from './sink.ts';
import { SITE, Site, type SiteOptions } from './site.ts';
import { submit } from './submit.ts';

export class SiteMail {
  readonly site: Site;
  readonly inside: Sink;
  readonly outside: Sink;

  private constructor(site: Site, inside: Sink, outside: Sink) {
    this.site = site;
    this.inside = inside;
    this.outside = outside;
  }

  /** Writes the configs and starts nothing. */
  static async prepare(options: SiteOptions = {}): Promise<SiteMail> {
    const [inside, outside] = await Promise.all([Sink.open(), Sink.open()]);
    const site = await Site.prepare({ deliver: `smtp:127.0.0.1:${inside.port}`, ...options });
    return new SiteMail(site, inside, outside);
  }

  /** Starts the servers named and subscribes their Edges on the first Hub, which runs by then. */
  async open(names: readonly string[], launch: Launch = {}): Promise<void> {
    const { site } = this;
    await Promise.all(names.map((name) => site.start(name, undefined, launch)));
    await site.ask('hub01', 'New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
    for (const edge of site.edges.filter((name) => names.includes(name))) await site.subscribe(edge);
    await this.setSmartHost();
  }

  /** Mail for elsewhere goes from every Edge to the outside sink. */
  async setSmartHost(): Promise<void> {
    await this.site.ask('hub01', 'Set-SendConnector', {
      Identity: `EdgeSync - ${SITE} to Internet`,
      DNSRoutingEnabled: '$false',
      DomainSecureEnabled: '$false',
      SmartHosts: '127.0.0.1',
      Port: String(this.outside.port),
    });
    await this.site.synchronize();
  }

  /** Hands a letter in at a server, a Hub's outward and an Edge's inward unless told otherwise; it must be taken. */
  async send(name: string, subject: string, recipient?: string): Promise<Letter> {
    const letter = writeLetter(subject);
    const { role, smtpPort } = this.site.member(name);
    const [from, to] = role === 'hub' ? [INSIDER, OUTSIDER] : [OUTSIDER, INSIDER];
    const { reply, isAccepted } = await submit({
      port: smtpPort,
      from,
      to: [recipient ?? to],
      content: letter.content,
    });
    if (!isAccepted) throw new Error(`"${subject}" was refused by ${name}: ${reply}`);
    return letter;
  }

  /** How often the letter came to the end of its way, either end. */
  countArrivals(letter: Letter): number {
    const messages = [...this.inside.messages, ...this.outside.messages];
    return messages.filter(({ content }) => content.includes(letter.content)).length;
  }

  async awaitArrival(letter: Letter): Promise<void> {
    await eventually('the arrival of a letter', () => (this.countArrivals(letter) > 0 ? true : undefined));
  }

  /** Waits for the card with this outcome that a server made when it sent the letter on. */
  awaitCard(name: string, letter: Letter, outcome: string): Promise<Card> {
    return eventually(`"${outcome}" of a letter at ${name}`, () =>
      this.cardsOf(name, letter).find((card) => card['outcome'] === outcome),
    );
  }

  /** A server's cards about sending the letter on, oldest first. */
  cardsOf(name: string, letter: Letter): Card[] {
    return this.site.cards(name).filter((card) => card['side'] === 'sender' && card['messageId'] === letter.messageId);
  }

  /** A letter from each server, all of which must arrive; gives back the cards of their first hop, in that order. */
  async exchange(subject: string, names: readonly string[]): Promise<Card[]> {
    return Promise.all(
      names.map(async (name) => {
        const letter = await this.send(name, `${subject} from ${name}`);
        await this.awaitArrival(letter);
        return this.awaitCard(name, letter, 'delivered');
      }),
    );
  }

  /** The reports of non-delivery that these servers have made, as message tracking has them. */
  async reports(names: readonly string[]): Promise<readonly OutputRecord[]> {
    const found = await Promise.all(
      names.map((name) => this.site.ask(name, 'Get-MessageTrackingLog', { EventId: 'DSN' })),
    );
    return found.flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
    await Promise.all([this.inside.close(), this.outside.close()]);
  }
}

/** The name of the server that a card's hop went to. */
export function peerOf(card: Card): string {
  return String((card['peer'] as { name?: string }).name);
}
