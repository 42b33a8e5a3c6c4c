import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DotStuffing } from '../../../src/smtp/dot-stuffing.ts';

function stuff(chunks: readonly Buffer[]): Buffer {
  const stuffing = new DotStuffing();
  return Buffer.concat([...chunks.map((chunk) => stuffing.push(chunk)), stuffing.end()]);
}

/** The receiver's side, written line by line so that it shares no idea with the code under test. */
function unstuff(wire: string): string {
  const lines = wire.split('\r\n');
  const end = lines.indexOf('.');
  expect(lines.slice(end)).toEqual(['.', '']);
  return lines
    .slice(0, end)
    .map((line) => `${line.startsWith('.') ? line.slice(1) : line}\r\n`)
    .join('');
}

describe('dot stuffing', () => {
  it.each([
    ['', '.\r\n'],
    ['.', '..\r\n.\r\n'],
    ['a', 'a\r\n.\r\n'],
    ['a\r\n', 'a\r\n.\r\n'],
    ['.\r\n', '..\r\n.\r\n'],
    ['a\r\n.\r\nb\r\n', 'a\r\n..\r\nb\r\n.\r\n'],
    ['\r\n.\r\n.\r\n', '\r\n..\r\n..\r\n.\r\n'],
    ['a\n.\nb\r', 'a\n.\nb\r\r\n.\r\n'],
    ['a.\r\n..b', 'a.\r\n...b\r\n.\r\n'],
  ])('sends %j as %j', (body, wire) => {
    expect(stuff([Buffer.from(body)]).toString()).toBe(wire);
  });

  it('gives the receiver the same octets wherever the chunks are cut', () => {
    const octets = fc.array(fc.constantFrom('\r', '\n', '.', '\r\n', '\r\n.', 'a', '\0', '\xff'), { maxLength: 40 });
    fc.assert(
      fc.property(octets, fc.array(fc.nat(5), { minLength: 1, maxLength: 20 }), (parts, sizes) => {
        const body = Buffer.from(parts.join(''), 'latin1');
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < body.length; turn += 1) {
          const size = (sizes[turn % sizes.length] ?? 0) + 1;
          chunks.push(body.subarray(at, at + size));
          at += size;
        }
        const text = body.toString('latin1');
        const expected = text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`;
        expect(unstuff(stuff(chunks).toString('latin1'))).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });
});
