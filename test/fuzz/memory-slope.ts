// Whether memory grows with the runs: resident memory now and then, and the slope of the straight line that fits it best.

const MIB = 1024 * 1024;
/** The first part of the samples is warm-up: code is compiled and heaps find their size. */
const WARM_UP_SHARE = 0.3;

export interface MemorySample {
  readonly runs: number;
  readonly residentBytes: number;
}

/** A sample of this process; garbage is collected before where node was started with --expose-gc. */
export function sampleMemory(runs: number): MemorySample {
  globalThis.gc?.();
  return { runs, residentBytes: process.memoryUsage.rss() };
}

/** MiB for 10,000 runs, by least squares over the samples after the warm-up; undefined with fewer than three of them. */
export function fitSlope(samples: readonly MemorySample[]): number | undefined {
  const used = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
  if (used.length < 3) return undefined;
  const mean = (of: (sample: MemorySample) => number): number =>
    used.reduce((sum, sample) => sum + of(sample), 0) / used.length;
  const runs = mean((sample) => sample.runs);
  const bytes = mean((sample) => sample.residentBytes);
  const covariance = mean((sample) => (sample.runs - runs) * (sample.residentBytes - bytes));
  const variance = mean((sample) => (sample.runs - runs) ** 2);
  return variance === 0 ? undefined : ((covariance / variance) * 10_000) / MIB;
}
