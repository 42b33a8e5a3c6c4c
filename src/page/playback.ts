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
  const told = servers.flatMap(({ events }) => events.filter(({ kind }) => kind === 'tracking').map(({ at }) => at));
  const steps = (scenario?.lines ?? []).map(({ at }) => at);
  const next = [...told, ...steps].filter((at) => at > position + LEAD_MS && at <= until);
  return next.length === 0 ? undefined : Math.max(from, Math.min(...next) - LEAD_MS);
}
