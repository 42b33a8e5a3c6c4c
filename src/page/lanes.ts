// The roads of the picture: how the last message went on each, and how many there were. Pure.

import type { Move, Place, Step } from './journeys.ts';

export type LaneKey = `${Place}>${Place}`;

/** What is known of one direction between two neighbours. */
export interface Lane {
  /** The last step that went here, or tried to. */
  readonly last: Step;
  readonly count: number;
}

export type Lanes = ReadonlyMap<LaneKey, Lane>;

/** The places from left to right. */
export const PLACES: readonly Place[] = ['outside', 'edge', 'hub', 'mailboxes'];

/** The road that a step takes or wants to take; undefined for one that stays where it is, or leaps over a server. */
export function laneOf({ from, to }: Pick<Step, 'from' | 'to'>): LaneKey | undefined {
  return Math.abs(PLACES.indexOf(from) - PLACES.indexOf(to)) === 1 ? `${from}>${to}` : undefined;
}

/** Whether a road leads from left to right. */
export function isForth(lane: LaneKey): boolean {
  const [from, to] = lane.split('>') as [Place, Place];
  return PLACES.indexOf(from) < PLACES.indexOf(to);
}

export function addToLanes(lanes: Lanes, moves: readonly Move[]): Lanes {
  if (moves.length === 0) return lanes;
  const next = new Map(lanes);
  for (const { step } of moves) {
    const key = laneOf(step);
    if (key === undefined || step.kind === 'reported') continue;
    const before = next.get(key);
    const count = (before?.count ?? 0) + (step.kind === 'moved' ? 1 : 0);
    next.set(key, { last: before !== undefined && before.last.at > step.at ? before.last : step, count });
  }
  return next;
}

/** The roads whose last message went otherwise than the one before; what a listener is told. */
export function changedLanes(before: Lanes, after: Lanes): readonly LaneKey[] {
  return [...after.keys()].filter((key) => {
    const [old, now] = [before.get(key)?.last, after.get(key)?.last];
    return old?.tone !== now?.tone || old?.reason !== now?.reason;
  });
}
