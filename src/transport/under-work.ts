// The ids of the messages under work, in memory and in a file of one slot each. A process whose heap runs over has no chance to
// write anything: what it wrote before is all there is. The file is not synced, since it has to outlive the process and not the
// machine; a slot that holds a message which has left the spool since harms nobody, as an id is never used again.

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

const SLOT_BYTES = 8;

/** Work on one message, until it ends. */
export interface Work {
  /** `isLeft`: the message is still in the spool, and must not be taken for one under work. */
  end(isLeft: boolean): void;
}

export class UnderWork {
  readonly #file: number;
  readonly #slot = Buffer.alloc(SLOT_BYTES);
  readonly #free: number[] = [];
  readonly #ids = new Map<number, number>();
  #slots = 0;

  /** Begins an empty file; errors are the file system's own. */
  constructor(path: string) {
    this.#file = openSync(path, 'w', 0o600);
  }

  /** A message may be under work several times at once, for several hops. */
  begin(id: number): Work {
    const slot = this.#free.pop() ?? this.#slots++;
    this.#ids.set(slot, id);
    this.#write(slot, id);
    return {
      end: (isLeft) => {
        if (!this.#ids.delete(slot)) return;
        this.#free.push(slot);
        if (isLeft) this.#write(slot, 0);
      },
    };
  }

  /** The ids, each once. */
  ids(): number[] {
    return [...new Set(this.#ids.values())];
  }

  close(): void {
    closeSync(this.#file);
  }

  /** A full disk stops no delivery. */
  #write(slot: number, id: number): void {
    this.#slot.writeDoubleLE(id);
    try {
      writeSync(this.#file, this.#slot, 0, SLOT_BYTES, slot * SLOT_BYTES);
    } catch {
      // After a crash the message is tried once more than it should be.
    }
  }
}

/** What a file of slots holds; empty when there is none. */
export function readUnderWork(path: string): number[] {
  const ids = new Set<number>();
  const content = readIfThere(path);
  for (let at = 0; at + SLOT_BYTES <= content.length; at += SLOT_BYTES) {
    const id = content.readDoubleLE(at);
    if (Number.isSafeInteger(id) && id > 0) ids.add(id);
  }
  return [...ids];
}

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
