// What a spool's process had promised by a line of its record, and whether a spool that was found keeps it.

import type { SpooledMessage } from '../../src/spool/spool.ts';
import type { DiskEvent } from './disk-record.ts';

interface Stored {
  readonly id: number;
  readonly networkMessageId: string;
  readonly digest: string;
  /** A settlement that has begun: the message may be as it was or as it is to be. */
  begun: string | undefined;
  done: string | undefined;
}

export interface Found {
  readonly message: SpooledMessage;
  /** SHA-256 of its body. */
  readonly digest: string;
}

export class Promises {
  readonly #stored = new Map<number, Stored>();

  /** Takes what was said up to the line: a word that is being written may have been read. */
  constructor(events: readonly DiskEvent[], line: number) {
    for (const event of events) {
      if (event.kind === 'said' && event.begin <= line) {
        for (const said of event.text.trim().split('\n')) this.#hear(said.split(' '));
      }
    }
  }

  get acknowledged(): number {
    return this.#stored.size;
  }

  /** Whatever of the promises is not kept. */
  check(found: readonly Found[]): string[] {
    const ids = new Map(found.map(({ message }) => [message.id, message]));
    const reports = new Map<string, number>();
    for (const { message } of found) {
      const { source, subject } = message.envelope;
      if (source === 'DSN') reports.set(subject, (reports.get(subject) ?? 0) + 1);
    }
    return [
      ...found.filter((one) => !isWhole(one)).map(({ message }) => `message ${message.id} is not what was stored`),
      ...[...this.#stored.values()].flatMap((stored) =>
        checkOne(stored, ids.get(stored.id), reports.get(stored.networkMessageId) ?? 0),
      ),
    ];
  }

  #hear([word, first, second, third]: readonly string[]): void {
    if (word === 'stored') {
      const [id, networkMessageId = '', digest = ''] = [Number(first), second, third];
      this.#stored.set(id, { id, networkMessageId, digest, begun: undefined, done: undefined });
    }
    const stored = this.#stored.get(Number(second));
    if (word === 'begun' && stored) stored.begun = first;
    if (word === 'done' && stored) stored.done = first;
  }
}

function isWhole({ message, digest }: Found): boolean {
  const { source, subject, messageId } = message.envelope;
  return digest === (source === 'DSN' ? messageId : subject);
}

function checkOne(stored: Stored, message: SpooledMessage | undefined, reports: number): string[] {
  const { id, digest, begun, done } = stored;
  if (message && message.envelope.subject !== digest) return [`message ${id} is another one than was acknowledged`];
  if (begun === undefined || begun === 'defer') {
    if (!message) return [`message ${id} was acknowledged and is lost`];
    return done === 'defer' && message.attempts !== 1 ? [`the deferral of message ${id} is forgotten`] : [];
  }
  if (done !== undefined && message) return [`message ${id} was settled (${done}) and is back`];
  const wanted = begun === 'bounce' && !message ? 1 : 0;
  return reports === wanted ? [] : [`message ${id} (${begun}): ${reports} reports instead of ${wanted}`];
}
