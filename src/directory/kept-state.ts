// The last good state of a directory on an LDAP server, in one whole file of this server's own (0600; secrets in it stay
// sealed as they are in the directory), so that mail goes on after a restart while the directory is away. Written only when
// the state is another one. What cannot be read counts as not there: the directory has it all.

import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { LdapEntry } from '../ldap/entry.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import { ensurePrivateFolder, writeFileDurably } from '../storage/files.ts';

const FORMAT = 1;

const fileSchema = z.object({
  format: z.literal(FORMAT),
  namingContext: z.string().min(1),
  entries: z.array(z.object({ dn: z.string(), attributes: z.record(z.string(), z.array(z.string())) })),
});

/** Owns the file. */
export class KeptState {
  readonly #path: string;
  readonly #log: Log;
  #namingContext: string | undefined;
  #entries: readonly LdapEntry[] | undefined;
  #text: string | undefined;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
    const kept = this.#read();
    this.#namingContext = kept?.namingContext;
    this.#entries = kept?.entries.map(toEntry);
  }

  /** Of the directory that was kept; undefined when there is nothing yet. */
  get namingContext(): string | undefined {
    return this.#namingContext;
  }

  /** The entries as they were last read; undefined when there is nothing yet, or it is of another directory. */
  entriesOf(namingContext: string): readonly LdapEntry[] | undefined {
    return this.#namingContext?.toLowerCase() === namingContext.toLowerCase() ? this.#entries : undefined;
  }

  /** Keeps a state that was read and understood. A disk that is full is reported and stops nothing. */
  keep(namingContext: string, entries: readonly LdapEntry[]): void {
    this.#namingContext = namingContext;
    this.#entries = entries;
    const text = JSON.stringify({ format: FORMAT, namingContext, entries: entries.map(fromEntry) });
    if (text === this.#text) return;
    try {
      ensurePrivateFolder(dirname(this.#path));
      writeFileDurably(this.#path, text);
      this.#text = text;
    } catch (error) {
      this.#log.error({ reason: messageOf(error) }, 'the last good state of the directory cannot be kept');
    }
  }

  #read(): z.output<typeof fileSchema> | undefined {
    try {
      this.#text = readFileSync(this.#path, 'utf8');
      return fileSchema.parse(JSON.parse(this.#text));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#log.warn({ path: this.#path }, 'the kept state of the directory cannot be read and is not used');
      return undefined;
    }
  }
}

function fromEntry({ dn, attributes }: LdapEntry): z.output<typeof fileSchema>['entries'][number] {
  const texts = [...attributes].map(([name, values]) => [name, values.map((value) => value.toString('base64'))]);
  return { dn, attributes: Object.fromEntries(texts) as Record<string, string[]> };
}

function toEntry({ dn, attributes }: z.output<typeof fileSchema>['entries'][number]): LdapEntry {
  const octets = Object.entries(attributes).map(
    ([name, values]) => [name, values.map((value) => Buffer.from(value, 'base64'))] as const,
  );
  return { dn, attributes: new Map(octets) };
}
