import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Delivery } from '../../../src/transport/delivery.ts';
import { DueHeap } from '../../../src/transport/due-heap.ts';
import { WaitingList } from '../../../src/transport/waiting-list.ts';
import { makeDelivery, makeMessage } from '../../helpers/queue-fixtures.ts';

function delivery(id: number, dueMs: number, hasWaited = false): Delivery {
  return makeDelivery(makeMessage(id), { dueMs, hasWaited });
}

function takeAll(list: WaitingList, nowMs: number, onlyWaited = false): number[] {
  const ids: number[] = [];
  for (let taken = list.take(nowMs, onlyWaited); taken; taken = list.take(nowMs, onlyWaited))
    ids.push(taken.message.id);
  return ids;
}

const ids = (list: WaitingList): number[] => list.map(({ message }) => message.id);

describe('DueHeap', () => {
  it('gives back what was put in by time, and of one time in the order of arrival, whatever is taken between', () => {
    const steps = fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant('pop' as const)), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (wanted) => {
        const heap = new DueHeap<{ dueMs: number; at: number }>();
        let model: { dueMs: number; at: number }[] = [];
        for (const [at, step] of wanted.entries()) {
          model = model.toSorted((a, b) => a.dueMs - b.dueMs || a.at - b.at);
          if (step === 'pop') expect(heap.pop()).toEqual(model.shift());
          else {
            heap.push({ dueMs: step, at });
            model.push({ dueMs: step, at });
          }
          model = model.toSorted((a, b) => a.dueMs - b.dueMs || a.at - b.at);
          expect([heap.size, heap.peek(), heap.toSorted()]).toEqual([model.length, model[0], model]);
        }
      }),
    );
  });
});

describe('WaitingList', () => {
  it('gives out what is due, the earliest first, and leaves the rest', () => {
    const list = new WaitingList();
    list.push(delivery(1, 30), delivery(2, 10), delivery(3, 20, true), delivery(4, 10), delivery(5, 40));
    expect(ids(list)).toEqual([2, 4, 3, 1, 5]);
    expect([takeAll(list, 30), list.length, list.nextDueMs()]).toEqual([[2, 4, 3, 1], 1, 40]);
  });

  it('gives out only what has waited when only that is wanted', () => {
    const list = new WaitingList();
    list.push(delivery(1, 0), delivery(2, 5, true), delivery(3, 50, true));
    expect([takeAll(list, 10, true), ids(list)]).toEqual([[2], [1, 3]]);
  });

  it('makes everything due by a time without changing the order', () => {
    const list = new WaitingList();
    list.push(delivery(1, 300), delivery(2, 5), delivery(3, 200), delivery(4, 100));
    list.bringForward(10);
    expect([takeAll(list, 9), takeAll(list, 10)]).toEqual([[2], [4, 3, 1]]);
  });

  it('lets all of them have waited', () => {
    const list = new WaitingList();
    list.push(delivery(1, 3), delivery(2, 1, true));
    list.markWaited();
    expect([[...list].every(({ hasWaited }) => hasWaited), takeAll(list, 5, true)]).toEqual([true, [2, 1]]);
  });

  it('takes out what is meant and keeps the order of the others', () => {
    const list = new WaitingList();
    for (let id = 1; id <= 9; id++) list.push(delivery(id, 0, id % 3 === 0));
    const removed = list.remove(({ message }) => message.id % 2 === 0);
    expect(removed.map(({ message }) => message.id).toSorted((a, b) => a - b)).toEqual([2, 4, 6, 8]);
    expect(takeAll(list, 0)).toEqual([3, 9, 1, 5, 7]);
  });

  it('holds a hundred thousand without looking at each for every one', () => {
    const list = new WaitingList();
    const message = makeMessage(1);
    const count = 100_000;
    for (let at = 0; at < count; at++) list.push(makeDelivery(message, { dueMs: (at * 7919) % count }));
    let last = -1;
    for (let at = 0; at < count; at++) {
      const taken = list.take(count, false)?.dueMs ?? -1;
      if (taken < last) throw new Error(`${taken} came after ${last}`);
      last = taken;
    }
    expect(list.length).toBe(0);
  }, 5000);
});
