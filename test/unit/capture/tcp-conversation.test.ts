import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Side, type SidePacket, TcpConversation } from '../../../src/capture/tcp-conversation.ts';

const FLAG = { fin: 1, syn: 2, rst: 4, ack: 16 };
const V4 = { client: { host: '192.0.2.1', port: 40_000 }, server: { host: '198.51.100.9', port: 25 } };
const V6 = { client: { host: '2001:db8::1', port: 40_000 }, server: { host: '2001:db8::5:0:25', port: 25 } };

interface Parsed {
  readonly from: Side;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** Reads a packet by the RFCs' own offsets and verifies both checksums. */
function parse({ from, octets }: SidePacket): Parsed {
  const isV4 = octets.readUInt8(0) >> 4 === 4;
  const ipLength = isV4 ? 20 : 40;
  const tcp = octets.subarray(ipLength);
  expect(isV4 ? octets.readUInt16BE(2) : octets.readUInt16BE(4) + 40).toBe(octets.length);
  if (isV4) expect(sum(octets.subarray(0, 20))).toBe(0xffff);
  const addresses = isV4 ? octets.subarray(12, 20) : octets.subarray(8, 40);
  const pseudo = Buffer.concat([addresses, Buffer.from([0, 6, tcp.length >> 8, tcp.length & 0xff])]);
  expect(sum(Buffer.concat([pseudo, tcp]))).toBe(0xffff);
  return {
    from,
    sequence: tcp.readUInt32BE(4),
    acknowledgement: tcp.readUInt32BE(8),
    flags: tcp.readUInt8(13),
    payload: tcp.subarray((tcp.readUInt8(12) >> 4) * 4),
  };
}

/** The sum of all 16-bit words with the carries added: all ones where a checksum is right. */
function sum(octets: Buffer): number {
  let total = 0;
  for (let index = 0; index < octets.length; index += 1) {
    total += index % 2 === 0 ? (octets[index] ?? 0) * 256 : (octets[index] ?? 0);
  }
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

describe('TcpConversation', () => {
  it.each([
    ['IPv4', V4, 1460],
    ['IPv6', V6, 1440],
  ] as const)('carries whatever was said, over %s, in numbers that follow each other', (_name, ends, maxSegment) => {
    const turn = fc.record({
      from: fc.constantFrom<Side>('client', 'server'),
      octets: fc.uint8Array({ minLength: 1, maxLength: 30_000, size: 'max' }),
    });
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 6 }), fc.constantFrom(0, 2 ** 32 - 10_000), (turns, first) => {
        const conversation = new TcpConversation(ends, first);
        const packets = [...conversation.open()];
        for (const { from, octets } of turns) packets.push(...conversation.data(from, Buffer.from(octets)));
        packets.push(...conversation.finish('client'), ...conversation.finish('server'));
        const parsed = packets.map(parse);
        const next = { client: first, server: first };
        const acknowledged = { client: first, server: first };
        for (const { from, sequence, acknowledgement, flags, payload } of parsed) {
          const other = from === 'client' ? 'server' : 'client';
          expect(sequence).toBe(next[from]);
          expect(payload.length).toBeLessThanOrEqual(maxSegment);
          const own = payload.length + ((flags & (FLAG.syn | FLAG.fin)) === 0 ? 0 : 1);
          next[from] = (next[from] + own) >>> 0;
          if ((flags & FLAG.ack) !== 0) {
            expect(acknowledgement).toBe(next[other]);
            acknowledged[other] = acknowledgement;
          }
          // No more is under way than the receiver has room for.
          expect((next[from] - acknowledged[from]) >>> 0).toBeLessThan(65_535);
        }
        for (const side of ['client', 'server'] as const) {
          const said = turns.filter(({ from }) => from === side).map(({ octets }) => Buffer.from(octets));
          const heard = parsed.filter(({ from }) => from === side).map(({ payload }) => payload);
          expect(Buffer.concat(heard).equals(Buffer.concat(said))).toBe(true);
        }
      }),
      { numRuns: 8 },
    );
  });

  it('acknowledges only what was not acknowledged yet', () => {
    const conversation = new TcpConversation(V4);
    conversation.open();
    expect(conversation.acknowledge('client')).toBeUndefined();
    conversation.data('server', Buffer.from('220 hello\r\n'));
    expect(conversation.acknowledge('client')?.from).toBe('client');
    expect(conversation.acknowledge('client')).toBeUndefined();
  });

  it('ends once: by two FINs and the last acknowledgement, or by a reset', () => {
    const polite = new TcpConversation(V4);
    polite.open();
    expect(polite.finish('server').map((packet) => parse(packet).flags)).toEqual([FLAG.fin | FLAG.ack]);
    expect(polite.data('client', Buffer.from('QUIT\r\n'))).toHaveLength(1);
    expect(polite.finish('client').map((packet) => [packet.from, parse(packet).flags])).toEqual([
      ['client', FLAG.fin | FLAG.ack],
      ['server', FLAG.ack],
    ]);
    expect([...polite.finish('client'), ...polite.reset('client')]).toEqual([]);
    expect(polite.data('client', Buffer.from('x'))).toEqual([]);

    const broken = new TcpConversation(V4);
    broken.open();
    expect(broken.reset('client').map((packet) => parse(packet).flags)).toEqual([FLAG.rst | FLAG.ack]);
    expect([...broken.finish('server'), ...broken.data('server', Buffer.from('x'))]).toEqual([]);
  });

  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
  ])('takes %s for %s', (written, meant) => {
    const server = { host: meant, port: 25 };
    const [a, b] = [written, meant].map((host) => new TcpConversation({ client: { host, port: 1 }, server }).open());
    expect(a).toEqual(b);
  });

  it.each(['', 'localhost', '1.2.3', '1.2.3.999', '::g', '1:2:3'])('refuses "%s" as an address', (host) => {
    expect(() => new TcpConversation({ client: { host, port: 1 }, server: V4.server })).toThrow(RangeError);
  });

  it('refuses addresses of two families', () => {
    expect(() => new TcpConversation({ client: V6.client, server: V4.server })).toThrow(RangeError);
  });
});
