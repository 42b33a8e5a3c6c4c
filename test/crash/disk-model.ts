// A disk that loses its power: whatever was synced is there, a file's octets by a sync of the file, a name by a sync of its
// folder. What was not is there, or is not, or is torn at the borders of its sectors. A sync that failed makes nothing
// durable, and no later one makes up for it: the kernel has called those pages clean.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Chance } from './chance.ts';
import type { DiskEvent } from './disk-record.ts';

/** What becomes of changes that no sync has made durable. */
export type Survival = 'nothing' | 'everything' | 'by chance';

const SECTOR_BYTES = 512;

type Change =
  | { readonly kind: 'write'; readonly file: number; readonly octets: Buffer; readonly at: number }
  | { readonly kind: 'truncate'; readonly file: number; readonly sizeBytes: number }
  | { readonly kind: 'name'; readonly path: string; readonly file: number; readonly from?: string }
  | { readonly kind: 'unname'; readonly path: string }
  | { readonly kind: 'folder'; readonly path: string };

interface Step {
  readonly change: Change;
  readonly begin: number;
  readonly end: number;
  /** Line at which a sync that covers it was over. */
  durableAt: number;
}

export class DiskModel {
  readonly #folder: string;
  readonly #steps: Step[] = [];
  /** Steps that wait for the sync of their file or folder. */
  readonly #unsynced = new Map<string, Step[]>();
  readonly #files = new Map<string, number>();
  readonly #sizes: number[] = [];
  /** The greatest size that each file ever has. */
  readonly #largest: number[] = [];

  constructor(folder: string, events: readonly DiskEvent[]) {
    this.#folder = folder;
    for (const event of events) this.#apply(event);
  }

  /** Writes into `target` what is found after the power went at this line of the log. */
  cut(line: number, survival: Survival, target: string, chance: Chance): void {
    const contents = this.#largest.map((sizeBytes) => new Content(sizeBytes));
    const names = new Map<string, number>();
    const folders = new Set([this.#folder]);
    for (const { change, begin, durableAt } of this.#steps) {
      if (begin > line) continue;
      const isDurable = durableAt <= line;
      if (!isDurable && (survival === 'nothing' || (survival === 'by chance' && chance.below(2) === 0))) continue;
      const isTorn = !isDurable && survival === 'by chance' && chance.below(2) === 0;
      if (change.kind === 'write') {
        contents[change.file]?.write(change.octets, change.at, isTorn ? chance : undefined);
      } else if (change.kind === 'truncate') {
        contents[change.file]?.resize(change.sizeBytes);
      } else if (change.kind === 'folder') folders.add(change.path);
      else if (change.kind === 'unname') names.delete(change.path);
      else {
        if (change.from !== undefined) names.delete(change.from);
        names.set(change.path, change.file);
      }
    }
    this.#writeOut(target, { folders, names, contents });
  }

  #apply(event: DiskEvent): void {
    switch (event.kind) {
      case 'open':
        this.#open(event);
        return;
      case 'write': {
        const file = this.#files.get(event.path);
        if (file === undefined) return;
        const at = event.at ?? this.#sizes[file] ?? 0;
        this.#resize(file, Math.max(this.#sizes[file] ?? 0, at + event.octets.length));
        this.#add(event, { kind: 'write', file, octets: event.octets, at }, `file ${file}`);
        return;
      }
      case 'truncate': {
        const file = this.#files.get(event.path);
        if (file !== undefined) this.#truncate(event, file, event.sizeBytes);
        return;
      }
      case 'rename': {
        const file = this.#files.get(event.path);
        if (file === undefined) return;
        this.#files.delete(event.path);
        this.#files.set(event.to, file);
        this.#add(event, { kind: 'name', path: event.to, file, from: event.path }, dirname(event.to));
        return;
      }
      case 'unlink':
        this.#files.delete(event.path);
        this.#add(event, { kind: 'unname', path: event.path }, dirname(event.path));
        return;
      case 'mkdir':
        this.#add(event, { kind: 'folder', path: event.path }, dirname(event.path));
        return;
      case 'sync':
        this.#sync(event);
        return;
      default:
    }
  }

  #open(event: DiskEvent & { kind: 'open' }): void {
    const known = this.#files.get(event.path);
    if (known !== undefined && event.empties) this.#truncate(event, known, 0);
    if (known !== undefined || !event.makes) return;
    const file = this.#sizes.push(0) - 1;
    this.#largest.push(0);
    this.#files.set(event.path, file);
    this.#add(event, { kind: 'name', path: event.path, file }, dirname(event.path));
  }

  #truncate(event: DiskEvent, file: number, sizeBytes: number): void {
    this.#resize(file, sizeBytes);
    this.#add(event, { kind: 'truncate', file, sizeBytes }, `file ${file}`);
  }

  #resize(file: number, sizeBytes: number): void {
    this.#sizes[file] = sizeBytes;
    this.#largest[file] = Math.max(this.#largest[file] ?? 0, sizeBytes);
  }

  #add({ begin, end }: DiskEvent, change: Change, syncedWith: string): void {
    const step = { change, begin, end, durableAt: Number.POSITIVE_INFINITY };
    this.#steps.push(step);
    const waiting = this.#unsynced.get(syncedWith) ?? [];
    waiting.push(step);
    this.#unsynced.set(syncedWith, waiting);
  }

  /** The first sync that began after a change decides over it for good. */
  #sync(event: DiskEvent & { kind: 'sync' }): void {
    const file = this.#files.get(event.path);
    const key = file === undefined ? event.path : `file ${file}`;
    const steps = this.#unsynced.get(key) ?? [];
    this.#unsynced.set(
      key,
      steps.filter((step) => step.end >= event.begin),
    );
    if (!event.isDone) return;
    for (const step of steps) if (step.end < event.begin) step.durableAt = event.end;
  }

  #writeOut(target: string, found: { folders: Set<string>; names: Map<string, number>; contents: Content[] }): void {
    const hasFolder = (path: string): boolean =>
      path === this.#folder || (found.folders.has(path) && hasFolder(dirname(path)));
    for (const path of found.folders) {
      if (hasFolder(path)) mkdirSync(join(target, relative(this.#folder, path)), { recursive: true });
    }
    for (const [path, file] of found.names) {
      if (hasFolder(dirname(path))) {
        writeFileSync(join(target, relative(this.#folder, path)), found.contents[file]?.octets ?? '');
      }
    }
  }
}

/** A file's octets; what was never written is zero. */
class Content {
  readonly #buffer: Buffer;
  #sizeBytes = 0;

  constructor(largestBytes: number) {
    this.#buffer = Buffer.alloc(largestBytes);
  }

  get octets(): Buffer {
    return this.#buffer.subarray(0, this.#sizeBytes);
  }

  resize(sizeBytes: number): void {
    if (sizeBytes < this.#sizeBytes) this.#buffer.fill(0, sizeBytes, this.#sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  /** With `torn`, each sector of the disk takes the new octets or keeps the old ones. */
  write(octets: Buffer, at: number, torn: Chance | undefined): void {
    this.#sizeBytes = Math.max(this.#sizeBytes, at + octets.length);
    if (!torn) {
      octets.copy(this.#buffer, at);
      return;
    }
    for (let offset = 0; offset < octets.length; ) {
      const end = Math.min(octets.length, (Math.floor((at + offset) / SECTOR_BYTES) + 1) * SECTOR_BYTES - at);
      if (torn.below(2) === 0) octets.copy(this.#buffer, at + offset, offset, end);
      offset = end;
    }
  }
}
