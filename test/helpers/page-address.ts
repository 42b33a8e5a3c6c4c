// The one address that `relaypair up --page` says, and calls to the three doors with the tokens in it, as the page makes them.

const DOORS = ['hub', 'edge', 'laboratory'] as const;
type Door = (typeof DOORS)[number];
type Parameters = Readonly<Record<string, unknown>>;
type Body = Record<string, unknown>;

export interface Line {
  readonly kind: string;
  readonly text?: string;
  readonly record?: Body;
}

export class PageAddress {
  readonly origins: Readonly<Record<Door, string>>;
  readonly tokens: Readonly<Record<Door, string>>;

  private constructor(origins: Readonly<Record<Door, string>>, tokens: Readonly<Record<Door, string>>) {
    this.origins = origins;
    this.tokens = tokens;
  }

  /** Asks the Hub where the others are. */
  static async read(address: string): Promise<PageAddress> {
    const { origin, hash } = new URL(address);
    const fragment = new URLSearchParams(hash.slice(1));
    const get = async <Result>(path: string): Promise<Result> =>
      (await (await fetch(`${origin}${path}`)).json()) as Result;
    const servers = await get<{ Url: string | null }[]>('/api/v1/servers');
    const { Laboratory: laboratory } = await get<{ Laboratory: string }>('/api/v1');
    return new PageAddress(
      { hub: origin, edge: servers[1]?.Url ?? '', laboratory },
      {
        hub: fragment.get('token') ?? '',
        edge: fragment.get('token-EDGE01') ?? '',
        laboratory: fragment.get('token-LABORATORY') ?? '',
      },
    );
  }

  async ask(door: Door, path: string): Promise<{ readonly status: number; readonly json: unknown }> {
    const response = await fetch(`${this.origins[door]}${path}`, {
      headers: { authorization: `Bearer ${this.tokens[door]}` },
    });
    return { status: response.status, json: await response.json() };
  }

  /** Fails the test when it is refused. */
  async call(door: Door, cmdlet: string, parameters: Parameters): Promise<{ readonly records: readonly Body[] }> {
    const response = await this.#post(door, cmdlet, parameters, 'application/json');
    const body = (await response.json()) as Body;
    if (!response.ok) throw new Error(`${door} ${cmdlet}: ${String(body['detail'])}`);
    return body as unknown as { records: readonly Body[] };
  }

  /** The problem; undefined when it was carried out. */
  async refusal(door: Door, cmdlet: string, parameters: Parameters): Promise<Body | undefined> {
    const response = await this.#post(door, cmdlet, parameters, 'application/json');
    const body = (await response.json()) as Body;
    return response.ok ? undefined : body;
  }

  async download(door: Door, cmdlet: string, parameters: Parameters): Promise<Buffer> {
    const response = await this.#post(door, cmdlet, parameters, 'application/octet-stream');
    return Buffer.from(await response.arrayBuffer());
  }

  /** Everything that it tells while it happens. */
  async lines(door: Door, cmdlet: string, parameters: Parameters): Promise<readonly Line[]> {
    const text = await (await this.#post(door, cmdlet, parameters, 'application/x-ndjson')).text();
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
  }

  #post(door: Door, cmdlet: string, parameters: Parameters, accept: string): Promise<Response> {
    return fetch(`${this.origins[door]}/api/v1/cmdlets/${cmdlet}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept, authorization: `Bearer ${this.tokens[door]}` },
      body: JSON.stringify(parameters),
    });
  }
}
