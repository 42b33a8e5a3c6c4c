import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCapture } from '../../../src/capture/capture-reader.ts';
import { type MergeOptions, mergeSecrets } from '../../../src/capture/merge.ts';
import {
  type ByteOrder,
  decodeSecrets,
  encodeInterface,
  encodePacket,
  encodeSection,
  encodeSecrets,
  LINK_TYPE_RAW_IP,
  SECRETS_BLOCK,
  SECTION_BLOCK,
} from '../../../src/capture/pcapng.ts';

const PACKET_BLOCK = 6;
const random = (digit: string): string => digit.repeat(64);
const secretOf = (digit: string): string => `CLIENT_RANDOM ${random(digit)} ${'0a'.repeat(48)}`;
/** A packet with the beginning of a session in it. */
const helloOf = (digit: string): Buffer =>
  Buffer.concat([Buffer.from('record, handshake, length'), Buffer.from([3, 3]), Buffer.from(random(digit), 'hex')]);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function put(name: string, ...content: (Buffer | string)[]): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat(content.map((piece) => Buffer.from(piece))));
  return path;
}

function merge(options: Partial<MergeOptions>) {
  const output = join(folder, 'out.pcapng');
  return mergeSecrets({
    capture: '',
    secrets: [],
    output,
    overwrite: false,
    all: false,
    application: 'relaypair 9.9',
    ...options,
  });
}

/** What the output holds: block types, and secrets as text. */
function readOutput(): (number | string)[] {
  return [...readCapture(join(folder, 'out.pcapng'))].map((part) => {
    if (part.kind !== 'block') return part.kind;
    if (part.type !== SECRETS_BLOCK) return part.type;
    return decodeSecrets(part.octets.subarray(8, -4), part.order)?.toString() ?? '';
  });
}

const packet = (octets: Buffer): Buffer => encodePacket({ time: 1_700_000_000_000_001n, octets });
const pcapng = (...packets: Buffer[]): Buffer =>
  Buffer.concat([
    encodeSection({ application: 'dumpcap' }),
    encodeInterface({ linkType: LINK_TYPE_RAW_IP }),
    ...packets,
  ]);

function pcap(order: ByteOrder, magic: number, packets: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(24);
  head[`writeUInt32${order}`](magic, 0);
  head[`writeUInt16${order}`](2, 4);
  head[`writeUInt16${order}`](4, 6);
  head[`writeUInt32${order}`](65_535, 16);
  head[`writeUInt32${order}`](1, 20);
  const records = packets.flatMap((octets) => {
    const start = Buffer.alloc(16);
    start[`writeUInt32${order}`](1_700_000_000, 0);
    start[`writeUInt32${order}`](7, 4);
    start[`writeUInt32${order}`](octets.length, 8);
    start[`writeUInt32${order}`](octets.length + 100, 12);
    return [start, octets];
  });
  return Buffer.concat([head, ...records]);
}

describe('mergeSecrets', () => {
  it('puts the secrets of the sessions that are there before all packets, and no others', () => {
    const capture = put('in.pcapng', pcapng(packet(helloOf('a')), packet(Buffer.from('data'))));
    const keys = put('keys.log', `# of two sessions\n${secretOf('a')}\n${secretOf('b')}\n`);
    expect(merge({ capture, secrets: [keys] })).toEqual({ sessions: 1, leftOut: 1 });
    expect(readOutput()).toEqual([SECTION_BLOCK, `${secretOf('a')}\n`, 1, PACKET_BLOCK, PACKET_BLOCK]);
    expect(statSync(join(folder, 'out.pcapng')).mode & 0o777).toBe(0o600);
  });

  it('takes secrets out of our captures, and of a folder of them', () => {
    const capture = put('in.pcap', pcap('LE', 0xa1b2c3d4, [helloOf('c'), helloOf('d')]));
    const one = put('one.pcapng', pcapng(), encodeSecrets(Buffer.from(`${secretOf('c')}\n`)));
    put('two.pcapng', pcapng(), encodeSecrets(Buffer.from(`${secretOf('d')}\n`)));
    expect(merge({ capture, secrets: [folder, one] })).toEqual({ sessions: 2, leftOut: 0 });
    expect(readOutput()).toEqual([
      SECTION_BLOCK,
      `${secretOf('c')}\n${secretOf('d')}\n`,
      1,
      PACKET_BLOCK,
      PACKET_BLOCK,
    ]);
  });

  it.each([
    ['LE', 0xa1b2c3d4, 1_700_000_000_000_007n, 6],
    ['BE', 0xa1b2c3d4, 1_700_000_000_000_007n, 6],
    ['LE', 0xa1b23c4d, 1_700_000_000_000_000_007n, 9],
    ['BE', 0xa1b23c4d, 1_700_000_000_000_000_007n, 9],
  ] as const)('reads pcap, %s with magic %i', (order, magic, time, timeDigits) => {
    const capture = put('in.pcap', pcap(order, magic, [helloOf('a')]));
    const secrets = [put('keys.log', secretOf('a'))];
    merge({ capture, secrets });
    const [, , head, found] = [...readCapture(join(folder, 'out.pcapng'))].map((part) =>
      part.kind === 'block' ? part.octets : Buffer.alloc(0),
    );
    expect(head).toEqual(encodeInterface({ linkType: 1, snapLength: 65_535, timeDigits }));
    const octets = helloOf('a');
    expect(found).toEqual(encodePacket({ time, octets, originalLength: octets.length + 100 }));
  });

  it('keeps the byte order of a section, and forgets the length that it announced', () => {
    const section = Buffer.alloc(28);
    section.writeUInt32BE(SECTION_BLOCK, 0);
    section.writeUInt32BE(28, 4);
    section.writeUInt32BE(0x1a2b3c4d, 8);
    section.writeUInt16BE(1, 12);
    section.writeBigUInt64BE(1234n, 16);
    section.writeUInt32BE(28, 24);
    const custom = Buffer.alloc(12 + 64);
    custom.writeUInt32BE(PACKET_BLOCK, 0);
    custom.writeUInt32BE(custom.length, 4);
    helloOf('a').copy(custom, 8);
    custom.writeUInt32BE(custom.length, custom.length - 4);
    const capture = put('in.pcapng', section, custom);
    merge({ capture, secrets: [put('keys.log', secretOf('a'))] });
    expect(readOutput()).toEqual([SECTION_BLOCK, `${secretOf('a')}\n`, PACKET_BLOCK]);
    expect(readFileSync(join(folder, 'out.pcapng')).readBigInt64BE(16)).toBe(-1n);
  });

  it('keeps what is whole of a file that was cut short', () => {
    const whole = pcapng(packet(helloOf('a')));
    const capture = put('in.pcapng', whole, packet(Buffer.from('half')).subarray(0, 20));
    merge({ capture, secrets: [put('keys.log', secretOf('a'))] });
    expect(readOutput()).toEqual([SECTION_BLOCK, `${secretOf('a')}\n`, 1, PACKET_BLOCK]);
  });

  it('puts all of them in when it is told to', () => {
    const capture = put('in.pcapng', pcapng(packet(Buffer.from('begun before'))));
    const secrets = [put('keys.log', secretOf('a'))];
    expect(() => merge({ capture, secrets })).toThrow(expect.objectContaining({ code: 'no-secrets' }));
    expect(merge({ capture, secrets, all: true })).toEqual({ sessions: 1, leftOut: 0 });
  });

  it.each([
    ['not-a-capture', 'some text that is no capture at all'],
    ['not-a-capture', ''],
    ['not-a-capture', Buffer.concat([pcapng(), Buffer.from([6, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0])])],
  ])('refuses with %s what cannot be read, and leaves nothing', (code, content) => {
    const capture = put('in.bin', content);
    const secrets = [put('keys.log', secretOf('a'))];
    expect(() => merge({ capture, secrets, all: true })).toThrow(expect.objectContaining({ code }));
    expect(readdirSync(folder).toSorted()).toEqual(['in.bin', 'keys.log']);
  });

  it('refuses secrets that are none, files that are not there, and an output that is', () => {
    const capture = put('in.pcapng', pcapng(packet(helloOf('a'))));
    const keys = put('keys.log', secretOf('a'));
    const refusal = (options: Partial<MergeOptions>): unknown => {
      try {
        return merge({ capture, secrets: [keys], ...options });
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    expect(refusal({ secrets: [put('other.txt', 'Dear reader,\n')] })).toBe('not-a-key-log');
    expect(refusal({ secrets: [join(folder, 'missing')] })).toBe('file-unreadable');
    expect(refusal({ capture: join(folder, 'missing') })).toBe('file-unreadable');
    expect(refusal({ secrets: [capture] })).toBe('no-secrets');
    expect(refusal({ output: keys })).toBe('file-exists');
    expect(refusal({ output: join(folder, 'nowhere', 'out.pcapng') })).toBe('file-unwritable');
    expect(refusal({ output: keys, overwrite: true })).toEqual({ sessions: 1, leftOut: 0 });
  });
});
