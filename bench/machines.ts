// `npm run bench:machines`: a Hub on its embedded spool against Hubs that share a spool in a PostgreSQL, one, two and three of them, all
// on this machine with source and sink. The database is the bench's own: Debian's PostgreSQL on a free port, run by an ordinary
// user, with fsync. Asserts nothing. What an operator makes of the numbers is calculated from them (machines/sizing.ts).
//   --cases a,b   which (all)         --rounds 3     interleaved, every second one in reverse order
//   --layouts a,b which (all)         --seconds 5    aimed length
//   --warm-up 4   aimed length of the mail before that, which is not counted
//   --json        results as JSON lines, no tables
//   --write       the tables go into docs/scale.md as well

import { parseArgs } from 'node:util';
import { startPostgres } from '../test/helpers/postgres.ts';
import { CASES, LAYOUTS } from './machines/layouts.ts';
import { formatTable, medianOf } from './machines/report.ts';
import { measureStored, type Result, run } from './machines/run.ts';
import { formatSizing } from './machines/sizing-table.ts';
import type { Costs } from './machines/sizing.ts';
import { writeMeasured } from './measured-page.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string' },
    layouts: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    'warm-up': { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
/** What the calculation rests on: mail of a usual size, and the one node whose figures no other one disturbs. */
const SIZED = { case: '100k-s12', layout: 'postgres-1' };
/** As an administrator sets them for a database that is written to all day. */
const SETTINGS = { shared_buffers: '256MB', max_wal_size: '4GB', wal_compression: 'off' };

const cases = choose(CASES, values.cases);
const layouts = choose(LAYOUTS, values.layouts);
const rounds = Number(values.rounds);
const results: Result[] = [];
const database = await startPostgres({ fsync: true, settings: SETTINGS });
try {
  for (let round = 1; round <= rounds; round++) {
    for (const benchCase of cases) {
      for (const layout of round % 2 === 0 ? layouts.toReversed() : layouts) {
        const result = await run({
          layout,
          benchCase,
          database,
          seconds: Number(values.seconds),
          warmUpSeconds: Number(values['warm-up']),
        });
        results.push(result);
        note(`round ${round}: ${benchCase.name} ${layout.name} ${result.perSecond.toFixed(0)} messages/s`);
        if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
      }
    }
  }
  const costs = await findCosts();
  const tables = [formatTable(results), ...(costs ? [formatSizing(costs)] : [])].join('\n\n');
  if (!values.json) process.stdout.write(`${tables}\n`);
  if (values.write) writeMeasured('scale.md', 'npm run bench:machines', tables);
} finally {
  await database.stop();
}

/** Undefined where what it rests on was not measured. */
async function findCosts(): Promise<Costs | undefined> {
  const sized = results.filter((result) => result.case === SIZED.case && result.layout === SIZED.layout);
  const benchCase = CASES.find(({ name }) => name === SIZED.case);
  if (sized.length === 0 || !benchCase) return undefined;
  const of = (read: (result: Result) => number): number => medianOf(sized, read) ?? 0;
  return {
    nodeCpuMs: of(({ hubCpuMs }) => hubCpuMs),
    databaseCpuMs: of(({ databaseCpuMs }) => databaseCpuMs),
    transactions: of((result) => result.database.transactions),
    walBytes: of((result) => result.database.walBytes),
    storedBytes: await measureStored(database, benchCase),
  };
}

function choose<T extends { readonly name: string }>(all: readonly T[], names: string | undefined): readonly T[] {
  if (names === undefined) return all;
  return names.split(',').map((name) => {
    const found = all.find((each) => each.name === name);
    if (!found) {
      note(`there is no "${name}": ${all.map((each) => each.name).join(', ')}`);
      process.exit(1);
    }
    return found;
  });
}

function note(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}
