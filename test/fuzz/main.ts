// npm run fuzz: throws inputs that are nearly right at the SMTP listener, its PROXY header, the SMTP sender, the LDAP server and the reader of the
// subscription file, and says how many, what broke and whether memory grew. Exit code 1 when anything broke.

import { parseArgs } from 'node:util';
import { runFuzz, TARGETS, type TargetReport } from './run.ts';

const USAGE = `npm run fuzz -- [--seed N] [--seconds N | --runs N] [--target WORD]... [--first N]
  --seed N       repeats the inputs of an earlier run; printed at the start
  --seconds N    for each target; 60 when neither is given
  --runs N       inputs for each target
  --target WORD  one of ${Object.keys(TARGETS).join(', ')}; all of them when none is given
  --first N      the number of the first input: with --runs 1 the one that failed`;

function count(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} must be a whole number from 1, it is ${text}`);
  return Number(text);
}

function formatTable(reports: readonly TargetReport[]): string {
  const rows = reports.map(({ name, runs, seconds, faults, slope, residentMiB }) =>
    [name, runs, seconds.toFixed(0), faults.length, slope?.toFixed(2) ?? '-', residentMiB.toFixed(0)].map(String),
  );
  const table = [['target', 'runs', 'seconds', 'faults', 'MiB per 10,000 runs', 'MiB resident'], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const align = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return table.map((row) => row.map(align).join('  ')).join('\n');
}

async function main(): Promise<number> {
  const string = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      seed: string,
      seconds: string,
      runs: string,
      first: string,
      target: { type: 'string', multiple: true },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const seed = count(values.seed, 'seed') ?? 1 + (Date.now() % 1_000_000);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  say(`seed ${seed}`);
  const runs = count(values.runs, 'runs');
  const seconds = count(values.seconds, 'seconds') ?? (runs === undefined ? 60 : undefined);
  const first = count(values.first, 'first');
  const reports = await runFuzz({
    seed,
    targets: values.target ?? Object.keys(TARGETS),
    ...(runs !== undefined && { runs }),
    ...(seconds !== undefined && { seconds }),
    ...(first !== undefined && { first }),
    say,
  });
  const faults = reports.flatMap((report) => report.faults);
  for (const fault of faults) console.log(`FAULT ${fault}`);
  console.log(`${formatTable(reports)}\nseed ${seed}`);
  return faults.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`fuzz: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
// Whatever a target that hangs still holds open.
process.exit();
