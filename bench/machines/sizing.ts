// From what a message costs to what a day of mail needs: pure. Everything that is assumed is a field with a name, and printed.

/** What a message costs one tier, Hubs or Edges, as it was measured. */
export interface Costs {
  readonly nodeCpuMs: number;
  /** Of the database with all its processes. */
  readonly databaseCpuMs: number;
  readonly transactions: number;
  readonly walBytes: number;
  /** What a message that waits takes up in the database. */
  readonly storedBytes: number;
}

export interface Assumptions {
  /** Octets of a message. */
  readonly messageBytes: number;
  /** The busiest second against the mean of the day. */
  readonly peakFactor: number;
  /** The busiest hour against the mean of the day. */
  readonly busyHourFactor: number;
  /** How much of a core is used in the busiest second; the rest is for what nobody thought of. */
  readonly utilisation: number;
  /** Nodes of each group that may be away in the busiest second. */
  readonly spareNodes: number;
  /** Connections of a node to the database, the one that listens included. */
  readonly connectionsPerNode: number;
  /** A next hop is away so long, in hours as busy as the busiest: what comes meanwhile waits. */
  readonly outageHours: number;
  /** How many days of WAL are kept, to go back to a moment. */
  readonly walDays: number;
  /** Primary and standbys. */
  readonly copies: number;
  /** What one primary has: cores, and octets of WAL a second on its disk and to its standby. More mail needs another group. */
  readonly primaryCores: number;
  readonly primaryWalBytes: number;
  /** In any currency: a core for an hour, and 10^9 octets on a fast disk for a month. */
  readonly coreHour: number;
  readonly gigabyteMonth: number;
}

/** What a number of messages a day needs; everything of all groups together. */
export interface Sizing {
  readonly perDay: number;
  readonly meanPerSecond: number;
  readonly peakPerSecond: number;
  /** Each a database of its own with the nodes that share it. */
  readonly groups: number;
  /** Of a core each, the spare ones included. */
  readonly nodes: number;
  /** Of the primaries. */
  readonly databaseCores: number;
  readonly connections: number;
  readonly transactionsPerSecond: number;
  readonly walBytesPerSecond: number;
  /** Of mail, in at the one side of the nodes and out at the other. */
  readonly mailBytesPerSecond: number;
  /** Of the primaries: what waits at the end of the outage, and the WAL that is kept. */
  readonly diskBytes: number;
  readonly costPerMillion: number;
}

const DAY_SECONDS = 86_400;
const DAY_HOURS = 24;
const MONTH_HOURS = 8760 / 12;
const MONTH_DAYS = 365 / 12;

export function sizeFor(perDay: number, costs: Costs, assumed: Assumptions): Sizing {
  const meanPerSecond = perDay / DAY_SECONDS;
  const peakPerSecond = meanPerSecond * assumed.peakFactor;
  const coresFor = (cpuMs: number): number => (peakPerSecond * cpuMs) / 1000 / assumed.utilisation;
  const walBytesPerSecond = peakPerSecond * costs.walBytes;
  const groups = Math.ceil(
    Math.max(coresFor(costs.databaseCpuMs) / assumed.primaryCores, walBytesPerSecond / assumed.primaryWalBytes),
  );
  const nodes = groups * (Math.ceil(coresFor(costs.nodeCpuMs) / groups) + assumed.spareNodes);
  const databaseCores = groups * Math.ceil(coresFor(costs.databaseCpuMs) / groups);
  const waiting = Math.min(perDay, (perDay / DAY_HOURS) * assumed.busyHourFactor * assumed.outageHours);
  const diskBytes = waiting * costs.storedBytes + perDay * assumed.walDays * costs.walBytes;
  const costOfMonth =
    (nodes + databaseCores * assumed.copies) * MONTH_HOURS * assumed.coreHour +
    (diskBytes / 1e9) * assumed.copies * assumed.gigabyteMonth;
  return {
    perDay,
    meanPerSecond,
    peakPerSecond,
    groups,
    nodes,
    databaseCores,
    connections: nodes * assumed.connectionsPerNode,
    transactionsPerSecond: peakPerSecond * costs.transactions,
    walBytesPerSecond,
    mailBytesPerSecond: peakPerSecond * assumed.messageBytes,
    diskBytes,
    costPerMillion: costOfMonth / ((perDay * MONTH_DAYS) / 1e6),
  };
}
