// The search of message tracking: what the form says as parameters of Get-MessageTrackingLog, and the next page of what was
// found. The newest come first; the next page goes on into the past where one ended. Pure.

import type { ApiRecord, Parameters } from './api.ts';
import { text, texts } from './fields.ts';

export const PAGE_SIZE = 100;

/** Fields of the form, by the names of the cmdlet's parameters; empty ones ask for nothing. */
export type SearchFields = Readonly<Record<string, string>>;

/** `until` is the moment of the oldest record that was shown, in ISO 8601: the page goes on with what is as old or older. */
export function searchParameters(fields: SearchFields, until?: string): Parameters {
  const given = Object.entries(fields).filter(([, value]) => value.trim() !== '');
  const read = given.map(([name, value]) => [name, isMoment(name) ? readMoment(value) : value.trim()] as const);
  // One more than is shown says whether there is a next page.
  return { ...Object.fromEntries(read), ...(until !== undefined && { End: after(until) }), Newest: PAGE_SIZE + 1 };
}

/** End is exclusive, and dates have no smaller parts than a millisecond. */
function after(moment: string): string {
  return new Date(Date.parse(moment) + 1).toISOString();
}

function isMoment(name: string): boolean {
  return name === 'Start' || name === 'End';
}

/** A browser's "2027-12-24T20:00" is meant as UTC, as everything here is. */
function readMoment(value: string): string {
  const at = new Date(`${value}Z`);
  return Number.isNaN(at.getTime()) ? value : at.toISOString();
}

export interface Page {
  readonly shown: readonly ApiRecord[];
  /** `until` of the next page; undefined on the last. */
  readonly next: string | undefined;
}

/** The records to show; `before` are those of the page before, of which the last stand at the beginning of this one again. */
export function pageOf(records: readonly ApiRecord[], before: readonly ApiRecord[]): Page {
  const seen = new Set(before.map(identityOf));
  const shown = records.slice(0, PAGE_SIZE).filter((record) => !seen.has(identityOf(record)));
  const last = shown.at(-1);
  return { shown, next: records.length > PAGE_SIZE && last !== undefined ? text(last, 'Timestamp') : undefined };
}

function identityOf(record: ApiRecord): string {
  const parts = ['Timestamp', 'EventId', 'InternalMessageId', 'NetworkMessageId'].map((name) => text(record, name));
  return [...parts, ...texts(record, 'Recipients')].join('\n');
}
