// A recording: what the page held at one moment and how it came to that, as a plain record with a version. It is what an exported
// file plays. Nothing in it lets anybody in anywhere: tokens, captures and the doors of a laboratory are left out. Pure.

import type { Answer, Parameters, TimedLine } from './api.ts';
import type { Role } from '../config.ts';
import type { TapedEvent } from './tape.ts';
import { say, texts } from './texts.ts';

/** The element of an exported file that holds the recording. */
export const RECORDING_ID = 'recording';

const FORMAT = 'relaypair-recording';
const VERSION = 1;

/** What a server answered to one question. */
export interface KnownAnswer {
  readonly cmdlet: string;
  readonly parameters: Parameters;
  readonly answer: Answer;
}

export interface RecordedServer {
  /** Its short name. */
  readonly name: string;
  readonly fqdn: string;
  readonly role: Role;
  /** In the order of time. */
  readonly events: readonly { readonly at: number; readonly kind: string; readonly data: unknown }[];
  /** As they were at the end. */
  readonly answers: readonly KnownAnswer[];
}

export interface RecordedScenario {
  readonly name: string;
  readonly title: string;
  readonly about: readonly string[];
  readonly lines: readonly TimedLine[];
}

export interface Recording {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  /** Milliseconds of the clock of the machine that recorded; it plays from here to `until`. */
  readonly from: number;
  readonly until: number;
  readonly servers: readonly RecordedServer[];
  readonly scenario?: RecordedScenario;
}

/** What a server's part is made of. */
export interface ServerParts extends Omit<RecordedServer, 'events'> {
  readonly events: readonly TapedEvent[];
}

/** Puts a recording together, without what is secret and without what came after `until`. */
export function makeRecording(
  { from, until }: Pick<Recording, 'from' | 'until'>,
  servers: readonly ServerParts[],
  scenario?: RecordedScenario,
): Recording {
  return withoutSecrets({
    format: FORMAT,
    version: VERSION,
    from: Math.min(from, until),
    until,
    servers: servers.map(({ name, fqdn, role, events, answers }) => ({
      name,
      fqdn,
      role,
      events: events.filter(({ at }) => at <= until).flatMap(readEvent),
      answers: answers.map(({ answer, ...asked }) => ({ ...asked, answer: { ...answer, files: [] } })),
    })),
    ...(scenario && { scenario: { ...scenario, lines: scenario.lines.filter(({ kind }) => kind !== 'file') } }),
  });
}

function readEvent({ at, kind, data }: TapedEvent): RecordedServer['events'] {
  try {
    return [{ at, kind, data: JSON.parse(data) as unknown }];
  } catch {
    return [];
  }
}

/** Where captures lie, a laboratory's door, and what the caller might do. */
const LEFT_OUT = new Set(['captures', 'laboratory', 'access']);
const TOKEN = /rpt_[\w-]+/g;

/** The same value without those fields, and with tokens, wherever somebody wrote one, cut off. */
function withoutSecrets<Value>(value: Value): Value {
  const clean = (each: unknown): unknown => {
    if (typeof each === 'string') return each.replace(TOKEN, 'rpt_…');
    if (Array.isArray(each)) return each.map(clean);
    if (typeof each !== 'object' || each === null) return each;
    const kept = Object.entries(each).filter(([name]) => !LEFT_OUT.has(name.toLowerCase()));
    return Object.fromEntries(kept.map(([name, inner]) => [name, clean(inner)]));
  };
  return clean(value) as Value;
}

/** As JSON that can stand in a script element: nothing in it ends the element or begins a comment. */
export function writeRecording(recording: Recording): string {
  return JSON.stringify(recording).replace(
    /[<\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Throws Error with one sentence for what this page cannot play. */
export function readRecording(json: string): Recording {
  const read = parse(json);
  if (!isObject(read) || read['format'] !== FORMAT) throw new Error(texts.player.unreadable);
  if (read['version'] !== VERSION)
    throw new Error(say(texts.player.unknownVersion, { version: String(read['version']) }));
  if (!isRecording(read)) throw new Error(texts.player.unreadable);
  return read;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOf(value: unknown, isOne: (each: Fields) => boolean): boolean {
  return Array.isArray(value) && value.every((each) => isObject(each) && isOne(each));
}

/** What playing relies on; fields of records are taken as they are, as those of a server. */
function isRecording(read: Fields): read is Fields & Recording {
  const { from, until, servers, scenario } = read;
  return (
    Number.isFinite(from) &&
    Number.isFinite(until) &&
    Number(from) <= Number(until) &&
    isListOf(servers, isServer) &&
    (scenario === undefined || (isObject(scenario) && isScenario(scenario)))
  );
}

function isServer({ name, fqdn, role, events, answers }: Fields): boolean {
  return (
    typeof name === 'string' &&
    typeof fqdn === 'string' &&
    (role === 'hub' || role === 'edge') &&
    isListOf(events, ({ at, kind }) => Number.isFinite(at) && typeof kind === 'string') &&
    isListOf(answers, ({ cmdlet, answer }) => typeof cmdlet === 'string' && isAnswer(answer))
  );
}

function isAnswer(value: unknown): boolean {
  return isObject(value) && isListOf(value['records'], () => true) && Array.isArray(value['failures']);
}

function isScenario({ name, title, about, lines }: Fields): boolean {
  return (
    typeof name === 'string' &&
    typeof title === 'string' &&
    Array.isArray(about) &&
    about.every((each) => typeof each === 'string') &&
    isListOf(lines, ({ at, kind }) => Number.isFinite(at) && typeof kind === 'string')
  );
}
