// `relaypair meddle` from the scenario file to the exit code.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runMeddle } from '../../../src/lab/meddle.ts';
import { makeMessage, SenderFixture } from '../../helpers/sender-fixture.ts';
import { freePort } from '../../helpers/free-port.ts';

const fixture = new SenderFixture();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
});
afterEach(async () => {
  await fixture.cleanUp();
  rmSync(folder, { recursive: true });
});

/** Runs a scenario while one client sends a message through it. */
async function run(expectation: string, isJson = false): Promise<{ code: number; lines: string[] }> {
  const scenario = join(folder, 'strip.yaml');
  writeFileSync(scenario, `title: Stripped\nfaults:\n  - { at: EHLO reply, do: strip }\n${expectation}`);
  const server = await fixture.listen({ keywords: ['STARTTLS'] });
  const port = await freePort();
  const lines: string[] = [];
  const send = async (): Promise<void> => {
    const session = await fixture.connect(port, { startTls: 'attempt' });
    await session.send(makeMessage());
    await session.quit();
  };
  const running = runMeddle({
    scenario,
    listen: { host: '127.0.0.1', port },
    to: { host: '127.0.0.1', port: server.port },
    sender: undefined,
    isJson,
    onLine: (line) => {
      lines.push(line);
      if (lines.length === 1) void send();
    },
    signal: new AbortController().signal,
  });
  return { code: await running, lines };
}

it('ends with 0 once everything that was expected held, and tells what it did', async () => {
  const { code, lines } = await run('expect:\n  connections:\n    - { starttls: not-offered, mail: in-clear }\n');
  expect(code).toBe(0);
  expect(lines[0]).toMatch(/^Stripped: listening on 127\.0\.0\.1:\d+$/);
  expect(lines.some((line) => line.includes('!! strip at EHLO reply'))).toBe(true);
  expect(lines.some((line) => line.includes('C: MAIL FROM:<from@hub.test>'))).toBe(true);
  expect(lines.at(-1)).toBe('everything that was expected held');
});

it('ends with 1 and a sentence for each thing that did not hold', async () => {
  const { code, lines } = await run('expect:\n  connections:\n    - { mail: none, never: [MAIL] }\n');
  expect(code).toBe(1);
  expect(lines.slice(-2)).toEqual([
    'NOT AS EXPECTED: connection 1: mail should be none and was in-clear',
    'NOT AS EXPECTED: connection 1: the client said MAIL, which it never should',
  ]);
});

it('prints objects for programs', async () => {
  const { lines } = await run('expect:\n  connections:\n    - { mail: in-clear }\n', true);
  const objects = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(objects[0]).toMatchObject({ kind: 'ready' });
  expect(objects.at(-1)).toMatchObject({ kind: 'result', held: true, observations: [{ mail: 'in-clear' }] });
});

it('gives up after the time that the scenario allows', async () => {
  const { code, lines } = await run('expect:\n  within: 1s\n  connections:\n    - {}\n    - {}\n');
  expect(code).toBe(1);
  expect(lines.at(-1)).toBe('NOT AS EXPECTED: connection 2: it never came');
});

it('asks for the sender where a decision card is expected', async () => {
  await expect(run('expect:\n  connections: [{}]\n  card: { reason: downgrade-suspected }\n')).rejects.toMatchObject({
    code: 'missing-value',
  });
});
