// `npm run bench`: mail through a pair, source -> first server -> STARTTLS -> second server -> sink, all on loopback, against a pair of
// Postfix in the same place where Postfix is installed and this is root. Asserts nothing and installs nothing.
//   --cases a,b   which (all)         --rounds 3     interleaved, every second one in reverse order
//   --seconds 10  aimed length        --json         results as JSON lines, no table
//   --warm-up 30  length of the mail before that, which is not counted: a pair is to have been at work for a while; each case begins with
//                 three seconds of its own that are not counted either
//   --key ecdsa   what the servers of both show, on P-256, or rsa, of 2048 bits
//   --write       the table goes into docs/performance.md as well
// In each round a pair is started once and takes one case after the other.

import { parseArgs } from 'node:util';
import { writeMeasured } from './measured-page.ts';
import { type BenchCase, CASES } from './pair/cases.ts';
import { type BenchKey, entries, type Entry } from './pair/contestants.ts';
import { formatTable } from './pair/report.ts';
import { Course, type Result } from './pair/run.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    'warm-up': { type: 'string', default: '30' },
    json: { type: 'boolean', default: false },
    key: { type: 'string', default: 'ecdsa' },
    write: { type: 'boolean', default: false },
  },
});
const seconds = readNumber('seconds', values.seconds);
const warmUpSeconds = readNumber('warm-up', values['warm-up']);
const rounds = readNumber('rounds', values.rounds);
/** So many messages at a time find out how many a run needs. */
const CALIBRATION = { small: 300, large: 10 };
/** For so long a case's own mail comes before what counts, at its own pace: code that only this case runs is compiled by then. */
const PACE_MS = 3000;
const LARGE_BYTES = 1024 * 1024;
/** What a pair is warmed up with. */
const WARM_UP: BenchCase = { name: 'warm-up', sizeBytes: 4096, sessions: 10 };

const chosen = chooseCases(values.cases);
const contestants = entries(chooseKey(values.key));
/** The pair that is at work or is being started, and what ends it early. */
let atWork: Promise<Course> | undefined;
let brokenOff: Promise<never> | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void (brokenOff ??= breakOff(signal)));
const results: Result[] = [];
const counts = new Map<string, number>();
if (contestants.length === 1) note('Postfix is not installed, or this is not root: there is nothing to compare with');
for (let round = 1; round <= rounds; round++) {
  for (const entry of round % 2 === 0 ? contestants.toReversed() : contestants) await runAll(entry, round);
}
const table = formatTable(results);
if (!values.json) process.stdout.write(`${table}\n`);
if (values.write) writeMeasured('performance.md', 'npm run bench', table);

async function runAll(entry: Entry, round: number): Promise<void> {
  atWork = Course.open(entry);
  const course = await atWork;
  try {
    await course.warmUp(WARM_UP, warmUpSeconds);
    for (const benchCase of chosen) {
      const result = await course.measure(benchCase, await count(course, entry, benchCase));
      results.push(result);
      note(`round ${round}: ${benchCase.name} ${entry.name} ${result.perSecond.toFixed(0)} messages/s`);
      if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    }
  } catch (error) {
    // Whatever was under way then has failed for that reason.
    await brokenOff;
    throw error;
  } finally {
    atWork = undefined;
    await course.close();
  }
}

/** Postfix would go on without its sink for ever, and take its time from whatever is measured next. */
async function breakOff(signal: 'SIGINT' | 'SIGTERM'): Promise<never> {
  note(`broken off by ${signal}`);
  const course = await atWork?.catch(() => undefined);
  await course?.close();
  process.exit(1);
}

/** As many messages as the aimed length takes: the same in all rounds. */
async function count(course: Course, entry: Entry, benchCase: BenchCase): Promise<number> {
  const key = `${entry.name} ${benchCase.name}`;
  const calibration = benchCase.sizeBytes >= LARGE_BYTES ? CALIBRATION.large : CALIBRATION.small;
  const messages = benchCase.perSecond === undefined ? calibration : (benchCase.perSecond * PACE_MS) / 1000;
  // In later rounds too: the first messages of a case meet connections that are not there yet, and code that was never run.
  let rate = 0;
  for (const endMs = performance.now() + PACE_MS; performance.now() < endMs; ) {
    rate = await course.calibrate(benchCase, messages);
  }
  const found = counts.get(key) ?? Math.max(benchCase.sessions, Math.round(seconds * (benchCase.perSecond ?? rate)));
  counts.set(key, found);
  return found;
}

function chooseCases(names: string | undefined): readonly BenchCase[] {
  if (names === undefined) return CASES;
  return names.split(',').map((name) => {
    const found = CASES.find((benchCase) => benchCase.name === name);
    if (!found) fail(`there is no case "${name}": ${CASES.map((benchCase) => benchCase.name).join(', ')}`);
    return found;
  });
}

function chooseKey(name: string): BenchKey {
  if (name === 'ecdsa' || name === 'rsa') return name;
  fail(`--key is "ecdsa" or "rsa", and not "${name}"`);
}

function readNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) fail(`--${name} is a whole number from 1 on, and not "${text}"`);
  return value;
}

function note(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

function fail(sentence: string): never {
  note(sentence);
  process.exit(1);
}
