// A name server that says what a test tells it, by UDP and TCP on one port of 127.0.0.1. What it was asked is kept.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import dns, { type Answer, type DecodedPacket, type Packet } from 'dns-packet';

export const RCODE = { noError: 0, serverFailure: 2, noName: 3, refused: 5 } as const;

export interface DnsQuery {
  /** In lower case. */
  readonly name: string;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
}

/** Records to answer with, a response code, an answer cut off for UDP, or nothing at all. */
export type DnsReply =
  | { readonly records: readonly Answer[]; readonly truncated?: boolean }
  | { readonly code: number }
  | 'silence';

export type DnsScript = (query: DnsQuery) => DnsReply | Promise<DnsReply>;

export class DnsServer {
  /** Every question, in order. */
  readonly queries: DnsQuery[] = [];
  script: DnsScript;
  readonly #udp = createSocket('udp4');
  readonly #sockets = new Set<Socket>();
  #tcp: Server;

  private constructor(script: DnsScript) {
    this.script = script;
    this.#tcp = createServer((socket) => this.#serveTcp(socket));
  }

  /** `script` is a function, or the names of which it knows. */
  static async open(script: DnsScript | Zone): Promise<DnsServer> {
    const server = new DnsServer(typeof script === 'function' ? script : zone(script));
    await server.#listen();
    server.#udp.on('message', (message, { port, address }) => {
      void server.#answer(message, 'udp').then((reply) => reply && server.#udp.send(reply, port, address));
    });
    return server;
  }

  /** As the config has it. */
  get address(): string {
    return `127.0.0.1:${this.#udp.address().port}`;
  }

  asked(name: string, type?: string): readonly DnsQuery[] {
    return this.queries.filter((query) => query.name === name && (type === undefined || query.type === type));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#udp.close();
    await new Promise<void>((resolve) => {
      this.#tcp.close(() => resolve());
    });
  }

  /** A port that is free for both. */
  async #listen(): Promise<void> {
    for (;;) {
      this.#tcp.listen(0, '127.0.0.1');
      await once(this.#tcp, 'listening');
      const { port } = this.#tcp.address() as AddressInfo;
      try {
        this.#udp.bind(port, '127.0.0.1');
        await once(this.#udp, 'listening');
        return;
      } catch {
        // Somebody has it for UDP.
        this.#tcp.close();
        await once(this.#tcp, 'close');
        this.#tcp = createServer((socket) => this.#serveTcp(socket));
      }
    }
  }

  #serveTcp(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    let input = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      input = Buffer.concat([input, chunk]);
      while (input.length >= 2 && input.length >= 2 + input.readUInt16BE()) {
        const end = 2 + input.readUInt16BE();
        void this.#answerByTcp(input.subarray(2, end), socket);
        input = input.subarray(end);
      }
    });
  }

  /** With its length in front (RFC 1035 §4.2.2). */
  async #answerByTcp(message: Buffer, socket: Socket): Promise<void> {
    const reply = await this.#answer(message, 'tcp');
    if (!reply || socket.destroyed) return;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(reply.length);
    socket.write(Buffer.concat([length, reply]));
  }

  async #answer(message: Buffer, transport: DnsQuery['transport']): Promise<Buffer | undefined> {
    const question = dns.decode(message);
    const [asked] = question.questions ?? [];
    if (!asked) return undefined;
    const query = { name: asked.name.toLowerCase(), type: asked.type, transport };
    this.queries.push(query);
    const reply = await this.script(query);
    return reply === 'silence' ? undefined : dns.encode(packetFor(question, reply));
  }
}

function packetFor({ id, questions }: DecodedPacket, reply: Exclude<DnsReply, 'silence'>): Packet {
  const code = 'code' in reply ? reply.code : RCODE.noError;
  const isCut = 'records' in reply && reply.truncated === true;
  const flags = dns.RECURSION_DESIRED | dns.RECURSION_AVAILABLE | (isCut ? dns.TRUNCATED_RESPONSE : 0) | code;
  return {
    ...(id !== undefined && { id }),
    type: 'response',
    flags,
    ...(questions && { questions }),
    answers: 'records' in reply ? [...reply.records] : [],
  };
}

/** Of a name: `MX` as "10 mx1.test" ("0 ." is the null MX), addresses, an alias; or a reply of its own to whatever is asked. */
export interface ZoneEntry {
  readonly MX?: readonly string[];
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  readonly CNAME?: string;
  readonly ttl?: number;
}

export type Zone = Readonly<Record<string, ZoneEntry | DnsReply>>;

/** A recursive server that knows these names: it follows aliases, and any other name does not exist. */
export function zone(entries: Zone): DnsScript {
  return ({ name, type }) => {
    const records: Answer[] = [];
    const seen = new Set<string>();
    for (let current = name; ; ) {
      const entry = entries[current];
      if (entry === undefined) return records.length > 0 ? { records } : { code: RCODE.noName };
      if (entry === 'silence' || 'code' in entry || 'records' in entry) return entry;
      const { CNAME: alias, ttl = 300 } = entry;
      if (alias === undefined || type === 'CNAME') {
        return { records: [...records, ...recordsOf(current, type, { ...entry, ttl })] };
      }
      records.push({ type: 'CNAME', name: current, ttl, data: alias });
      if (seen.has(alias)) return { records };
      seen.add(alias);
      current = alias;
    }
  };
}

function recordsOf(name: string, type: string, { MX = [], A = [], AAAA = [], CNAME, ttl = 300 }: ZoneEntry): Answer[] {
  switch (type) {
    case 'MX':
      return MX.map((text) => {
        const [preference, exchange = ''] = text.split(' ');
        return { type: 'MX', name, ttl, data: { preference: Number(preference), exchange } };
      });
    case 'A':
      return A.map((data) => ({ type: 'A', name, ttl, data }));
    case 'AAAA':
      return AAAA.map((data) => ({ type: 'AAAA', name, ttl, data }));
    default:
      return type === 'CNAME' && CNAME !== undefined ? [{ type: 'CNAME', name, ttl, data: CNAME }] : [];
  }
}
