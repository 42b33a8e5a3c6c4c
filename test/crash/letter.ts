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

/** A server took a message from the other member of the pair: the Received field that it put in front of every copy it sent on. */
export interface Taking {
  /** Who sent it, and who took it, by name. */
  readonly from: string;
  readonly by: string;
  /** The second in which it came whole. */
  readonly atMs: number;
}

/** What came to a sink. */
export interface Arrival {
  readonly atMs: number;
  /** Who sent it, by name. */
  readonly from: string;
  /** Its Message-ID without the angle brackets; a report has one that the servers gave it. */
  readonly id: string | undefined;
  /** In a report also those of the letter that it is about. */
  readonly takings: readonly Taking[];
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

/** Every taking that the Received fields of these octets tell of. */
export function findTakings(content: Buffer): Taking[] {
  const fields = content.toString('latin1').match(/^Received: (?:[^\r\n]|\r\n[\t ])+/gm) ?? [];
  return fields.flatMap((field) => {
    const [, helo = '', fqdn = '', time = ''] =
      /^Received: from (\S+) .*? by (\S+) .*; (.+)$/.exec(field.replaceAll(/\s+/g, ' ')) ?? [];
    const [from, by] = [hostOf(helo), hostOf(fqdn)];
    const isOfPair = roleOf(from) !== undefined && roleOf(by) !== undefined && roleOf(from) !== roleOf(by);
    return isOfPair ? [{ from, by, atMs: Date.parse(time) }] : [];
  });
}

/** `hub01.corp.test` is called `hub01`. */
export function hostOf(fqdn: string): string {
  return fqdn.replace(/\..*/, '');
}

/** Of a server by its name: `hub01`. */
export function roleOf(name: string): Role | undefined {
  return (['hub', 'edge'] as const).find((role) => name.startsWith(role));
}

/** What its sender was promised once it was acknowledged: a delivery each, and the report. */
export function keysOf({ id, recipients, refused }: Letter): string[] {
  return refused === undefined ? [...recipients] : [...recipients, reportKey(id)];
}
