// The kind of an event that can be raised: number, source, level, and how its facts become a sentence that says what
// happened, to whom, and what to do. The members are in exchange-events.ts and own-events.ts, listed in events.ts.

export type EventSource = 'MSExchangeTransport' | 'MSExchange EdgeSync' | 'MSExchange Message Security' | 'relaypair';
export type EventLevel = 'Information' | 'Warning' | 'Error';
export type EventFact = string | number | Date;

export interface EventDefinition<Facts> {
  readonly id: number;
  readonly source: EventSource;
  readonly level: EventLevel;
  readonly describe: (facts: Facts) => string;
  /** What makes it the same event again; without it every one counts. Of what a stranger sends, only his address. */
  readonly key?: (facts: Facts) => string;
}

type FactsShape<Facts> = { readonly [Name in keyof Facts]: EventFact };

/** A member of the table; only there for its types. */
export function define<Facts extends FactsShape<Facts>>(definition: EventDefinition<Facts>): EventDefinition<Facts> {
  return definition;
}

/** A date in a sentence: "2008-12-24 20:00 UTC". */
export function formatMoment(date: Date): string {
  // A peer's certificate can carry a date that is none.
  if (Number.isNaN(date.getTime())) return 'an unreadable date';
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
