// Fault: the smart host refuses, defers, takes one of two recipients, or is gone after the dot. Each recipient is delivered to
// once or the sender is told once, and a report that cannot be delivered is not reported on.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { readReport } from '../helpers/mime.ts';
import { INSIDER, OUTSIDER, Relaying, writeLetter } from '../helpers/relaying.ts';
import { openScriptedServer, type ScriptedServer, type SmtpScript } from '../helpers/scripted-smtp-server.ts';
import { eventually } from '../helpers/servers.ts';
import type { SunkMessage } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';

const LIMIT = { timeout: 360_000 };

/** What becomes of a message at the mailboxes, of each test's own choice. */
let mailboxAnswer: ((message: SunkMessage) => string | undefined) | undefined;
/** One pair for all tests, each of which leaves its queues empty; and one on which mail expires soon. */
let patient: Relaying;
let impatient: Relaying;

beforeAll(async () => {
  const inside = { onMessage: (message: SunkMessage) => mailboxAnswer?.(message) };
  [patient, impatient] = await Promise.all([
    Relaying.start({ inside }),
    Relaying.start({ inside, retry: { expiration: '2s' } }),
  ]);
}, LIMIT.timeout);
afterAll(async () => {
  for (const relaying of [patient, impatient]) await relaying?.[Symbol.asyncDispose]();
});

/** The pair with a smart host that does as its script says, a new one for each test, and what has come about since. */
class Faulty {
  readonly relaying: Relaying;
  readonly smartHost: ScriptedServer;
  readonly #arrivedBefore: number;
  readonly #reportedBefore: number;

  private constructor(relaying: Relaying, smartHost: ScriptedServer, reportedBefore: number) {
    this.relaying = relaying;
    this.smartHost = smartHost;
    this.#arrivedBefore = relaying.inside.messages.length;
    this.#reportedBefore = reportedBefore;
  }

  static async start(script: SmtpScript, relaying = patient): Promise<Faulty> {
    const smartHost = await openScriptedServer({ keywords: ['PIPELINING', '8BITMIME'], ...script });
    await relaying.setSmartHost(smartHost.port);
    return new Faulty(relaying, smartHost, (await relaying.reports()).length);
  }

  /** How often the letter came with its final dot, whatever was answered. */
  countBodies(content: Buffer): number {
    return this.smartHost.bodies.filter((body) => body.includes(content.toString())).length;
  }

  /** What came to the mailboxes. */
  get arrived(): readonly SunkMessage[] {
    return this.relaying.inside.messages.slice(this.#arrivedBefore);
  }

  async countReports(): Promise<number> {
    return (await this.relaying.reports()).length - this.#reportedBefore;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    mailboxAnswer = undefined;
    await this.smartHost.close();
  }
}

/** Gives the answers one after the other, then the last one for ever. */
function inTurn(...answers: string[]): () => string {
  let turn = 0;
  return () => answers[Math.min(turn++, answers.length - 1)] ?? '';
}

/** The one report that the sender got. */
async function awaitReport(faulty: Faulty): Promise<SunkMessage> {
  const { relaying } = faulty;
  await relaying.inside.waitFor(() => faulty.arrived.length > 0);
  await relaying.awaitEmptyQueues();
  expect(faulty.arrived).toHaveLength(1);
  expect(await faulty.countReports()).toBe(1);
  const [report] = faulty.arrived;
  if (!report) throw new Error('there is no report');
  return report;
}

it.each([
  {
    when: 'to RCPT',
    answers: { RCPT: '550 5.1.1 No such user' },
    status: '5.1.1',
    diagnostic: /550 5\.1\.1 No such user/,
  },
  { when: 'to the dot', answers: { DOT: '554 5.6.0 Not that' }, status: '5.6.0', diagnostic: /554 5\.6\.0 Not that/ },
  {
    when: 'without an enhanced code',
    answers: { MAIL: '550 Go away' },
    status: /^5\.\d+\.\d+$/,
    diagnostic: /550 .*Go away/,
  },
])('a 5xx $when makes exactly one report to the sender, from <>', LIMIT, async ({ answers, status, diagnostic }) => {
  await using faulty = await Faulty.start({ answers });
  const letter = await faulty.relaying.sendLetter('outbound', 'is refused');
  const report = await awaitReport(faulty);
  expect(report).toMatchObject({ reversePath: '', recipients: [INSIDER] });

  const read = readReport(report.content);
  expect(read.report.fields.get('auto-submitted')).toBe('auto-replied');
  expect(read.report.fields.get('to')).toBe(`<${INSIDER}>`);
  expect(read.text).toContain(OUTSIDER);
  expect(read.html).toContain(OUTSIDER);
  const [message, recipient, ...others] = read.groups;
  expect(others).toEqual([]);
  expect(message?.get('reporting-mta')).toBe('dns; edge01.perimeter.test');
  expect(recipient?.get('final-recipient')).toBe(`rfc822; ${OUTSIDER}`);
  expect(recipient?.get('action')).toBe('failed');
  expect(recipient?.get('status')).toMatch(status);
  expect(recipient?.get('diagnostic-code')).toMatch(diagnostic);
  expect(read.returned.content).toContain(`Message-ID: ${letter.messageId}`);
  expect(faulty.countBodies(letter.content)).toBeLessThanOrEqual(1);
});

it.each([
  { when: 'RCPT', answers: () => ({ RCPT: inTurn('450 4.2.0 Later', '250 Now') }), bodies: 1 },
  {
    when: 'the dot',
    answers: () => ({ DOT: inTurn('451 4.3.0 Later', '452 4.3.1 Later still', '250 Now') }),
    bodies: 3,
  },
  { when: 'EHLO', answers: () => ({ EHLO: inTurn('421 4.3.2 Later', '250 Now') }), bodies: 1 },
])('a 4xx to $when is tried again until it is taken, once', LIMIT, async ({ answers, bodies }) => {
  await using faulty = await Faulty.start({ answers: answers() });
  const { relaying } = faulty;
  const letter = await relaying.sendLetter('outbound', 'is deferred');
  await awaitOutcome(faulty, letter.messageId, 'delivered');
  await relaying.awaitEmptyQueues();
  expect(faulty.countBodies(letter.content)).toBe(bodies);
  expect(outcomes(faulty, letter.messageId).filter((outcome) => outcome === 'delivered')).toHaveLength(1);
  expect(await faulty.countReports()).toBe(0);
});

it('of two recipients, the one that was accepted gets it once and the other one later', LIMIT, async () => {
  const deferOnce = inTurn('451 4.2.1 Greylisted', '451 4.2.1 Greylisted', '250 Now');
  const RCPT = (line: string): string => (line.includes('second@') ? deferOnce() : '250 Fine');
  const taken: string[][] = [];
  let asked: string[] = [];
  await using faulty = await Faulty.start({
    answers: {
      MAIL: () => {
        asked = [];
        return '250 Fine';
      },
      RCPT: (line) => {
        const answer = RCPT(line);
        if (answer.startsWith('250')) asked.push(/<(.*)>/.exec(line)?.[1] ?? '');
        return answer;
      },
      DOT: () => {
        // With nobody accepted, only the dot that ends a pipelined DATA.
        if (asked.length > 0) taken.push(asked);
        return '250 Taken';
      },
    },
  });
  const { relaying } = faulty;
  const { content } = writeLetter('for two');
  const to = ['first@elsewhere.test', 'second@elsewhere.test'];
  const { isAccepted } = await submit({ port: relaying.servers.ports.hub, from: INSIDER, to, content });
  expect(isAccepted).toBe(true);
  await relaying.awaitEmptyQueues();
  expect(taken).toEqual([['first@elsewhere.test'], ['second@elsewhere.test']]);
  expect(await faulty.countReports()).toBe(0);
});

it('of two recipients, the one that was refused is reported and the other one gets it', LIMIT, async () => {
  await using faulty = await Faulty.start({
    answers: { RCPT: (line) => (line.includes('second@') ? '550 5.1.1 Unknown' : '250 Fine') },
  });
  const { relaying } = faulty;
  const { content } = writeLetter('for two');
  const to = ['first@elsewhere.test', 'second@elsewhere.test'];
  await submit({ port: relaying.servers.ports.hub, from: INSIDER, to, content });
  const { groups } = readReport((await awaitReport(faulty)).content);
  expect(groups.slice(1).map((group) => [group.get('final-recipient'), group.get('status')])).toEqual([
    ['rfc822; second@elsewhere.test', '5.1.1'],
  ]);
  expect(faulty.countBodies(content)).toBe(1);
});

it('a connection lost after the dot is no delivery: it is delivered again', LIMIT, async () => {
  const ends = inTurn('reset', 'hang up', 'take');
  await using faulty = await Faulty.start({
    answers: {
      DOT: (_line, peer) => {
        const end = ends();
        if (end === 'take') return '250 Taken';
        return end === 'reset' ? peer.reset() : peer.vanish();
      },
    },
  });
  const { relaying } = faulty;
  const letter = await relaying.sendLetter('outbound', 'is cut off');
  await awaitOutcome(faulty, letter.messageId, 'delivered');
  await relaying.awaitEmptyQueues();
  expect(faulty.countBodies(letter.content)).toBe(3);
  expect(outcomes(faulty, letter.messageId)).toEqual(['deferred', 'deferred', 'delivered']);
  expect(await faulty.countReports()).toBe(0);
});

it.each([
  { when: 'is deferred again and again', script: { answers: { DOT: '451 4.3.0 Never now' } } },
  { when: 'cannot even connect', script: { greeting: '421 4.3.2 Closed' } },
])('what $when is returned as 4.4.7 when its time is up', LIMIT, async ({ script }) => {
  await using faulty = await Faulty.start(script, impatient);
  const letter = await faulty.relaying.sendLetter('outbound', 'takes too long');
  const read = readReport((await awaitReport(faulty)).content);
  const recipient = read.groups[1];
  expect(recipient?.get('final-recipient')).toBe(`rfc822; ${OUTSIDER}`);
  expect([recipient?.get('action'), recipient?.get('status')]).toEqual(['failed', '4.4.7']);
  expect(recipient?.get('diagnostic-code')).toMatch(/expired/i);
  expect(read.returned.content).toContain(`Message-ID: ${letter.messageId}`);
});

it('a report that is refused itself is dropped, and so is what came from <>', LIMIT, async () => {
  let reports = 0;
  await using faulty = await Faulty.start({ answers: { RCPT: '550 5.1.1 No such user' } });
  mailboxAnswer = ({ reversePath }) => {
    if (reversePath === '') reports++;
    return '550 5.2.1 Mailbox closed';
  };
  const { relaying } = faulty;
  await relaying.sendLetter('outbound', 'is refused, and so is its report');
  await relaying.awaitEmptyQueues();
  expect(reports).toBe(1);
  await relaying.sendLetter('outbound', 'from nobody', '');
  await relaying.sendLetter('inbound', 'from nobody either', '');
  await relaying.awaitEmptyQueues();
  // The one from outside was itself from <>, as a report is.
  expect(reports).toBe(2);
  expect(await faulty.countReports()).toBe(1);
  expect(faulty.smartHost.bodies.every((body) => body === '')).toBe(true);
});

/** The outcomes of the Edge's attempts at the smart host, oldest first. */
function outcomes({ relaying }: Faulty, messageId: string): unknown[] {
  const cards = relaying.servers.cards('edge');
  return cards.flatMap((card) =>
    card['side'] === 'sender' && card['messageId'] === messageId ? [card['outcome']] : [],
  );
}

async function awaitOutcome(faulty: Faulty, messageId: string, outcome: string): Promise<void> {
  await eventually(`"${outcome}"`, () => outcomes(faulty, messageId).includes(outcome) || undefined);
}
