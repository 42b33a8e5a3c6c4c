// A client whose network goes away: nothing of it arrives any more, no FIN and no reset, while it believes itself connected. Made
// for real, in a network namespace of the test's own.

import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canMakeNamespaces, ip } from '../helpers/database-network.ts';
import { ListenerBench } from '../helpers/listener-bench.ts';
import { ScriptedPolicy } from '../helpers/scripted-policy.ts';

const NAMESPACE = `half-open-${process.pid}`;
const [OUR_END, THEIR_END] = [`ho${process.pid}`.slice(0, 15), 'uplink'];
const NETWORK = `10.78.${process.pid % 256}`;
const [OUR_ADDRESS, THEIR_ADDRESS] = [`${NETWORK}.1`, `${NETWORK}.2`];
const LIMIT = { timeout: 60_000 };

const bench = new ListenerBench();
let client: ChildProcess | undefined;

beforeEach(() => {
  ip('netns', 'add', NAMESPACE);
  ip('link', 'add', OUR_END, 'type', 'veth', 'peer', 'name', THEIR_END, 'netns', NAMESPACE);
  ip('addr', 'add', `${OUR_ADDRESS}/30`, 'dev', OUR_END);
  ip('link', 'set', OUR_END, 'up');
  ip('-n', NAMESPACE, 'addr', 'add', `${THEIR_ADDRESS}/30`, 'dev', THEIR_END);
  ip('-n', NAMESPACE, 'link', 'set', THEIR_END, 'up');
});

afterEach(async () => {
  if (client?.pid !== undefined) process.kill(-client.pid, 'SIGKILL');
  await bench.clear();
  ip('link', 'del', OUR_END);
  ip('netns', 'del', NAMESPACE);
});

/** A client in the namespace that says EHLO and waits; `heard` is what it has been told so far. */
async function greetFromThere(port: number): Promise<{ heard: () => string }> {
  const script = `exec 3<>/dev/tcp/${OUR_ADDRESS}/${port}; printf 'EHLO there.test\\r\\n' >&3; cat <&3`;
  const child = spawn('ip', ['netns', 'exec', NAMESPACE, 'bash', '-c', script], {
    // A group of its own, so that what bash starts ends with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  client = child;
  let heard = '';
  child.stdout.on('data', (octets: Buffer) => {
    heard += octets.toString();
  });
  await expect.poll(() => heard, LIMIT).toMatch(/^250 /m);
  return { heard: () => heard };
}

describe.skipIf(!canMakeNamespaces())('a client whose network is gone', () => {
  it('is let go of after the idle limit, while it still believes itself connected', LIMIT, async () => {
    const policy = new ScriptedPolicy();
    const timeouts = { commandMs: 2_000 };
    const port = await bench.listen(policy, { host: OUR_ADDRESS, timeouts });
    const { heard } = await greetFromThere(port);
    ip('-n', NAMESPACE, 'link', 'set', THEIR_END, 'down');
    await policy.seen(/^closed$/);
    expect(heard()).not.toContain('421');
    expect(client?.exitCode).toBeNull();
  });
});
