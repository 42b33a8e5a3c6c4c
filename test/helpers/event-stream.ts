// A client of server-sent events, as HTML describes the format.

import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';

export interface SentEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

export class EventStream {
  readonly status: number;
  readonly #events: AsyncGenerator<SentEvent>;
  readonly #stop: AbortController;

  private constructor(status: number, events: AsyncGenerator<SentEvent>, stop: AbortController) {
    this.status = status;
    this.#events = events;
    this.#stop = stop;
  }

  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<EventStream> {
    const stop = new AbortController();
    const response = await fetch(url, { headers, signal: stop.signal });
    const body = Readable.fromWeb(response.body as WebStream);
    body.on('error', () => undefined);
    return new EventStream(response.status, parse(body), stop);
  }

  /** The next event of this name; those before are forgotten. Undefined at the end of the stream. */
  async next(name?: string): Promise<SentEvent | undefined> {
    for (;;) {
      const { value, done } = await this.#events.next();
      if (done === true) return undefined;
      if (name === undefined || value.event === name) return value;
    }
  }

  close(): void {
    this.#stop.abort();
  }
}

async function* parse(body: Readable): AsyncGenerator<SentEvent> {
  let fields: Record<string, string> = {};
  for await (const line of createInterface({ input: body })) {
    if (line !== '') {
      const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (field !== '') fields[field] = value;
      continue;
    }
    const { id, event, data } = fields;
    fields = {};
    if (event !== undefined && data !== undefined)
      yield { id, event, data: JSON.parse(data) as Record<string, unknown> };
  }
}
