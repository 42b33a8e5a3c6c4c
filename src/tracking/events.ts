// The closed table of events this product raises, and how one is made of what is known. Who raises one, and when, is
// transport's and edgesync's business; keeping them is event-log.ts's.

import { CAPTURE_EVENTS } from './capture-events.ts';
import { CONFIGURATION_EVENTS } from './configuration-events.ts';
import { DIRECTORY_EVENTS } from './directory-events.ts';
import type { EventDefinition, EventFact, EventLevel, EventSource } from './event.ts';
import { EXCHANGE_EVENTS } from './exchange-events.ts';
import { OWN_EVENTS } from './own-events.ts';
import { POISON_EVENTS } from './poison-events.ts';
import { RENEWAL_EVENTS } from './renewal-events.ts';
import { escapeText } from './plain-text.ts';
import { TLS_EVENTS } from './tls-events.ts';
import { TOPOLOGY_EVENTS } from './topology-events.ts';
import { WORKER_EVENTS } from './worker-events.ts';

/** Symbolic name to definition. */
export const EVENTS = {
  ...EXCHANGE_EVENTS,
  ...OWN_EVENTS,
  ...POISON_EVENTS,
  ...DIRECTORY_EVENTS,
  ...RENEWAL_EVENTS,
  ...TOPOLOGY_EVENTS,
  ...TLS_EVENTS,
  ...WORKER_EVENTS,
  ...CONFIGURATION_EVENTS,
  ...CAPTURE_EVENTS,
};

export type EventName = keyof typeof EVENTS;
/** What has to be known to raise the event. */
export type FactsOf<Name extends EventName> =
  (typeof EVENTS)[Name] extends EventDefinition<infer Facts> ? Facts : never;

/** An event that happened, ready to be recorded. Its texts are printable lines. */
export interface ServerEvent {
  readonly id: number;
  readonly source: EventSource;
  readonly level: EventLevel;
  readonly symbolicName: EventName;
  readonly message: string;
  readonly facts: Readonly<Record<string, EventFact>>;
  /** Events of one id and key repeat each other; without a key every one counts. */
  readonly key: string | undefined;
}

const MAX_FACT_LENGTH = 500;

/** Describes an event that just happened. Texts are cut and made printable first, since a peer may have chosen them. */
export function createEvent<Name extends EventName>(name: Name, facts: FactsOf<Name>): ServerEvent {
  const definition = EVENTS[name] as unknown as EventDefinition<Record<string, EventFact>>;
  const given = Object.entries(facts as Record<string, EventFact>);
  const clean = Object.fromEntries(given.map(([key, fact]) => [key, cleanFact(fact)]));
  const { id, source, level } = definition;
  const message = definition.describe(clean);
  return { id, source, level, symbolicName: name, message, facts: clean, key: definition.key?.(clean) };
}

function cleanFact(fact: EventFact): EventFact {
  return typeof fact === 'string' ? escapeText(fact.slice(0, MAX_FACT_LENGTH)) : fact;
}
