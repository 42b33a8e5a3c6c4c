// What recipients cost by their number: a full synchronization, one of a hundred changes, a look-up at RCPT, and the Edge's
// memory. Real processes on this machine. Prints a table and writes docs/performance-directory.md, asserts nothing:
// `npm run bench:directory [-- 1000 10000 100000]`.

import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { BenchPair } from './directory-pair.ts';

const SIZES = process.argv.slice(2).map(Number);
const TOTALS = SIZES.length > 0 ? SIZES : [1000, 10_000, 100_000];
const CHANGES = 100;
const DELTAS = 7;
const LOOKUPS = 5000;
const PASSES = 7;
const PAGE = new URL('../docs/performance-directory.md', import.meta.url);

interface Figures {
  readonly total: number;
  readonly importSeconds: number;
  readonly fullSeconds: number;
  readonly longestMs: number;
  readonly deltaSeconds: number;
  readonly unvalidatedMicros: number;
  readonly lookupMicros: number;
  readonly emptyMb: number;
  readonly restMb: number;
  readonly peakMb: number;
}

function address(index: number): string {
  return `person.number${index}@corp.test`;
}

function line(index: number, alias: string): string {
  return `${address(index)},${alias}${index}@corp.test`;
}

function say(total: number, text: string): void {
  process.stderr.write(`${total.toLocaleString('en-US')} recipients: ${text}\n`);
}

async function measure(total: number): Promise<Figures> {
  say(total, 'starting a Hub and an Edge …');
  let pair = await BenchPair.up();
  try {
    const emptyMb = pair.residentMb;
    say(total, 'importing …');
    const importSeconds = await pair.importLines(Array.from({ length: total }, (_none, index) => line(index, 'alias')));
    say(total, `imported in ${importSeconds.toFixed(1)} s; full synchronization …`);
    pair.forgetPeak();
    const { value: full, longestMs } = await pair.greetDuring(() => pair.synchronize('-ForceFullSync'));
    const { peakMb } = pair;
    say(
      total,
      `${full.seconds.toFixed(1)} s, Edge at most ${peakMb.toFixed(0)} MB; ${DELTAS} times ${CHANGES} changes …`,
    );
    const deltaSeconds = await measureDeltas(pair, total);
    say(total, `${deltaSeconds.toFixed(3)} s each; ${LOOKUPS} look-ups at RCPT …`);
    await pair.stop();
    pair = await BenchPair.up(pair.folder);
    const unvalidatedMicros = await measureLookups(pair, total);
    await pair.run('edge', 'Set-RecipientFilterConfig', '-RecipientValidationEnabled', 'true');
    const lookupMicros = await measureLookups(pair, total);
    const restMb = pair.residentMb;
    const figures = {
      total,
      importSeconds,
      fullSeconds: full.seconds,
      longestMs,
      deltaSeconds,
      emptyMb,
      restMb,
      peakMb,
    };
    return { ...figures, unvalidatedMicros, lookupMicros };
  } finally {
    await pair.stop();
    pair.remove();
  }
}

/** Half of the changes are new addresses of somebody, half are somebody new; the fastest of several rounds, since what else the machine does only adds. */
async function measureDeltas(pair: BenchPair, total: number): Promise<number> {
  const seconds: number[] = [];
  for (let round = 0; round <= DELTAS; round += 1) {
    const half = CHANGES / 2;
    const changed = Array.from({ length: half }, (_none, index) =>
      line((round * half + index) % total, `again${round}.`),
    );
    const made = Array.from({ length: half }, (_none, index) => line(total + round * half + index, 'alias'));
    await pair.importLines([...changed, ...made]);
    const delta = await pair.synchronize();
    if (Number(delta.report['Added']) + Number(delta.report['Updated']) !== CHANGES)
      throw new Error(`a round of ${CHANGES} changes carried something else: ${JSON.stringify(delta.report)}`);
    if (round > 0) seconds.push(delta.seconds);
  }
  return Math.min(...seconds);
}

async function measureLookups(pair: BenchPair, total: number): Promise<number> {
  const recipients = Array.from({ length: LOOKUPS }, (_none, index) => address((index * 7919) % total));
  const micros: number[] = [];
  for (let pass = 0; pass < PASSES; pass += 1) micros.push(await pair.timeRecipients(recipients));
  return Math.min(...micros);
}

const ROWS: readonly [what: string, value: (figures: Figures) => string][] = [
  ['Import-Recipient on the Hub, s', ({ importSeconds }) => importSeconds.toFixed(1)],
  ['full synchronization, one transaction, s', ({ fullSeconds }) => fullSeconds.toFixed(1)],
  ['longest wait for a greeting of the Edge meanwhile, ms', ({ longestMs }) => longestMs.toFixed(0)],
  [`synchronization of ${CHANGES} changes, ms`, ({ deltaSeconds }) => (deltaSeconds * 1000).toFixed(0)],
  ['RCPT without validation, µs', ({ unvalidatedMicros }) => unvalidatedMicros.toFixed(0)],
  ['RCPT with validation, µs', ({ lookupMicros }) => lookupMicros.toFixed(0)],
  ['Edge before the first recipient, MB resident', ({ emptyMb }) => emptyMb.toFixed(0)],
  ['Edge at rest, started again and asked, MB resident', ({ restMb }) => restMb.toFixed(0)],
  ['Edge at most during the full synchronization, MB resident', ({ peakMb }) => peakMb.toFixed(0)],
];

function makeTable(all: readonly Figures[]): string {
  const head = ['', ...all.map(({ total }) => `${total.toLocaleString('en-US')} recipients`)];
  const rows = ROWS.map(([what, value]) => [what, ...all.map(value)]);
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function makeRatios(all: readonly Figures[]): string {
  const [first, last] = [all[0], all.at(-1)];
  if (!first || !last || first === last) return '';
  const growth = (last.total / first.total).toLocaleString('en-US');
  const ratio = (value: (figures: Figures) => number): string => (value(last) / value(first)).toFixed(2);
  return `With ${growth} times the recipients, ${CHANGES} changes cost ${ratio((f) => f.deltaSeconds)} times as much and a look-up at RCPT
${ratio((f) => f.lookupMicros)} times as much.`;
}

function makePage(all: readonly Figures[]): string {
  const [{ model } = { model: 'unknown' }] = cpus();
  const machine = `${cpus().length} × ${model}, ${(totalmem() / 2 ** 30).toFixed(0)} GB, Node.js ${process.version}`;
  return `# What recipients cost

Written by \`npm run bench:directory\` on ${new Date().toISOString().slice(0, 10)}, on ${machine}: a Hub and an Edge as real
processes with embedded directories, two addresses to a recipient, everything on loopback. Times are the Hub's own; of
several for changes and look-ups the fastest, since what else the machine does only adds.

${makeTable(all)}

${makeRatios(all)}
`;
}

const all: Figures[] = [];
for (const total of TOTALS) all.push(await measure(total));
process.stdout.write(`${makeTable(all)}\n\n${makeRatios(all)}\n`);
if (SIZES.length === 0) writeFileSync(PAGE, makePage(all));
