// The pieces that a conversation is taken apart into, whatever pieces it comes in.

import { type Arbitrary, array, assert, boolean, integer, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandSplitter } from '../../../src/meddle/command-splitter.ts';
import { HandshakeView, RecordSplitter } from '../../../src/meddle/record-splitter.ts';
import { ReplySplitter } from '../../../src/meddle/reply-splitter.ts';
import type { Unit } from '../../../src/meddle/unit.ts';

/** What a client that sends one message in clear says, and how it is told apart. */
const SESSION =
  'EHLO c.test\r\nAUTH PLAIN\r\nc2VjcmV0\r\nMAIL FROM:<a@c.test>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.x\r\n\n.\nend\r\n.\r\nBDAT 5 LAST\r\n\r\n.\r\nQUIT\r\n';
const EXPECTED = [
  'EHLO "EHLO c.test\\r\\n"',
  'AUTH "AUTH PLAIN\\r\\n"',
  'AUTH response "c2VjcmV0\\r\\n"',
  'MAIL "MAIL FROM:<a@c.test>\\r\\n"',
  'DATA "DATA\\r\\n"',
  'body "Subject: x\\r\\n\\r\\n..\\r\\n.x\\r\\n\\n.\\nend\\r\\n"',
  'dot ".\\r\\n"',
  'BDAT "BDAT 5 LAST\\r\\n"',
  'body "\\r\\n.\\r\\n"',
  'QUIT "QUIT\\r\\n"',
];

/** As a dialogue feeds it: after DATA a message is expected, after AUTH a response. Pieces of a body are put together. */
function takeApart(pieces: readonly Buffer[]): string[] {
  const splitter = new CommandSplitter();
  const units: { name: string; octets: Buffer }[] = [];
  for (const piece of pieces) {
    splitter.add(piece);
    for (let unit = splitter.next(); unit; unit = splitter.next()) {
      const [name = ''] = unit.names;
      const last = units.at(-1);
      if (unit.offset > 0 && last) last.octets = Buffer.concat([last.octets, unit.octets]);
      else units.push({ name, octets: unit.octets });
      if (name === 'DATA') splitter.expectData();
      if (name === 'AUTH') splitter.expectResponse();
    }
  }
  return units.map(({ name, octets }) => `${name} ${JSON.stringify(octets.toString())}`);
}

function cutAt(octets: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [0, ...places.toSorted((a, b) => a - b), octets.length];
  return cuts.slice(1).map((end, index) => octets.subarray(cuts[index], end));
}

function piecesOf(octets: Buffer): Arbitrary<Buffer[]> {
  return array(integer({ min: 0, max: octets.length }), { maxLength: 12 }).map((places) => cutAt(octets, places));
}

describe('commands', () => {
  it('are told apart from messages, chunks and responses, in whatever pieces they come', () => {
    assert(
      property(piecesOf(Buffer.from(SESSION)), (pieces) => {
        expect(takeApart(pieces)).toEqual(EXPECTED);
      }),
    );
  });

  it('tell nothing of a password', () => {
    const splitter = new CommandSplitter();
    splitter.add(Buffer.from('AUTH PLAIN c2VjcmV0\r\n'));
    expect(splitter.next()?.text).toBe('AUTH PLAIN (an initial response)');
    splitter.expectResponse();
    splitter.add(Buffer.from('c2VjcmV0\r\n'));
    expect(splitter.next()?.text).not.toContain('c2VjcmV0');
  });

  it('give up on a line that never ends', () => {
    const splitter = new CommandSplitter();
    splitter.add(Buffer.alloc(70_000, 'x'));
    expect(splitter.next()).toMatchObject({ names: ['junk'] });
    expect(splitter.takeRest()).toHaveLength(0);
  });
});

describe('replies', () => {
  it('come whole, in whatever pieces, and what is none has code 0', () => {
    const said = Buffer.from('220 hi\r\n250-a\r\n250-b\r\n250 c\r\nnonsense\r\n334 c2VjcmV0\r\n');
    assert(
      property(piecesOf(said), (pieces) => {
        const splitter = new ReplySplitter();
        const replies: string[] = [];
        for (const piece of pieces) {
          splitter.add(piece);
          for (let reply = splitter.next(); reply; reply = splitter.next()) replies.push(`${reply.code} ${reply.text}`);
        }
        expect(replies).toEqual([
          '220 220 hi',
          '250 250-a | 250-b | 250 c',
          '0 nonsense',
          '334 334 (a challenge of AUTH)',
        ]);
      }),
    );
  });
});

describe('records', () => {
  const record = (type: number, payload: Buffer): Buffer =>
    Buffer.concat([Buffer.from([type, 3, 3, payload.length >> 8, payload.length & 255]), payload]);
  const message = (type: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([type, 0, 0, body.length]), body]);
  const serverHello = Buffer.concat([Buffer.from([3, 3]), Buffer.alloc(32, 7), Buffer.from([0, 0xc0, 0x2f, 0])]);

  function namesOf(octets: Buffer): { names: string[]; view: HandshakeView } {
    const view = new HandshakeView();
    const splitter = new RecordSplitter('server', view);
    splitter.add(octets);
    const units: Unit[] = [];
    for (let unit = splitter.next(); unit; unit = splitter.next()) units.push(unit);
    return { names: units.map((unit) => unit.names.join(', ')), view };
  }

  it('are named by the messages that begin in them, also where one holds several or a message goes on in the next', () => {
    const certificate = message(11, Buffer.alloc(60, 1));
    const { names, view } = namesOf(
      Buffer.concat([
        record(22, Buffer.concat([message(2, serverHello), certificate.subarray(0, 20)])),
        record(22, certificate.subarray(20)),
        record(22, message(14, Buffer.alloc(0))),
        record(20, Buffer.from([1])),
        record(22, Buffer.alloc(40)),
        record(21, Buffer.from([2, 40])),
      ]),
    );
    expect(names).toEqual([
      'ServerHello, Certificate, record 1',
      'Handshake, record 2',
      'ServerHelloDone, record 3',
      'ChangeCipherSpec, record 4',
      'Finished, record 5',
      'Alert, record 6',
    ]);
    expect(view).toMatchObject({ version: 'TLSv1.2', cipher: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256' });
  });

  it('are no more once something comes that is no TLS', () => {
    expect(namesOf(Buffer.from('250 plain text\r\n')).names).toEqual(['junk']);
  });

  it('bear any octets without falling over, and keep all of them', () => {
    assert(
      property(uint8Array({ maxLength: 300 }), boolean(), (bytes, isFramed) => {
        const octets = isFramed ? record(22, Buffer.from(bytes)) : Buffer.from(bytes);
        const splitter = new RecordSplitter('client', new HandshakeView());
        splitter.add(octets);
        let total = 0;
        for (let unit = splitter.next(); unit; unit = splitter.next()) total += unit.octets.length;
        expect(total).toBeLessThanOrEqual(octets.length);
        if (isFramed) expect(total).toBe(octets.length);
      }),
    );
  });
});
