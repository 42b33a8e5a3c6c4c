// docs/lab.md from top to bottom: every command of the page is run by a real Docker engine, and what the page says that it
// says, it says. Where no engine can be asked this is skipped by name; one that DOCKER_HOST names has to answer. CI
// runs it last (.ci/run).

import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ran } from '../helpers/pair.ts';
import { runProgram, runToSuccess } from '../helpers/program.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const PAGE = readFileSync(new URL('../../docs/lab.md', import.meta.url), 'utf8');
const COMPOSE = ['-f', 'docker/compose.yaml'];
/** Images are built on the way, and two cores may have other work. */
const LIMIT_MS = 900_000;

interface Command {
  readonly command: string;
  /** What the page says that it answers. */
  readonly answer: string;
}

const COMMANDS = [...PAGE.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) => {
  const lines = block.split('\n').filter((line) => line !== '');
  return lines.map((line): Command => {
    const [command = '', answer = ''] = line.split(' # ');
    return { command: command.trim(), answer: answer.trim() };
  });
});

function hasEngine(): boolean {
  const answers = ['docker', 'docker-compose'].map((program) => spawnSync(program, ['version'], { stdio: 'ignore' }));
  const isThere = answers.every(({ status }) => status === 0);
  if (!isThere && process.env['DOCKER_HOST'] !== undefined) {
    throw new Error('DOCKER_HOST names an engine, and it does not answer, or docker-compose is missing');
  }
  return isThere;
}

/** From one `up` to the next `down`, each of them a laboratory. */
const [EMBEDDED = [], SLAPD = []] = COMMANDS.reduce<Command[][]>(
  (labs, command) => {
    labs.at(-1)?.push(command);
    if (/ down /.test(command.command)) labs.push([]);
    return labs;
  },
  [[]],
);

/** Beside a laboratory of somebody's own, its containers and volumes are none of ours. */
const env = { COMPOSE_PROJECT_NAME: 'relaypair-test' };

const run = (command: string): Promise<Ran> => runProgram('bash', ['-eu', '-c', command], { cwd: ROOT, env });

const compose = (...words: string[]): Promise<Ran> =>
  runToSuccess('docker-compose', [...COMPOSE, ...words], { cwd: ROOT, env });

const isThere = hasEngine();

describe.skipIf(!isThere)('the compose laboratory', () => {
  const [up, ...others] = EMBEDDED;
  const down = others.at(-1);

  async function expectAnswer({ command, answer }: Command): Promise<void> {
    const { code, stdout, stderr } = await run(command);
    const logs = code === 0 ? '' : (await run(`docker-compose ${COMPOSE.join(' ')} logs --tail 60`)).stdout;
    expect(code, `${command}\n${stdout}${stderr}${logs}`).toBe(0);
    expect(stdout).toContain(answer);
  }

  const removeMade = (): void => {
    for (const made of ['lab.pcapng', 'lab-report']) rmSync(`${ROOT}/${made}`, { recursive: true, force: true });
  };
  beforeAll(removeMade);
  afterAll(async () => {
    await run(`COMPOSE_PROFILES=slapd docker-compose ${COMPOSE.join(' ')} down --volumes`);
    removeMade();
  }, LIMIT_MS);

  describe('with the embedded directory', () => {
    it(
      'comes up subscribed, with mail already crossed',
      async () => {
        if (!up || !down) throw new Error('the page has commands');
        expect(up.command).toMatch(/ up /);
        expect(down.command).toMatch(/ down /);
        await expectAnswer(up);
        const { stdout } = await compose('logs', 'begin');
        expect(stdout.match(/and the letter arrived/g)).toHaveLength(2);
        expect(stdout.match(/direct-trust/g)?.length).toBeGreaterThanOrEqual(2);
      },
      LIMIT_MS,
    );

    it.each(['hub', 'edge'])('runs the %s without root, with the capability for port 25 and no other', async (role) => {
      const { stdout } = await compose('exec', '-T', role, 'cat', '/proc/1/status');
      expect(stdout).toMatch(/^Uid:\t10025\t/m);
      // CAP_NET_BIND_SERVICE is bit 10 (capabilities(7)).
      for (const set of ['CapPrm', 'CapEff', 'CapBnd']) expect(stdout).toMatch(new RegExp(`^${set}:\\t0{13}400$`, 'm'));
    });

    it('lets the stranger reach the Edge and nothing behind it, and nobody anything beyond the three networks', async () => {
      const reaches = async (address: string): Promise<boolean> => {
        const words = ['exec', '-T', 'stranger', 'timeout', '3', 'bash', '-c', `exec 3<>/dev/tcp/${address}`];
        return (await runProgram('docker-compose', [...COMPOSE, ...words], { cwd: ROOT, env })).code === 0;
      };
      const addresses = ['10.86.3.25/25', '10.86.2.24/25', '10.86.1.25/25', '10.86.1.143/143'];
      expect(await Promise.all(addresses.map(reaches))).toEqual([true, false, false, false]);
      const networks = ['corp', 'perimeter', 'internet'].map((name) => `${env.COMPOSE_PROJECT_NAME}_${name}`);
      const { stdout } = await runToSuccess('docker', ['network', 'inspect', '--format', '{{.Internal}}', ...networks]);
      expect(stdout).toBe('true\ntrue\ntrue\n');
    });

    it.each(others.slice(0, -1))('does what the page says: $command', expectAnswer, LIMIT_MS);

    it('has captured letters in TLS, some to be read, and letters in clear of the time when the certificates had expired', async () => {
      const { stdout } = await compose('exec', '-T', 'sniffer', 'captured', 'words', '/captures/readable.pcapng');
      const [, secured = 0, readable = 0] = (
        /(\d+) conversations of SMTP in TLS, and in (\d+) of/.exec(stdout) ?? []
      ).map(Number);
      expect(readable).toBeGreaterThan(0);
      expect(secured).toBeGreaterThan(readable);
      expect(stdout).toMatch(/^ +[1-9]\d* conversations of SMTP with letters in clear$/m);
      expect(stdout).toMatch(/^ +[1-9]\d* conversations of EdgeSync in TLS$/m);
    });

    it(
      'goes down and leaves nothing',
      async () => {
        if (down) await expectAnswer(down);
        const { stdout } = await compose('ps', '-q');
        expect(stdout).toBe('');
      },
      LIMIT_MS,
    );
  });

  describe('with slapd', () => {
    it.each(SLAPD)('does what the page says: $command', expectAnswer, LIMIT_MS);
  });
});
