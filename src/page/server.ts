// One server as the page knows it: how to ask it, whether it answers, and what it said last. Everything that changes is a signal;
// everything that grows is bounded.

import { batch, signal } from '@preact/signals';
import { Api, type ApiProblem, type ApiRecord } from './api.ts';
import { append, prepend } from './bounded.ts';
import type { StreamEvent } from './event-lines.ts';
import { openStream, readHistory } from './event-stream.ts';
import { flag, text, time } from './fields.ts';
import { addSample, type LoadSample } from './rates.ts';
import { keepToken, tokenOf } from './tokens.ts';

export type ServerRole = 'hub' | 'edge';

/** What `GET /api/v1/servers` says of each server that belongs on one page; the first is the one that answers. */
export interface ListedServer {
  /** Its short name, such as EDGE01. */
  readonly Server: string;
  readonly Fqdn: string;
  readonly Role: ServerRole;
  /** The origin of its Admin API; null for the server that answers. */
  readonly Url: string | null;
}

/** How things stand with the stream of a server's events. */
export type Link =
  | { readonly state: 'connecting' | 'open' | 'closed' }
  | { readonly state: 'refused'; readonly problem: ApiProblem };

const KINDS = ['tracking', 'event', 'sync', 'clock', 'queues', 'load', 'health'];
/** What one screen can show; the server says how many it left out. */
const PER_SECOND = 150;
const MAX_EVENTS = 500;
const MAX_ROUNDS = 50;
const MAX_SAMPLES = 600;
/** Messages of the last minutes stand in the list when the page is opened. */
const HISTORY_MS = 15 * 60_000;
const MAX_HISTORY = 400;

/** Called with records of message tracking; `isPast` for those from before the page was opened. */
type OnTracking = (server: Server, records: readonly ApiRecord[], isPast: boolean) => void;

export class Server {
  readonly name: string;
  readonly fqdn: string;
  readonly role: ServerRole;
  readonly isOwn: boolean;
  readonly api: Api;

  readonly link = signal<Link>({ state: 'connecting' });
  readonly hello = signal<ApiRecord | undefined>(undefined);
  readonly clock = signal<ApiRecord | undefined>(undefined);
  readonly queues = signal<ApiRecord | undefined>(undefined);
  readonly health = signal<ApiRecord | undefined>(undefined);
  /** The newest first. */
  readonly events = signal<readonly ApiRecord[]>([]);
  /** Rounds of EdgeSync, the newest first. */
  readonly rounds = signal<readonly ApiRecord[]>([]);
  /** The oldest first, one a second while something happens. */
  readonly load = signal<readonly LoadSample[]>([]);
  /** Records that the server left out since the page is open. */
  readonly skipped = signal(0);

  readonly #onTracking: OnTracking;
  #token: string | undefined;
  #close: (() => void) | undefined;
  #clockSetAt = 0;
  #hasHistory = false;

  constructor(listed: ListedServer, onTracking: OnTracking) {
    this.name = listed.Server;
    this.fqdn = listed.Fqdn;
    this.role = listed.Role;
    this.isOwn = listed.Url === null;
    this.api = new Api(listed.Url ?? '', () => this.#token);
    this.#token = tokenOf(this.isOwn ? '' : this.name);
    this.#onTracking = onTracking;
  }

  /** Whether the caller may change something here. */
  get mayWrite(): boolean {
    return text(this.hello.value, 'Access') === 'ReadWrite';
  }

  get hasToken(): boolean {
    return this.#token !== undefined;
  }

  get isLaboratory(): boolean {
    return flag(this.hello.value, 'IsLaboratory');
  }

  /** The server's own time in milliseconds, which in a laboratory is not this machine's. */
  now(): number {
    const said = time(this.clock.value, 'UtcNow');
    const speed = Number(this.clock.value?.['Speed'] ?? 1);
    return said === undefined ? Date.now() : said + (performance.now() - this.#clockSetAt) * speed;
  }

  /** Goes on with this token, or with none. */
  useToken(token: string | undefined): void {
    this.#token = token === '' ? undefined : token;
    keepToken(this.isOwn ? '' : this.name, this.#token);
    this.connect();
  }

  connect(): void {
    this.#close?.();
    this.link.value = { state: 'connecting' };
    this.#close = openStream({
      api: this.api,
      kinds: KINDS,
      perSecond: PER_SECOND,
      onEvents: (events) => batch(() => this.#take(events)),
      onState: (problem) => {
        this.link.value = problem ? { state: 'refused', problem } : { state: 'open' };
      },
      onClosed: () => {
        this.link.value = { state: 'closed' };
      },
    });
  }

  /** What happened before the page was opened, as far as the server still has it in memory; asked for once. */
  async #takeHistory(): Promise<void> {
    if (this.#hasHistory) return;
    this.#hasHistory = true;
    try {
      const Start = new Date(this.now() - HISTORY_MS).toISOString();
      const before = await this.api.call('Get-MessageTrackingLog', { Start, ResultSize: MAX_HISTORY });
      this.#onTracking(this, before.records, true);
      const events = await readHistory(this.api, ['event', 'sync']);
      const known = (kind: string): ApiRecord[] =>
        events.filter((event) => event.kind === kind).flatMap(({ data }) => readRecord(data));
      batch(() => {
        this.events.value = prepend([], known('event'), MAX_EVENTS);
        this.rounds.value = prepend([], known('sync'), MAX_ROUNDS);
      });
    } catch {
      this.#hasHistory = false;
    }
  }

  #take(events: readonly StreamEvent[]): void {
    const byKind = new Map<string, ApiRecord[]>();
    for (const { kind, data } of events) {
      const list = byKind.get(kind) ?? [];
      list.push(...readRecord(data));
      byKind.set(kind, list);
    }
    const last = (kind: string): ApiRecord | undefined => byKind.get(kind)?.at(-1);
    this.hello.value = last('hello') ?? this.hello.value;
    this.queues.value = last('queues') ?? this.queues.value;
    this.health.value = last('health') ?? this.health.value;
    this.#takeClock(last('clock') ?? last('hello'));
    if (byKind.has('hello')) void this.#takeHistory();
    this.events.value = prepend(this.events.value, byKind.get('event') ?? [], MAX_EVENTS);
    this.rounds.value = prepend(this.rounds.value, byKind.get('sync') ?? [], MAX_ROUNDS);
    for (const load of byKind.get('load') ?? [])
      this.load.value = append(this.load.value, addSample(this.load.value.at(-1), load, Date.now()), MAX_SAMPLES);
    for (const skipped of byKind.get('skipped') ?? []) this.skipped.value += Number(skipped['Count'] ?? 0);
    if (byKind.has('tracking')) this.#onTracking(this, byKind.get('tracking') ?? [], false);
  }

  #takeClock(clock: ApiRecord | undefined): void {
    if (clock === undefined) return;
    this.#clockSetAt = performance.now();
    this.clock.value = clock;
  }
}

/** One record, or none where the data cannot be read. */
function readRecord(data: string): readonly ApiRecord[] {
  try {
    return [JSON.parse(data) as ApiRecord];
  } catch {
    return [];
  }
}
