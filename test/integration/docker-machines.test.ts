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

describe.skipIf(process.env['RELAYPAIR_LAB'] !== 'machines')('the compose laboratory with two of each', () => {
  afterAll(async () => {
    await runProgram('bash', ['-eu', '-c', COMMANDS.at(-1) ?? ''], { cwd: ROOT, env });
  }, LIMIT_MS);

  it.each(COMMANDS)(
    'does what the page says: %s',
    async (line) => {
      const [command = '', answer = ''] = line.split(' # ');
      const { code, stdout, stderr } = await runProgram('bash', ['-eu', '-c', command], { cwd: ROOT, env });
      expect(code, `${stdout}${stderr}`).toBe(0);
      expect(stdout).toContain(answer.trim());
    },
    LIMIT_MS,
  );
});
