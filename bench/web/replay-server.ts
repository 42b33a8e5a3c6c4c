// A server that has seen mail which somebody recorded: its records are written down again as if so many messages a second came, by the
// server's own logs, and its web door tells of them. What is left out is SMTP, so that a page can be fed by more mail than a small
// machine carries. A process of its own: `node bench/web/replay-server.ts '{"role":…}'` prints where its door is, and for each line of
// its input (a Replay) a line about it.

import { createInterface } from 'node:readline';
import type { Role } from '../../src/config.ts';
import type { DecisionCard } from '../../src/tracking/decision-card.ts';
import { parseTrackingRecord, type TrackingRecord } from '../../src/tracking/tracking-record.ts';
import { openWebServer } from '../../test/helpers/web-server.ts';

/** What one server wrote down of one message, in order. */
export interface RecordedMessage {
  readonly tracking: readonly string[];
  readonly cards: readonly DecisionCard[];
}

interface ReplayServerOptions {
  readonly role: Role;
  readonly web: Readonly<Record<string, unknown>>;
}

export interface Replay {
  readonly messages: readonly RecordedMessage[];
  /** Messages before this one have been replayed, so that each has an id of its own. */
  readonly firstNumber: number;
  readonly startAtMs: number;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface Replayed {
  readonly messages: number;
  readonly records: number;
  /** User and system time of the process meanwhile. */
  readonly cpuMs: number;
  /** The most that was seen. */
  readonly residentMiB: number;
  /** How long it took in fact. */
  readonly seconds: number;
}

const TICK_MS = 20;
const options = JSON.parse(process.argv[2] ?? '{}') as ReplayServerOptions;
const server = await openWebServer({ role: options.role, web: options.web });
const { tracking, cards, metrics } = server.house.context;
process.stdout.write(`${JSON.stringify({ address: server.address, pid: process.pid })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const replayed = await replay(JSON.parse(line) as Replay);
  process.stdout.write(`${JSON.stringify(replayed)}\n`);
}
await server.close();

async function replay({ messages, firstNumber, startAtMs, perSecond, seconds }: Replay): Promise<Replayed> {
  const read = messages.map((message) => ({
    cards: message.cards,
    tracking: message.tracking.flatMap((line) => parseTrackingRecord(line) ?? []),
  }));
  await new Promise((resolve) => setTimeout(resolve, startAtMs - Date.now()));
  const [beganMs, before] = [performance.now(), process.cpuUsage()];
  const wanted = perSecond * seconds;
  let [done, records, residentMiB] = [0, 0, 0];
  while (done < wanted) {
    const due = Math.min(wanted, ((performance.now() - beganMs) / 1000) * perSecond);
    for (; done < due; done += 1)
      records += tell(read[done % read.length] ?? { tracking: [], cards: [] }, firstNumber + done);
    residentMiB = Math.max(residentMiB, process.memoryUsage.rss() / 2 ** 20);
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  const { user, system } = process.cpuUsage(before);
  const took = (performance.now() - beganMs) / 1000;
  return { messages: done, records, cpuMs: (user + system) / 1000, residentMiB, seconds: took };
}

interface ReadMessage {
  readonly tracking: readonly TrackingRecord[];
  readonly cards: readonly DecisionCard[];
}

/** Writes down what happened to one message, under ids of its own that the other server gives it too. */
function tell(message: ReadMessage, number: number): number {
  const networkMessageId = `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
  const messageId = `<replay-${number}@bench.test>`;
  for (const record of message.tracking) {
    metrics.mail.noteTracking(record);
    tracking.record({
      ...record,
      messageId,
      networkMessageId,
      internalMessageId: number,
      messageSubject: `Replay ${number}`,
    });
  }
  for (const card of message.cards) {
    const time = server.clock.now().toISOString();
    cards.record({ ...card, id: `${card.id}-${number}`, time, messageId, networkMessageId });
  }
  return message.tracking.length + message.cards.length;
}
