import { expect, it } from 'vitest';
import { getCounter } from '../../../src/cmdlets/get-counter.ts';
import { getDirectoryStatus } from '../../../src/cmdlets/get-directory-status.ts';
import type { DirectoryStatus } from '../../../src/directory/directory-status.ts';
import { Metrics } from '../../../src/tracking/metrics.ts';
import { CHRISTMAS, makeContext, rows, runCmdlet } from '../../helpers/cmdlet-context.ts';

const STATUS: DirectoryStatus = {
  backend: 'ldap',
  server: 'dc02.contoso.test:636',
  servers: ['dc01.contoso.test:636', 'dc02.contoso.test:636'],
  namingContext: 'CN=Configuration,DC=contoso,DC=test',
  lastReadAt: CHRISTMAS,
  stale: undefined,
};

it('Get-DirectoryStatus shows where the directory is and that its state is the present one', async () => {
  const { records } = await runCmdlet(getDirectoryStatus, makeContext({ directoryStatus: () => STATUS }));
  expect(records).toEqual([
    {
      Backend: 'ldap',
      Server: 'dc02.contoso.test:636',
      Servers: ['dc01.contoso.test:636', 'dc02.contoso.test:636'],
      NamingContext: 'CN=Configuration,DC=contoso,DC=test',
      IsStale: false,
      StaleSince: null,
      StaleReason: null,
      LastReadTime: CHRISTMAS,
    },
  ]);
});

it('Get-DirectoryStatus shows since when and why the state is only the last good one', async () => {
  const stale = { since: CHRISTMAS, reason: 'dc01 cannot be reached' };
  const context = makeContext({ directoryStatus: () => ({ ...STATUS, lastReadAt: undefined, stale }) });
  const { records } = await runCmdlet(getDirectoryStatus, context);
  expect(records[0]).toMatchObject({
    IsStale: true,
    StaleSince: CHRISTMAS,
    StaleReason: 'dc01 cannot be reached',
    LastReadTime: null,
  });
});

it('Get-Counter shows the counters whose names fit, in any letter case', async () => {
  const metrics = new Metrics();
  metrics.directoryReads.inc(3);
  metrics.directoryStale.set(1);
  const context = makeContext({ metrics });
  const all = await runCmdlet(getCounter, context);
  expect(rows(all.records, 'Counter', 'Value')).toEqual(
    expect.arrayContaining(['relaypair_directory_read_failures_total | 0', 'relaypair_directory_reads_total | 3']),
  );
  const some = await runCmdlet(getCounter, context, { Counter: '*_STALE' });
  expect(rows(some.records, 'Counter', 'Value')).toEqual(['relaypair_directory_stale | 1']);
});
