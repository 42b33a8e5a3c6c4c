import { expect, it } from 'vitest';
import { findWeakSettings, type ServerSettings } from '../../../src/spool/postgres-safety.ts';

const SAFE: ServerSettings = {
  synchronousCommit: 'on',
  synchronousStandbyNames: '',
  fsync: 'on',
  fullPageWrites: 'on',
  statementTimeout: '0',
};
const REPLICATED = { synchronousStandbyNames: 'standby' };

it.each<[string, Partial<ServerSettings>]>([
  ['as they come', {}],
  ['that wait for a standby', REPLICATED],
  ['that wait until a standby shows it', { ...REPLICATED, synchronousCommit: 'remote_apply' }],
  ['local, where there is no standby', { synchronousCommit: 'local' }],
  ['with a time limit, where there is no standby', { statementTimeout: '60000' }],
])('settings %s are safe', (_name, changes) => {
  expect(findWeakSettings({ ...SAFE, ...changes })).toEqual([]);
});

it.each<[string, Partial<ServerSettings>, string]>([
  ['synchronous_commit off', { synchronousCommit: 'off' }, 'synchronous_commit is off'],
  ['local beside a standby', { ...REPLICATED, synchronousCommit: 'local' }, 'synchronous_commit is local'],
  ['remote_write', { ...REPLICATED, synchronousCommit: 'remote_write' }, 'synchronous_commit is remote_write'],
  ['fsync off', { fsync: 'off' }, 'fsync is off'],
  ['full_page_writes off', { fullPageWrites: 'off' }, 'full_page_writes is off'],
  ['a time limit beside a standby', { ...REPLICATED, statementTimeout: '60000' }, 'statement_timeout is set'],
])('%s is weak', (_name, changes, words) => {
  const weak = findWeakSettings({ ...SAFE, ...changes });
  expect(weak).toHaveLength(1);
  expect(weak[0]).toContain(words);
});
