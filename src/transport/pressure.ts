// Back pressure, the decisions: how much of a resource is used, which of three levels that is, and whom a level refuses
// (exchange: back pressure). Levels have a threshold for the way up and a lower one for the way down, so that a value at the
// edge does not flap; how a resource is measured is resource-monitor.ts.

import type { Principal } from '../directory/receive-connector.ts';
import { REPLIES } from '../smtp/replies.ts';
import type { Reply } from '../smtp/reply.ts';

export type PressureLevel = 'Normal' | 'Medium' | 'High';

/** In the order of rising pressure; the metric counts in this order. */
export const PRESSURE_LEVELS: readonly PressureLevel[] = ['Normal', 'Medium', 'High'];

/** Pressures at which a level begins and ends: one unit for each resource, and higher is always worse. */
export interface Thresholds {
  readonly lowToMedium: number;
  readonly mediumToHigh: number;
  readonly highToMedium: number;
  readonly mediumToLow: number;
}

/** The level after a measurement. Up needs more than the threshold, down less than the lower one; two steps at once are possible. */
export function nextLevel(level: PressureLevel, pressure: number, thresholds: Thresholds): PressureLevel {
  if (pressure > thresholds.mediumToHigh) return 'High';
  if (level === 'High' && pressure >= thresholds.highToMedium) return 'High';
  if (pressure > thresholds.lowToMedium) return 'Medium';
  return level !== 'Normal' && pressure >= thresholds.mediumToLow ? 'Medium' : 'Normal';
}

/** The worst of several. */
export function highestLevel(levels: Iterable<PressureLevel>): PressureLevel {
  return PRESSURE_LEVELS[Math.max(0, ...Array.from(levels, (level) => PRESSURE_LEVELS.indexOf(level)))] ?? 'Normal';
}

/** What a receiver has to know of the resources at MAIL. */
export interface Pressure {
  readonly level: PressureLevel;
  /** Octets that may be written before the disk of the spool is under high pressure. */
  readonly roomBytes: number;
}

/**
 * The refusal of MAIL FROM for want of resources, if any: at Medium of strangers, at High of everybody (exchange), and always
 * of a message that is known to be larger than the room there is (RFC 1870 §6.1).
 */
export function refuseForPressure(
  pressure: Pressure,
  principal: Principal,
  declaredSizeBytes: number | undefined,
): Reply | undefined {
  const isRefused = pressure.level === 'High' || (pressure.level === 'Medium' && principal === 'anonymous');
  if (isRefused || (declaredSizeBytes ?? 0) > pressure.roomBytes) return REPLIES.insufficientResources;
  return undefined;
}

export interface DiskSpace {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** Free octets at which the levels of a disk begin. */
export interface DiskLimits {
  readonly diskMedium: number;
  readonly diskHigh: number;
}

/** On a disk so small that a limit would be more than these parts of it, the part counts (exchange: 96 and 99 %). */
const MEDIUM_PART = 0.04;
const HIGH_PART = 0.01;
/** So much more must be free before a level ends. */
const RELIEF = 1.25;

/** A disk's pressure is what of it is used, in octets. */
export function diskThresholds(totalBytes: number, limits: DiskLimits): Thresholds {
  const mediumBytes = Math.min(limits.diskMedium, totalBytes * MEDIUM_PART);
  const highBytes = Math.min(limits.diskHigh, totalBytes * HIGH_PART, mediumBytes);
  return {
    lowToMedium: totalBytes - mediumBytes,
    mediumToHigh: totalBytes - highBytes,
    highToMedium: totalBytes - Math.min(highBytes * RELIEF, mediumBytes),
    mediumToLow: totalBytes - mediumBytes * RELIEF,
  };
}
