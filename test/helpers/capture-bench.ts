// Captures of one test in a temporary folder.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCapture } from '../../src/capture/capture-reader.ts';
import { type CaptureLimits, Captures, type CapturesOptions } from '../../src/capture/captures.ts';
import { SECRETS_BLOCK } from '../../src/capture/pcapng.ts';
import { SystemClock } from '../../src/clock.ts';
import { silentLog } from '../../src/log.ts';

const LARGE: CaptureLimits = { maxSizeBytes: 2 ** 30, maxDurationMs: 3_600_000 };

export class CaptureBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
  readonly captures: Captures;

  constructor(options: Partial<CapturesOptions> = {}) {
    const clock = new SystemClock();
    this.captures = new Captures({ server: 'edge01.test', version: '9.9', clock, log: silentLog(), ...options });
  }

  start(limits: Partial<CaptureLimits> = {}): void {
    this.captures.start({ ...LARGE, ...limits, folder: this.folder, startedAt: new Date() });
  }

  /** Ends the capture, so that its files are complete, and gives their paths. */
  finish(): string[] {
    this.captures.stop('asked');
    return this.files();
  }

  files(): string[] {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith('.pcapng'))
      .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      .map((name) => join(this.folder, name));
  }

  /** The same file without the secrets that it held. */
  withoutSecrets(file: string): string {
    const blocks = [...readCapture(file)].flatMap((part) =>
      part.kind === 'block' && part.type !== SECRETS_BLOCK ? [part.octets] : [],
    );
    const path = join(this.folder, 'without-secrets');
    writeFileSync(path, Buffer.concat(blocks));
    return path;
  }

  remove(): void {
    this.captures.stop('asked');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
