// The live events of one server, read by fetch so that a token can travel with it, and gone on from where they broke off. What
// comes is collected and handed on once for each frame of the screen, so that a busy server costs one change of the page.

import type { Api } from './api.ts';
import { ApiProblem, readTexts } from './api.ts';
import { EventLines, type StreamEvent } from './event-lines.ts';

export interface StreamOptions {
  readonly api: Api;
  readonly kinds: readonly string[];
  /** More records than these in a second are left out by the server, which then says how many. */
  readonly perSecond: number;
  /** What came since the last frame, in order; never empty. */
  readonly onEvents: (events: readonly StreamEvent[]) => void;
  /** `undefined` when the stream is open, else why it is not. */
  readonly onState: (problem: ApiProblem | undefined) => void;
  readonly onClosed: () => void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** In a tab that nobody sees there are no frames. */
const HIDDEN_BATCH_MS = 1000;
const MAX_WAITING = 5000;
/** Codes that trying again does not mend. */
const FINAL = new Set(['token-needed', 'token-wrong']);

/** Reads until the returned function is called. */
export function openStream(options: StreamOptions): () => void {
  const ending = new AbortController();
  const batch = new Batch(options.onEvents);
  void run(options, batch, ending.signal);
  return () => ending.abort();
}

async function run(options: StreamOptions, batch: Batch, signal: AbortSignal): Promise<void> {
  let lastId: string | undefined;
  let waitMs = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      for await (const event of readEvents(options, lastId, signal)) {
        if (event.kind === 'hello') {
          options.onState(undefined);
          waitMs = FIRST_WAIT_MS;
        }
        lastId = event.id ?? lastId;
        batch.add(event);
      }
      options.onClosed();
    } catch (error) {
      if (signal.aborted) return;
      const problem = error instanceof ApiProblem ? error : undefined;
      if (problem) options.onState(problem);
      else options.onClosed();
      if (problem && FINAL.has(problem.code)) return;
    }
    await wait(waitMs, signal);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

async function* readEvents(
  { api, kinds, perSecond }: StreamOptions,
  lastId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent> {
  const query = new URLSearchParams({ kinds: kinds.join(','), perSecond: String(perSecond) });
  const headers = { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) };
  const lines = new EventLines();
  for await (const text of readTexts(await api.request(`/api/v1/events?${query}`, { headers, signal })))
    yield* lines.take(text);
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}

class Batch {
  readonly #handOn: (events: readonly StreamEvent[]) => void;
  #waiting: StreamEvent[] = [];
  #isDue = false;

  constructor(handOn: (events: readonly StreamEvent[]) => void) {
    this.#handOn = handOn;
  }

  add(event: StreamEvent): void {
    this.#waiting.push(event);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    if (this.#isDue) return;
    this.#isDue = true;
    const flush = (): void => this.#flush();
    if (document.hidden) setTimeout(flush, HIDDEN_BATCH_MS);
    else requestAnimationFrame(flush);
  }

  #flush(): void {
    const events = this.#waiting;
    this.#waiting = [];
    this.#isDue = false;
    this.#handOn(events);
  }
}

const HISTORY_MS = 1500;

/** Records of these kinds that the server still has in memory: a stream from the oldest on, read for a moment. */
export async function readHistory(api: Api, kinds: readonly string[]): Promise<readonly StreamEvent[]> {
  const found: StreamEvent[] = [];
  const lines = new EventLines();
  const signal = AbortSignal.timeout(HISTORY_MS);
  try {
    const query = new URLSearchParams({ kinds: kinds.join(','), from: 'oldest' });
    for await (const text of readTexts(await api.request(`/api/v1/events?${query}`, { signal })))
      found.push(...lines.take(text));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return found.filter(({ kind }) => kinds.includes(kind));
}
