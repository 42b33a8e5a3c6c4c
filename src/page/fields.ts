// Fields of records as they came out of JSON: nothing is taken for granted about what another version may send. Pure.

import type { ApiRecord } from './api.ts';

export function text(record: ApiRecord | undefined, name: string): string {
  const value = record?.[name];
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

export function texts(record: ApiRecord | undefined, name: string): readonly string[] {
  const value = record?.[name];
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

/** Each of several texts once, in one line. */
export function joined(record: ApiRecord | undefined, name: string): string {
  return [...new Set(texts(record, name))].join('; ');
}

export function number(record: ApiRecord | undefined, name: string): number {
  const value = record?.[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

export function flag(record: ApiRecord | undefined, name: string): boolean {
  return record?.[name] === true;
}

/** A time in milliseconds; undefined where there is none. */
export function time(record: ApiRecord | undefined, name: string): number | undefined {
  const parsed = Date.parse(text(record, name));
  return Number.isNaN(parsed) ? undefined : parsed;
}

export function records(record: ApiRecord | undefined, name: string): readonly ApiRecord[] {
  const value = record?.[name];
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function isRecord(value: unknown): value is ApiRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
