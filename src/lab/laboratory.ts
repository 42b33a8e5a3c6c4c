// A laboratory of two servers that run as processes of their own, as whoever looks at it commands it: their clocks together, faults on
// the path between them, letters from either end, guided scenarios. `relaypair up --page` opens one; its cmdlets are
// laboratory-cmdlets.ts and scenarios/scenario-cmdlets.ts.

import { type AskServer, readLabClock, steerLabClocks } from '../control/lab-clocks.ts';
import { describeOffset, SystemClock } from '../clock.ts';
import type { OutputRecord } from '../cmdlets/output.ts';
import { type Endpoint, type Role, ROLES } from '../config.ts';
import { createMeddler, type FaultInput, type Meddler } from '../meddle/meddler.ts';
import { Problem } from '../problem.ts';
import type { Reply } from '../smtp/reply.ts';
import { handIn } from './hand-in.ts';
import { INSIDE, type LetterOptions, OUTSIDE, writeLetter } from './letter.ts';
import { WAY } from './traced-message.ts';

export interface LaboratoryGround {
  /** Runs a cmdlet in one of the two servers. */
  readonly ask: AskServer;
  /** Where each takes mail. */
  readonly entrances: Readonly<Record<Role, Endpoint>>;
  /** A domain whose mail is taken. */
  readonly domain: string;
  /** Has the other server find the one of that role at `place`; undefined puts it right. */
  divert(role: Role, place: Endpoint | undefined): Promise<void>;
}

/** A letter that a server was handed, and what that replied. */
export interface HandedIn {
  readonly id: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly reply: Reply;
}

/** Owns the fault boxes. */
export class Laboratory {
  readonly #ground: LaboratoryGround;
  readonly #boxes = new Map<Role, Meddler>();
  readonly #faults = new Map<Role, readonly FaultInput[]>();
  /** On the course of the two servers, as far as is known. */
  readonly #clock = new SystemClock();
  /** What must not be done twice at a time: moving the clocks, playing a scenario. */
  readonly #busy = new Set<string>();

  constructor(ground: LaboratoryGround) {
    this.#ground = ground;
  }

  /** How the clock of each server stands, the Hub first. */
  async clocks(): Promise<OutputRecord[]> {
    const shown: OutputRecord[] = [];
    for (const role of ROLES) {
      const { records } = await this.#ground.ask(role, 'Get-LabClock', {});
      shown.push(...records.map((record) => ({ Server: role, ...record })));
    }
    return shown;
  }

  /** Moves both clocks together, as time that passes; resolves with what EdgeSync said on the way. Throws Problem. */
  moveClocks(
    wish: { readonly toMs: number | undefined; readonly speed: number | undefined },
    onStep: (text: string) => void,
  ): Promise<readonly string[]> {
    return this.alone('the clocks', async () => {
      const failures: string[] = [];
      const course = await steerLabClocks(this.#ground.ask, {
        ...wish,
        onStep: (atMs) => onStep(`Both clocks stand at ${describeOffset(atMs) ?? 'the time of the machine'}.`),
        onFailure: (sentence) => failures.push(sentence),
      });
      this.#clock.run(course);
      return failures;
    });
  }

  /** What is done to the mail for the server of that role. */
  faultsOf(role: Role): readonly FaultInput[] {
    return this.#faults.get(role) ?? [];
  }

  /** Puts the fault box in front of a server, or takes it away when there is nothing to do. Throws Problem `meddle-invalid`. */
  setFaults(role: Role, faults: readonly FaultInput[]): Promise<void> {
    return this.alone(`the path to the ${role}`, async () => {
      await this.#ground.divert(role, faults.length === 0 ? undefined : await this.#meddle(role, faults));
      this.#faults.set(role, faults);
    });
  }

  /** Hands a letter in at the server where mail in that direction comes in. Throws Problem `no-answer`. */
  async send(options: LetterOptions): Promise<HandedIn> {
    const { entrances, domain } = this.#ground;
    await this.#readClock();
    const somebody = options.direction === 'in' ? { to: `anna@${domain}` } : { from: `anna@${domain}` };
    const { direction, letter, id } = writeLetter({ ...somebody, ...options }, this.#clock.now());
    const name = direction === 'out' ? `desk.${INSIDE}` : `mail.${OUTSIDE}`;
    const { entry } = WAY[direction];
    const reply = await handIn({ port: entrances[entry].port, name }, letter);
    if (!reply) throw new Problem('no-answer', `the ${entry} took back its word before the letter was sent`);
    return { id, from: letter.from, to: letter.to, reply };
  }

  /** Does what nobody else may do meanwhile; throws Problem `in-use`. */
  async alone<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    if (this.#busy.has(what)) throw new Problem('in-use', `${what}: somebody else is at it just now, so wait for that`);
    this.#busy.add(what);
    try {
      return await work();
    } finally {
      this.#busy.delete(what);
    }
  }

  /** Mail that is under way through a box is cut off. */
  async close(): Promise<void> {
    for (const box of this.#boxes.values()) await box.close();
  }

  /** Has the fault box of that server do these things; resolves with where it stands. Throws Problem `meddle-invalid`. */
  async #meddle(role: Role, faults: readonly FaultInput[]): Promise<Endpoint> {
    await this.#readClock();
    const box =
      this.#boxes.get(role) ??
      // The dates of what it forges are those of the laboratory.
      (await createMeddler({ to: this.#ground.entrances[role], now: () => this.#clock.now() }));
    this.#boxes.set(role, box);
    box.setFaults(faults);
    return { host: '127.0.0.1', port: box.port };
  }

  async #readClock(): Promise<void> {
    this.#clock.run(await readLabClock(this.#ground.ask, 'hub'));
  }
}
