// docs/lab-machines.md from top to bottom by a real Docker engine. It has the networks of the other laboratory: RELAYPAIR_LAB=machines
// runs it, alone, as .ci/run does where the whole laboratory is asked for.

import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { runProgram } from '../helpers/program.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const PAGE = readFileSync(new URL('../../docs/lab-machines.md', import.meta.url), 'utf8');
const LIMIT_MS = 900_000;
/** Beside a laboratory of somebody's own, its containers and volumes are none of ours. */
const env = { COMPOSE_PROJECT_NAME: 'relaypair-machines' };

const [, block = ''] = /```sh\n(.*?)```/s.exec(PAGE) ?? [];
const COMMANDS = block.trim().split('\n');
/** Whom `docker/lab failover` kills, in this order; which database is the primary it finds out. */
const KILLED = ['nobody', 'hub', 'hub2', 'edge', 'edge2', 'db1', 'db1', 'ad', 'ad2'];

describe.skipIf(process.env['RELAYPAIR_LAB'] !== 'machines')('the compose laboratory with two of each', () => {
  afterAll(async () => {
    await runProgram('bash', ['-eu', '-c', COMMANDS.at(-1) ?? ''], { cwd: ROOT, env });
  }, LIMIT_MS);

  const said = new Map<string, string>();

  it.each(COMMANDS)(
    'does what the page says: %s',
    async (line) => {
      const [command = '', answer = ''] = line.split(' # ');
      const { code, stdout, stderr } = await runProgram('bash', ['-eu', '-c', command], { cwd: ROOT, env });
      expect(code, `${stdout}${stderr}`).toBe(0);
      expect(stdout).toContain(answer.trim());
      said.set(command.trim(), stdout);
    },
    LIMIT_MS,
  );

  it('has killed each machine while letters went in, and lost none of them', () => {
    const [, table = ''] = (said.get('docker/lab failover') ?? '').split('What became of the letters\n');
    // For who reads how it went.
    console.log(table);
    const rows = table.split('\n').map((line) => line.trim().split(/ {2,}/));
    const steps = rows.slice(1, 1 + KILLED.length);
    expect(steps.map(([name]) => name)).toEqual(KILLED);
    for (const [name, letters, accepted, , withFiveHundred, , , lost] of steps) {
      expect(Number(letters), name).toBeGreaterThan(20);
      expect(Number(accepted), name).toBeGreaterThan(10);
      expect([withFiveHundred, lost], name).toEqual(['0', '0']);
    }
    // Mail flowed after each kill; before the first there is nothing to say of it.
    for (const row of steps.slice(1)) expect(row[9], row[0]).toMatch(/^\d+\.\d s$/);
  });
});
