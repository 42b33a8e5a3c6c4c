// `relaypair top`: the picture of both servers drawn anew every two seconds, until q or Ctrl-C. Into a pipe, and with --once,
// it is drawn once; --json gives the same to programs.

import { setTimeout as wait } from 'node:timers/promises';
import { Problem } from '../problem.ts';
import type { Doors } from './doors.ts';
import { DONE } from './exit-code.ts';
import { type PairPlace, PairServers } from './pair-servers.ts';
import { isInteractive, type Terminal } from './terminal.ts';
import { countReasons, drawScreen, listHops, listQueues, type Look, type ServerLook, summarise } from './top-screen.ts';
import { formatJson } from './values.ts';

export interface TopOptions extends PairPlace {
  readonly once?: boolean;
  readonly json?: boolean;
}

const EVERY_MS = 2000;
/** So many decision cards of each server are counted. */
const CARDS = '200';
const WIDE = 160;
const LONG = 60;

/** Returns the exit code; throws Problem when neither server answers at the first look. */
export async function runTop({ once, json, ...place }: TopOptions, doors: Doors, terminal: Terminal): Promise<number> {
  const servers = await PairServers.find(place, doors, terminal);
  const first = await look(servers);
  if (json === true) terminal.stdout.write(`${formatJson([describe(first)])}\n`);
  else if (once === true || !isInteractive(terminal) || terminal.stdout.isTTY !== true) {
    terminal.stdout.write(`${drawScreen(first, undefined, { columns: WIDE, rows: LONG }).join('\n')}\n`);
  } else await stay(servers, first, terminal);
  return DONE;
}

async function look(servers: PairServers): Promise<Look> {
  const { answers, missing } = await servers.ask(async (ask, role): Promise<ServerLook> => {
    const { records: queues } = await ask('Get-Queue');
    const { records: cards } = await ask('Get-DecisionCard', { Newest: [CARDS] });
    const { records: counters } = await ask('Get-Counter');
    const { records: clocks } = await ask('Get-LabClock');
    return { role, queues, cards, counters, clock: clocks[0] };
  });
  return { atMs: performance.now(), servers: answers.map(({ answer }) => answer), missing };
}

function describe(seen: Look): Parameters<typeof formatJson>[0][number] {
  return {
    Servers: summarise(seen, undefined),
    Queues: listQueues(seen),
    Reasons: countReasons(seen),
    Hops: listHops(seen),
    Missing: seen.missing,
  };
}

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
/** What a terminal in raw mode sends for them. */
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** On the terminal's other screen, which gives the person's own back at the end. */
async function stay(servers: PairServers, first: Look, terminal: Terminal): Promise<void> {
  const end = listenForEnd(terminal);
  const { signal } = end;
  terminal.stdout.write(ENTER);
  try {
    let before: Look | undefined;
    for (let now = first; ; ) {
      draw(now, before, terminal);
      await wait(EVERY_MS, undefined, { signal });
      before = now;
      now = await lookAgain(servers);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    terminal.stdout.write(LEAVE);
    end.close();
  }
}

/** While both are stopped the picture says so and waits for them. */
async function lookAgain(servers: PairServers): Promise<Look> {
  try {
    return await look(servers);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { atMs: performance.now(), servers: [], missing: [error.message] };
  }
}

function draw(now: Look, before: Look | undefined, { stdout }: Terminal): void {
  const { columns = 80, rows = 24 } = stdout as { columns?: number; rows?: number };
  const title = `relaypair top   ${new Date().toISOString().slice(0, 19)}Z   q leaves`;
  const lines = [title, '', ...drawScreen(now, before, { columns, rows: rows - 3 })];
  stdout.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`);
}

/** Aborts at q, Ctrl-C, the end of the input, SIGTERM and SIGHUP. */
function listenForEnd({ stdin }: Terminal): { readonly signal: AbortSignal; close(): void } {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  const onKey = (keys: Buffer): void => {
    const typed = String(keys);
    if (['q', 'Q', CTRL_C, CTRL_D].some((key) => typed.includes(key))) end();
  };
  stdin.setRawMode?.(true);
  stdin.on('data', onKey).once('end', end).resume();
  for (const name of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.once(name, end);
  return {
    signal: controller.signal,
    close: () => {
      stdin.off('data', onKey).off('end', end).pause();
      stdin.setRawMode?.(false);
      for (const name of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.off(name, end);
    },
  };
}
