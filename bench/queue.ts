// What a long queue for a dead destination costs the mail for a live one: real Hubs on this machine, one with an empty queue
// and one with so many messages, each asked in turn within one round. Prints a table and writes docs/performance-queue.md,
// asserts nothing: `npm run bench:queue [-- --json] [-- 2000 20000 200000]`.

import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { LIVE_ADDRESS, pause, QueueServer } from './queue-server.ts';
import { handIn } from './queue-traffic.ts';

const WORDS = process.argv.slice(2);
const SIZES = WORDS.filter((word) => /^\d+$/.test(word)).map(Number);
const TOTALS = SIZES.length > 0 ? SIZES : [2000, 20_000, 200_000];
const ROUNDS = 5;
/** Rounds of either before any counts: what a server has compiled decides more than how long its queue is. */
const WARM_UP_ROUNDS = 5;
const MESSAGES = 2000;
const CONNECTIONS = 10;
const REST_MS = 5000;
const PAGE = new URL('../docs/performance-queue.md', import.meta.url);

interface Figures {
  readonly waiting: number;
  /** From the start of the process to the first arrival: the live message of mid-spool, or the one handed in at once. */
  readonly firstSeconds: number;
  /** Until both have arrived. */
  readonly newSeconds: number;
  readonly sortedSeconds: number;
  readonly startCpuSeconds: number;
  readonly emptyPerSecond: number;
  readonly perSecond: number;
  readonly ratio: number;
  readonly emptyCpuMs: number;
  readonly cpuMs: number;
  readonly restMib: number;
  readonly peakMib: number;
}

function say(waiting: number, text: string): void {
  process.stderr.write(`${waiting.toLocaleString('en-US')} waiting: ${text}\n`);
}

interface Pass {
  readonly perSecond: number;
  readonly cpuMs: number;
}

async function pass({ port, sink, cpuSeconds }: Measured): Promise<Pass> {
  const [startedMs, cpu, arrived] = [performance.now(), cpuSeconds(), sink.count];
  await Promise.all([handIn(port, LIVE_ADDRESS, MESSAGES, CONNECTIONS), sink.reached(arrived + MESSAGES)]);
  const seconds = (performance.now() - startedMs) / 1000;
  return { perSecond: MESSAGES / seconds, cpuMs: ((cpuSeconds() - cpu) * 1000) / MESSAGES };
}

interface Measured {
  readonly port: number;
  readonly sink: QueueServer['sink'];
  cpuSeconds(): number;
}

function measured(server: QueueServer): Measured {
  return { port: server.port, sink: server.sink, cpuSeconds: () => server.cpuSeconds() };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function measure(waiting: number): Promise<Figures> {
  say(waiting, 'filling the spool …');
  const [empty, full] = [await QueueServer.prepare(0), await QueueServer.prepare(waiting)];
  try {
    await empty.start();
    const startedMs = performance.now();
    const [firstSeconds, newSeconds] = await Promise.all([full.start(), handInAtOnce(full, startedMs)]);
    say(waiting, `first delivery after ${firstSeconds.toFixed(1)} s, both after ${newSeconds.toFixed(1)} s`);
    const sortedSeconds = await full.sorted(startedMs);
    const startCpuSeconds = full.cpuSeconds();
    say(waiting, `all sorted after ${sortedSeconds.toFixed(1)} s`);
    const [emptyPasses, passes]: [Pass[], Pass[]] = [[], []];
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
      const [without, with_] = [await pass(measured(empty)), await pass(measured(full))];
      const isWarm = round >= WARM_UP_ROUNDS;
      if (isWarm) emptyPasses.push(without);
      if (isWarm) passes.push(with_);
      say(
        waiting,
        `${without.perSecond.toFixed(0)}/s with an empty queue, ${with_.perSecond.toFixed(0)}/s with this one`,
      );
    }
    await pause(REST_MS);
    const [emptyPerSecond, perSecond] = [emptyPasses, passes].map((each) => median(each.map((one) => one.perSecond)));
    const [emptyCpuMs, cpuMs] = [emptyPasses, passes].map((each) => median(each.map((one) => one.cpuMs)));
    return {
      waiting,
      firstSeconds,
      newSeconds,
      sortedSeconds,
      startCpuSeconds,
      emptyPerSecond: emptyPerSecond ?? 0,
      perSecond: perSecond ?? 0,
      ratio: (perSecond ?? 0) / (emptyPerSecond ?? 1),
      emptyCpuMs: emptyCpuMs ?? 0,
      cpuMs: cpuMs ?? 0,
      restMib: full.residentMib('VmRSS'),
      peakMib: full.residentMib('VmHWM'),
    };
  } finally {
    await Promise.all([empty.close(), full.close()]);
  }
}

/** Hands a message in as soon as somebody listens; resolves to the seconds until both live ones have arrived. */
async function handInAtOnce(server: QueueServer, startedMs: number): Promise<number> {
  for (;;) {
    try {
      await handIn(server.port, LIVE_ADDRESS, 1, 1);
      break;
    } catch {
      await pause(20);
    }
  }
  await server.sink.reached(2);
  return (performance.now() - startedMs) / 1000;
}

function table(figures: readonly Figures[]): string {
  const line = (name: string, read: (each: Figures) => string): string =>
    `| ${[name, ...figures.map(read)].join(' | ')} |`;
  return [
    line('', ({ waiting }) => `${waiting.toLocaleString('en-US')} waiting`),
    `| ${['---', ...figures.map(() => '---')].join(' | ')} |`,
    line('start to first delivery, of the live message in mid-spool or of one handed in at once, s', (each) =>
      each.firstSeconds.toFixed(1),
    ),
    line('start to delivery of both, s', (each) => each.newSeconds.toFixed(1)),
    line('start until all are in their queue, s', (each) => each.sortedSeconds.toFixed(1)),
    line('processor time until then, s', (each) => each.startCpuSeconds.toFixed(1)),
    line('to the live destination, messages/s', (each) => each.perSecond.toFixed(0)),
    line('the same with an empty queue, messages/s', (each) => each.emptyPerSecond.toFixed(0)),
    line('ratio', (each) => each.ratio.toFixed(2)),
    line('processor time a message, ms', (each) => each.cpuMs.toFixed(2)),
    line('the same with an empty queue, ms', (each) => each.emptyCpuMs.toFixed(2)),
    line('resident at rest, MiB', (each) => each.restMib.toFixed(0)),
    line('resident at most, MiB', (each) => each.peakMib.toFixed(0)),
  ].join('\n');
}

function page(figures: readonly Figures[]): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const machine = `${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GB, Node.js ${process.version}`;
  return `# What a long queue costs

Written by \`npm run bench:queue\` on ${new Date().toISOString().slice(0, 10)}, on ${machine}: a real Hub whose spool holds so many
messages of 4 KiB for a smart host that nobody listens at, half of them tried before. Mail for the live destination comes in
over ${CONNECTIONS} connections and goes to a sink, all on loopback; a Hub with an empty queue, started as freshly, is asked in turn in the same run, ${MESSAGES} messages
each time; after ${WARM_UP_ROUNDS} rounds that warm both up the medians of ${ROUNDS} rounds are shown. One message for the live destination stands in the middle of the spool, and
one is handed in as soon as the Hub listens.

${table(figures)}
`;
}

const figures: Figures[] = [];
for (const waiting of TOTALS) figures.push(await measure(waiting));
if (WORDS.includes('--json')) console.log(JSON.stringify(figures));
else console.log(table(figures));
if (SIZES.length === 0) writeFileSync(PAGE, page(figures));
