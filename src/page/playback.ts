// Where a recording stands while it is played. Pure.

import type { Recording } from './recording.ts';

/** Times as fast as it was. */
export const SPEEDS = [1, 4, 16, 60] as const;
export type Speed = (typeof SPEEDS)[number];

/** Before a message sets out one wants to be looking. */
const LEAD_MS = 500;

type Range = Pick<Recording, 'from' | 'until'>;

/** A moment of the recording: the nearest one where `at` is none. */
export function clamp(at: number, { from, until }: Range): number {
  return Number.isFinite(at) ? Math.min(Math.max(at, from), until) : from;
}

/** Where it stands `elapsedMs` later. */
export function advance(position: number, elapsedMs: number, speed: Speed, range: Range): number {
  return clamp(position + Math.max(0, elapsedMs) * speed, range);
}

/** Just before the next message is told of, or the next step of a scenario; undefined when none comes any more. */
export function nextMoment({ servers, scenario, from, until }: Recording, position: number): number | undefined {
  let next = Number.POSITIVE_INFINITY;
  const see = (at: number): void => {
    if (at > position + LEAD_MS && at <= until && at < next) next = at;
  };
  for (const { events } of servers) for (const { kind, at } of events) if (kind === 'tracking') see(at);
  for (const { at } of scenario?.lines ?? []) see(at);
  return Number.isFinite(next) ? Math.max(from, next - LEAD_MS) : undefined;
}
