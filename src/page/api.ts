// The Admin API of one server, asked by fetch so that a token can travel as a header. What is refused is an ApiProblem with the
// server's own sentence; what cannot be reached is one with a code of ours.

import { texts } from './texts.ts';

/** A record as `--json` prints it. */
export type ApiRecord = Readonly<Record<string, unknown>>;

export interface ApiFile {
  readonly parameter: string;
  readonly name: string;
  /** Base64. */
  readonly content: string;
}

/** What a cmdlet answers. */
export interface Answer {
  readonly records: readonly ApiRecord[];
  readonly notices: readonly string[];
  readonly warnings: readonly string[];
  readonly failures: readonly string[];
  readonly files: readonly ApiFile[];
}

/** One line of a cmdlet that tells its steps while it runs. */
export type Line =
  | { readonly kind: 'progress'; readonly text: string; readonly record?: ApiRecord }
  | { readonly kind: 'notice' | 'warning' | 'failure'; readonly text: string }
  | { readonly kind: 'record'; readonly record: ApiRecord }
  | { readonly kind: 'file'; readonly file: ApiFile }
  | { readonly kind: 'done' }
  | { readonly kind: 'error'; readonly problem: { readonly code: string; readonly detail: string } };

/** A line with the moment at which it came, in milliseconds of this machine's clock. */
export type TimedLine = Line & { readonly at: number };

export type Value =
  | string
  | number
  | boolean
  | null
  | readonly string[]
  | { readonly name: string; readonly content: string };
export type Parameters = Readonly<Record<string, Value | undefined>>;

/** A refusal; `code` is the server's stable one, or `unreachable`. */
export class ApiProblem extends Error {
  readonly code: string;
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number;

  constructor(code: string, sentence: string, status: number) {
    super(sentence);
    this.code = code;
    this.status = status;
  }
}

export class Api {
  readonly #base: string;
  readonly #token: () => string | undefined;

  /** `base` is an origin such as "http://127.0.0.1:8026", or empty for the server that the page came from. */
  constructor(base: string, token: () => string | undefined) {
    this.#base = base;
    this.#token = token;
  }

  /** Throws ApiProblem, as every method here does. */
  async get<Result>(path: string): Promise<Result> {
    return (await (await this.request(path)).json()) as Result;
  }

  async call(cmdlet: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<Answer> {
    const response = await this.request(`/api/v1/cmdlets/${cmdlet}`, post(parameters, 'application/json', signal));
    return (await response.json()) as Answer;
  }

  /** The file that a cmdlet hands out, as it is. */
  async download(cmdlet: string, parameters: Parameters = {}): Promise<Blob> {
    return (await this.request(`/api/v1/cmdlets/${cmdlet}`, post(parameters, 'application/octet-stream'))).blob();
  }

  /** Calls `onLine` for each step while the cmdlet runs; the last line is `done` or `error`. */
  async follow(cmdlet: string, parameters: Parameters, onLine: (line: Line) => void): Promise<void> {
    const response = await this.request(`/api/v1/cmdlets/${cmdlet}`, post(parameters, 'application/x-ndjson'));
    let rest = '';
    for await (const text of readTexts(response)) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') onLine(JSON.parse(line) as Line);
    }
  }

  /** A request with the token; resolves to an answer that is no refusal. */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const token = this.#token();
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    let response: Response;
    try {
      response = await fetch(`${this.#base}${path}`, { ...init, headers, credentials: 'omit', cache: 'no-store' });
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw new ApiProblem('unreachable', texts.unreachable, 0);
    }
    if (!response.ok) throw await readProblem(response);
    return response;
  }
}

function post(parameters: Parameters, accept: string, signal?: AbortSignal): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify(parameters),
    ...(signal !== undefined && { signal }),
  };
}

async function readProblem(response: Response): Promise<ApiProblem> {
  try {
    const { code, detail } = (await response.json()) as { readonly code?: string; readonly detail?: string };
    return new ApiProblem(code ?? 'unknown', detail ?? response.statusText, response.status);
  } catch {
    return new ApiProblem('unknown', `${texts.unexpected} (${response.status})`, response.status);
  }
}

/** The body of an answer as it comes, piece by piece. */
export async function* readTexts(response: Response): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
