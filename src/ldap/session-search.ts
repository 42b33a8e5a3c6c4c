// The searches of one LDAP peer on the server's side: entries go out as they are found, never more of them in memory than one
// write holds, up to the size limit and the time limit (RFC 4511 §4.5.1.4, §4.5.1.5). A search in pages (RFC 2696) stays open
// between its pages; of several the oldest is given up.

import { randomUUID } from 'node:crypto';
import type { Control } from './control.ts';
import { isOperationalAttribute, type LdapEntry, selectAttributes } from './entry.ts';
import { matchFilter } from './filter.ts';
import type { LdapConnection, LdapRequestHandler, SearchAnswer } from './handler.ts';
import { encodeMessage } from './message.ts';
import { makePageControl, type Page } from './paged-results.ts';
import { encodeRequest, type SearchRequest } from './request.ts';
import { encodeEntry } from './response.ts';
import { fault, type LdapOutcome, outcomeOf, SUCCESS } from './result.ts';
import { completeRootDse } from './root-dse.ts';
import { type SearchEnd, SearchWatch } from './search-watch.ts';
import type { ServerChannel } from './server-channel.ts';

/** Entries are sent in pieces of about this size. */
const WRITE_BYTES = 65_536;
/** Searches in pages that one peer may have open at a time. */
const MAX_OPEN_PAGED = 4;
/** A timer cannot wait longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const NO_COOKIE = Buffer.alloc(0);

export interface SessionSearchesOptions {
  readonly connection: LdapConnection;
  readonly channel: ServerChannel;
  readonly handler: LdapRequestHandler;
  /** Longest real time of one search, or of one page of it, whatever the client allows. */
  readonly maxSearchMs: number;
}

export interface SearchResult {
  readonly outcome: LdapOutcome;
  readonly controls?: readonly Control[];
}

/** A search and how far it has come. */
interface OpenSearch {
  readonly entries: Iterator<LdapEntry> | AsyncIterator<LdapEntry>;
  readonly outcome: LdapOutcome;
  readonly watch: SearchWatch;
  /** The request as it came, to know it again. */
  readonly request: Buffer;
  /** Found and not sent yet. */
  next: LdapEntry | undefined;
  sent: number;
}

type Stop = 'all-sent' | 'page-full' | 'size-limit' | SearchEnd;

/** Owns the searches that are open between their pages. */
export class SessionSearches {
  readonly #options: SessionSearchesOptions;
  readonly #paged = new Map<string, OpenSearch>();
  #running: { readonly messageId: number; readonly watch: SearchWatch } | undefined;

  constructor(options: SessionSearchesOptions) {
    this.#options = options;
  }

  /**
   * Sends the entries of a search, or of one page of it, and resolves with what ends it; undefined when nothing more is to be
   * sent, since the client abandoned it or has gone. Throws LdapFault.
   */
  async run(request: SearchRequest, messageId: number, page: Page | undefined): Promise<SearchResult | undefined> {
    const inPages = isWorthPaging(request, page) ? page : undefined;
    const watch = new SearchWatch();
    // Known from here on, so that it can be stopped while its first entry is looked for.
    this.#running = { messageId, watch };
    try {
      if (!inPages) return await this.#sendWhole(request, messageId, watch);
      return await this.#sendPage(request, messageId, { page: inPages, watch });
    } finally {
      this.#running.watch.rest();
      this.#running = undefined;
    }
  }

  /** The client wants to hear no more of the request with this id; another than the one that runs is none of ours. */
  abandon(messageId: number): void {
    if (this.#running?.messageId === messageId) this.#running.watch.stop('abandoned');
  }

  /** Nobody is there any more. */
  close(): void {
    this.#running?.watch.stop('closed');
    this.drop();
  }

  /** Forgets the searches that are open between pages. */
  drop(): void {
    for (const cookie of this.#paged.keys()) this.#forget(cookie);
  }

  async #sendWhole(request: SearchRequest, messageId: number, watch: SearchWatch): Promise<SearchResult | undefined> {
    const open = await this.#open(request, watch);
    try {
      return toResult(open, await this.#send(open, request, { messageId, count: Infinity }));
    } finally {
      void open.entries.return?.();
    }
  }

  async #sendPage(
    request: SearchRequest,
    messageId: number,
    { page, watch }: { page: Page; watch: SearchWatch },
  ): Promise<SearchResult | undefined> {
    const open = page.cookie.length > 0 ? this.#take(request, page.cookie) : await this.#open(request, watch);
    this.#running = { messageId, watch: open.watch };
    const stop = page.size > 0 ? await this.#send(open, request, { messageId, count: page.size }) : 'all-sent';
    const cookie = stop === 'page-full' ? this.#keep(open) : NO_COOKIE;
    if (stop !== 'page-full') void open.entries.return?.();
    const result = page.size > 0 ? toResult(open, stop) : { outcome: SUCCESS };
    return result && { ...result, controls: [makePageControl({ size: 0, cookie })] };
  }

  async #open(request: SearchRequest, watch: SearchWatch): Promise<OpenSearch> {
    watch.startTimer(this.#timeLimitMs(request));
    const { entries, outcome } = await this.#find(request, watch);
    const iterator = Symbol.asyncIterator in entries ? entries[Symbol.asyncIterator]() : entries[Symbol.iterator]();
    return { entries: iterator, outcome, watch, request: identify(request), next: undefined, sent: 0 };
  }

  async #find(request: SearchRequest, watch: SearchWatch): Promise<SearchAnswer> {
    const { handler, connection } = this.#options;
    if (request.base !== '' || request.scope !== 'base') return handler.search(connection, request, watch);
    const rootDse = completeRootDse(handler.rootDse(connection), connection);
    return { entries: matchFilter(request.filter, rootDse) ? [rootDse] : [], outcome: SUCCESS };
  }

  /** Sends up to `count` entries and says why it stopped. */
  async #send(
    open: OpenSearch,
    request: SearchRequest,
    { messageId, count }: { messageId: number; count: number },
  ): Promise<Stop> {
    const { handler, channel } = this.#options;
    const isOperational = (name: string): boolean => handler.isOperational?.(name) ?? isOperationalAttribute(name);
    const attributes = request.attributes.map((name) => handler.spell?.(name) ?? name);
    const selection = { attributes, typesOnly: request.typesOnly };
    open.watch.startTimer(this.#timeLimitMs(request));
    const pending = new PendingWrites(channel);
    let stop: Stop | undefined;
    for (let room = count; (stop = await whyStop(open, request, room)) === undefined && open.next; room -= 1) {
      const selected = selectAttributes(open.next, selection, isOperational);
      await pending.add(encodeMessage(messageId, encodeEntry(selected)));
      if (!channel.isOpen) open.watch.stop('closed');
      open.next = undefined;
      open.sent += 1;
    }
    await pending.flush();
    return stop ?? 'all-sent';
  }

  #timeLimitMs({ timeLimitSeconds }: SearchRequest): number {
    const { maxSearchMs } = this.#options;
    return Math.min(timeLimitSeconds > 0 ? timeLimitSeconds * 1000 : maxSearchMs, maxSearchMs, MAX_TIMER_MS);
  }

  #keep(open: OpenSearch): Buffer {
    const [oldest] = this.#paged.keys();
    if (this.#paged.size >= MAX_OPEN_PAGED && oldest !== undefined) this.#forget(oldest);
    const cookie = randomUUID();
    this.#paged.set(cookie, open);
    return Buffer.from(cookie);
  }

  #take(request: SearchRequest, cookie: Buffer): OpenSearch {
    const key = cookie.toString('latin1');
    const open = this.#paged.get(key);
    if (!open?.request.equals(identify(request))) {
      throw fault('unwillingToPerform', 'the cookie is not one of this search, or too old');
    }
    this.#paged.delete(key);
    return open;
  }

  #forget(cookie: string): void {
    void this.#paged.get(cookie)?.entries.return?.();
    this.#paged.delete(cookie);
  }
}

/** Looks for the next entry, unless it is known already, and says why it must not be sent. */
async function whyStop(open: OpenSearch, request: SearchRequest, room: number): Promise<Stop | undefined> {
  if (open.watch.end) return open.watch.end;
  if (!open.next) {
    const { done, value } = await open.entries.next();
    if (open.watch.end) return open.watch.end;
    if (done === true) return 'all-sent';
    open.next = value;
  }
  if (request.sizeLimit > 0 && open.sent >= request.sizeLimit) return 'size-limit';
  return room <= 0 ? 'page-full' : undefined;
}

/** A page that could hold all of it is none (RFC 2696 §3), nor is one of no entries at the beginning. */
function isWorthPaging({ sizeLimit }: SearchRequest, page: Page | undefined): boolean {
  if (!page || (page.size === 0 && page.cookie.length === 0)) return false;
  return sizeLimit === 0 || page.size < sizeLimit;
}

/** Two searches are the same when all of their requests is. */
function identify(request: SearchRequest): Buffer {
  return encodeRequest({ kind: 'search', ...request });
}

function toResult({ outcome }: OpenSearch, stop: Stop): SearchResult | undefined {
  switch (stop) {
    case 'size-limit':
      return { outcome: outcomeOf('sizeLimitExceeded') };
    case 'time-limit':
      return { outcome: outcomeOf('timeLimitExceeded') };
    case 'abandoned':
    case 'closed':
      return undefined;
    case 'page-full':
      return { outcome: SUCCESS };
    default:
      return { outcome };
  }
}

/** Messages on their way out, written a good piece at a time. */
class PendingWrites {
  readonly #channel: ServerChannel;
  #messages: Buffer[] = [];
  #bytes = 0;

  constructor(channel: ServerChannel) {
    this.#channel = channel;
  }

  /** Waits, now and then, until the peer has read. */
  async add(message: Buffer): Promise<void> {
    this.#messages.push(message);
    this.#bytes += message.length;
    if (this.#bytes >= WRITE_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    const messages = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    if (messages.length > 0) await this.#channel.send(Buffer.concat(messages));
  }
}
