// One server as the page knows it: how to ask it, whether it answers, and what it said last. Everything that changes is a signal;
// everything that grows is bounded.

import { batch, signal } from '@preact/signals';
import type { Role } from '../config.ts';
import { Api, type ApiProblem, type ApiRecord } from './api.ts';
import { append, prepend } from './bounded.ts';
import { openStream, readHistory } from './event-stream.ts';
import { flag, number, records, text, time } from './fields.ts';
import { addSample, type LoadSample } from './rates.ts';
import { Tape, type TapedEvent } from './tape.ts';
import { keepToken, tokenOf } from './tokens.ts';
import { wallNow } from './wall-clock.ts';

/** What `GET /api/v1/servers` says of each server that belongs on one page; the first is the one that answers. */
export interface ListedServer {
  /** Its short name, such as EDGE01. */
  readonly Server: string;
  readonly Fqdn: string;
  readonly Role: Role;
  /** The origin of its Admin API; null for the server that answers. */
  readonly Url: string | null;
}

/** How things stand with the stream of a server's events. */
export type Link =
  | { readonly state: 'connecting' | 'open' | 'closed' | 'recorded' }
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
/** An event of the page's own: what was before. */
const HISTORY = 'history';

/** Called with records of message tracking; `isPast` for those from before the page was opened. */
type OnTracking = (server: Server, records: readonly ApiRecord[], isPast: boolean) => void;

/** What stands for a server in a recording: its answers, and the moment that is shown. */
interface Recorded {
  readonly api: Api;
  readonly now: () => number;
}

export class Server {
  readonly name: string;
  readonly fqdn: string;
  readonly role: Role;
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
  /** Records that it left out since they were more than a screen can show: what is counted of them is too little. */
  readonly skipped = signal(0);
  /** What it told, for a recording. */
  readonly tape = new Tape();

  readonly #onTracking: OnTracking;
  readonly #wall: () => number;
  #token: string | undefined;
  #close: (() => void) | undefined;
  #clockSetAt = 0;
  #hasHistory = false;

  /** Without a recording it is to be connected. */
  constructor(listed: ListedServer, onTracking: OnTracking, recorded?: Recorded) {
    this.name = listed.Server;
    this.fqdn = listed.Fqdn;
    this.role = listed.Role;
    this.isOwn = listed.Url === null;
    this.#onTracking = onTracking;
    this.#wall = recorded?.now ?? wallNow;
    this.api = recorded?.api ?? new Api(listed.Url ?? '', () => this.#token);
    if (recorded) this.link.value = { state: 'recorded' };
    else this.#token = tokenOf(this.isOwn ? '' : this.name);
  }

  /** Whether the caller may change something here. */
  get mayWrite(): boolean {
    return text(this.hello.value, 'Access') === 'ReadWrite';
  }

  get hasToken(): boolean {
    return this.#token !== undefined;
  }

  /** Whether it is played and cannot be asked. */
  get isRecorded(): boolean {
    return this.link.value.state === 'recorded';
  }

  get isLaboratory(): boolean {
    return flag(this.hello.value, 'IsLaboratory');
  }

  /** This machine's clock; in a recording the moment that is shown. In milliseconds. */
  wallNow(): number {
    return this.#wall();
  }

  /** The server's own time in milliseconds, which in a laboratory is not this machine's. */
  now(): number {
    const said = time(this.clock.value, 'UtcNow');
    const speed = Number(this.clock.value?.['Speed'] ?? 1);
    return said === undefined ? this.#wall() : said + (this.#wall() - this.#clockSetAt) * speed;
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
      onEvents: (events) => {
        const at = this.#wall();
        this.#takeLive(events.map(({ kind, data }) => ({ at, kind, data })));
      },
      onState: (problem) => {
        this.link.value = problem ? { state: 'refused', problem } : { state: 'open' };
      },
      onClosed: () => {
        this.link.value = { state: 'closed' };
      },
    });
  }

  /** What happened before the page was opened, as far as the server still has it in memory; asked for once. */
  async #askHistory(): Promise<void> {
    if (this.#hasHistory) return;
    this.#hasHistory = true;
    try {
      const Start = new Date(this.now() - HISTORY_MS).toISOString();
      const before = await this.api.call('Get-MessageTrackingLog', { Start, Newest: MAX_HISTORY });
      this.#takeHistoryOf({ tracking: before.records.toReversed() });
      const events = await readHistory(this.api, ['event', 'sync']);
      const known = (kind: string): ApiRecord[] =>
        events.filter((event) => event.kind === kind).flatMap(({ data }) => readRecord(data));
      this.#takeHistoryOf({ event: known('event'), sync: known('sync') });
    } catch {
      this.#hasHistory = false;
    }
  }

  #takeHistoryOf(history: ApiRecord): void {
    this.#takeLive([{ at: this.#wall(), kind: HISTORY, data: JSON.stringify(history) }]);
  }

  #takeLive(events: readonly TapedEvent[]): void {
    this.tape.add(events);
    this.take(events);
    if (events.some(({ kind }) => kind === 'hello')) void this.#askHistory();
  }

  /** What it told, in the order of time; `isPast` for what is not happening just now. */
  take(events: readonly TapedEvent[], isPast = false): void {
    batch(() => {
      // History takes the place of what was known, so that what came before it is taken before it.
      let begun = 0;
      for (const [index, { kind, data }] of events.entries()) {
        if (kind !== HISTORY) continue;
        this.#takeEvents(events.slice(begun, index), isPast);
        for (const history of readRecord(data)) this.#takePast(history);
        begun = index + 1;
      }
      this.#takeEvents(events.slice(begun), isPast);
    });
  }

  #takePast(history: ApiRecord): void {
    if ('tracking' in history) this.#onTracking(this, records(history, 'tracking'), true);
    if ('event' in history) this.events.value = prepend([], records(history, 'event'), MAX_EVENTS);
    if ('sync' in history) this.rounds.value = prepend([], records(history, 'sync'), MAX_ROUNDS);
  }

  /** As before anything was told. */
  forget(): void {
    batch(() => {
      for (const state of [this.hello, this.clock, this.queues, this.health]) state.value = undefined;
      for (const list of [this.events, this.rounds]) list.value = [];
      this.load.value = [];
      this.skipped.value = 0;
    });
  }

  #takeEvents(events: readonly TapedEvent[], isPast: boolean): void {
    const byKind = new Map<string, Told[]>();
    for (const { at, kind, data } of events) {
      const list = byKind.get(kind) ?? [];
      list.push(...readRecord(data).map((record) => ({ at, record })));
      byKind.set(kind, list);
    }
    const of = (kind: string): readonly ApiRecord[] => (byKind.get(kind) ?? []).map(({ record }) => record);
    const last = (kind: string): ApiRecord | undefined => byKind.get(kind)?.at(-1)?.record;
    this.hello.value = last('hello') ?? this.hello.value;
    this.queues.value = last('queues') ?? this.queues.value;
    this.health.value = last('health') ?? this.health.value;
    this.#takeClock((byKind.get('clock') ?? byKind.get('hello'))?.at(-1));
    this.skipped.value += of('skipped').reduce((sum, record) => sum + number(record, 'Count'), 0);
    this.events.value = prepend(this.events.value, of('event'), MAX_EVENTS);
    this.rounds.value = prepend(this.rounds.value, of('sync'), MAX_ROUNDS);
    for (const { at, record } of byKind.get('load') ?? [])
      this.load.value = append(this.load.value, addSample(this.load.value.at(-1), record, at), MAX_SAMPLES);
    if (byKind.has('tracking')) this.#onTracking(this, of('tracking'), isPast);
  }

  #takeClock(told: Told | undefined): void {
    if (told === undefined) return;
    this.#clockSetAt = told.at;
    this.clock.value = told.record;
  }
}

interface Told {
  readonly at: number;
  readonly record: ApiRecord;
}

/** One record, or none where the data cannot be read. */
function readRecord(data: string): readonly ApiRecord[] {
  try {
    return [JSON.parse(data) as ApiRecord];
  } catch {
    return [];
  }
}
