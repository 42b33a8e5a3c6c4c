// Fault: a second server on the folder of a running one. It is refused and harms nothing; a lock whose owner was killed is none.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { relaypair } from '../helpers/pair.ts';
import { Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';
import { eventually, type Role, Servers } from '../helpers/servers.ts';

const LAUNCHER = new URL('../../bin/relaypair.js', import.meta.url).pathname;
const ROLES: readonly Role[] = ['hub', 'edge'];
const ONE_SENTENCE = /^relaypair: [^\n]* is in use by another process: stop that one first\n$/;

const LIMIT = { timeout: 360_000 };

it.each(ROLES)('refuses a second %s in one sentence, and the first relays on', LIMIT, async (role) => {
  await using relaying = await Relaying.start();
  const { servers } = relaying;
  for (const attempt of ['first', 'second']) {
    const second = await relaypair([role, '--config', join(servers.folder, `${role}.yaml`)], { cwd: servers.folder });
    expect(second.code, attempt).not.toBe(0);
    expect(second.stdout).toBe('');
    expect(second.stderr).toMatch(ONE_SENTENCE);
  }
  expect(await relaying.exchangeLetters('after the refusal')).toMatchObject({
    outbound: TRUSTED_TLS,
    inbound: TRUSTED_TLS,
  });
});

it('goes on in the folder of a server that was killed, with the mail that it had taken', LIMIT, async () => {
  await using relaying = await Relaying.start();
  const { servers } = relaying;
  await servers.stop('edge');
  const outbound = await relaying.sendLetter('outbound', 'waits for the Edge');
  await servers.stop('hub', 'SIGKILL');
  await Promise.all([servers.start('hub'), servers.start('edge')]);
  await relaying.awaitArrival('outbound', outbound);

  await servers.stop('hub');
  const inbound = await relaying.sendLetter('inbound', 'waits for the Hub');
  await servers.stop('edge', 'SIGKILL');
  await Promise.all([servers.start('hub'), servers.start('edge')]);
  await relaying.awaitArrival('inbound', inbound);
});

it('lets one win of two that are started at the same moment for the first time', LIMIT, async () => {
  await using servers = await Servers.prepare();
  const both = [1, 2].map(() =>
    spawn(process.execPath, [LAUNCHER, 'hub', '--config', 'hub.yaml'], { cwd: servers.folder }),
  );
  const said = both.map(() => ({ stdout: '', stderr: '' }));
  for (const [index, child] of both.entries()) {
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        const words = said[index];
        if (words) words[stream] += text;
      });
    }
  }
  const ends = both.map(async (child, index) => ({ index, code: (await once(child, 'close'))[0] as number }));
  try {
    const { index: loser, code } = await Promise.race(ends);
    expect(code).not.toBe(0);
    expect(said[loser]).toMatchObject({ stdout: '', stderr: expect.stringMatching(ONE_SENTENCE) });
    const winner = 1 - loser;
    await eventually(
      'the ready line of the other',
      () => said[winner]?.stdout.includes('"event":"ready"') || undefined,
    );
    both[winner]?.kill('SIGTERM');
    expect(await ends[winner]).toMatchObject({ code: 0 });
  } finally {
    for (const child of both) child.kill('SIGKILL');
  }
});
