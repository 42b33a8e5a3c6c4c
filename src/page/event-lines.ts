// The text of server-sent events taken apart (WHATWG HTML, 9.2.6), piece by piece as it comes. Pure.

/** One event; `id` is that of the last one which had any. */
export interface StreamEvent {
  readonly kind: string;
  readonly data: string;
  readonly id: string | undefined;
}

/** More than the server ever writes in one line; a stream that has no line ends is not kept in memory. */
const MAX_REST = 4 * 1024 * 1024;

export class EventLines {
  #rest = '';
  #kind = '';
  #data: string[] = [];
  #id: string | undefined;

  /** The events that `text` completes. */
  take(text: string): StreamEvent[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_REST) this.#rest = '';
    return lines.flatMap((line) => this.#takeLine(line.replace(/\r$/, '')));
  }

  #takeLine(line: string): StreamEvent[] {
    if (line === '') return this.#complete();
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') this.#kind = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id') this.#id = value;
    return [];
  }

  #complete(): StreamEvent[] {
    const [kind, data] = [this.#kind, this.#data];
    this.#kind = '';
    this.#data = [];
    return data.length === 0 ? [] : [{ kind: kind === '' ? 'message' : kind, data: data.join('\n'), id: this.#id }];
  }
}
