// What can be fuzzed: one run is one hostile input, made by chance alone.

import type { Chance } from '../crash/chance.ts';

export interface Target {
  readonly name: string;
  /** Feeds it one input and says what was wrong with what came of it; undefined when nothing was. */
  run(chance: Chance): Promise<string | undefined>;
  /** A valid session is still served; what was wrong otherwise. */
  checkService(): Promise<string | undefined>;
  close(): Promise<void>;
}
