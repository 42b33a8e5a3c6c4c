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

const OUTCOMES = ['accepted', 'refused', 'delivered', 'deferred', 'failed'] as const;
const HEADINGS = { servers: 'Servers', queues: 'Queues with mail', reasons: 'How it went, and why', hops: 'Last hops' };

/** A row for each server: messages a second since the look before; null where there was none. */
export function summarise(look: Look, before: Look | undefined): OutputRecord[] {
  return look.servers.map((server) => {
    const fresh = freshCards(server, before);
    const seconds = before === undefined ? undefined : (look.atMs - before.atMs) / 1000;
    const rates = OUTCOMES.map((outcome) => {
      const count = fresh?.filter((card) => card['Outcome'] === outcome).length;
      return [`${outcome}/s`, count === undefined || seconds === undefined ? null : rate(count, seconds)] as const;
    });
    const waiting = server.queues.reduce((sum, queue) => sum + Number(queue['MessageCount'] ?? 0), 0);
    return {
      Server: nameOf(server.role),
      ...Object.fromEntries(rates),
      Waiting: waiting,
      Pressure: describePressure(server.counters),
      Clock: server.cards.map((card) => card['ClockOffset']).find((offset) => typeof offset === 'string') ?? null,
    };
  });
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

/** The lines of the picture, at most as many and as long as the screen has room for. */
export function drawScreen(look: Look, before: Look | undefined, { columns, rows }: ScreenSize): string[] {
  const summary = summarise(look, before);
  const lines = [
    ...look.missing.map((sentence) => truncate(escapeText(sentence), columns)),
    ...section(HEADINGS.servers, formatTable(summary, Object.keys(summary[0] ?? {}), columns)),
    ...section(HEADINGS.queues, formatTable(listQueues(look).slice(0, 8), QUEUE_COLUMNS, columns)),
    ...section(HEADINGS.reasons, formatTable(countReasons(look).slice(0, 10), REASON_COLUMNS, columns)),
    ...section(HEADINGS.hops, formatTable(listHops(look).slice(0, rows), HOP_COLUMNS, columns)),
  ];
  return lines.slice(0, rows).map((line) => truncate(line, columns));
}

function section(heading: string, table: readonly string[]): string[] {
  return [heading, ...(table.length === 0 ? ['  none'] : table), ''];
}
