// The kinds: what a matrix is made of. Rows are what happens, columns are policies, cells what came of it and what shows it.

import type { Observation } from '../meddle/meddler.ts';

/**
 * How it ended. `tls` and `clear`: the message was delivered so. `waits`: it is still with its sender. `bounced`: the sender gave it
 * up and told its author. `served` and `refused`: for what a client tries on a server without a message.
 */
export type Outcome = 'tls' | 'clear' | 'waits' | 'bounced' | 'served' | 'refused';

export interface Finding {
  readonly outcome: Outcome;
  /** Of the decision card, or in words. */
  readonly reason: string;
}

export interface Cell extends Finding {
  readonly event: string;
  readonly policy: string;
  /** What the rules say; absent where nobody promises anything. */
  readonly expected?: Finding;
  /** What is worth saying beside it. */
  readonly remarks: readonly string[];
  /** As the servers wrote them. */
  readonly cards: readonly Readonly<Record<string, unknown>>[];
  /** What was seen on the wire, connection by connection. */
  readonly connections: readonly Observation[];
  /** Files beside the report. */
  readonly captures: readonly string[];
}

export interface Heading {
  readonly id: string;
  readonly title: string;
}

export interface Matrix {
  readonly id: string;
  readonly title: string;
  readonly events: readonly Heading[];
  readonly policies: readonly Heading[];
  readonly cells: readonly Cell[];
}

export interface Report {
  readonly format: 1;
  readonly made: Date;
  readonly version: string;
  /** What was looked at: "the pair", "server mail.example.net:25". */
  readonly subject: string;
  readonly matrices: readonly Matrix[];
}

/** True unless the rules say something else. */
export function hasHeld({ expected, outcome, reason }: Cell): boolean {
  return expected === undefined || (expected.outcome === outcome && expected.reason === reason);
}

/** The cells that are not as the rules say. */
export function findBrokenCells(report: Report): readonly Cell[] {
  return report.matrices.flatMap(({ cells }) => cells).filter((cell) => !hasHeld(cell));
}

export function findCell({ cells }: Matrix, event: Heading, policy: Heading): Cell | undefined {
  return cells.find((cell) => cell.event === event.id && cell.policy === policy.id);
}

/** A text of a record; empty where it is none. */
export function textOf(record: Readonly<Record<string, unknown>> | undefined, key: string): string {
  const value = record?.[key];
  return typeof value === 'string' ? value : '';
}
