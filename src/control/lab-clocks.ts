// Moves the clocks of a running laboratory pair together: to a time ahead so that what is due on the way happens, in steps that
// no credential sleeps through, with a synchronization after each; and to another speed at the same moment. Backwards, or
// without a subscription, a move is one step.

import type { ClockCourse } from '../clock.ts';
import type { CmdletOutput } from '../cmdlets/output.ts';
import type { Role } from '../config.ts';
import { formatClockOffset } from '../duration.ts';

/** Runs a cmdlet in one of the two servers. */
export type AskServer = (
  role: Role,
  cmdlet: string,
  parameters: Readonly<Record<string, readonly string[]>>,
) => Promise<CmdletOutput>;

const HOUR_MS = 3_600_000;
/** A step is never longer; credentials live 90 days and are renewed 7 days before their end. */
const MAX_STEP_MS = 80 * 24 * HOUR_MS;

interface ClockWatch {
  /** Told of each step that both servers have taken. */
  readonly onStep?: (offsetMs: number) => void;
  /** Told of a synchronization on the way that did not succeed. */
  readonly onFailure?: (sentence: string) => void;
}

export interface ClockMove extends ClockWatch {
  /** Offsets from the clock of the machine, in milliseconds. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** Resolves when both servers stand at the time asked for. Throws Problem when one refuses. */
export async function moveLabClocks(ask: AskServer, move: ClockMove): Promise<void> {
  let atMs = move.fromMs;
  while (atMs !== move.toMs) {
    const renewal = await readRenewal(ask);
    atMs = nextOffset(atMs, move.toMs, renewal && renewal.getTime() - Date.now());
    await setLabClocks(ask, { offsetMs: atMs, speed: 1, since: new Date() });
    if (renewal) await synchronize(ask, move.onFailure);
    move.onStep?.(atMs);
  }
}

export interface ClockWish extends ClockWatch {
  /** Offset from the clock of the machine, in milliseconds; where the Hub's stands when absent. */
  readonly toMs?: number | undefined;
  /** As it was when absent. */
  readonly speed?: number | undefined;
}

/** Brings both clocks on one course, whatever they were on, and resolves with it. Throws Problem when a server refuses. */
export async function steerLabClocks(ask: AskServer, { toMs, speed, ...watch }: ClockWish): Promise<ClockCourse> {
  const before = await readLabClock(ask, 'hub');
  const next = speed ?? before.speed;
  if (toMs === undefined) return setLabClocks(ask, { ...onward(before), speed: next });
  // While they are moved they run no faster than the machine's, or the steps would never meet them.
  const start = await setLabClocks(ask, { ...onward(before), speed: 1 });
  await moveLabClocks(ask, { ...watch, fromMs: start.offsetMs, toMs });
  return setLabClocks(ask, { offsetMs: toMs, speed: next, since: new Date() });
}

/** The same course, told from this moment on. */
function onward({ offsetMs, speed, since }: ClockCourse): ClockCourse {
  const now = new Date();
  return { offsetMs: Math.round(offsetMs + (speed - 1) * (now.getTime() - since.getTime())), speed, since: now };
}

/** How the clock of one server runs at this moment. */
export async function readLabClock(ask: AskServer, role: Role): Promise<ClockCourse> {
  const { records } = await ask(role, 'Get-LabClock', {});
  const { UtcNow: now, MachineUtcNow: since, Speed: speed } = records[0] ?? {};
  if (!(now instanceof Date) || !(since instanceof Date)) throw new Error('Get-LabClock gave no dates');
  return { offsetMs: now.getTime() - since.getTime(), speed: Number(speed), since };
}

/** The Edge first: it knows the hub's credential until its end, and its successor from the synchronization after a step on. */
async function setLabClocks(ask: AskServer, course: ClockCourse): Promise<ClockCourse> {
  const parameters = {
    Offset: [formatClockOffset(course.offsetMs)],
    Speed: [String(course.speed)],
    Since: [course.since.toISOString()],
  };
  for (const role of ['edge', 'hub'] as const) await ask(role, 'Set-LabClock', parameters);
  return course;
}

/** Where the next step ends. `renewalMs` is the offset at which a credential is due for its successor. Pure. */
export function nextOffset(atMs: number, toMs: number, renewalMs: number | undefined): number {
  if (renewalMs === undefined || toMs < atMs) return toMs;
  const dueMs = renewalMs > atMs ? renewalMs + HOUR_MS : toMs;
  return Math.min(toMs, dueMs, atMs + MAX_STEP_MS);
}

/** When the first credential is due for its successor; undefined while no Edge is subscribed. */
async function readRenewal(ask: AskServer): Promise<Date | undefined> {
  const { records } = await ask('hub', 'Get-EdgeSubscription', {});
  const dates = records.map((record) => record['CredentialRenewal']).filter((value) => value instanceof Date);
  return dates.toSorted((a, b) => a.getTime() - b.getTime())[0];
}

async function synchronize(ask: AskServer, onFailure: ClockWatch['onFailure']): Promise<void> {
  const { failures = [] } = await ask('hub', 'Start-EdgeSynchronization', {});
  for (const sentence of failures) onFailure?.(sentence);
}
