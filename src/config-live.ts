// The config as it is in force. The file can be read again while the server runs: what may change at run time does, the rest
// is named and waits for a restart, and of a file that is no config nothing is taken. Whoever uses a setting that may change
// asks `current()` at each use.

import { isDeepStrictEqual } from 'node:util';
import type { Cancel } from './clock.ts';
import { type Config, readConfig } from './config.ts';

/** What reading the file again came to. Settings by their names in the file: `retry.expiration`, `hosts`. */
export interface Reload {
  readonly applied: readonly string[];
  /** Differ in the file and stay as they are until the next start. */
  readonly needsRestart: readonly string[];
}

export class LiveConfig {
  #current: Config;
  readonly #listeners = new Set<() => void>();

  constructor(started: Config) {
    this.#current = started;
  }

  /** What is in force now. */
  current(): Config {
    return this.#current;
  }

  /** Calls `listener` after settings changed. */
  onChange(listener: () => void): Cancel {
    const entry = (): void => listener();
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Reads the file again. Problems as `readConfig`: then everything stays as it was. */
  reload(): Reload {
    const before = this.#current;
    const read = readConfig(before.path);
    const next = withLiveSettings(before, read);
    const applied = differences(before, next);
    if (applied.length > 0) {
      this.#current = next;
      for (const listener of this.#listeners) listener();
    }
    return { applied, needsRestart: differences(next, read) };
  }
}

/** The settings that may change at run time, taken from `read`. */
function withLiveSettings(before: Config, read: Config): Config {
  const { hosts, dns, deliver, retry, limits, backPressure, proxies } = read;
  return {
    ...before,
    hosts,
    dns,
    deliver,
    retry,
    limits,
    backPressure,
    proxies,
    log: { ...before.log, level: read.log.level },
  };
}

/** Sections whose own keys are no settings. */
const WHOLE = new Set(['hosts', 'deliver', 'directory']);

function differences(a: Config, b: Config): readonly string[] {
  return namesIn(a, b).flatMap((section) => {
    const [from, to] = [valueOf(a, section), valueOf(b, section)];
    if (isDeepStrictEqual(from, to)) return [];
    if (WHOLE.has(section) || !isSection(from) || !isSection(to)) return [section];
    const changed = namesIn(from, to).filter((name) => !isDeepStrictEqual(valueOf(from, name), valueOf(to, name)));
    return changed.map((name) => `${section}.${name}`);
  });
}

function namesIn(a: object, b: object): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted();
}

function valueOf(section: object, name: string): unknown {
  return (section as Record<string, unknown>)[name];
}

function isSection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
