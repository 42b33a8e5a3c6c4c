// The mailbox inside: the Maildir folder that the Hub delivers to, read as a mail client would.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Destination } from './sink.ts';

export class Mailbox implements Destination {
  readonly #folder: string;
  readonly #read = new Map<string, Buffer>();

  /** `folder` is one person's Maildir; it need not be there yet. */
  constructor(folder: string) {
    this.#folder = join(folder, 'new');
  }

  arrivals(): readonly Buffer[] {
    for (const name of this.#names()) {
      if (!this.#read.has(name)) this.#read.set(name, readFileSync(join(this.#folder, name)));
    }
    return [...this.#read.values()];
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder).toSorted();
    } catch {
      return [];
    }
  }
}
