// One picture of `relaypair top`: both servers, their queues, how mail went lately and why, the last hops. Pure; what came from
// outside is escaped by the tables.

import type { Column, OutputRecord } from '../cmdlets/output.ts';
import type { Role } from '../config.ts';
import { formatTable } from './table.ts';
import { truncate } from './text.ts';
import { escapeText } from '../unsafe-text.ts';

/** What one server answered at one look. */
export interface ServerLook {
  readonly role: Role;
  readonly queues: readonly OutputRecord[];
  /** The last decision cards, newest first. */
  readonly cards: readonly OutputRecord[];
  readonly counters: readonly OutputRecord[];
  /** The record of Get-LabClock. */
  readonly clock: OutputRecord | undefined;
}

export interface Look {
  /** A monotonic time, in milliseconds. */
  readonly atMs: number;
  readonly servers: readonly ServerLook[];
  /** Why a server is not among them. */
  readonly missing: readonly string[];
}

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

const OUTCOME_NAMES = {
  accepted: 'Accepted',
  refused: 'Refused',
  delivered: 'Delivered',
  deferred: 'Deferred',
  failed: 'Failed',
} as const;
const OUTCOMES = ['accepted', 'refused', 'delivered', 'deferred', 'failed'] as const;
const HEADINGS = {
  servers: 'Servers: messages a second, sessions that are open, mail that waits',
  queues: 'Queues with mail',
  reasons: 'How it went, and why',
  hops: 'Last hops',
};

/** A row for each server: messages a second since the look before, null where there was none; sessions from clients and to next hops. */
export function summarise(look: Look, before: Look | undefined): OutputRecord[] {
  return look.servers.map((server) => {
    const fresh = freshCards(server, before);
    const seconds = before === undefined ? undefined : (look.atMs - before.atMs) / 1000;
    const rates = OUTCOMES.map((outcome) => {
      const count = fresh?.filter((card) => card['Outcome'] === outcome).length;
      return [
        OUTCOME_NAMES[outcome],
        count === undefined || seconds === undefined ? null : rate(count, seconds),
      ] as const;
    });
    const waiting = server.queues.reduce((sum, queue) => sum + Number(queue['MessageCount'] ?? 0), 0);
    return {
      Server: nameOf(server.role),
      ...Object.fromEntries(rates),
      In: sessions(server.counters, 'in'),
      Out: sessions(server.counters, 'out'),
      Waiting: waiting,
      Pressure: describePressure(server.counters),
      Clock: describeClock(server.clock),
    };
  });
}

/** How far it is from the machine's clock; null where nobody has moved it. */
function describeClock(clock: OutputRecord | undefined): string | null {
  const offset = clock?.['Clock'];
  return typeof offset === 'string' && offset !== 'not moved' ? offset : null;
}

function nameOf(role: Role): string {
  return role === 'hub' ? 'Hub' : 'Edge';
}

function rate(count: number, seconds: number): number {
  return Math.round((count / Math.max(seconds, 0.001)) * 10) / 10;
}

/** Undefined at the first look. Where more came than a look holds, what it holds. */
function freshCards({ role, cards }: ServerLook, before: Look | undefined): readonly OutputRecord[] | undefined {
  if (before === undefined) return undefined;
  const known = new Set(before.servers.find((server) => server.role === role)?.cards.map(idOf));
  return cards.filter((card) => !known.has(idOf(card)));
}

function idOf(card: OutputRecord): unknown {
  return (card['Card'] as OutputRecord | undefined)?.['id'];
}

/** Null where the server does not say. */
function sessions(counters: readonly OutputRecord[], direction: 'in' | 'out'): number | null {
  const counter = counters.find(
    ({ Counter, Labels }) =>
      Counter === 'relaypair_connections' && Array.isArray(Labels) && Labels.includes(`direction=${direction}`),
  );
  return counter === undefined ? null : Number(counter['Value']);
}

const PRESSURES = ['Normal', 'Medium', 'High'];

function describePressure(counters: readonly OutputRecord[]): string {
  const values = counters
    .filter((counter) => counter['Counter'] === 'relaypair_resource_pressure')
    .map((counter) => Number(counter['Value']));
  return PRESSURES[Math.max(0, ...values)] ?? 'High';
}

/** Queues that hold something, the longest first. */
export function listQueues({ servers }: Look): OutputRecord[] {
  return servers
    .flatMap(({ queues }) => queues)
    .filter((queue) => Number(queue['MessageCount'] ?? 0) > 0)
    .toSorted((a, b) => Number(b['MessageCount']) - Number(a['MessageCount']));
}

/** The last cards of both servers counted by what they say, the most frequent first. */
export function countReasons({ servers }: Look): OutputRecord[] {
  const counts = new Map<string, { record: OutputRecord; count: number }>();
  for (const { role, cards } of servers) {
    for (const { Side, Channel, Reason, Outcome } of cards) {
      const record = { Server: nameOf(role), Side, Outcome, Channel, Reason };
      const key = JSON.stringify(record);
      const found = counts.get(key);
      if (found === undefined) counts.set(key, { record, count: 1 });
      else found.count += 1;
    }
  }
  return [...counts.values()]
    .toSorted((a, b) => b.count - a.count)
    .map(({ record, count }) => ({ ...record, Count: count }));
}

/** The last cards of both servers, newest first. */
export function listHops({ servers }: Look): OutputRecord[] {
  return servers
    .flatMap(({ role, cards }) => cards.map((card) => ({ ...card, Server: nameOf(role) })))
    .toSorted((a, b) => timeOf(b) - timeOf(a));
}

function timeOf(record: OutputRecord): number {
  return record['Time'] instanceof Date ? record['Time'].getTime() : 0;
}

const QUEUE_COLUMNS: readonly Column[] = ['Identity', 'Status', 'MessageCount', 'NextHopDomain', 'LastError'];
const REASON_COLUMNS: readonly Column[] = ['Server', 'Side', 'Outcome', 'Channel', 'Reason', 'Count'];
const HOP_COLUMNS: readonly Column[] = ['Time', 'Server', 'Side', 'Outcome', 'Channel', 'Reason', 'Peer', 'MessageId'];

/** Less than this has no room for the day of a hop. */
const WIDE = 100;

function shortenTime(hop: OutputRecord): OutputRecord {
  return { ...hop, Time: new Date(timeOf(hop)).toISOString().slice(11, 19) };
}

/** Fewer rows than these have none to spare between the parts. */
const ROOMY = 30;

/** The lines of the picture, at most as many and as long as the screen has room for. */
export function drawScreen(look: Look, before: Look | undefined, { columns, rows }: ScreenSize): string[] {
  const summary = summarise(look, before);
  // On a small screen each part gives way, so that the last hops are there too.
  const share = Math.max(2, Math.min(10, Math.floor(rows / 7)));
  const section = (heading: string, records: readonly OutputRecord[], names: readonly Column[]): string[] => {
    const table = formatTable(records, names, columns);
    return [heading, ...(table.length === 0 ? ['  none'] : table), ...(rows < ROOMY ? [] : [''])];
  };
  const hops = listHops(look).slice(0, rows);
  const lines = [
    ...look.missing.map((sentence) => truncate(escapeText(sentence), columns)),
    ...section(HEADINGS.servers, summary, Object.keys(summary[0] ?? {})),
    ...section(HEADINGS.queues, listQueues(look).slice(0, share), QUEUE_COLUMNS),
    ...section(HEADINGS.reasons, countReasons(look).slice(0, share), REASON_COLUMNS),
    ...section(HEADINGS.hops, columns < WIDE ? hops.map(shortenTime) : hops, HOP_COLUMNS),
  ];
  return lines.slice(0, rows).map((line) => truncate(line, columns));
}
