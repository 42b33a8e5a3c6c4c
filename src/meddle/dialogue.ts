// A conversation in SMTP between a client and a server, followed unit by unit: which reply answers which command, when a message
// follows, when TLS begins. What is done to a unit is decided and done elsewhere; here is only what it means for what comes next.

import type { Fault, Termination } from './fault.ts';
import { CommandSplitter } from './command-splitter.ts';
import type { Lane } from './lane.ts';
import type { Observer } from './observation.ts';
import type { Step } from './plan.ts';
import { TLS_VERBS } from './point.ts';
import { codeOf, ReplySplitter, type SplitReply } from './reply-splitter.ts';
import type { Unit } from './unit.ts';

export interface Lanes {
  readonly toClient: Lane;
  readonly toServer: Lane;
}

/** What is to be done with a unit. */
export interface Decision {
  readonly fault: Fault | undefined;
  readonly steps: readonly Step[];
}

export interface DialogueOptions {
  readonly lanes: Lanes;
  readonly observer: Observer;
  /** In TLS that the box ends on both sides. */
  readonly isInTls: boolean;
  readonly decide: (unit: Unit) => Decision;
  /** Takes the steps that are no `reply`; false once there is nothing more to say on this connection. */
  readonly perform: (unit: Unit, steps: readonly Step[], lanes: Lanes) => Promise<boolean>;
  /** The client has read a 220 to STARTTLS: what follows is no SMTP. */
  readonly onTls: (termination: Termination | undefined) => void;
}

/** A command whose reply is still to come; with `local`, that reply is ours. */
interface Pending {
  readonly verb: string;
  readonly isLastChunk: boolean;
  readonly local: Buffer | undefined;
  readonly settled: PromiseWithResolvers<void>;
}

/** The client's next octets mean what the reply to these makes of them. */
const DECIDES_WHAT_FOLLOWS: ReadonlySet<string> = new Set([...TLS_VERBS, 'DATA', 'AUTH', 'AUTH response']);

export class Dialogue {
  readonly #options: DialogueOptions;
  readonly #commands = new CommandSplitter();
  readonly #replies = new ReplySplitter();
  readonly #pending: Pending[] = [];
  #isOver = false;
  #termination: Termination | undefined;
  /** The command of the chunk that comes now was answered here: the server knows nothing of it. */
  #dropsChunk = false;

  constructor(options: DialogueOptions) {
    this.#options = options;
    if (!options.isInTls) this.#expect('greeting');
  }

  /** Octets of the client. Returns what is left of them when this conversation is no more. */
  async takeFromClient(octets: Buffer): Promise<Buffer | undefined> {
    this.#commands.add(octets);
    for (let unit = this.#next(); unit; unit = this.#next()) await this.#takeUnit(unit);
    return this.#isOver ? this.#commands.takeRest() : undefined;
  }

  /** Octets of the server, the same way. */
  async takeFromServer(octets: Buffer): Promise<Buffer | undefined> {
    this.#replies.add(octets);
    while (!this.#isOver) {
      const reply = this.#replies.next();
      if (!reply) return undefined;
      await this.#takeReply(reply);
    }
    return this.#replies.takeRest();
  }

  /** Nobody waits any longer for a reply that cannot come. */
  end(): void {
    this.#isOver = true;
    for (const { settled } of this.#pending.splice(0)) settled.resolve();
  }

  #next(): Unit | undefined {
    return this.#isOver ? undefined : this.#commands.next();
  }

  async #takeUnit(unit: Unit): Promise<void> {
    const { observer, decide, perform, lanes } = this.#options;
    const [name = ''] = unit.names;
    this.#note(unit);
    const isBody = name === 'body';
    if (!isBody && name !== 'dot' && name !== 'AUTH response') observer.verbs.push(name);
    if (isBody && this.#dropsChunk) return;
    this.#dropsChunk = false;
    const { fault, steps } = decide(unit);
    if (fault?.do === 'terminate') this.#termination = fault;
    const own = steps.find((step) => step.do === 'reply');
    this.#dropsChunk = own !== undefined && name === 'BDAT';
    // Before the command goes out: its reply may be there before we are back.
    const pending = isBody ? undefined : this.#expect(name, /\bLAST\s*$/i.test(unit.text), own?.octets);
    if (!(await perform(unit, steps, lanes))) return this.end();
    if (own) await this.#sayOwnReplies();
    if (pending && DECIDES_WHAT_FOLLOWS.has(name)) await pending.settled.promise;
  }

  #expect(verb: string, isLastChunk = false, local?: Buffer): Pending {
    const pending = { verb, isLastChunk, local, settled: Promise.withResolvers<void>() };
    this.#pending.push(pending);
    return pending;
  }

  async #takeReply(reply: SplitReply): Promise<void> {
    const { decide, perform, lanes } = this.#options;
    // What is no reply answers nothing.
    const pending = reply.code === 0 ? undefined : this.#pending.shift();
    const unit = unitOf(reply, pending?.verb);
    this.#note(unit);
    const { fault, steps } = decide(unit);
    const said = Buffer.concat(steps.flatMap((step) => (step.do === 'pass' ? [step.octets] : [])));
    const code = fault?.do === 'answer' ? codeOf(said) : reply.code;
    if (!(await perform(unit, steps, lanes))) {
      pending?.settled.resolve();
      return this.end();
    }
    if (pending) this.#settle(pending, { code, said });
    await this.#sayOwnReplies();
  }

  /** Ours come when their turn has come. */
  async #sayOwnReplies(): Promise<void> {
    for (let next = this.#pending[0]; next?.local !== undefined; next = this.#pending[0]) {
      this.#pending.shift();
      await this.#options.lanes.toClient.write(next.local);
      this.#settle(next, { code: codeOf(next.local), said: next.local });
    }
  }

  /** What the client makes of a reply decides what it says next. */
  #settle(pending: Pending, { code, said }: { code: number; said: Buffer }): void {
    const { observer, isInTls, onTls } = this.#options;
    const { verb } = pending;
    if (verb === 'EHLO' && !isInTls)
      observer.isOffered = /^250[ -](?:STARTTLS|X-ANONYMOUSTLS)\b/im.test(said.toString('latin1'));
    if (verb === 'DATA' && code === 354) this.#commands.expectData();
    if (code === 334) this.#commands.expectResponse();
    if (code === 250 && (verb === 'dot' || (verb === 'BDAT' && pending.isLastChunk))) observer.noteMail(isInTls);
    if (TLS_VERBS.has(verb) && !isInTls && code !== 220) observer.isRefused = true;
    if (TLS_VERBS.has(verb) && !isInTls && code === 220) {
      observer.isAgreed = true;
      this.#isOver = true;
      onTls(this.#termination);
    }
    pending.settled.resolve();
  }

  #note(unit: Unit): void {
    const { observer, isInTls } = this.#options;
    observer.note('said', unit.text, { side: unit.side, isInTls });
  }
}

function unitOf({ octets, text, code }: SplitReply, verb: string | undefined): Unit {
  const name = verb === undefined ? 'unexpected reply' : verb === 'greeting' ? verb : `${verb} reply`;
  return { side: 'server', layer: 'smtp', names: [code === 0 ? 'junk' : name], octets, offset: 0, text };
}
