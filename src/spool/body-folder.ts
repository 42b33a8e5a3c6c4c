// Large bodies, a file each. The order is what makes one durable: write, fdatasync, rename to its final name, fsync of the
// folder; only then may a row point to it. A file that no row points to is a crash's leftover and is swept at the next start.

import { randomBytes } from 'node:crypto';
import { constants, type Dirent, readSync, writeSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrivateFolder, syncFolder } from '../storage/files.ts';
import { bodyBlocks } from './body-blocks.ts';
import { DiskPace } from './disk-pace.ts';
import type { SpoolFinding } from './spool.ts';
import { foreignFinding, orphanFinding } from './spool-findings.ts';

const OWN_NAME = /^[0-9a-f]{32}\.(?:body|part)$/;
/** A body whose file stands still for so long is not being received any more. */
const ARRIVING_MS = 10 * 60_000;

/** A body on its way into the folder. End it with `publish` or `discard`. */
export interface NewBodyFile {
  /** Its final name in the folder. */
  readonly name: string;
  write(octets: Uint8Array): Promise<void>;
  /** After this the file survives a power cut. */
  publish(): Promise<void>;
  /** Takes it away again, published or not; never fails: what cannot be removed is a leftover. */
  discard(): Promise<void>;
}

/** What a sweep did. */
export interface SweepReport {
  /** Sizes in octets of the files that rows point to, by name. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly leftovers: number;
  /** Entries that are none of ours, moved out of the way. */
  readonly foreign: readonly string[];
  /** Leftovers that were moved out of the way instead. */
  readonly kept: readonly string[];
}

export class BodyFolder {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #pace = new DiskPace();
  #running: Promise<void> | undefined;
  #following: Promise<void> | undefined;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** Opens or makes the folder. */
  static async open(path: string): Promise<BodyFolder> {
    ensurePrivateFolder(path);
    return new BodyFolder(path, await open(path, constants.O_RDONLY | constants.O_DIRECTORY));
  }

  /** Begins a new file; errors are the file system's own. */
  async create(): Promise<NewBodyFile> {
    const stem = randomBytes(16).toString('hex');
    const [part, name] = [`${stem}.part`, `${stem}.body`];
    const handle = await open(join(this.#path, part), 'wx', 0o600);
    return {
      name,
      write: (octets) => this.#write(handle, octets),
      publish: async () => {
        await handle.datasync();
        await handle.close();
        await rename(join(this.#path, part), join(this.#path, name));
        await this.#sync();
      },
      discard: async () => {
        await handle.close().catch(() => undefined);
        await Promise.all([this.remove(part), this.remove(name)]);
      },
    };
  }

  /** Reads a file chunk by chunk, each in one of `bodyBlocks`. A link in its place is refused (ELOOP), never followed. */
  async *read(name: string): AsyncGenerator<Buffer> {
    const handle = await open(join(this.#path, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      for (;;) {
        // Another one each time: the reader may still hold the one before.
        const buffer = bodyBlocks.take();
        const sizeBytes = await this.#pace.run(
          () => readSync(handle.fd, buffer),
          async () => (await handle.read(buffer)).bytesRead,
        );
        if (sizeBytes === 0) {
          bodyBlocks.giveBack(buffer);
          return;
        }
        yield buffer.subarray(0, sizeBytes);
      }
    } finally {
      await handle.close();
    }
  }

  /** Removes a file that no row points to any more; never fails, since what stays is swept at the next start. */
  async remove(name: string): Promise<void> {
    await unlink(join(this.#path, name)).catch(() => undefined);
  }

  /** Removes leftovers, or moves them, and moves what is none of ours (other names, links, folders) into `asideFolder`. Repeatable. */
  async sweep(known: ReadonlySet<string>, asideFolder: string, leftover: 'remove' | 'keep'): Promise<SweepReport> {
    const sizes = new Map<string, number>();
    const [foreign, kept]: [string[], string[]] = [[], []];
    let leftovers = 0;
    for (const entry of await readdir(this.#path, { withFileTypes: true })) {
      if (!isOwn(entry)) foreign.push(await this.#moveAside(entry.name, asideFolder));
      else if (known.has(entry.name)) sizes.set(entry.name, (await stat(join(this.#path, entry.name))).size);
      else if (leftover === 'keep') kept.push(await this.#moveAside(entry.name, asideFolder));
      else {
        await this.remove(entry.name);
        leftovers += 1;
      }
    }
    return { sizes, leftovers, foreign, kept };
  }

  /**
   * Files that no row points to, and entries that are none of ours. What was written to in the last ten minutes may still be
   * on its way in, and its row still to come, unless `arrivingMs` says that nobody is at work. Changes nothing.
   */
  async inspect(isKnown: (name: string) => boolean, arrivingMs = ARRIVING_MS): Promise<SpoolFinding[]> {
    const findings: SpoolFinding[] = [];
    for (const entry of await readdir(this.#path, { withFileTypes: true })) {
      const path = join(this.#path, entry.name);
      if (!isOwn(entry)) findings.push(foreignFinding(path));
      else if (!isKnown(entry.name) && (await isOld(path, arrivingMs))) findings.push(orphanFinding(path));
    }
    return findings;
  }

  async close(): Promise<void> {
    await this.#running;
    await this.#handle.close();
  }

  async #write(handle: FileHandle, octets: Uint8Array): Promise<void> {
    for (let written = 0; written < octets.length; ) {
      const rest = octets.subarray(written);
      written += await this.#pace.run(
        () => writeSync(handle.fd, rest),
        async () => (await handle.write(rest)).bytesWritten,
      );
    }
  }

  async #moveAside(name: string, asideFolder: string): Promise<string> {
    await mkdir(asideFolder, { recursive: true, mode: 0o700 });
    const target = join(asideFolder, `${randomBytes(4).toString('hex')}-${name}`);
    await rename(join(this.#path, name), target);
    syncFolder(asideFolder);
    return target;
  }

  /** One fsync serves all who wait; one that is already under way began too early for a new name. */
  #sync(): Promise<void> {
    if (!this.#running) return this.#startSync();
    this.#following ??= this.#running.catch(() => undefined).then(() => this.#startSync());
    return this.#following;
  }

  #startSync(): Promise<void> {
    this.#following = undefined;
    const running = this.#handle.sync().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}

/** By the file system's clock, which wrote the file's time. False for a file that has gone meanwhile. */
async function isOld(path: string, arrivingMs: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs >= arrivingMs;
}

function isOwn(entry: Dirent): boolean {
  return entry.isFile() && OWN_NAME.test(entry.name);
}
