import { expect, it } from 'vitest';
import { Servers } from '../helpers/servers.ts';

it('says that a synchronization failed with its report, one sentence and exit code 1', async () => {
  await using servers = await Servers.prepare();
  await Promise.all([servers.start('hub'), servers.start('edge')]);
  await servers.subscribe();
  await servers.stop('edge');
  const { code, stdout, stderr } = await servers.run('hub', 'Start-EdgeSynchronization');
  expect(stdout).toMatch(/^Result +: CouldNotConnect$/m);
  expect(stderr.trim().split('\n')).toEqual([
    expect.stringMatching(/^relaypair: EDGE01 was not synchronized \(CouldNotConnect\): /),
  ]);
  expect(code).toBe(1);
}, 180_000);
