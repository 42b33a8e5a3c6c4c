// A laboratory pair lives through more than a year in a few seconds; a server that really was off so long is another matter.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Pair } from '../helpers/pair.ts';
import { Servers } from '../helpers/servers.ts';

/** One report for each type of data. */
const BOTH_CARRIED = [{ Result: 'Success' }, { Result: 'Success' }];

const LIMIT = { timeout: 360_000 };

it('a pair that is taken 400 days ahead renews its credentials on the way and goes on from there', LIMIT, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
  try {
    const options = { folder, smartHostPort: 1, deliver: `maildir:${join(folder, 'mail')}` };
    const first = await Pair.up(options);
    expect(await first.stop()).toBe(0);

    const later = await Pair.up({ ...options, clock: '+400d' });
    expect(later.ready.clock).toBe('+400d');
    expect(await later.cmdlet('hub', 'Start-EdgeSynchronization')).toMatchObject(BOTH_CARRIED);
    // Each lives 90 days: this is the last of several.
    const [edge] = await later.cmdlet('hub', 'Get-EdgeSubscription');
    const renewal = new Date(String(edge?.['CredentialRenewal'])).getTime();
    expect(renewal).toBeGreaterThan(Date.now() + 400 * 86_400_000);
    expect(await later.stop()).toBe(0);

    const again = await Pair.up({ ...options, clock: '+400d' });
    expect(await again.cmdlet('hub', 'Start-EdgeSynchronization')).toMatchObject(BOTH_CARRIED);
    expect(await again.stop()).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('a Hub that was really off for longer than its credentials live says to subscribe again', LIMIT, async () => {
  await using servers = await Servers.prepare();
  await Promise.all([servers.start('hub'), servers.start('edge')]);
  await servers.subscribe();
  await Promise.all([servers.stop('hub'), servers.stop('edge')]);
  await Promise.all([servers.start('hub', '+100d'), servers.start('edge', '+100d')]);
  const { code, stderr } = await servers.run('hub', 'Start-EdgeSynchronization');
  expect(stderr).toMatch(
    /credentials for EDGE01 have expired: export a new Edge Subscription there and import it here/,
  );
  expect(code).toBe(1);
  const refused = await servers.run('hub', 'Set-LabClock', '-Offset', '+0d');
  expect(refused.stderr).toMatch(/^relaypair: this server serves people and its clock is not moved/);
  await servers.subscribe();
  expect(await servers.cmdlet('hub', 'Start-EdgeSynchronization')).toMatchObject(BOTH_CARRIED);
});
