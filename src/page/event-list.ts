// Events of several servers as one list. Pure.

import type { ApiRecord } from './api.ts';
import { text } from './fields.ts';

export interface ServerEvents {
  readonly server: string;
  readonly events: readonly ApiRecord[];
}

export interface EventFilter {
  /** An EntryType; empty for all. */
  readonly kind: string;
  readonly server: string;
}

/** The newest first, each with the name of its server as Server. */
export function mergeEvents(lists: readonly ServerEvents[], { kind, server }: EventFilter): readonly ApiRecord[] {
  return lists
    .filter((list) => server === '' || list.server === server)
    .flatMap((list) => list.events.map((event) => ({ ...event, Server: list.server })))
    .filter((event) => kind === '' || text(event, 'EntryType') === kind)
    .toSorted((a, b) => text(b, 'Time').localeCompare(text(a, 'Time')));
}
