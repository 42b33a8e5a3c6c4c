// Moves the clocks of a running laboratory pair to a time ahead, together, so that what is due on the way happens: in steps that
// no credential sleeps through, with a synchronization after each. Backwards, or without a subscription, it is one step.

import type { CmdletOutput } from '../cmdlets/output.ts';
import type { Role } from '../config.ts';

/** Runs a cmdlet in one of the two servers. */
export type AskServer = (
  role: Role,
  cmdlet: string,
  parameters: Readonly<Record<string, readonly string[]>>,
) => Promise<CmdletOutput>;

const HOUR_MS = 3_600_000;
/** A step is never longer; credentials live 90 days and are renewed 7 days before their end. */
const MAX_STEP_MS = 80 * 24 * HOUR_MS;

export interface ClockMove {
  /** Offsets from the clock of the machine, in milliseconds. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Told of each step that both servers have taken. */
  readonly onStep?: (offsetMs: number) => void;
  /** Told of a synchronization on the way that did not succeed. */
  readonly onFailure?: (sentence: string) => void;
}

/** Resolves when both servers stand at the time asked for. Throws Problem when one refuses. */
export async function moveLabClocks(ask: AskServer, move: ClockMove): Promise<void> {
  let atMs = move.fromMs;
  while (atMs !== move.toMs) {
    const renewal = await readRenewal(ask);
    atMs = nextOffset(atMs, move.toMs, renewal && renewal.getTime() - Date.now());
    // The Edge first: it knows the hub's credential until its end, and its successor from the synchronization after the step on.
    for (const role of ['edge', 'hub'] as const) await ask(role, 'Set-LabClock', { Offset: [formatOffset(atMs)] });
    if (renewal) await synchronize(ask, move.onFailure);
    move.onStep?.(atMs);
  }
}

/** Where the next step ends. `renewalMs` is the offset at which a credential is due for its successor. Pure. */
export function nextOffset(atMs: number, toMs: number, renewalMs: number | undefined): number {
  if (renewalMs === undefined || toMs < atMs) return toMs;
  const dueMs = renewalMs > atMs ? renewalMs + HOUR_MS : toMs;
  return Math.min(toMs, dueMs, atMs + MAX_STEP_MS);
}

/** An offset as --clock and Set-LabClock take it. */
export function formatOffset(offsetMs: number): string {
  return `${offsetMs < 0 ? '-' : '+'}${Math.abs(Math.round(offsetMs))}ms`;
}

/** When the first credential is due for its successor; undefined while no Edge is subscribed. */
async function readRenewal(ask: AskServer): Promise<Date | undefined> {
  const { records } = await ask('hub', 'Get-EdgeSubscription', {});
  const dates = records.map((record) => record['CredentialRenewal']).filter((value) => value instanceof Date);
  return dates.toSorted((a, b) => a.getTime() - b.getTime())[0];
}

async function synchronize(ask: AskServer, onFailure: ClockMove['onFailure']): Promise<void> {
  const { failures = [] } = await ask('hub', 'Start-EdgeSynchronization', {});
  for (const sentence of failures) onFailure?.(sentence);
}
