// What the harness knows of one message, of one kill, and of what the servers wrote down.

import type { Card } from '../helpers/relaying.ts';
import type { Role } from '../helpers/servers.ts';

/** A message that was handed in. Its id and its recipients are used for no other, and for one attempt only. */
export interface Letter {
  /** The Message-ID without its angle brackets. */
  readonly id: string;
  /** Those that the sinks take in the end. */
  readonly recipients: readonly string[];
  /** The one whom the sinks never take: its sender is owed a report. */
  readonly refused?: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly startedAtMs: number;
  /** `taken` once the 250 was read, `refused` after a 4xx or 5xx. */
  answer: 'none' | 'taken' | 'refused';
}

export interface Kill {
  readonly role: Role;
  /** Which server, where there are several of a role; `primary` where it was the database that they share. */
  readonly node?: string;
  /** It was cut off and lived on: what it delivers then it cannot record, and its cards tell of it all the same. */
  readonly livesOn?: boolean;
  /** In words: the phase, the number of the step and the system call. */
  readonly step: string;
  /** The victim's life: from its start to its death. */
  readonly startedMs: number;
  readonly atMs: number;
  /** When its successor was up. What was in the sockets has been read by then. */
  upAgainMs: number;
  /** What the dead server's spool had not recorded as done, by key, once for each copy. */
  readonly pending: readonly string[];
}

export type Cards = Readonly<Record<Role, readonly Card[]>>;

/** The key under which a letter's report is known; a recipient's key is its address. */
export function reportKey(id: string): string {
  return `report on ${id}`;
}

/** The ids of letters that occur in an octet string, each once. */
export function findIds(content: Buffer): string[] {
  return [
    ...new Set(
      Array.from(content.toString('latin1').matchAll(/<((?:crash|flow)-[^<>@\s]+@[^<>\s]+)>/g), ([, id]) => id ?? ''),
    ),
  ];
}

/** What its sender was promised once it was acknowledged: a delivery each, and the report. */
export function keysOf({ id, recipients, refused }: Letter): string[] {
  return refused === undefined ? [...recipients] : [...recipients, reportKey(id)];
}
