import { beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeSecrets, SECRETS_BLOCK } from '../../../src/capture/pcapng.ts';
import { type CaptureSink, SessionCapture, type SessionCaptureOptions } from '../../../src/capture/session-capture.ts';
import type { TappedConnection } from '../../../src/capture/tap.ts';

const PACKET_BLOCK = 6;
const connection: TappedConnection = {
  protocol: 'smtp',
  role: 'client',
  id: 'session-1',
  local: { host: '192.0.2.1', port: 40_000 },
  remote: { host: '198.51.100.9', port: 25 },
};

let blocks: Buffer[];
let isOpen: boolean;
let room: number;

beforeEach(() => {
  blocks = [];
  isOpen = true;
  room = Number.POSITIVE_INFINITY;
});

function begin(options: Partial<SessionCaptureOptions> = {}): SessionCapture {
  const sink: CaptureSink = {
    file: 'one.pcapng',
    write: (block) => {
      if (block.length > room) return false;
      room -= block.length;
      blocks.push(block);
      return true;
    },
    close: () => {
      isOpen = false;
    },
  };
  return new SessionCapture({ connection, sink, application: 'relaypair 9.9', server: 'hub01.test', ...options });
}

/** What stands in the file: secrets as they are, of packets what they carry, or their flags. */
function story(): string[] {
  return blocks.slice(2).map((block) => {
    const type = block.readUInt32LE(0);
    if (type === SECRETS_BLOCK) return `secret ${decodeSecrets(block.subarray(8, -4), 'LE')?.toString().trim()}`;
    if (type !== PACKET_BLOCK) return `block ${type}`;
    const packet = block.subarray(28, 28 + block.readUInt32LE(20));
    const tcp = packet.subarray(20);
    const payload = tcp.subarray((tcp.readUInt8(12) >> 4) * 4);
    return payload.length > 0 ? payload.toString() : `flags ${tcp.readUInt8(13)}`;
  });
}

function comments(): string[] {
  return blocks.slice(2).flatMap((block) => {
    const end = 28 + Math.ceil(block.readUInt32LE(20) / 4) * 4;
    if (block.readUInt32LE(0) !== PACKET_BLOCK || block.readUInt16LE(end) !== 1) return [];
    return [block.toString('utf8', end + 4, end + 4 + block.readUInt16LE(end + 2))];
  });
}

const OPENING = ['flags 2', 'flags 18', 'flags 16'];

describe('SessionCapture', () => {
  it('has secrets before what came while they were derived, and everything in its order', () => {
    const session = begin();
    session.received(Buffer.from('220 ready'));
    session.handshakeBegins();
    session.sent(Buffer.from('ClientHello'));
    session.received(Buffer.from('ServerHello'));
    session.secret(Buffer.from('A handshake\n'));
    session.received(Buffer.from('Certificate'));
    session.secret(Buffer.from('B traffic'));
    session.sent(Buffer.from('Finished'));
    session.handshakeEnds();
    session.received(Buffer.from('250 inside'));
    expect(story()).toEqual([
      ...OPENING,
      '220 ready',
      'ClientHello',
      'secret A handshake',
      'secret B traffic',
      'ServerHello',
      'Certificate',
      'Finished',
      '250 inside',
    ]);
  });

  it('keeps what came during a handshake that nobody ends', () => {
    const session = begin();
    session.handshakeBegins();
    session.received(Buffer.from('garbage'));
    session.ended('remote');
    session.closed();
    session.finish();
    expect(story()).toContain('garbage');
    expect(isOpen).toBe(false);
  });

  it('begins with who it is, and what a moved clock shows', () => {
    begin({ movedClock: () => ({ time: new Date('2027-12-24T20:00:00Z'), offset: '+400d' }) });
    expect(JSON.parse(comments()[0] ?? '')).toEqual({
      server: 'hub01.test',
      session: 'session-1',
      protocol: 'smtp',
      role: 'client',
      clockOffset: '+400d',
      clockTime: '2027-12-24T20:00:00.000Z',
    });
    expect(blocks[0]?.toString()).toContain('whoever has it can read the session');
  });

  it('tells when the clock was moved meanwhile', () => {
    let offset: string | undefined;
    const session = begin({ movedClock: () => (offset === undefined ? undefined : { time: new Date(0), offset }) });
    session.received(Buffer.from('one'));
    offset = '+1d';
    session.received(Buffer.from('two'));
    session.received(Buffer.from('three'));
    expect(comments().slice(1)).toEqual([JSON.stringify({ clockOffset: '+1d', clockTime: new Date(0).toISOString() })]);
  });

  it('puts a note at an acknowledgement of what was read, or at the next packet', () => {
    const session = begin();
    session.received(Buffer.from('250 queued'));
    session.note('first');
    expect(story().slice(-2)).toEqual(['250 queued', 'flags 16']);
    session.note('second');
    session.sent(Buffer.from('QUIT'));
    expect(story().at(-1)).toBe('QUIT');
    expect(comments().slice(1)).toEqual(['first', 'second']);
  });

  it('waits with its last packet for a note, and then no longer', () => {
    vi.useFakeTimers();
    try {
      const session = begin();
      session.ended('remote');
      session.closed();
      expect(story()).not.toContain('flags 16flags 16');
      session.note('the card');
      expect(isOpen).toBe(true);
      vi.advanceTimersByTime(10_000);
      expect(isOpen).toBe(false);
      expect(comments().at(-1)).toBe('the card');
      session.note('too late');
      session.received(Buffer.from('too late'));
      expect(story()).toEqual([...OPENING, 'flags 17', 'flags 17', 'flags 16']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('shows a reset as the end of it', () => {
    const session = begin();
    session.reset();
    session.closed();
    session.finish();
    expect(story()).toEqual([...OPENING, 'flags 20']);
  });

  it('is over when its file takes no more, and disturbs nobody', () => {
    const session = begin();
    room = 0;
    session.received(Buffer.from('250 lost'));
    expect(isOpen).toBe(false);
    session.sent(Buffer.from('more'));
    session.secret(Buffer.from('S'));
    session.closed();
    session.finish();
    expect(story()).toEqual(OPENING);
  });
});
