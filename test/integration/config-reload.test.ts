// The config of running servers is read again under a steady flow of mail: good files take effect for new work, bad ones are
// refused and change nothing, and no message is refused or lost.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MailFlow, sha256 } from '../helpers/mail-flow.ts';
import { INSIDER, OUTSIDER, Relaying, writeLetter } from '../helpers/relaying.ts';
import { eventually, type Role, type Servers } from '../helpers/servers.ts';
import { Sink } from '../helpers/sink.ts';
import { rcpt, submit } from '../helpers/submit.ts';

const LIMIT = { timeout: 540_000 };
const ROLES: readonly Role[] = ['hub', 'edge'];
const MESSAGES = 600;

class ConfigFile {
  readonly path: string;
  readonly text: string;

  constructor({ folder }: Servers, role: Role) {
    this.path = join(folder, `${role}.yaml`);
    this.text = readFileSync(this.path, 'utf8');
  }

  /** The config of the start with these sections in place of its own. */
  change(sections: Record<string, unknown>): void {
    writeFileSync(this.path, JSON.stringify({ ...(JSON.parse(this.text) as object), ...sections }));
  }

  spoil(): void {
    writeFileSync(this.path, this.text.slice(0, -5));
  }
}

it('loses and refuses nothing while good and bad configs come by turns', LIMIT, async () => {
  await using relaying = await Relaying.start();
  const { servers, outside } = relaying;
  const files = ROLES.map((role) => ({ role, file: new ConfigFile(servers, role) }));
  const flow = new MailFlow(servers.ports.hub);
  flow.release(MESSAGES);
  const state = { isFlowing: true };
  const flowed = flow.untilIdle().finally(() => {
    state.isFlowing = false;
  });
  let rounds = 0;
  for (; state.isFlowing || rounds < 3; rounds++) {
    for (const { role, file } of files) {
      const retry = {
        glitchCount: 0,
        transientCount: 0,
        outboundInterval: '300ms',
        messageInterval: `${301 + rounds}ms`,
      };
      file.change({ retry, limits: { maxConnectionsPerHop: 1 + (rounds % 5) } });
      // Or the signal of the round before has come later than this file, and does it.
      await servers.ask(role, 'Update-Configuration');
      file.spoil();
      await expect(servers.ask(role, 'Update-Configuration')).rejects.toThrow('is not YAML');
      process.kill(servers.pid(role), 'SIGHUP');
    }
  }
  await flowed;
  await flow.stop();
  for (const { role } of files) {
    const reloads = await servers.ask(role, 'Get-EventLog', { EventId: '30180', Newest: '10000' });
    const applied = reloads.filter(({ Message }) => (Message as string).includes('retry.messageInterval'));
    const refusals = await servers.ask(role, 'Get-EventLog', { EventId: '30181', Newest: '10000' });
    expect(applied).toHaveLength(rounds);
    expect(refusals.length).toBeGreaterThanOrEqual(rounds);
  }
  expect([...flow.messages.values()].filter(({ isAcknowledged }) => !isAcknowledged)).toEqual([]);
  await outside.waitFor((messages) => messages.length >= MESSAGES, 300_000);
  await relaying.awaitEmptyQueues();
  const arrived = new Map(outside.messages.map(({ recipients, content }) => [recipients[0], content]));
  expect([outside.messages.length, arrived.size]).toEqual([MESSAGES, MESSAGES]);
  for (const { number, sha256: digest } of flow.messages.values()) {
    const content = arrived.get(`n${number}@elsewhere.test`) ?? Buffer.alloc(0);
    // Behind the trace fields it is the same octets.
    const at = content.indexOf(`Message-ID: <flow-${number}@elsewhere.test>`);
    expect(sha256(content.subarray(at)), `message ${number}`).toBe(digest);
  }
});

it('SIGHUP brings into force for new work what may change, and names the rest', LIMIT, async () => {
  await using relaying = await Relaying.start();
  await using other = await OtherSink.open();
  const { servers, inside } = relaying;
  const file = new ConfigFile(servers, 'hub');
  const mail = async () => {
    const { messageId, content } = writeLetter('reload');
    const { isAccepted } = await submit({ port: servers.ports.hub, from: OUTSIDER, to: [INSIDER], content });
    expect(isAccepted).toBe(true);
    return messageId;
  };
  await mail();
  await inside.messageFor(INSIDER);

  file.change({
    site: 'Elsewhere',
    deliver: `smtp:127.0.0.1:${other.sink.port}`,
    limits: { maxRecipients: 100, idleTimeout: '0s' },
  });
  process.kill(servers.pid('hub'), 'SIGHUP');
  const told = await eventually('the reload is on record', async () => {
    const [event] = await servers.ask('hub', 'Get-EventLog', { EventId: '30180' });
    return event;
  });
  expect(told['Message']).toContain('In force from now on: deliver, limits.maxRecipients.');
  expect(told['Message']).toContain('Needs a restart: site.');

  await mail();
  await other.sink.messageFor(INSIDER);
  expect(inside.messages).toHaveLength(1);
  const recipients = Array.from({ length: 101 }, (_, index) => `n${index}@contoso.test`);
  const replies = await rcpt(servers.ports.hub, ...recipients);
  expect([replies[99], replies[100]]).toEqual([expect.stringMatching(/^250 /), expect.stringMatching(/^452 /)]);
});

it(
  'a bad config is refused by the command with one sentence and an exit code, and on record after SIGHUP',
  LIMIT,
  async () => {
    await using relaying = await Relaying.start();
    const { servers, inside } = relaying;
    const file = new ConfigFile(servers, 'hub');
    file.change({ retry: { expiration: 'soon' } });
    const ran = await servers.run('hub', 'Update-Configuration');
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr.trim()).toMatch(/^relaypair: .*hub\.yaml at retry\.expiration: [^\n]+$/);

    process.kill(servers.pid('hub'), 'SIGHUP');
    await eventually('the refusal is on record', async () => {
      const events = await servers.ask('hub', 'Get-EventLog', { EventId: '30181' });
      return events[0];
    });
    const { content } = writeLetter('reload');
    await submit({ port: servers.ports.hub, from: OUTSIDER, to: [INSIDER], content });
    await inside.messageFor(INSIDER);
  },
);

class OtherSink {
  readonly sink: Sink;

  private constructor(sink: Sink) {
    this.sink = sink;
  }

  static async open(): Promise<OtherSink> {
    return new OtherSink(await Sink.open());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.sink.close();
  }
}
