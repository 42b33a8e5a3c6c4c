// The calculation as an operator reads it: what was assumed, then a column for each number of messages a day.

import { format } from '../pair/report.ts';
import { type Assumptions, type Costs, type Sizing, sizeFor } from './sizing.ts';

/** Of a mail server for an organisation, and of rented machines in 2026; every one of them is an option of the bench. */
export const ASSUMED: Assumptions = {
  messageBytes: 100 * 1024,
  peakFactor: 10,
  busyHourFactor: 5,
  utilisation: 0.5,
  spareNodes: 1,
  connectionsPerNode: 9,
  outageHours: 4,
  walDays: 2,
  copies: 2,
  primaryCores: 16,
  primaryWalBytes: 300e6,
  coreHour: 0.04,
  gigabyteMonth: 0.1,
};

const PER_DAY = [1e6, 10e6, 100e6];
const MB = 1e6;
const GB = 1e9;

export function formatSizing(costs: Costs, assumed: Assumptions = ASSUMED): string {
  const sizings = PER_DAY.map((perDay) => sizeFor(perDay, costs, assumed));
  const row = (title: string, read: (sizing: Sizing) => number): string =>
    `| ${[title, ...sizings.map((sizing) => format(read(sizing)))].join(' | ')} |`;
  return [
    describe(costs, assumed),
    '',
    `| messages a day | ${PER_DAY.map((perDay) => `${perDay / 1e6} million`).join(' | ')} |`,
    `| --- |${PER_DAY.map(() => ' --- |').join('')}`,
    row('messages/s, mean', ({ meanPerSecond }) => meanPerSecond),
    row('messages/s, busiest second', ({ peakPerSecond }) => peakPerSecond),
    row('databases, each with nodes of its own', ({ groups }) => groups),
    row('nodes of one core, spare ones included', ({ nodes }) => nodes),
    row('cores of the primaries', ({ databaseCores }) => databaseCores),
    row('connections to the databases', ({ connections }) => connections),
    row('transactions/s, busiest second', ({ transactionsPerSecond }) => transactionsPerSecond),
    row('WAL, MB/s, busiest second', ({ walBytesPerSecond }) => walBytesPerSecond / MB),
    row('mail in, and as much out, MB/s, busiest second', ({ mailBytesPerSecond }) => mailBytesPerSecond / MB),
    row('disk of the primaries, GB', ({ diskBytes }) => diskBytes / GB),
    row('cost of a million messages', ({ costPerMillion }) => costPerMillion),
  ].join('\n');
}

function describe(
  { nodeCpuMs, databaseCpuMs, walBytes, storedBytes, transactions }: Costs,
  assumed: Assumptions,
): string {
  return [
    `Measured, for a message of ${assumed.messageBytes / 1024} KiB: ${format(nodeCpuMs)} ms of CPU of a node and ${format(databaseCpuMs)} ms of the`,
    `database, ${format(transactions)} transactions, ${format(walBytes / 1024)} KiB of WAL, ${format(storedBytes / 1024)} KiB on the disk while it waits. Assumed: the busiest second`,
    `is ${assumed.peakFactor} times the mean of the day and the busiest hour ${assumed.busyHourFactor} times; then ${assumed.utilisation * 100} % of each core is used; ${assumed.spareNodes} node of each group is spare; a`,
    `node has ${assumed.connectionsPerNode} connections; a primary has at most ${assumed.primaryCores} cores and writes at most ${assumed.primaryWalBytes / MB} MB of WAL a second, more mail needs`,
    `another database; all mail of ${assumed.outageHours} hours as busy as the busiest waits; WAL is kept for ${assumed.walDays} days; there are ${assumed.copies} copies of each`,
    `database; a core costs ${assumed.coreHour} an hour and a GB of disk ${assumed.gigabyteMonth} a month, in any currency.`,
  ].join('\n');
}
