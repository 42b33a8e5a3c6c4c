// The roads of the picture, and when each step is shown.

import { describe, expect, it } from 'vitest';
import type { Journey, Move, Step } from '../../../src/page/journeys.ts';
import { addToLanes, changedLanes, laneOf } from '../../../src/page/lanes.ts';
import { inOrder, latenciesOf, quantile } from '../../../src/page/latency.ts';
import { TravelPlan, TRIP_MS } from '../../../src/page/travel.ts';

function step(more: Partial<Step> = {}): Step {
  return {
    kind: 'moved',
    from: 'edge',
    to: 'hub',
    at: 1000,
    server: 'edge01',
    channel: 'tls',
    reason: 'direct-trust',
    tone: 'trusted',
    detail: '',
    ...more,
  };
}

function move(id: string, last: Step, before: readonly Step[] = []): Move {
  const journey = { id, steps: [...before, last] } as unknown as Journey;
  return { journey, step: last };
}

describe('addToLanes', () => {
  it('counts what moved and keeps how the last one went', () => {
    const first = addToLanes(new Map(), [move('a', step()), move('b', step({ at: 2000 }))]);
    expect(first.get('edge>hub')).toMatchObject({ count: 2, last: { at: 2000 } });
    const clear = step({ at: 3000, tone: 'alarm', channel: 'plaintext', reason: 'certificate-expired' });
    const second = addToLanes(first, [move('c', clear), move('d', step({ at: 1500 }))]);
    expect(second.get('edge>hub')).toMatchObject({ count: 4, last: { tone: 'alarm' } });
    expect(changedLanes(first, second)).toEqual(['edge>hub']);
    expect(changedLanes(second, second)).toEqual([]);
  });

  it('shows on the road what could not go over it, without counting it', () => {
    const waits = step({ kind: 'waits', tone: 'stopped', reason: 'connection-failed' });
    expect(addToLanes(new Map(), [move('a', waits)]).get('edge>hub')).toMatchObject({
      count: 0,
      last: { kind: 'waits' },
    });
  });

  it('knows no road that leaps over a server or stays', () => {
    expect(laneOf({ from: 'hub', to: 'outside' })).toBeUndefined();
    expect(laneOf({ from: 'edge', to: 'edge' })).toBeUndefined();
  });
});

describe('TravelPlan', () => {
  it('lets the steps of one message follow each other', () => {
    const [arrival, hop] = [step({ from: 'outside', to: 'edge' }), step()];
    const trips = new TravelPlan(10).plan([move('a', arrival), move('a', hop, [arrival]), move('b', arrival)], 5000);
    expect(trips.map(({ lane, delayMs }) => [lane, delayMs > 0])).toEqual([
      ['outside>edge', false],
      ['edge>hub', true],
      ['outside>edge', false],
    ]);
    expect(trips[1]?.delayMs).toBeGreaterThanOrEqual(TRIP_MS);
  });

  it('shows a sample of many, and goes on when there is room again', () => {
    const plan = new TravelPlan(8);
    const many = Array.from({ length: 500 }, (_, index) => move(`m${index}`, step()));
    expect(plan.plan(many, 0)).toHaveLength(8);
    expect(plan.plan(many, 100)).toHaveLength(0);
    expect(plan.plan(many, 10 * TRIP_MS)).toHaveLength(8);
  });

  it('shows nothing long after it happened', () => {
    const steps = Array.from({ length: 12 }, (_, index) => step({ at: index }));
    const trips = new TravelPlan(100).plan(
      steps.map((each) => move('a', each)),
      0,
    );
    expect(trips.length).toBeLessThan(7);
    expect(Math.max(...trips.map(({ delayMs }) => delayMs))).toBeLessThanOrEqual(6000);
  });
});

describe('latenciesOf', () => {
  const arrival = step({ from: 'outside', to: 'edge', at: 100 });

  it('is the time from the beginning to the end', () => {
    const end = step({ from: 'hub', to: 'mailboxes', at: 350 });
    expect(latenciesOf([move('a', end, [arrival, step({ at: 200 })])])).toEqual([{ at: 350, tookMs: 250 }]);
  });

  it('is not told of a message whose beginning was not seen, or that is under way', () => {
    const end = step({ from: 'hub', to: 'mailboxes', at: 350 });
    expect(latenciesOf([move('a', end, [step({ at: 200 })]), move('b', step({ at: 200 }), [arrival])])).toEqual([]);
  });

  it('has quantiles, and an order that a plot can draw', () => {
    expect([quantile([5, 1, 3], 0.5), quantile([], 0.95)]).toEqual([3, 0]);
    expect(
      inOrder([
        { at: 2, tookMs: 1 },
        { at: 1, tookMs: 2 },
      ]).map(({ at }) => at),
    ).toEqual([1, 2]);
  });
});
