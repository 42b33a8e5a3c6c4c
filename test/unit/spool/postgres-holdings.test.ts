import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Problem } from '../../../src/problem.ts';
import { HeldMessages } from '../../../src/spool/held-messages.ts';
import { PostgresHoldings } from '../../../src/spool/postgres-holdings.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** A server that claims nothing any more, over a database of one message, which it held. */
function makeHoldings() {
  const state = { isAway: false, owner: 1 as number | null, freed: 0 };
  const query = async (text: string): Promise<unknown[]> => {
    if (state.isAway) throw new Problem('spool-unavailable', 'it is away');
    if (text.startsWith('SELECT')) return state.owner === 1 ? [{ id: 7 }] : [];
    state.owner = null;
    return [];
  };
  const holdings = new PostgresHoldings({
    connection: { config: { schema: 'spool' }, query } as never,
    node: { id: 1 } as never,
    intake: { isArriving: () => false } as never,
    held: new HeldMessages(),
    onFreed: () => void state.freed++,
  });
  return { state, holdings };
}

it('gives back in the end what it could not give back, however long the database is away', async () => {
  const { state, holdings } = makeHoldings();
  state.isAway = true;
  await holdings.giveBack([7]);
  await vi.advanceTimersByTimeAsync(30 * 60_000);
  expect(state.owner).toBe(1);
  state.isAway = false;
  await vi.advanceTimersByTimeAsync(2000);
  expect(state).toMatchObject({ owner: null, freed: 1 });
});

it('looks no more once it is closed', async () => {
  const { state, holdings } = makeHoldings();
  state.isAway = true;
  await holdings.giveBack([7]);
  holdings.close();
  state.isAway = false;
  await vi.advanceTimersByTimeAsync(30 * 60_000);
  expect(state.owner).toBe(1);
});
