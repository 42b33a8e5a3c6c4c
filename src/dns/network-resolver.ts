// Asks name servers, by Node's c-ares: no thread waits for an answer, a truncated one is fetched again by TCP, and each question
// leaves from a port of its own. What c-ares does not do: ask the next server when one says that it failed, and follow aliases
// that the server left to us.

import { promises as dns, type ResolverOptions } from 'node:dns';
import type { DnsAnswer, MailExchanger, Resolver } from './resolver.ts';

export interface NetworkResolverOptions {
  /** "192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:5353"; empty: those that the system names now. */
  readonly servers: readonly string[];
  /** How long one server may take for one answer, in milliseconds; it is asked twice in this time. */
  readonly timeoutMs: number;
}

const TRIES = 2;
/** The second try waits twice as long as the first. */
const SHARES = 3;
/** So many aliases lead to another name before they are called a circle. */
const MAX_ALIASES = 8;

type Found<T> = Extract<DnsAnswer<T>, { kind: 'found' }>;

/** One question to one server; rejects as node:dns does. */
type Question<T> = (server: dns.Resolver, name: string) => Promise<Found<T>>;

export class NetworkResolver implements Resolver {
  /** In the order in which they are asked: one that says nothing goes to the end. */
  #servers: readonly dns.Resolver[];

  constructor({ servers, timeoutMs }: NetworkResolverOptions) {
    const options = { timeout: Math.max(1, Math.ceil(timeoutMs / SHARES)), tries: TRIES };
    const system = new dns.Resolver(options);
    const addresses = servers.length > 0 ? servers : system.getServers();
    // The only server of the system is asked as the system names it, which may be by its interface.
    if (servers.length === 0 && addresses.length <= 1) this.#servers = [system];
    else this.#servers = addresses.map((address) => serverAt(address, options));
  }

  mailExchangers(name: string): Promise<DnsAnswer<MailExchanger>> {
    return this.#followAliases(name, askMx);
  }

  async addresses(name: string): Promise<DnsAnswer<string>> {
    const [six, four] = await Promise.all([this.#followAliases(name, askAaaa), this.#followAliases(name, askA)]);
    return mergeFamilies(six, four);
  }

  /** A server gives the whole chain of aliases with its end, or leaves a part of it to us. */
  async #followAliases<T>(name: string, question: Question<T>): Promise<DnsAnswer<T>> {
    const seen = new Set<string>();
    for (let current = name.toLowerCase(); !seen.has(current) && seen.size < MAX_ALIASES; ) {
      seen.add(current);
      const answer = await this.#ask(current, question);
      if (answer.kind !== 'no-data') return answer;
      const alias = await this.#ask(current, askCname);
      const [target] = alias.kind === 'found' ? alias.records : [];
      if (target === undefined) return alias.kind === 'failed' ? alias : answer;
      current = target.toLowerCase();
    }
    return { kind: 'failed', code: 'ECNAMELOOP' };
  }

  /** The first server that knows; a failure of the last one when none does. */
  async #ask<T>(name: string, question: Question<T>): Promise<DnsAnswer<T>> {
    let last: DnsAnswer<T> = { kind: 'failed', code: 'ENOSERVER' };
    for (const server of this.#servers) {
      last = await put(server, name, question);
      if (last.kind !== 'failed') return last;
      if (isAway(last.code)) this.#servers = [...this.#servers.filter((other) => other !== server), server];
    }
    return last;
  }
}

function serverAt(address: string, options: ResolverOptions): dns.Resolver {
  const server = new dns.Resolver(options);
  server.setServers([address]);
  return server;
}

async function put<T>(server: dns.Resolver, name: string, question: Question<T>): Promise<DnsAnswer<T>> {
  try {
    const answer = await question(server, name);
    return answer.records.length > 0 ? answer : { kind: 'no-data' };
  } catch (error) {
    const { code = 'EUNKNOWN' } = error as NodeJS.ErrnoException;
    if (code === 'ENODATA') return { kind: 'no-data' };
    if (code === 'ENOTFOUND' || code === 'EBADNAME') return { kind: 'no-name' };
    return { kind: 'failed', code };
  }
}

/** The server said nothing, rather than that it could not find out. */
function isAway(code: string): boolean {
  return code === 'ETIMEOUT' || code === 'ECONNREFUSED';
}

/** Node does not pass on the time to live of MX records. */
const askMx: Question<MailExchanger> = async (server, name) => {
  const records = await server.resolveMx(name);
  return { kind: 'found', records: records.map(({ exchange, priority }) => ({ exchange, preference: priority })) };
};

const askA: Question<string> = async (server, name) => readAddresses(await server.resolve4(name, { ttl: true }));

const askAaaa: Question<string> = async (server, name) => readAddresses(await server.resolve6(name, { ttl: true }));

const askCname: Question<string> = async (server, name) => ({
  kind: 'found',
  records: await server.resolveCname(name),
});

function readAddresses(records: readonly { readonly address: string; readonly ttl: number }[]): Found<string> {
  const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1000;
  return { kind: 'found', records: records.map(({ address }) => address), ttlMs };
}

/** One family that is known is enough; what half an answer says is looked at again soon. */
function mergeFamilies(six: DnsAnswer<string>, four: DnsAnswer<string>): DnsAnswer<string> {
  const answers = [six, four];
  const found = answers.filter((answer) => answer.kind === 'found');
  const failed = answers.find(({ kind }) => kind === 'failed');
  if (found.length === 0) return failed ?? answers.find(({ kind }) => kind === 'no-name') ?? four;
  const ttls = found.map(({ ttlMs = 0 }) => ttlMs);
  return {
    kind: 'found',
    records: takeTurns(found.map(({ records }) => records)),
    ttlMs: failed ? 0 : Math.min(...ttls),
  };
}

/** So that a host of which one family cannot be reached costs one attempt. */
function takeTurns(lists: readonly (readonly string[])[]): readonly string[] {
  const longest = Math.max(...lists.map(({ length }) => length));
  const turns = Array.from({ length: longest }, (_, turn) => lists.map((list) => list[turn]));
  return turns.flat().filter((address) => address !== undefined);
}
