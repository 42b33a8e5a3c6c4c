// What is compared: where the mail is kept, and how many Hubs share it. And the mail that they are given.

import type { BenchCase } from '../pair/cases.ts';

export interface Layout {
  readonly name: string;
  readonly backend: 'embedded' | 'postgres';
  readonly hubs: number;
}

/** The first is what ratios are made to. */
export const LAYOUTS: readonly Layout[] = [
  { name: 'embedded', backend: 'embedded', hubs: 1 },
  { name: 'postgres-1', backend: 'postgres', hubs: 1 },
  { name: 'postgres-2', backend: 'postgres', hubs: 2 },
  { name: 'postgres-3', backend: 'postgres', hubs: 3 },
];

const KIB = 1024;

/** Sessions and rates are those of all Hubs together. */
export const CASES: readonly BenchCase[] = [
  { name: '4k-s12', sizeBytes: 4 * KIB, sessions: 12 },
  { name: '4k-s60', sizeBytes: 4 * KIB, sessions: 60 },
  { name: '100k-s12', sizeBytes: 100 * KIB, sessions: 12 },
  { name: 'lat30', sizeBytes: 4 * KIB, sessions: 6, perSecond: 30 },
];
