// Records as programs read them, at every door alike: dates in ISO 8601, sizes in bytes, time spans as they are typed, and
// nothing in a text that could move a cursor or hide something where the JSON is shown as it is.

import { formatTimeSpan } from '../duration.ts';
import { UNSAFE } from '../unsafe-text.ts';
import { isList, isSize, isTimeSpan, type OutputValue } from './output.ts';

/** The value as plain JSON. */
export function toJson(value: OutputValue): unknown {
  if (value === undefined || value === null || typeof value !== 'object') return value ?? null;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (isList(value)) return value.map(toJson);
  if (isSize(value)) return value.$size;
  if (isTimeSpan(value)) return formatTimeSpan(value.$timeSpan);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toJson(item)]));
}

/** Unsafe characters of a text that is JSON, by JSON's own escapes. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (character) => {
    // JSON.stringify's own line breaks.
    if (character === '\n') return character;
    const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
  });
}
