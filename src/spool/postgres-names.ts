// The names of database hosts. A name server that does not answer holds each question for many seconds in one of the four threads in
// which Node also syncs the disk (dns.lookup, getaddrinfo(3)); and a primary that is searched for is asked for again and again. So of
// one name there is one question at a time, and whoever asks meanwhile gets its answer: the others are found, and the disk is synced.

import { lookup as askSystem, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction, type NetConnectOpts, Socket } from 'node:net';

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;
type Ask = (hostname: string, options: LookupAllOptions, answer: Answer) => void;

/** A lookup that joins a question which waits for its answer already. */
export function makeSharedLookup(ask: Ask = askSystem): LookupFunction {
  const waiting = new Map<string, Answer[]>();
  return (hostname, options, callback) => {
    const key = `${hostname} ${options.family ?? 0} ${options.hints ?? 0}`;
    const others = waiting.get(key);
    const answers = others ?? [];
    answers.push((error, addresses) => {
      const [first] = addresses;
      if (options.all === true) callback(error, addresses);
      else callback(error, first?.address ?? '', first?.family ?? 0);
    });
    if (others) return;
    waiting.set(key, answers);
    ask(hostname, { ...options, all: true }, (error, addresses) => {
      waiting.delete(key);
      for (const answer of answers) answer(error, error ? [] : addresses);
    });
  };
}

const lookup = makeSharedLookup();

/** A socket for the driver; an address, or a folder of sockets, is no name to look up. */
export function openSocket(host: string): Socket {
  return isIP(host) !== 0 || host.startsWith('/') ? new Socket() : new NamedSocket();
}

class NamedSocket extends Socket {
  /** The driver calls it with port and host, and with nothing else. */
  override connect(...where: unknown[]): this {
    const [port, host] = where;
    return super.connect({ port: Number(port), host: String(host), lookup } satisfies NetConnectOpts);
  }
}
