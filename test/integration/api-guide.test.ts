// docs/api.md tells the truth: every example in it is carried out, in its order, against a real pair.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../helpers/program.ts';
import { freePort } from '../helpers/free-port.ts';
import { Site } from '../helpers/site.ts';

const GUIDE = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
const EXAMPLES = [...GUIDE.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, script]) => script ?? '');

let site: Site;
const env: Record<string, string> = {};

beforeAll(async () => {
  const ports: Record<string, number> = { hub01: await freePort(), edge01: await freePort() };
  site = await Site.prepare({ extra: (name) => ({ web: { listen: `127.0.0.1:${ports[name]}` } }) });
  await Promise.all(['hub01', 'edge01'].map((name) => site.start(name)));
  const tokenFor = async (name: string): Promise<string> => {
    const [record] = await site.ask(name, 'New-AccessToken', { Name: 'guide', Access: 'ReadWrite' });
    return JSON.stringify(record?.['Token']).slice(1, -1);
  };
  Object.assign(env, {
    HUB: `http://127.0.0.1:${ports['hub01']}`,
    EDGE: `http://127.0.0.1:${ports['edge01']}`,
    TOKEN: await tokenFor('hub01'),
    EDGE_TOKEN: await tokenFor('edge01'),
  });
});

afterAll(() => site?.[Symbol.asyncDispose]());

describe('docs/api.md', () => {
  it('has examples', () => {
    expect(EXAMPLES.length).toBeGreaterThan(5);
  });

  it.each(EXAMPLES)('shows what works: %s', async (script) => {
    // bash takes a pipe of Node's for the network, and reads its rc file when no shell is above it.
    const ran = await runProgram('bash', ['--norc', '-euc', script], { env, cwd: site.folder });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
  });
});
