// Back pressure by the queue of a real Edge, in one process and with workers. Its spool cannot be read for sorting, as on a sick disk:
// what was accepted stays in Submission, and the level rises with it: first strangers are refused, then the Hub too. Once the
// spool can be read again the queue empties, and the level falls by itself.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { OutputRecord } from '../../src/cmdlets/output.ts';
import { INSIDER, OUTSIDER, writeLetter } from '../helpers/relaying.ts';
import { QUICK_RETRY } from '../helpers/server-processes.ts';
import { eventually, Servers } from '../helpers/servers.ts';
import { Sink } from '../helpers/sink.ts';
import { Conversation, submit } from '../helpers/submit.ts';

const LIMIT = { timeout: 300_000 };
const TO_INTERNET = 'EdgeSync - Default-First-Site-Name to Internet';
const REFUSAL = '452 4.3.1 Insufficient system resources';
const BACK_PRESSURE = { submissionMedium: 3, submissionHigh: 6 };

/** Runs inside the Edge: while the file is there, nothing can be read of what waits to be sorted. */
const SICK_DISK = `
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
const { prepare } = DatabaseSync.prototype;
DatabaseSync.prototype.prepare = function (sql, ...rest) {
  const statement = prepare.call(this, sql, ...rest);
  if (!/^SELECT .* FROM waiting /.test(sql)) return statement;
  for (const name of ['get', 'all']) {
    const read = statement[name].bind(statement);
    statement[name] = (...values) => {
      if (existsSync(process.env.SICK)) throw new Error('disk I/O error');
      return read(...values);
    };
  }
  return statement;
};
`;

class SickEdge {
  readonly servers: Servers;
  readonly inside: Sink;
  readonly outside: Sink;

  private constructor(servers: Servers, inside: Sink, outside: Sink) {
    this.servers = servers;
    this.inside = inside;
    this.outside = outside;
  }

  static async start(workers: number): Promise<SickEdge> {
    const [inside, outside] = await Promise.all([Sink.open(), Sink.open()]);
    const servers = await Servers.prepare({
      deliver: `smtp:127.0.0.1:${inside.port}`,
      edgeExtra: { workers, backPressure: BACK_PRESSURE, retry: QUICK_RETRY },
    });
    const edge = new SickEdge(servers, inside, outside);
    const program = join(servers.folder, 'sick-disk.mjs');
    writeFileSync(program, SICK_DISK);
    writeFileSync(edge.#sick, '');
    const environment = { NODE_OPTIONS: `--import ${program}`, SICK: edge.#sick };
    await Promise.all([servers.start('hub'), servers.start('edge', undefined, { environment })]);
    await servers.ask('hub', 'New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
    await servers.subscribe();
    await servers.ask('hub', 'Set-SendConnector', {
      Identity: TO_INTERNET,
      DNSRoutingEnabled: '$false',
      DomainSecureEnabled: '$false',
      SmartHosts: '127.0.0.1',
      Port: String(outside.port),
    });
    await servers.ask('hub', 'Start-EdgeSynchronization');
    return edge;
  }

  heal(): void {
    rmSync(this.#sick);
  }

  /** As a stranger at the Edge; the reply. */
  async sendIn(): Promise<string> {
    const { content } = writeLetter('inward');
    return (await submit({ port: this.servers.ports.edge, from: OUTSIDER, to: [INSIDER], content })).reply;
  }

  /** From inside, by the Hub; its Message-ID. */
  async sendOut(): Promise<string> {
    const { messageId, content } = writeLetter('outward');
    const { reply } = await submit({ port: this.servers.ports.hub, from: INSIDER, to: [OUTSIDER], content });
    expect(reply).toMatch(/^250 /);
    return messageId;
  }

  /** What strangers hear at MAIL, over connections that are open at a time: with workers each has some of them. */
  async strangersHear(): Promise<Set<string>> {
    const open = await Promise.all(Array.from({ length: 4 }, () => Conversation.open(this.servers.ports.edge)));
    const replies = new Set<string>();
    for (const stranger of open) {
      await stranger.reply();
      await stranger.say('EHLO client.test');
    }
    for (const stranger of open) replies.add(await stranger.say(`MAIL FROM:<${OUTSIDER}>`));
    for (const stranger of open) stranger.close();
    return replies;
  }

  awaitLevel(level: string): Promise<OutputRecord> {
    return eventually(`the level ${level}`, async () => {
      const resources = await this.servers.ask('edge', 'Get-ExchangeDiagnosticInfo');
      return resources.find((each) => each['Resource'] === 'SubmissionQueueLength' && each['Level'] === level);
    });
  }

  /** Waits for so many messages in the Edge's Submission. */
  async awaitSubmission(count: number): Promise<void> {
    await eventually(`${count} messages in Submission`, async () => {
      const [queue] = await this.servers.ask('edge', 'Get-Queue', { Identity: 'Submission' });
      return queue?.['MessageCount'] === count ? true : undefined;
    });
  }

  /** Waits for the Hub's card of this message with this outcome. */
  awaitHubCard(messageId: string, outcome: string): Promise<Record<string, unknown>> {
    return eventually(`"${outcome}" on the Hub`, () =>
      this.servers
        .cards('hub')
        .find((card) => card['side'] === 'sender' && card['messageId'] === messageId && card['outcome'] === outcome),
    );
  }

  get #sick(): string {
    return join(this.servers.folder, 'sick');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.servers[Symbol.asyncDispose]();
    await Promise.all([this.inside.close(), this.outside.close()]);
  }
}

it.concurrent.each([
  ['in one process', 0],
  ['with two workers', 2],
])(
  'rises with Submission to Medium, for strangers alone, and to High, for everybody, and falls by itself %s',
  LIMIT,
  async (_how, workers) => {
    await using edge = await SickEdge.start(workers);
    const { servers } = edge;

    for (let count = 0; count < 4; count++) expect(await edge.sendIn()).toMatch(/^250 /);
    await edge.awaitSubmission(4);
    expect(await edge.awaitLevel('Medium')).toMatchObject({
      Pressure: 4,
      LowToMedium: 3,
      MediumToHigh: 6,
      Unit: 'messages',
    });
    expect(await edge.strangersHear()).toEqual(new Set([REFUSAL]));
    for (let count = 0; count < 3; count++) await edge.awaitHubCard(await edge.sendOut(), 'delivered');
    await edge.awaitSubmission(7);

    expect(await edge.awaitLevel('High')).toMatchObject({ Pressure: 7 });
    expect(await edge.strangersHear()).toEqual(new Set([REFUSAL]));
    const late = await edge.sendOut();
    expect(await edge.awaitHubCard(late, 'deferred')).toMatchObject({ detail: expect.stringContaining(REFUSAL) });
    await edge.awaitSubmission(7);
    expect([edge.inside.messages, edge.outside.messages]).toEqual([[], []]);

    edge.heal();
    await edge.awaitLevel('Normal');
    await edge.awaitHubCard(late, 'delivered');
    expect(await edge.sendIn()).toMatch(/^250 /);
    await edge.inside.waitFor((messages) => messages.length === 5);
    await edge.outside.waitFor((messages) => messages.length === 4);
    const events = await servers.ask('edge', 'Get-EventLog', { Newest: '100' });
    const told = events.filter(({ EventId }) => EventId === 15_004 || EventId === 15_005);
    const changes = told.map(({ Message }) => /^"The pressure on (.*?) messages\)/.exec(JSON.stringify(Message))?.[1]);
    expect(changes).toContain('SubmissionQueueLength went from Normal to Medium (4');
    expect(changes).toContain('SubmissionQueueLength went from Medium to High (7');
    expect(changes.some((change) => /^SubmissionQueueLength went from \w+ down to Normal \(0/.test(change ?? ''))).toBe(
      true,
    );
  },
);
