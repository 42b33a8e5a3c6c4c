// How long messages took. Pure.

import type { Journey, Move } from './journeys.ts';

export interface Latency {
  /** When it arrived, in milliseconds by the server's clock. */
  readonly at: number;
  readonly tookMs: number;
}

/** Of those that arrived with these moves; one whose beginning was not seen tells nothing. */
export function latenciesOf(moves: readonly Move[]): readonly Latency[] {
  return moves.flatMap(({ journey, step }) => {
    const first = beginningOf(journey);
    const isEnd = step.kind === 'moved' && (step.to === 'mailboxes' || step.to === 'outside');
    return isEnd && first !== undefined ? [{ at: step.at, tookMs: Math.max(0, step.at - first) }] : [];
  });
}

function beginningOf({ steps }: Journey): number | undefined {
  const first = steps[0];
  const isBeginning = first?.kind === 'reported' || first?.from === 'outside' || first?.from === 'mailboxes';
  return isBeginning ? first?.at : undefined;
}

/** The value that `share` of them do not exceed; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/** `list` in the order of time, as a plot needs it: the two servers' records do not come in one order. */
export function inOrder(list: readonly Latency[]): readonly Latency[] {
  return list.toSorted((a, b) => a.at - b.at);
}
