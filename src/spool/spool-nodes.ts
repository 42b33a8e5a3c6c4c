// Those who share a spool: what each of them says of itself, and what is wanted of it. A wish stands beside the nodes, under the
// server's identity, so that it outlives whoever it is meant for.

import { z } from 'zod';
import type { Cancel } from '../clock.ts';
import type { SpoolDrills } from './spool-drills.ts';

/** How far a server has come with a wish that it take nothing more. */
const STAGES = ['active', 'draining', 'drained'] as const;
export type NodeStage = (typeof STAGES)[number];

const instant = z.iso.datetime().transform((text) => new Date(text));

const reportFormat = z.object({
  version: z.string(),
  sessions: z.number(),
  stage: z.enum(STAGES),
  position: z.record(z.string(), z.string()).optional(),
  staleSince: instant.optional(),
  behindSince: instant.optional(),
});

/** What a server says of itself with each beat. */
export interface NodeReport {
  readonly version: string;
  /** SMTP sessions of clients. */
  readonly sessions: number;
  readonly stage: NodeStage;
  /** How far its copy of the directory has come, by the server at which changes are made; absent where nothing says so. */
  readonly position?: Readonly<Record<string, string>> | undefined;
  /** While it goes on with the last good state of its directory. */
  readonly staleSince?: Date | undefined;
  /** While it lacks changes of the directory that other nodes have. */
  readonly behindSince?: Date | undefined;
}

export function formatReport(report: NodeReport): string {
  return JSON.stringify(report);
}

/** Undefined where it says nothing, or nothing that this version understands. */
export function parseReport(text: string | null): NodeReport | undefined {
  if (text === null) return undefined;
  try {
    return reportFormat.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** A server that has the spool open, or of which something is wanted; a value of the moment. */
export interface SpoolNode {
  /** Its row; undefined while it does not have the spool open. */
  readonly id: number | undefined;
  /** The same as long as its folder lives. */
  readonly server: string;
  readonly name: string;
  /** By the database's clock. */
  readonly startedAt: Date | undefined;
  readonly lastBeatAt: Date | undefined;
  /** True when it has shown no life for a whole lease. */
  readonly isSilent: boolean;
  /** Messages that it holds. */
  readonly messages: number;
  readonly isSelf: boolean;
  readonly report: NodeReport | undefined;
  /** While it is to take nothing more: who said so, and when. */
  readonly suspension: { readonly by: string; readonly at: Date } | undefined;
}

/** What a server has to do with the others on its spool. Everything that asks the database: Problem `spool-unavailable`. */
export interface SpoolNodes {
  /** Failovers on purpose. */
  readonly drills: SpoolDrills;

  /** By name. */
  list(): Promise<SpoolNode[]>;

  /** What the others said of themselves when this server last looked. */
  readonly others: readonly NodeReport[];

  /** Who wants this server to take nothing more, as it last read; undefined: nobody. */
  readonly suspendedBy: string | undefined;

  /** True while nobody can have taken what this server holds: it has shown the database a sign of life within its lease. */
  isSure(): boolean;

  /** Has a node take nothing more, or go on. It knows at once, or with its next beat, or when it starts. */
  suspend(node: Pick<SpoolNode, 'server' | 'name'>, by: string): Promise<void>;
  resume(node: Pick<SpoolNode, 'server'>): Promise<void>;

  /** From now on `make` says what this server is. */
  reportBy(make: () => NodeReport): void;

  /** Calls `listener` after each look at the wish and the others, some times in a lease; it must not throw. */
  onLook(listener: () => void): Cancel;

  /** Tells the others soon what has changed here. */
  reportSoon(): void;
}
