import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ticket } from '../../../src/transport/delivery.ts';
import { DueHeap } from '../../../src/transport/due-heap.ts';
import { WaitingList } from '../../../src/transport/waiting-list.ts';
import { makeMessage, makeTicket } from '../../helpers/queue-fixtures.ts';

function ticket(id: number, dueMs: number, hasWaited = false): Ticket {
  return makeTicket(makeMessage(id), { dueMs, hasWaited });
}

function listOf(...tickets: readonly Ticket[]): WaitingList {
  const list = new WaitingList();
  for (const each of tickets) list.push(each);
  return list;
}

function takeAll(list: WaitingList, nowMs: number, onlyWaited = false): number[] {
  const ids: number[] = [];
  for (let taken = list.take(nowMs, onlyWaited); taken; taken = list.take(nowMs, onlyWaited)) ids.push(taken.id);
  return ids;
}

const ids = (list: WaitingList): number[] => list.toSorted().map(({ id }) => id);

describe('DueHeap', () => {
  it('gives back what was put in by time, and of one time in the order of arrival, whatever is taken between', () => {
    const step = fc.oneof(
      fc.integer({ min: 0, max: 9 }),
      fc.constant('pop' as const),
      fc.record({ remove: fc.nat({ max: 60 }) }),
      fc.record({ forward: fc.integer({ min: 0, max: 9 }) }),
    );
    interface Item {
      dueMs: number;
      order: number;
      position: number;
    }
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (wanted) => {
        const heap = new DueHeap<Item>();
        const all: Item[] = [];
        let model: Item[] = [];
        for (const [order, wish] of wanted.entries()) {
          if (wish === 'pop') expect(heap.pop()).toBe(model[0]);
          if (wish === 'pop') model.shift();
          else if (typeof wish === 'number') {
            const item = { dueMs: wish, order, position: 0 };
            all.push(item);
            model.push(item);
            heap.push(item);
          } else if ('forward' in wish) {
            heap.bringForward(wish.forward);
            expect(model.every(({ dueMs }) => dueMs <= wish.forward)).toBe(true);
          } else {
            const item = all[wish.remove];
            if (item) expect(heap.remove(item)).toBe(model.includes(item));
            model = model.filter((each) => each !== item);
          }
          model = model.toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order);
          expect([heap.size, heap.peek(), heap.toSorted()]).toEqual([model.length, model[0], model]);
          expect(all.filter((item) => heap.has(item)).length).toBe(model.length);
        }
        expect(model.map(() => heap.pop())).toEqual(model);
      }),
    );
  });
});

describe('WaitingList', () => {
  it('gives out what is due, the earliest first, and leaves the rest', () => {
    const list = listOf(ticket(1, 30), ticket(2, 10), ticket(3, 20, true), ticket(4, 10), ticket(5, 40));
    expect(ids(list)).toEqual([2, 4, 3, 1, 5]);
    expect([takeAll(list, 30), list.length, list.nextDueMs()]).toEqual([[2, 4, 3, 1], 1, 40]);
  });

  it('gives out only what has waited when only that is wanted', () => {
    const list = listOf(ticket(1, 0), ticket(2, 5, true), ticket(3, 50, true));
    expect([takeAll(list, 10, true), ids(list)]).toEqual([[2], [1, 3]]);
  });

  it('makes everything due by a time, in the order of arrival', () => {
    const list = listOf(ticket(1, 300), ticket(2, 5), ticket(3, 200), ticket(4, 100));
    list.bringForward(10);
    expect([takeAll(list, 9), takeAll(list, 10)]).toEqual([[2], [1, 3, 4]]);
  });

  it('lets all of them have waited', () => {
    const list = listOf(ticket(1, 3), ticket(2, 1, true));
    list.markWaited();
    expect([[...list].every(({ hasWaited }) => hasWaited), takeAll(list, 5, true)]).toEqual([true, [2, 1]]);
  });

  it('takes out what is meant and keeps the order of the others', () => {
    const tickets = Array.from({ length: 9 }, (_, at) => ticket(at + 1, 0, (at + 1) % 3 === 0));
    const list = listOf(...tickets);
    const even = tickets.filter(({ id }) => id % 2 === 0);
    expect(even.map((each) => list.remove(each))).toEqual([true, true, true, true]);
    expect(even.map((each) => [list.has(each), list.remove(each)])).toEqual(even.map(() => [false, false]));
    expect(takeAll(list, 0)).toEqual([3, 9, 1, 5, 7]);
  });

  it('holds a hundred thousand without looking at each for every one', () => {
    const list = new WaitingList();
    const message = makeMessage(1);
    const count = 100_000;
    for (let at = 0; at < count; at++) list.push(makeTicket(message, { dueMs: (at * 7919) % count }));
    let last = -1;
    for (let at = 0; at < count; at++) {
      const taken = list.take(count, false)?.dueMs ?? -1;
      if (taken < last) throw new Error(`${taken} came after ${last}`);
      last = taken;
    }
    expect(list.length).toBe(0);
  }, 60_000);
});
