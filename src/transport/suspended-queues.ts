// Which queues an administrator has suspended, in one whole file: a queue itself is made anew at each start, when mail for its
// hop is found.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Log } from '../log.ts';
import { messageOf, Problem } from '../problem.ts';
import { writeFileDurably } from '../storage/files.ts';
import type { Suspensions } from './queue-administration.ts';

const FORMAT = 1;

const fileSchema = z.object({ format: z.literal(FORMAT), suspended: z.array(z.string()) });

export class SuspendedQueues implements Suspensions {
  readonly #path: string;
  readonly #keys: Set<string>;

  /** Reads the file; one that is not there, or cannot be read, suspends nothing, and the latter is reported. */
  constructor(path: string, log: Log) {
    this.#path = path;
    this.#keys = new Set(read(path, log));
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** Durable when it returns; Problem `queues-unwritable`, and then nothing has changed. */
  add(key: string): Set<string> {
    const keys = new Set(this.#keys).add(key);
    this.#write(keys);
    return this.#keys.add(key);
  }

  /** As `add`. */
  delete(key: string): boolean {
    const keys = new Set(this.#keys);
    if (!keys.delete(key)) return false;
    this.#write(keys);
    return this.#keys.delete(key);
  }

  #write(keys: ReadonlySet<string>): void {
    try {
      writeFileDurably(this.#path, `${JSON.stringify({ format: FORMAT, suspended: [...keys] })}\n`);
    } catch (error) {
      throw new Problem('queues-unwritable', `${this.#path} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }
}

function read(path: string, log: Log): readonly string[] {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).suspended;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      log.error({ path, error: messageOf(error) }, 'it cannot be read which queues are suspended: none is');
    }
    return [];
  }
}
