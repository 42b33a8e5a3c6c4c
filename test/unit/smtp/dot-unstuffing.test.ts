import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DotUnstuffing } from '../../../src/smtp/dot-unstuffing.ts';

interface Reading {
  readonly body: string;
  /** What came behind the final dot; undefined when there was none. */
  readonly rest: string | undefined;
}

function read(pieces: readonly Buffer[]): Reading {
  const unstuffing = new DotUnstuffing();
  let body = '';
  for (const [index, piece] of pieces.entries()) {
    const { content, rest } = unstuffing.read(piece);
    body += content.toString('latin1');
    if (rest) return { body, rest: Buffer.concat([rest, ...pieces.slice(index + 1)]).toString('latin1') };
  }
  return { body, rest: undefined };
}

/** The same by lines, which shares no idea with the code under test. */
function readByLines(wire: string): Reading | undefined {
  const lines = wire.split('\r\n');
  const end = lines.slice(0, -1).indexOf('.');
  if (end === -1) return undefined;
  const body = lines.slice(0, end).map((line) => `${line.replace(/^\./, '')}\r\n`);
  return { body: body.join(''), rest: lines.slice(end + 1).join('\r\n') };
}

function cut(wire: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % (wire.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...cuts].map((from, index) => wire.subarray(from, cuts[index]));
}

describe('dot unstuffing', () => {
  it.each([
    ['.\r\n', '', ''],
    ['.\r\nQUIT\r\n', '', 'QUIT\r\n'],
    ['a\r\n.\r\n', 'a\r\n', ''],
    ['..\r\n.\r\n', '.\r\n', ''],
    ['.a\r\n...\r\n.\r\nRSET', 'a\r\n..\r\n', 'RSET'],
    ['a\r\n.\ra\r\n.\r\n', 'a\r\n\ra\r\n', ''],
    ['\r\n\r\n.\r\n', '\r\n\r\n', ''],
  ])('reads %j as %j', (wire, body, rest) => {
    expect(read([Buffer.from(wire)])).toEqual({ body, rest });
  });

  it.each(['a\n.\r\n', 'a\r.\r\n', 'a\r\n.\n', 'a\r\n.\r', 'a\n.\n', '.\r\r\n'])('takes %j for no end', (wire) => {
    expect(read([Buffer.from(wire)]).rest).toBeUndefined();
  });

  it('reads the same wherever the pieces are cut', () => {
    const octets = fc.array(fc.constantFrom('\r', '\n', '.', '\r\n', '\r\n.', '\r\n.\r\n', 'a', '\xff'), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(octets, fc.array(fc.nat(60), { maxLength: 8 }), (parts, places) => {
        const wire = Buffer.from(parts.join(''), 'latin1');
        const whole = read([wire]);
        expect(read(cut(wire, places))).toEqual(whole);
        const expected = readByLines(wire.toString('latin1'));
        if (expected) expect(whole).toEqual(expected);
        else expect(whole.rest).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });
});
