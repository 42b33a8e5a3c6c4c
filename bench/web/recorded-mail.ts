// Mail for the replay: what both servers of a real pair wrote down of messages that went through it.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '../../src/config.ts';
import { parseCard } from '../../src/tracking/card-log.ts';
import type { DecisionCard } from '../../src/tracking/decision-card.ts';
import { parseTrackingRecord } from '../../src/tracking/tracking-record.ts';
import type { RecordedMessage } from './replay-server.ts';

/** By server; the messages in the same order for both. Those that have not come through are left out. */
export type RecordedMail = Readonly<Record<Role, readonly RecordedMessage[]>>;

/** Reads the logs of two servers whose mail has come through, by their data folders; the last `limit` messages. */
export function readRecordedMail(folders: Readonly<Record<Role, string>>, limit: number): RecordedMail {
  const [hub, edge] = [readServer(folders.hub), readServer(folders.edge)];
  const both = [...hub.keys()].filter((id) => edge.has(id)).slice(-limit);
  const pick = (known: ReadonlyMap<string, Message>) => both.flatMap((id) => known.get(id) ?? []);
  return { hub: pick(hub), edge: pick(edge) };
}

interface Message extends RecordedMessage {
  readonly tracking: string[];
  readonly cards: DecisionCard[];
}

function readServer(folder: string): ReadonlyMap<string, Message> {
  const messages = new Map<string, Message>();
  const of = (id: string): Message => {
    const known = messages.get(id) ?? { tracking: [], cards: [] };
    messages.set(id, known);
    return known;
  };
  for (const line of linesOf(folder, /MSGTRK/)) {
    const record = parseTrackingRecord(line);
    if (record && record.networkMessageId !== '') of(record.networkMessageId).tracking.push(line);
  }
  for (const line of linesOf(folder, /CARD/)) {
    const card = parseCard(line) as DecisionCard | undefined;
    if (card) of(card.networkMessageId).cards.push(card);
  }
  return messages;
}

function linesOf(folder: string, name: RegExp): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => name.test(path) && path.endsWith('.log'))
    .toSorted()
    .flatMap((path) => readFileSync(join(folder, path), 'utf8').split(/\r?\n/))
    .filter((line) => line !== '' && !line.startsWith('#'));
}
