// The machine's clock as a server process sees it, which a test can move while the process runs: libfaketime stands between
// the process and the system, and reads anew how far to be off whenever the date is asked for. What counts time that passes is
// left alone, as a jump of the real clock leaves it.

import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demand } from './peers.ts';

const LIBRARIES = '/usr/lib';
const LIBRARY = findLibrary();

/** True when Debian's package faketime is installed. Throws when it has to be. */
export function canFakeClock(): boolean {
  return demand(LIBRARY !== undefined, 'faketime');
}

export class MachineClock {
  readonly #path: string;
  #offsetMs = 0;

  /** `folder`: where the offset is written down. */
  constructor(folder: string) {
    this.#path = join(folder, 'machine-clock');
    this.jump(0);
  }

  /** For the processes that shall see this clock. */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: LIBRARY ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#path,
      FAKETIME_NO_CACHE: '1',
      // Under its former name too.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
      // A file keeps the date at which it was written.
      NO_FAKE_STAT: '1',
    };
  }

  /** What a process with this clock takes for the date. */
  now(): Date {
    return new Date(Date.now() + this.#offsetMs);
  }

  /** Moves it by so much. */
  jump(byMs: number): void {
    this.#offsetMs += byMs;
    const seconds = Math.round(this.#offsetMs / 1000);
    // Renamed into its place, since somebody may be reading it.
    writeFileSync(`${this.#path}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${this.#path}.new`, this.#path);
  }
}

/** It is in the folder of this machine's architecture. */
function findLibrary(): string | undefined {
  if (!existsSync(LIBRARIES)) return undefined;
  return readdirSync(LIBRARIES)
    .map((name) => join(LIBRARIES, name, 'faketime/libfaketimeMT.so.1'))
    .find((path) => existsSync(path));
}
