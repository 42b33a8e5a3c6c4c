// One session's own pcapng file, written as the session goes on, block by block, so that whatever ends the process leaves a
// readable file. Secrets stand before the packets that need them: what arrives during a handshake is held back until the
// engine has dealt with it, which is when this side answers. The last packet of all waits a while for what others know of the
// session, since a comment needs a packet to stand at.

import type { Tap, TappedConnection } from './tap.ts';
import { encodeInterface, encodePacket, encodeSection, encodeSecrets, LINK_TYPE_RAW_IP } from './pcapng.ts';
import { type Side, type SidePacket, TcpConversation } from './tcp-conversation.ts';

/** Where the blocks go, in order. */
export interface CaptureSink {
  readonly file: string;
  /** False: it takes no more. Never throws. */
  write(block: Buffer): boolean;
  close(): void;
}

export interface SessionCaptureOptions {
  readonly connection: TappedConnection;
  readonly sink: CaptureSink;
  /** Who writes it: "relaypair 0.1.0". */
  readonly application: string;
  /** The server's name. */
  readonly server: string;
  /** What a moved clock shows, and how far it was moved; undefined while it was not. Packets bear real time. */
  readonly movedClock?: () => { readonly time: Date; readonly offset: string } | undefined;
  /** Called once, when the file is complete. */
  readonly onEnd?: () => void;
}

/** How long a session that is over waits for a note: a deferral is recorded after its connection is gone. Real time. */
const LINGER_MS = 5000;

interface TimedPacket extends SidePacket {
  readonly time: bigint;
}

/** Begins with the packets that open a connection. Throws RangeError for addresses that are none. */
export class SessionCapture implements Tap {
  readonly file: string;
  readonly #options: SessionCaptureOptions;
  readonly #conversation: TcpConversation;
  readonly #local: Side;
  readonly #remote: Side;
  readonly #startedUs = BigInt(Date.now()) * 1000n;
  readonly #startedMs = performance.now();
  /** Came during a handshake. */
  #held: TimedPacket[] = [];
  #isHandshake = false;
  /** For the next packet. */
  #comments: string[] = [];
  /** The offset that the last comment told of. */
  #offset: string | undefined;
  /** Once the session begins to end: the latest packet of its end. */
  #last: TimedPacket | undefined;
  #isEnding = false;
  #isOver = false;
  #linger: NodeJS.Timeout | undefined;

  constructor(options: SessionCaptureOptions) {
    const { connection, sink } = options;
    const { role, local, remote, protocol } = connection;
    this.#options = options;
    this.file = sink.file;
    this.#local = role;
    this.#remote = role === 'client' ? 'server' : 'client';
    this.#conversation = new TcpConversation(
      role === 'client' ? { client: local, server: remote } : { client: remote, server: local },
    );
    this.#store(encodeSection({ application: options.application, comment: describeFile(options) }));
    this.#store(encodeInterface({ linkType: LINK_TYPE_RAW_IP, name: `${options.server} ${protocol}` }));
    const moved = options.movedClock?.();
    this.#offset = moved?.offset;
    this.#comments.push(
      JSON.stringify({ server: options.server, session: connection.id, protocol, role, ...describeClock(moved) }),
    );
    this.#put(this.#conversation.open());
  }

  received(octets: Buffer): void {
    const packets = this.#conversation.data(this.#remote, octets);
    if (this.#isHandshake) this.#held.push(...this.#stamped(packets));
    else this.#put(packets);
  }

  sent(octets: Buffer): void {
    this.#put(this.#conversation.data(this.#local, octets));
  }

  ended(by: 'local' | 'remote'): void {
    this.#end(this.#conversation.finish(by === 'local' ? this.#local : this.#remote));
  }

  reset(): void {
    this.#end(this.#conversation.reset(this.#remote));
  }

  closed(): void {
    if (this.#isOver || this.#linger) return;
    // Nobody up here knows how the kernel leaves: a socket thrown away counts as one that was closed.
    this.ended('local');
    this.#release();
    this.#linger = setTimeout(() => this.finish(), LINGER_MS);
    this.#linger.unref();
  }

  handshakeBegins(): void {
    this.#isHandshake = true;
  }

  secret(line: Buffer): void {
    this.#store(encodeSecrets(line.at(-1) === LINE_FEED ? line : Buffer.concat([line, Buffer.from([LINE_FEED])])));
  }

  handshakeEnds(): void {
    this.#isHandshake = false;
    this.#release();
  }

  note(text: string): void {
    if (this.#isOver) return;
    this.#comments.push(text);
    if (this.#isEnding) return;
    this.#release();
    const packet = this.#conversation.acknowledge(this.#local);
    if (packet) this.#put([packet]);
  }

  /** Writes what was held back and closes the file; whatever happens in the session then is not recorded any more. */
  finish(): void {
    this.#release();
    if (this.#last) this.#write(this.#last);
    this.#close();
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#linger);
    this.#options.sink.close();
    this.#options.onEnd?.();
  }

  #end(packets: readonly SidePacket[]): void {
    this.#release();
    this.#isEnding = true;
    this.#put(packets);
  }

  #put(packets: readonly SidePacket[]): void {
    this.#release();
    this.#pass(this.#stamped(packets));
  }

  #release(): void {
    const held = this.#held;
    if (held.length === 0) return;
    this.#held = [];
    this.#pass(held);
  }

  #pass(packets: readonly TimedPacket[]): void {
    for (const packet of packets) {
      if (!this.#isEnding) {
        this.#write(packet);
        continue;
      }
      if (this.#last) this.#write(this.#last);
      this.#last = packet;
    }
  }

  #stamped(packets: readonly SidePacket[]): TimedPacket[] {
    const time = this.#startedUs + BigInt(Math.round((performance.now() - this.#startedMs) * 1000));
    return packets.map((packet) => ({ ...packet, time }));
  }

  #write({ time, octets, from }: TimedPacket): void {
    const comments = [...this.#clockComment(), ...this.#comments.splice(0)];
    const direction = from === this.#local ? 'outbound' : 'inbound';
    this.#store(encodePacket({ time, octets, direction, comments }));
  }

  /** When somebody moved the clock meanwhile. */
  #clockComment(): string[] {
    const moved = this.#options.movedClock?.();
    if (moved?.offset === this.#offset) return [];
    this.#offset = moved?.offset;
    return [JSON.stringify(moved ? describeClock(moved) : { clockOffset: 'not moved' })];
  }

  #store(block: Buffer): void {
    if (!this.#isOver && !this.#options.sink.write(block)) this.#close();
  }
}

const LINE_FEED = 0x0a;

function describeClock(moved: { readonly time: Date; readonly offset: string } | undefined): object {
  return moved ? { clockOffset: moved.offset, clockTime: moved.time.toISOString() } : {};
}

function describeFile({ connection: { protocol, id, role }, server }: SessionCaptureOptions): string {
  return `${protocol.toUpperCase()} session ${id} of ${server} as ${role}. The secrets of its TLS are in this file: whoever has it can read the session.`;
}
