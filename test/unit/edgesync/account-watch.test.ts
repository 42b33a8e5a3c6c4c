import { expect, it } from 'vitest';
import type { Account } from '../../../src/directory/account.ts';
import { findUnrenewed } from '../../../src/edgesync/account-watch.ts';

const DAY_MS = 86_400_000;
const NOW = new Date('2026-03-01T00:00:00.000Z');

function account(name: string, daysLeft: number, given: Partial<Account> = {}): Account {
  const expiration = new Date(NOW.getTime() + daysLeft * DAY_MS);
  const effective = new Date(expiration.getTime() - 90 * DAY_MS);
  return { name, kind: 'replication', passwordVerifier: 'x', effective, expiration, superseded: false, ...given };
}

it('names each hub whose last account ends within three days, and no other', () => {
  const accounts = [
    account('ESRA.EDGE01', 1, { kind: 'bootstrap' }),
    account('ESRA.EDGE01.HUB01.3', 2),
    account('ESRA.EDGE01.HUB01.4', 89),
    account('ESRA.EDGE01.HUB02.0', 2.5),
    account('ESRA.EDGE01.HUB02.1', 3),
    account('ESRA.EDGE01.HUB03.0', 4),
    account('ESRA.EDGE01.HUB04.0', -1),
    account('ESRA.EDGE01.HUB05.0', 1, { superseded: true }),
  ];
  expect(findUnrenewed(accounts, NOW).map(({ name }) => name)).toEqual(['ESRA.EDGE01.HUB02.1']);
});
