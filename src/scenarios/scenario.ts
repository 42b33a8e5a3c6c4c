// The kind: a guided scenario of the laboratory as data. From one definition come what `relaypair lab run NAME` plays and checks,
// the page docs/lab/NAME.md, and the test of the table. To add one: write src/scenarios/NAME.ts, list it in scenarios.ts.

import type { LabServer } from '../lab/lab-server.ts';
import type { LetterOptions, Sent } from '../lab/letter.ts';
import type { Pair, PairOptions } from '../lab/pair.ts';
import type { Direction } from '../lab/traced-message.ts';
import type { Reason } from '../trust/reasons.ts';

export interface Scenario {
  /** As it is typed; the file's and the page's name too. */
  readonly name: string;
  readonly title: string;
  /** What it is about and what it shows, a paragraph each. */
  readonly about: readonly string[];
  /** How the pair is made that it plays on. */
  readonly pair?: PairOptions;
  readonly steps: readonly Step[];
}

/** First it is done, then the letters are seen to, then the facts are looked at. */
export interface Step {
  /** What happens, and why. */
  readonly tells: string;
  /** What a person would type for it in a laboratory of their own, without `relaypair`; where there is nothing to type, nothing. */
  readonly commands?: readonly string[];
  readonly act?: (scene: Scene) => Promise<void>;
  readonly letters?: readonly LetterStep[];
  readonly facts?: readonly Fact[];
}

/** A letter is handed in where its name first comes up, and may be looked at again later. */
export interface LetterStep {
  readonly letter: string;
  /** From inside to the world when absent. */
  readonly direction?: Direction;
  /** Another server than the pair's own that it is handed in at, by its name. */
  readonly through?: string;
  readonly becomes: 'encrypted' | 'in clear' | 'waiting';
  /** On the sender's decision card; absent where there was no attempt. */
  readonly reason?: Reason;
}

/** Something else that must be so. */
export interface Fact {
  readonly says: string;
  readonly holds: (scene: Scene) => Promise<boolean>;
}

/** What a step can lay hands on. */
export interface Scene {
  readonly pair: Pair;
  /** Handed in so far, by their names. */
  readonly letters: ReadonlyMap<string, Sent>;
  /** Servers that joined on the way, by their names. */
  readonly others: Map<string, LabServer>;
  /** Hands in a letter of its own making, to be looked at by its name. */
  send(letter: string, options: LetterOptions): Promise<void>;
}
