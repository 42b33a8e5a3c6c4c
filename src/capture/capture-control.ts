// The captures of a server, as its owner commands them: in a laboratory alone, since a capture holds the secrets of sessions.

import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '../problem.ts';
import { ensurePrivateFolder } from '../storage/files.ts';
import type { CaptureLimits, Captures, CaptureStatus } from './captures.ts';
import type { OpenTap } from './tap.ts';

/** Where nothing else is asked for. */
export const DEFAULT_CAPTURE_LIMITS: CaptureLimits = { maxSizeBytes: 100 * 2 ** 20, maxDurationMs: 3_600_000 };

export interface CaptureControlOptions {
  readonly captures: Captures;
  readonly folder: string;
  readonly isLab: boolean;
}

export class CaptureControl {
  readonly #options: CaptureControlOptions;

  constructor(options: CaptureControlOptions) {
    this.#options = options;
  }

  get folder(): string {
    return this.#options.folder;
  }

  get status(): CaptureStatus {
    return this.#options.captures.status;
  }

  /** For the wires; undefined where no capture can ever run. */
  get tap(): OpenTap | undefined {
    return this.#options.isLab ? this.#options.captures.tap : undefined;
  }

  /** Every connection from now on. Throws Problem `not-a-laboratory`, `capture-runs` or `folder-unusable`. */
  start(limits: CaptureLimits): void {
    const { captures, folder, isLab } = this.#options;
    if (!isLab) throw notALaboratory();
    if (captures.status.order) {
      throw new Problem('capture-runs', 'a capture runs already: end it with Stop-Capture before you start another');
    }
    ensurePrivateFolder(folder);
    captures.start({ ...limits, folder, startedAt: new Date() });
  }

  /** Throws Problem `no-capture`. */
  stop(): void {
    const { captures } = this.#options;
    if (!captures.status.order) throw new Problem('no-capture', 'no capture runs: begin one with Start-Capture');
    captures.stop('asked');
  }

  /** The names of the files that are there, oldest first. */
  files(): string[] {
    const { folder } = this.#options;
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
    return readdirSync(folder)
      .filter((name) => name.endsWith('.pcapng'))
      .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  }

  /** Where a file is that is named as `files` or a decision card does. Throws Problem `not-a-laboratory` or `capture-not-found`. */
  find(name: string): string {
    if (!this.#options.isLab) throw notALaboratory();
    // Compared with what there is and never followed: a path to elsewhere is none of these.
    const found = this.files()
      .map((file) => ({ file, path: join(this.#options.folder, file) }))
      .find(({ file, path }) => name === file || name === path);
    if (found) return found.path;
    throw new Problem('capture-not-found', `there is no capture "${name}": Get-Capture lists the files that there are`);
  }

  /** Deletes them all, and so the secrets; returns how many there were. Throws Problem `capture-runs`. */
  remove(): number {
    if (this.status.order) throw new Problem('capture-runs', 'a capture runs: end it with Stop-Capture first');
    const names = this.files();
    for (const name of names) rmSync(join(this.#options.folder, name), { force: true });
    return names.length;
  }

  /** At the end of the server. */
  close(): void {
    this.#options.captures.stop('shutdown');
  }
}

/** What a server that serves people answers. */
export function notALaboratory(): Problem {
  return new Problem(
    'not-a-laboratory',
    'this server serves people and captures nothing: a capture holds the secrets of its sessions; start one with --lab, or with "relaypair up"',
  );
}
