// The packets in which a connection could have gone over the wire, made out of what its two sides said: handshake, segments
// no longer than fit, numbers that go on, acknowledgements, and the end. What the kernel really sent is not known up here:
// octets, order, addresses and the ends are real, how they were cut and acknowledged is not. RFC 9293. Pure but for its counters.

import type { Endpoint } from '../config.ts';
import { encodeTcpPacket, maxSegmentOf, type PacketEnd, packetEnd, TCP_FLAG, WINDOW_OCTETS } from './tcp-packet.ts';

export type Side = 'client' | 'server';

/** An IP packet, and whose it is. */
export interface SidePacket {
  readonly from: Side;
  readonly octets: Buffer;
}

interface SideState {
  readonly end: PacketEnd;
  /** Sequence number of its next octet. */
  next: number;
  /** Up to where it has acknowledged the other side's. */
  acknowledged: number;
  identification: number;
  hasFinished: boolean;
}

const { fin, syn, rst, psh, ack } = TCP_FLAG;
/** Acknowledged at the latest; far enough from filling the window. */
const UNACKNOWLEDGED_OCTETS = Math.floor(WINDOW_OCTETS / 4);

export class TcpConversation {
  readonly #sides: Readonly<Record<Side, SideState>>;
  readonly #maxSegment: number;
  #isOver = false;

  /** Both sides' numbers begin with `firstSequence`. Throws RangeError for addresses that are none, or of two families. */
  constructor(ends: Readonly<Record<Side, Endpoint>>, firstSequence = 0) {
    const [client, server] = [packetEnd(ends.client), packetEnd(ends.server)];
    if (client.address.length !== server.address.length) throw new RangeError('addresses of two families');
    const begin = (end: PacketEnd): SideState => ({
      end,
      next: firstSequence,
      acknowledged: firstSequence,
      identification: 0,
      hasFinished: false,
    });
    this.#sides = { client: begin(client), server: begin(server) };
    this.#maxSegment = maxSegmentOf(client);
  }

  /** The three packets with which it begins. */
  open(): SidePacket[] {
    return [this.#packet('client', syn), this.#packet('server', syn | ack), this.#packet('client', ack)];
  }

  /** Octets of one side; none once it has finished, or the connection has broken. */
  data(from: Side, octets: Buffer): SidePacket[] {
    const packets: SidePacket[] = [];
    if (this.#isOver || this.#sides[from].hasFinished) return packets;
    for (let start = 0; start < octets.length; start += this.#maxSegment) {
      const payload = octets.subarray(start, start + this.#maxSegment);
      const isLast = start + payload.length === octets.length;
      packets.push(this.#packet(from, isLast ? psh | ack : ack, payload));
      const other = otherSide(from);
      if (this.#unacknowledgedBy(other) >= UNACKNOWLEDGED_OCTETS) packets.push(this.#packet(other, ack));
    }
    return packets;
  }

  /** That it has read what came, unless it has said so already. */
  acknowledge(by: Side): SidePacket | undefined {
    if (this.#isOver || this.#unacknowledgedBy(by) === 0) return undefined;
    return this.#packet(by, ack);
  }

  /** It will send no more. After the second of the two the first one's last acknowledgement follows. */
  finish(by: Side): SidePacket[] {
    const own = this.#sides[by];
    if (this.#isOver || own.hasFinished) return [];
    own.hasFinished = true;
    const packets = [this.#packet(by, fin | ack)];
    if (!this.#sides[otherSide(by)].hasFinished) return packets;
    packets.push(this.#packet(otherSide(by), ack));
    this.#isOver = true;
    return packets;
  }

  /** It threw the connection away. */
  reset(by: Side): SidePacket[] {
    if (this.#isOver) return [];
    const packet = this.#packet(by, rst | ack);
    this.#isOver = true;
    return [packet];
  }

  #unacknowledgedBy(side: Side): number {
    return (this.#sides[otherSide(side)].next - this.#sides[side].acknowledged) >>> 0;
  }

  #packet(from: Side, flags: number, payload?: Buffer): SidePacket {
    const own = this.#sides[from];
    const other = this.#sides[otherSide(from)];
    const hasAck = (flags & ack) !== 0;
    const octets = encodeTcpPacket({
      from: own.end,
      to: other.end,
      sequence: own.next,
      acknowledgement: hasAck ? other.next : 0,
      flags,
      identification: own.identification,
      ...(payload && { payload }),
      ...((flags & syn) !== 0 && { maxSegment: this.#maxSegment }),
    });
    // SYN and FIN have a number of their own.
    own.next = (own.next + (payload?.length ?? 0) + ((flags & (syn | fin)) === 0 ? 0 : 1)) >>> 0;
    own.identification = (own.identification + 1) & 0xffff;
    if (hasAck) own.acknowledged = other.next;
    return { from, octets };
  }
}

function otherSide(side: Side): Side {
  return side === 'client' ? 'server' : 'client';
}
