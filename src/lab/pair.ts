// A Hub and an Edge in this process, subscribed to each other, with a world outside and mailboxes inside, on one clock that can be
// moved, and with somebody on the path between them who sees what can be seen. What testing.ts gives to tests and the guided
// scenarios play on.

import type { OutputRecord } from '../cmdlets/output.ts';
import type { Role } from '../config.ts';
import { createMeddler, type FaultInput, type Meddler } from '../meddle/meddler.ts';
import { Problem } from '../problem.ts';
import { LabTime } from './lab-time.ts';
import { removeLabFolder } from './lab-folder.ts';
import type { LabServer, Parameters } from './lab-server.ts';
import { INSIDE, type LetterOptions, OUTSIDE, type Sent, writeLetter } from './letter.ts';
import { handIn, readKeywords } from './hand-in.ts';
import { joinHub } from './joined-hub.ts';
import { FQDN, openParts, type PairOptions, type Parts } from './pair-parts.ts';
import { expire, exportSubscription, importSubscription, renew, type RenewOptions, subscribe } from './pair-trust.ts';
import type { Sink } from './sink.ts';
import { type Direction, type MessageState, type TracedMessage, WAY } from './traced-message.ts';
import { awaitMessage } from './tracing.ts';
import type { WitnessedConnection } from './witness.ts';

export type { PairOptions } from './pair-parts.ts';

export class Pair {
  readonly hub: LabServer;
  readonly edge: LabServer;
  /** The clock of both servers. */
  readonly clock: LabTime;
  /** The mailboxes that the Hub delivers to. */
  readonly inside: Sink;
  /** The mail exchanger of the world. */
  readonly outside: Sink;
  readonly folder: string;
  readonly #parts: Parts;
  readonly #sent = new Map<string, Sent>();
  readonly #added: LabServer[] = [];
  readonly #boxes = new Map<Role, Meddler>();

  private constructor(parts: Parts) {
    this.#parts = parts;
    const { servers, inside, outside, folder } = parts;
    this.hub = servers.hub;
    this.edge = servers.edge;
    this.inside = inside;
    this.outside = outside;
    this.folder = folder;
    this.clock = new LabTime(parts.clock, (role, cmdlet, parameters) => servers[role].call(cmdlet, parameters));
  }

  /** Starts everything and, unless told otherwise, subscribes the Edge. */
  static async open(options: PairOptions = {}): Promise<Pair> {
    const pair = new Pair(await openParts(options));
    try {
      const [, file] = await Promise.all([startHub(pair), startEdge(pair, options)]);
      if (file) await importSubscription(pair, file);
      return pair;
    } catch (error) {
      await pair.close();
      throw error;
    }
  }

  server(role: Role): LabServer {
    return role === 'hub' ? this.hub : this.edge;
  }

  /** Runs a cmdlet on one of the two and gives back its records: `pair.ask('hub', 'Get-Queue')`. */
  ask(role: Role, cmdlet: string, parameters: Parameters = {}): Promise<readonly OutputRecord[]> {
    return this.server(role).ask(cmdlet, parameters);
  }

  /** Hands a letter in, from inside unless told otherwise; says what the server replied. */
  async send(options: LetterOptions = {}): Promise<Sent> {
    const { direction, letter, id } = writeLetter(options, this.clock.now());
    const entrance = options.through ?? this.server(WAY[direction].entry);
    const name = direction === 'out' ? `desk.${INSIDE}` : `mail.${OUTSIDE}`;
    const reply = await handIn({ port: entrance.smtp.port, name }, letter);
    if (!reply) throw new Problem('no-answer', `${entrance.name} took back its word before the letter was sent`);
    const sent: Sent = { id, direction, entrance, letter, reply, isAccepted: reply.code === 250 };
    this.#sent.set(id, sent);
    return sent;
  }

  /**
   * What became of a message, once it is at rest: delivered, failed, or waiting after an attempt; or once it is what `until` says.
   * Throws Problem `message-unknown`, `message-refused`, or `not-so` when it does not come to that in time.
   */
  message(sent: Sent | string, until: MessageState | 'rest' = 'rest'): Promise<TracedMessage> {
    const known = typeof sent === 'string' ? this.#sent.get(sent) : sent;
    if (!known)
      throw new Problem('message-unknown', `${typeof sent === 'string' ? sent : sent.id} was not handed in here`);
    if (!known.isAccepted) {
      throw new Problem('message-refused', `${known.id} was refused: ${known.reply.code} ${known.reply.text}`);
    }
    return awaitMessage(known, until, {
      servers: { ...this.#parts.servers, [known.entrance.role]: known.entrance },
      destination: known.direction === 'out' ? this.outside : this.inside,
      connections: () => this.path(known.direction),
    });
  }

  /** The EHLO keywords that a stranger reads at that server. */
  keywords(role: Role): Promise<readonly string[]> {
    return readKeywords({ port: this.server(role).smtp.port, name: `stranger.${OUTSIDE}` });
  }

  /** Everything that went over the path in that direction, in the order of the connections. */
  path(direction: Direction): readonly WitnessedConnection[] {
    return this.#parts.witnesses[WAY[direction].exit].connections();
  }

  /**
   * Starts a further Hub of the site, HUB02, which joins the AD of the first over LDAPS; its name and its mail come later by EdgeSync.
   * The first must serve its AD: `settings: { hub: HUB_WITH_DOOR }`.
   */
  async addHub(): Promise<LabServer> {
    const { clock, inside } = this.#parts;
    const added = await joinHub(this, {
      clock,
      deliver: `smtp:127.0.0.1:${inside.port}`,
      edgePort: this.pathPort('edge'),
    });
    this.#added.push(added);
    return added;
  }

  /** Exports the Edge's subscription, imports it on the Hub and synchronizes. Throws Problem `not-synchronized`. */
  subscribe(): Promise<void> {
    return subscribe(this);
  }

  /** Start-EdgeSynchronization, which must succeed: Problem `cmdlet-failed`. */
  async synchronize(): Promise<void> {
    await this.ask('hub', 'Start-EdgeSynchronization');
  }

  /** Lets time pass until the certificates of these servers, of both by default, have expired; of the other it is renewed on the way. */
  expire(...roles: readonly Role[]): Promise<void> {
    return expire(this, roles.length === 0 ? ['hub', 'edge'] : roles);
  }

  /** Gives a server a new certificate, and has the other learn of it unless told otherwise. */
  renew(role: Role, options: RenewOptions = {}): Promise<void> {
    return renew(this, role, options);
  }

  /** Brings the mail for the server of that role to another port, as somebody on the path could; `undefined` puts it right. */
  async divert(role: Role, port: number | undefined): Promise<void> {
    const sender = role === 'hub' ? this.edge : this.hub;
    await sender.addHost(FQDN[role], port ?? this.pathPort(role));
  }

  /**
   * Puts the fault box in front of the server of that role and has it do these things (docs/meddle.md); none takes it away again.
   * Throws Problem `meddle-invalid`.
   */
  async meddle(role: Role, faults: readonly FaultInput[]): Promise<void> {
    const known = this.#boxes.get(role);
    const box =
      known ??
      (await createMeddler({ to: { host: '127.0.0.1', port: this.pathPort(role) }, now: () => this.clock.now() }));
    this.#boxes.set(role, box);
    box.setFaults(faults);
    await this.divert(role, faults.length === 0 ? undefined : box.port);
  }

  /** Where the path to the server of that role begins: what stands in front of it is to pass mail on to here. */
  pathPort(role: Role): number {
    return this.#parts.witnesses[role].port;
  }

  async close(): Promise<void> {
    const { witnesses, keepsFolder } = this.#parts;
    for (const server of [...this.#added, this.hub, this.edge]) await server.stop();
    for (const box of this.#boxes.values()) await box.close();
    await Promise.all([witnesses.hub.close(), witnesses.edge.close(), this.inside.close(), this.outside.close()]);
    if (!keepsFolder) removeLabFolder(this.folder);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function startHub({ hub }: Pair): Promise<void> {
  await hub.start();
  await hub.call('New-AcceptedDomain', { Name: INSIDE, DomainName: INSIDE });
}

/** Resolves to its subscription, where it is to be subscribed; the Hub may still be starting. */
async function startEdge({ edge }: Pair, { isSubscribed = true }: PairOptions): Promise<Buffer | undefined> {
  await edge.start();
  return isSubscribed ? exportSubscription(edge) : undefined;
}
