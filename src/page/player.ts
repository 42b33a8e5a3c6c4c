// Plays a recording: feeds what was told to the same servers and views as it came then, and asks nobody.

import { batch, signal } from '@preact/signals';
import { ApiProblem } from './api.ts';
import { followAddress } from './navigation.ts';
import { forgetMail, openingProblem, servers, showServers, takeTracking } from './pair.ts';
import { advance, clamp, type Speed } from './playback.ts';
import { RecordedApi } from './recorded-api.ts';
import { readRecording, type Recording, type RecordedServer } from './recording.ts';
import { Server } from './server.ts';
import { eventsBetween, type TapedEvent } from './tape.ts';

/** Whether this page is an exported file, readable or not. */
export const isRecorded = signal(false);
export const recording = signal<Recording | undefined>(undefined);
/** The moment that is shown, in milliseconds of the recording's clock. */
export const position = signal(0);
export const isPlaying = signal(false);
export const speed = signal<Speed>(1);

const TICK_MS = 100;

const tapes = new Map<Server, readonly TapedEvent[]>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Shows how it stood at the end; nothing moves until somebody says so. */
export function openRecording(json: string): void {
  isRecorded.value = true;
  try {
    const read = readRecording(json);
    if (read.scenario && location.hash === '') location.hash = '#/lab';
    followAddress();
    recording.value = read;
    showServers(read.servers.map(openServer));
    seek(read.until);
  } catch (error) {
    openingProblem.value = new ApiProblem('recording', error instanceof Error ? error.message : String(error), 0);
  }
}

function openServer({ name, fqdn, role, events, answers }: RecordedServer): Server {
  const listed = { Server: name, Fqdn: fqdn, Role: role, Url: null };
  const server = new Server(listed, takeTracking, { api: new RecordedApi(answers), now: () => position.peek() });
  tapes.set(
    server,
    events.map(({ at, kind, data }) => ({ at, kind, data: JSON.stringify(data) })),
  );
  return server;
}

/** Shows how it stood at this moment, at once and without anything travelling. */
export function seek(at: number): void {
  const range = recording.peek();
  if (range === undefined) return;
  batch(() => {
    position.value = clamp(at, range);
    forgetMail();
    for (const server of servers.peek()) {
      server.forget();
      server.take(eventsBetween(tapes.get(server) ?? [], Number.NEGATIVE_INFINITY, position.peek()), true);
    }
  });
}

/** From where it stands, or from the beginning where that is the end. */
export function play(): void {
  const range = recording.peek();
  if (range === undefined) return;
  if (position.peek() >= range.until) seek(range.from);
  isPlaying.value = true;
  let last = performance.now();
  clearInterval(timer);
  timer = setInterval(() => {
    const now = performance.now();
    goOn(advance(position.peek(), now - last, speed.peek(), range));
    last = now;
    if (position.peek() >= range.until) pause();
  }, TICK_MS);
}

export function pause(): void {
  clearInterval(timer);
  isPlaying.value = false;
}

function goOn(to: number): void {
  const from = position.peek();
  position.value = to;
  for (const server of servers.peek()) {
    const events = eventsBetween(tapes.get(server) ?? [], from, to);
    if (events.length > 0) server.take(events);
  }
}
