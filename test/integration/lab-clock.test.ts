// A laboratory pair lives through more than a year in a few seconds; a server that really was off so long is another matter.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Pair, relaypair } from '../helpers/pair.ts';
import { Servers } from '../helpers/servers.ts';
import { waitUntil } from '../helpers/wait.ts';

/** One report for each type of data. */
const BOTH_CARRIED = [{ Result: 'Success' }, { Result: 'Success' }];

const DAY_MS = 86_400_000;
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
    expect(renewal).toBeGreaterThan(Date.now() + 400 * DAY_MS);
    expect(await later.stop()).toBe(0);

    const again = await Pair.up({ ...options, clock: '+400d' });
    expect(await again.cmdlet('hub', 'Start-EdgeSynchronization')).toMatchObject(BOTH_CARRIED);
    await runsFasterTogether(again);
    expect(await again.stop()).toBe(0);

    // The next run begins where this one stopped, which was later than it was asked for, and does not go back behind that.
    const stood = JSON.parse(readFileSync(join(folder, 'clock.json'), 'utf8')) as { offsetMs: number };
    expect(stood.offsetMs).toBeGreaterThan(400 * DAY_MS);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** `relaypair lab clock --speed`: on both at the same moment, shown by every cmdlet, and kept by a half that is started again. */
async function runsFasterTogether(pair: Pair): Promise<void> {
  const moved = await relaypair(['lab', 'clock', '--dir', pair.folder, '--speed', '3600', '--json']);
  expect(JSON.parse(moved.stdout)).toMatchObject([
    { Server: 'hub', Speed: 3600, IsLaboratory: true },
    { Server: 'edge', Speed: 3600, IsLaboratory: true },
  ]);
  await areOnOneCourse(pair);
  expect((await pair.run('hub', 'Get-Queue')).stderr).toMatch(
    /^WARNING: the clock of this server is moved: \+4\d\dd .*, at 3600 times the speed\n$/,
  );
  process.kill(pair.ready.edge.pid, 'SIGKILL');
  await pair.waitForLine((line) => line.includes('is started again'));
  await waitUntil('the Edge is back', async () => (await pair.run('edge', 'Get-LabClock')).code === 0);
  await areOnOneCourse(pair);
  const back = await relaypair(['lab', 'clock', '--dir', pair.folder, '--speed', '1']);
  expect(back.stdout).toMatch(/^hub +\+4\d\dd [\d:]+ +1 /m);
}

/** Their offsets differ by what has passed between the two looks, times the speed; dates are told in whole milliseconds. */
async function areOnOneCourse(pair: Pair): Promise<void> {
  const [hub, edge] = await Promise.all((['hub', 'edge'] as const).map((role) => pair.cmdlet(role, 'Get-LabClock')));
  const [[hubNow, hubMachine], [edgeNow, edgeMachine]] = [datesOf(hub), datesOf(edge)];
  const expectedMs = 3600 * (edgeMachine - hubMachine);
  expect(Math.abs(edgeNow - hubNow - expectedMs)).toBeLessThan(10 * 3600);
}

function datesOf(records: Record<string, unknown>[] | undefined): [now: number, machine: number] {
  const [clock] = records ?? [];
  expect(clock).toMatchObject({ Speed: 3600 });
  return [Date.parse(String(clock?.['UtcNow'])), Date.parse(String(clock?.['MachineUtcNow']))];
}

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
