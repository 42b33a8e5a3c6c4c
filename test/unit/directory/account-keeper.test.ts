import { describe, expect, it } from 'vitest';
import { type Account, accountView } from '../../../src/directory/account.ts';
import { AccountKeeper } from '../../../src/directory/account-keeper.ts';
import { Adam } from '../../../src/directory/adam.ts';
import { toAdd } from '../../../src/directory/entry-diff.ts';
import { verifyPassword } from '../../../src/directory/password-verifier.ts';
import { silentLog } from '../../../src/log.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { ADAM_CONTEXT, closeLater, EDGE, openEmbedded } from './fixtures.ts';

const HOUR_MS = 3_600_000;

async function openEdge() {
  const clock = new HandClock();
  const directory = openEmbedded(ADAM_CONTEXT);
  const adam = closeLater(
    await Adam.open({ directory, server: EDGE, clock, log: silentLog(), passwordScheme: 'SSHA' }),
  );
  const keeper = closeLater(new AccountKeeper({ adam, clock, log: silentLog() }));
  const names = (): string[] => adam.snapshot().accounts.map(({ name }) => name);
  const addAccount = async (name: string, livesMs: number): Promise<void> => {
    const effective = clock.now();
    const expiration = new Date(effective.getTime() + livesMs);
    const account: Account = {
      ...{ name, kind: 'replication', passwordVerifier: 'x', superseded: false },
      ...{ effective, expiration },
    };
    await directory.apply([toAdd(accountView.toEntry(account, adam.layout.services))]);
    await adam.refresh();
    await keeper.look();
  };
  return { adam, clock, keeper, names, addAccount };
}

describe('the keeper of accounts', () => {
  it('deletes the bootstrap account when its time is up, by the clock alone', async () => {
    const { adam, clock, keeper, names } = await openEdge();
    await adam.exportSubscription(HOUR_MS);
    await keeper.look();
    clock.advance(HOUR_MS - 1);
    await keeper.look();
    expect(names()).toEqual(['ESRA.EDGE01']);
    clock.advance(1);
    await keeper.look();
    expect(names()).toEqual([]);
  });

  it('deletes it when a replication account of the same subscription is there', async () => {
    const { adam, addAccount, names } = await openEdge();
    await adam.exportSubscription(HOUR_MS);
    await addAccount('ESRA.EDGE01.HUB01.0', 24 * HOUR_MS);
    expect(names()).toEqual(['ESRA.EDGE01.HUB01.0']);
  });

  it('keeps it beside accounts of the subscription before', async () => {
    const { adam, addAccount, keeper, names } = await openEdge();
    await adam.exportSubscription(HOUR_MS);
    await addAccount('ESRA.EDGE01.HUB01.0', 24 * HOUR_MS);
    await adam.exportSubscription(HOUR_MS);
    await keeper.look();
    expect(names()).toEqual(['ESRA.EDGE01', 'ESRA.EDGE01.HUB01.0']);
    await addAccount('ESRA.EDGE01.HUB01.1', 24 * HOUR_MS);
    expect(names()).toEqual(['ESRA.EDGE01.HUB01.0', 'ESRA.EDGE01.HUB01.1']);
  });

  it('deletes a replication account when its time is up', async () => {
    const { addAccount, clock, keeper, names } = await openEdge();
    await addAccount('ESRA.EDGE01.HUB01.0', HOUR_MS);
    await addAccount('ESRA.EDGE01.HUB01.1', 2 * HOUR_MS);
    clock.advance(HOUR_MS);
    await keeper.look();
    expect(names()).toEqual(['ESRA.EDGE01.HUB01.1']);
  });

  it('does nothing once it is closed', async () => {
    const { adam, clock, keeper, names } = await openEdge();
    await adam.exportSubscription(HOUR_MS);
    await keeper.look();
    keeper.close();
    clock.advance(2 * HOUR_MS);
    await keeper.look();
    expect(names()).toEqual(['ESRA.EDGE01']);
  });
});

it('an Edge on slapd says which passwords its directory can check, and keeps its accounts so', async () => {
  const { adam } = await openEdge();
  const { password } = await adam.exportSubscription(HOUR_MS);
  expect(adam.snapshot().self.passwordScheme).toBe('SSHA');
  const verifier = adam.snapshot().accounts[0]?.passwordVerifier ?? '';
  expect(verifier).toMatch(/^\{SSHA\}[A-Za-z0-9+/]{48}$/);
  await expect(verifyPassword(password, verifier)).rejects.toMatchObject({ code: 'verifier-unreadable' });
});
