// One connection through the fault box: a client, a server, and what is done to the octets between them. States: dialling -> SMTP in
// clear -> (TLS passed on | TLS ended on both sides, SMTP in it) -> over; each can end at once, and a fault can make it fall silent.

import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type Endpoint, formatEndpoint } from '../config-values.ts';
import { messageOf } from '../problem.ts';
import { type Decision, Dialogue, type Lanes } from './dialogue.ts';
import { describeFault, type Fault, type Termination } from './fault.ts';
import { Intake, type Take } from './intake.ts';
import { Lane, pause } from './lane.ts';
import type { Observer } from './observation.ts';
import { planFor, type Step } from './plan.ts';
import { isAt } from './point.ts';
import { HandshakeView, RecordSplitter } from './record-splitter.ts';
import { type Forge, type Secured, TerminatedTls } from './terminated-tls.ts';
import { otherSide, type Side, type Unit } from './unit.ts';

export interface ConnectionOptions {
  readonly to: Endpoint;
  /** In order: the first that is for a unit is done to it. */
  readonly faults: readonly Fault[];
  readonly observer: Observer;
  readonly forge: Forge;
  /** TLS from the first octet, as on port 465. */
  readonly isImplicitTls: boolean;
}

const FLUSH_LIMIT_MS = 1000;
const discard: Take = () => Promise.resolve(undefined);

export class MeddledConnection {
  readonly #client: Socket;
  readonly #options: ConnectionOptions;
  readonly #observer: Observer;
  /** Aborted when nothing more is said to either side. */
  readonly #silence = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  readonly #dialogues: Dialogue[] = [];
  readonly #intakes = new Map<Side, Intake>();
  readonly #sockets = new Map<Side, Socket>();
  #terminated: TerminatedTls | undefined;

  constructor(client: Socket, options: ConnectionOptions) {
    this.#client = client;
    this.#options = options;
    this.#observer = options.observer;
    this.#watch('client', client);
  }

  /** Resolves when both sides are gone. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Never rejects: whatever happens is in the observation. */
  async run(): Promise<void> {
    const unit: Unit = {
      side: 'client',
      layer: 'smtp',
      names: ['connect'],
      octets: Buffer.alloc(0),
      offset: 0,
      text: '',
    };
    const { steps } = this.#decide(unit);
    const lane = new Lane(this.#client, this.#silence.signal);
    if (!(await this.#perform(unit, steps, { toClient: lane, toServer: lane }))) return;
    const server = await this.#dial();
    if (server) this.#carry(server);
  }

  /** Ends it at once. */
  destroy(): void {
    this.#silence.abort();
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  async #dial(): Promise<Socket | undefined> {
    const { to } = this.#options;
    if (this.#client.destroyed) return undefined;
    const server = connect({ host: to.host, port: to.port, allowHalfOpen: true });
    this.#watch('server', server);
    const isConnected = await new Promise<boolean>((resolve) => {
      server.once('connect', () => resolve(true));
      server.once('close', () => resolve(false));
    });
    if (!isConnected) this.#observer.note('note', `${formatEndpoint(to)} cannot be reached`);
    return isConnected ? server : undefined;
  }

  /** What goes for both sockets from their first moment to their last. */
  #watch(side: Side, socket: Socket): void {
    this.#sockets.set(side, socket);
    socket.setNoDelay(true);
    socket.once('error', (error: NodeJS.ErrnoException) => {
      this.#observer.endedBy ??= side;
      this.#observer.note('note', `the ${side}'s connection failed: ${error.code ?? messageOf(error)}`, { side });
      // A reset is passed on as one.
      this.#sockets.get(otherSide(side))?.resetAndDestroy();
    });
    // Whoever hears nothing more is not held when it leaves.
    socket.once('end', () => {
      if (this.#silence.signal.aborted) this.destroy();
    });
    socket.once('close', () => this.#noteClose(side));
  }

  #noteClose(side: Side): void {
    this.#sockets.delete(side);
    this.#observer.endedBy ??= side;
    for (const dialogue of this.#dialogues) dialogue.end();
    const other = this.#sockets.get(otherSide(side));
    if (other) return other.destroySoon();
    this.#silence.abort();
    this.#observer.note('ended', `over, ended by the ${this.#observer.endedBy}`);
    this.#closed.resolve();
  }

  #carry(server: Socket): void {
    const { signal } = this.#silence;
    const lanes = { toClient: new Lane(this.#client, signal), toServer: new Lane(server, signal) };
    this.#intakes.set(
      'client',
      this.#intake(this.#client, discard, () => this.#endOf('client')),
    );
    this.#intakes.set(
      'server',
      this.#intake(server, discard, () => this.#endOf('server')),
    );
    if (this.#options.isImplicitTls) this.#passTls(lanes);
    else this.#converse(lanes);
  }

  #converse(lanes: Lanes): void {
    const dialogue = this.#openDialogue(lanes, false, (termination) => {
      if (termination) this.#endTls(termination, lanes);
      else this.#passTls(lanes);
    });
    this.#read('client', (octets) => dialogue.takeFromClient(octets));
    this.#read('server', (octets) => dialogue.takeFromServer(octets));
  }

  #openDialogue(lanes: Lanes, isInTls: boolean, onTls: (termination: Termination | undefined) => void): Dialogue {
    const dialogue = new Dialogue({
      lanes,
      isInTls,
      observer: this.#observer,
      decide: (unit) => this.#decide(unit),
      perform: (unit, steps, ways) => this.#perform(unit, steps, ways),
      onTls,
    });
    this.#dialogues.push(dialogue);
    return dialogue;
  }

  /** TLS between the two themselves: record by record. */
  #passTls(lanes: Lanes): void {
    const view = this.#openView();
    for (const side of ['client', 'server'] as const) this.#read(side, this.#recordTaker(side, { view, lanes }));
  }

  #openView(): HandshakeView {
    const view = new HandshakeView();
    this.#observer.view = view;
    return view;
  }

  /** `before` is done once a record was read and before it goes on. */
  #recordTaker(side: Side, way: { view: HandshakeView; lanes: Lanes; before?: () => void }): Take {
    const splitter = new RecordSplitter(side, way.view);
    return async (octets) => {
      splitter.add(octets);
      for (let unit = splitter.next(); unit; unit = splitter.next()) {
        this.#observer.note('said', unit.text, { side });
        way.before?.();
        if (!(await this.#perform(unit, this.#decide(unit).steps, way.lanes))) return undefined;
      }
      return undefined;
    };
  }

  /** TLS with each of the two: what the client meets of it can be meddled with record by record. */
  #endTls(fault: Termination, lanes: Lanes): void {
    const { signal } = this.#silence;
    const terminated = new TerminatedTls({ fault, forge: this.#options.forge, observer: this.#observer });
    this.#terminated = terminated;
    const view = this.#openView();
    const { clientLeg, serverLeg } = terminated;
    const toEngines = { client: new Lane(clientLeg.wire, signal), server: new Lane(serverLeg.wire, signal) };
    const clientSide = { toClient: lanes.toClient, toServer: toEngines.client };
    let isBegun = false;
    const begin = (): void => {
      if (isBegun || !view.hasClientHello) return;
      isBegun = true;
      void this.#secure(terminated, view.serverName);
    };
    this.#read('client', this.#recordTaker('client', { view, lanes: clientSide, before: begin }));
    this.#intake(clientLeg.wire, this.#recordTaker('server', { view, lanes: clientSide }), () => this.#client.end());
    this.#read('server', (octets) => this.#passOn(octets, toEngines.server));
    const endServer = (): void => void this.#sockets.get('server')?.end();
    this.#intake(serverLeg.wire, (octets) => this.#passOn(octets, lanes.toServer), endServer);
  }

  async #passOn(octets: Buffer, lane: Lane): Promise<undefined> {
    await lane.write(octets);
  }

  async #secure(terminated: TerminatedTls, serverName: string | undefined): Promise<void> {
    const secured = await terminated.secure(serverName);
    if (secured) return this.#converseInTls(secured);
    // The alert that says why is on its way.
    for (const socket of this.#sockets.values()) socket.end();
  }

  #converseInTls({ client, server }: Secured): void {
    const { signal } = this.#silence;
    const lanes = { toClient: new Lane(client, signal), toServer: new Lane(server, signal) };
    const dialogue = this.#openDialogue(lanes, true, () => {});
    const end = (socket: TLSSocket) => (): void => void socket.end();
    this.#intake(client, (octets) => dialogue.takeFromClient(octets), end(server));
    this.#intake(server, (octets) => dialogue.takeFromServer(octets), end(client));
  }

  #read(side: Side, take: Take): void {
    const intake = this.#intakes.get(side);
    if (intake) intake.take = take;
  }

  #intake(source: Duplex, take: Take, onEnd: () => void): Intake {
    return new Intake(source, {
      take,
      onEnd,
      onFault: (error) => {
        this.#observer.note('note', `the fault box itself failed: ${messageOf(error)}`);
        this.destroy();
      },
    });
  }

  /** A side has said its last word. */
  #endOf(side: Side): void {
    this.#observer.endedBy ??= side;
    if (this.#terminated) this.#terminated[side === 'client' ? 'clientLeg' : 'serverLeg'].wire.end();
    else this.#sockets.get(otherSide(side))?.end();
    // Nobody goes on with half a handshake, or half a TLS.
    if (this.#observer.view) this.#sockets.get(side)?.end();
  }

  #decide(unit: Unit): Decision {
    const { faults, observer } = this.#options;
    const fault = faults.find(
      ({ at, connections }) =>
        isAt(at, unit) && (connections === undefined || connections.includes(observer.connection)),
    );
    if (!fault) return { fault, steps: [{ do: 'pass', octets: unit.octets }] };
    if (unit.offset === 0) observer.note('fault', describeFault(fault));
    return { fault, steps: planFor(fault, unit) };
  }

  /** False when the connection is over, or silent. */
  async #perform(unit: Unit, steps: readonly Step[], lanes: Lanes): Promise<boolean> {
    const { signal } = this.#silence;
    const forward = unit.side === 'client' ? lanes.toServer : lanes.toClient;
    for (const step of steps) {
      if (signal.aborted) return false;
      if (step.do === 'pass') await forward.write(step.octets);
      if (step.do === 'say') await (step.to === 'client' ? lanes.toClient : lanes.toServer).write(step.octets);
      if (step.do === 'wait') await pause(step.ms, signal);
      if (step.do === 'pace') forward.setPace(step.octetsPerSecond);
      if (step.do === 'end') await this.#end(step.how, lanes);
    }
    return !signal.aborted;
  }

  async #end(how: 'cut' | 'reset' | 'stall', lanes: Lanes): Promise<void> {
    // What was passed on is to arrive; who does not read is not waited for.
    const flushed = Promise.all([lanes.toClient.flushed(), lanes.toServer.flushed()]);
    await Promise.race([flushed, pause(FLUSH_LIMIT_MS, this.#silence.signal)]);
    if (how !== 'stall') this.#observer.endedBy ??= 'box';
    this.#silence.abort();
    for (const intake of this.#intakes.values()) intake.take = discard;
    for (const socket of this.#sockets.values()) {
      if (how === 'cut') socket.destroySoon();
      if (how === 'reset') socket.resetAndDestroy();
      if (how === 'stall') socket.resume();
    }
  }
}
