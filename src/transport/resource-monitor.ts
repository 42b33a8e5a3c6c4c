// Back pressure, the watching: measures every two seconds how much of disk, memory and queue is used (exchange: back pressure
// samples so often), keeps the level of each, and says so in event log and metrics when one changes. Whom a level refuses is
// pressure.ts.

import type { Cancel, Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import { Recurrence } from '../recurrence.ts';
import type { EventLog } from '../tracking/event-log.ts';
import { createEvent } from '../tracking/events.ts';
import type { Metrics } from '../tracking/metrics.ts';
import {
  type DiskLimits,
  type DiskSpace,
  diskThresholds,
  highestLevel,
  nextLevel,
  type Pressure,
  PRESSURE_LEVELS,
  type PressureLevel,
  type Thresholds,
} from './pressure.ts';

const SAMPLE_MS = 2000;

/** The measuring instruments; they may throw. */
export interface Resources {
  /** Of the disks of spool and logs. */
  readonly spoolDisk: () => DiskSpace;
  readonly logDisk: () => DiskSpace;
  /** Of the memory that this process may have, percent in use. */
  readonly memoryPercent: () => number;
  /** Messages accepted and not yet sorted into a queue. */
  readonly submissionLength: () => Promise<number>;
}

/** Where the levels begin, as the config's backPressure says it: free octets, percent, messages. */
export interface PressureLimits extends DiskLimits {
  readonly memoryMedium: number;
  readonly memoryHigh: number;
  readonly submissionMedium: number;
  readonly submissionHigh: number;
}

/** A resource as it stood at the last measurement. */
export interface ResourceState {
  readonly name: ResourceName;
  readonly unit: 'octets' | 'percent' | 'messages';
  readonly level: PressureLevel;
  readonly pressure: number;
  readonly thresholds: Thresholds;
}

export type ResourceName = 'UsedDiskSpace[Spool]' | 'UsedDiskSpace[Logs]' | 'PrivateBytes' | 'SubmissionQueueLength';

/** What Exchange says besides, at High, of the resources that an administrator has to make room for. */
const EXHAUSTED: Readonly<Partial<Record<ResourceName, 'DiskSpaceExhausted' | 'MemoryExhausted'>>> = {
  'UsedDiskSpace[Spool]': 'DiskSpaceExhausted',
  'UsedDiskSpace[Logs]': 'DiskSpaceExhausted',
  PrivateBytes: 'MemoryExhausted',
};

export interface ResourceMonitorOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly events: Pick<EventLog, 'record'>;
  readonly metrics: Pick<Metrics, 'resourcePressure'>;
  readonly resources: Resources;
  /** Asked at each measurement: they may be set anew. */
  readonly limits: () => PressureLimits;
}

interface Measurement {
  readonly name: ResourceName;
  readonly unit: ResourceState['unit'];
  readonly pressure: number;
  readonly thresholds: Thresholds;
  /** So many measurements in a row must say so before the level rises: a burst is no pressure. */
  readonly patience: number;
}

/** Holds the levels. */
export class ResourceMonitor {
  readonly #options: ResourceMonitorOptions;
  readonly #states = new Map<ResourceName, ResourceState>();
  readonly #samples: Recurrence;
  readonly #risingFor = new Map<ResourceName, number>();
  readonly #listeners = new Set<() => void>();
  #roomBytes = Number.POSITIVE_INFINITY;

  constructor(options: ResourceMonitorOptions) {
    this.#options = options;
    const failed = (error: unknown): number => {
      this.#complain(error);
      return SAMPLE_MS;
    };
    this.#samples = new Recurrence({ clock: options.clock, look: () => this.#sample(), failed });
  }

  /** Measures once, and from then on until `close`. */
  start(): Promise<void> {
    return this.#samples.look();
  }

  close(): void {
    this.#samples.close();
  }

  /** Calls `listener` after each measurement. */
  onSample(listener: () => void): Cancel {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** What MAIL is judged by. A full disk of records is told and costs records, not mail. */
  pressure(): Pressure {
    const states = this.states().filter(({ name }) => name !== 'UsedDiskSpace[Logs]');
    return { level: highestLevel(states.map(({ level }) => level)), roomBytes: this.#roomBytes };
  }

  states(): readonly ResourceState[] {
    return [...this.#states.values()];
  }

  /** One measurement of everything; what cannot be measured keeps its level. Returns when to measure again. */
  async #sample(): Promise<number> {
    const { resources } = this.#options;
    const limits = this.#options.limits();
    this.#try(() => {
      const space = resources.spoolDisk();
      this.#roomBytes = space.freeBytes - (space.totalBytes - diskThresholds(space.totalBytes, limits).mediumToHigh);
      return measureDisk('UsedDiskSpace[Spool]', space, limits);
    });
    this.#try(() => measureDisk('UsedDiskSpace[Logs]', resources.logDisk(), limits));
    this.#try(() => ({
      name: 'PrivateBytes',
      unit: 'percent',
      pressure: resources.memoryPercent(),
      thresholds: withRelief(limits.memoryMedium, limits.memoryHigh, (percent) => percent - 2),
      patience: 5,
    }));
    this.#note({
      name: 'SubmissionQueueLength',
      unit: 'messages',
      pressure: await resources.submissionLength(),
      // Rounded up: an empty queue ends the level of a threshold of 1 too.
      thresholds: withRelief(limits.submissionMedium, limits.submissionHigh, (messages) => Math.ceil(messages / 2)),
      patience: 10,
    });
    for (const listener of this.#listeners) listener();
    return SAMPLE_MS;
  }

  #try(measure: () => Measurement): void {
    try {
      this.#note(measure());
    } catch (error) {
      this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    this.#options.log.warn({ error: messageOf(error) }, 'a resource could not be measured; its level stays');
  }

  #note({ name, unit, pressure, thresholds, patience }: Measurement): void {
    const before = this.#states.get(name)?.level ?? 'Normal';
    const level = this.#patiently(name, before, nextLevel(before, pressure, thresholds), patience);
    this.#states.set(name, { name, unit, level, pressure, thresholds });
    const { events, metrics } = this.#options;
    metrics.resourcePressure.set({ resource: name }, PRESSURE_LEVELS.indexOf(level));
    if (level === before) return;
    const facts = { resource: name, from: before, to: level, pressure: `${Math.round(pressure)} ${unit}` };
    events.record(
      createEvent(isHigher(level, before) ? 'ResourcePressureIncreased' : 'ResourcePressureDecreased', facts),
    );
    const exhausted = level === 'High' ? EXHAUSTED[name] : undefined;
    if (exhausted !== undefined) events.record(createEvent(exhausted, facts));
  }

  #patiently(name: ResourceName, before: PressureLevel, wanted: PressureLevel, patience: number): PressureLevel {
    const times = isHigher(wanted, before) ? (this.#risingFor.get(name) ?? 0) + 1 : 0;
    const isBelieved = times === 0 || times >= patience;
    this.#risingFor.set(name, isBelieved ? 0 : times);
    return isBelieved ? wanted : before;
  }
}

function isHigher(level: PressureLevel, than: PressureLevel): boolean {
  return PRESSURE_LEVELS.indexOf(level) > PRESSURE_LEVELS.indexOf(than);
}

function measureDisk(name: ResourceName, space: DiskSpace, limits: DiskLimits): Measurement {
  return {
    name,
    unit: 'octets',
    pressure: space.totalBytes - space.freeBytes,
    thresholds: diskThresholds(space.totalBytes, limits),
    patience: 1,
  };
}

function withRelief(medium: number, high: number, relief: (threshold: number) => number): Thresholds {
  return { lowToMedium: medium, mediumToHigh: high, highToMedium: relief(high), mediumToLow: relief(medium) };
}
