import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  HEADER_FAMILIES,
  type HeaderFamily,
  HeaderFirewall,
  publicBody,
} from '../../../src/transport/header-firewall.ts';
import { makeMessage } from '../../helpers/queue-fixtures.ts';

interface Stripped {
  readonly rest: string;
  readonly removedBytes: number;
  /** Most octets that were given and neither passed on nor removed. */
  readonly mostHeldBytes: number;
}

/** `sizes`: of the chunks; what is left comes as the last one. */
function strip(
  message: string,
  sizes: readonly number[] = [],
  families: readonly HeaderFamily[] = HEADER_FAMILIES,
): Stripped {
  const octets = Buffer.from(message, 'latin1');
  const firewall = new HeaderFirewall(families);
  const passed: Buffer[] = [];
  let [from, passedBytes, mostHeldBytes] = [0, 0, 0];
  for (const size of [...sizes, octets.length]) {
    const piece = firewall.strip(octets.subarray(from, from + size));
    from = Math.min(from + size, octets.length);
    passed.push(Buffer.from(piece));
    passedBytes += piece.length;
    mostHeldBytes = Math.max(mostHeldBytes, from - passedBytes - firewall.removedBytes);
  }
  passed.push(firewall.end());
  const rest = Buffer.concat(passed).toString('latin1');
  return { rest, removedBytes: firewall.removedBytes, mostHeldBytes };
}

/** What the rule is, said a second time and without streams: header lines, folded ones joined, minus those that must go. */
function expected(fields: readonly string[], body: string, families: readonly HeaderFamily[]): string {
  const beginnings = families.map((family) => `x-ms-exchange-${family}-`.toLowerCase());
  return (
    fields.filter((field) => !beginnings.some((beginning) => field.toLowerCase().startsWith(beginning))).join('') + body
  );
}

const AUTH_AS = 'X-MS-Exchange-Organization-AuthAs: Internal\r\n';

describe('HeaderFirewall', () => {
  it.each<[string, string, string]>([
    ['a field between others', `A: 1\r\n${AUTH_AS}B: 2\r\n\r\nbody`, 'A: 1\r\nB: 2\r\n\r\nbody'],
    ['the first and the last', `${AUTH_AS}A: 1\r\n${AUTH_AS}\r\nbody`, 'A: 1\r\n\r\nbody'],
    ['all there is', `${AUTH_AS}${AUTH_AS}\r\nbody`, '\r\nbody'],
    ['the other family', 'X-MS-Exchange-Forest-RulesExecuted: a\r\n\r\n', '\r\n'],
    ['odd letter case', 'x-mS-eXCHANGE-oRGANIZATION-aUTHaS: Internal\r\n\r\n', '\r\n'],
    ['folded ones wholly', 'X-MS-Exchange-Forest-A: b\r\n c\r\n\t\r\n d\r\nE: f\r\n g\r\n\r\n', 'E: f\r\n g\r\n\r\n'],
    ['a name with nothing behind the family', 'X-MS-Exchange-Organization-: a\r\n\r\n', '\r\n'],
    ['a blank before the colon', 'X-MS-Exchange-Organization-AuthAs : Internal\r\n\r\n', '\r\n'],
    ['the colon on the next line', 'X-MS-Exchange-Organization-AuthAs\r\n : Internal\r\n\r\n', '\r\n'],
    ['no colon at all', 'X-MS-Exchange-Organization-AuthAs\r\nA: 1\r\n\r\n', 'A: 1\r\n\r\n'],
    ['a message without a blank line', `A: 1\r\n${AUTH_AS}`, 'A: 1\r\n'],
    ['one that ends within the field', 'A: 1\r\nX-MS-Exchange-Organization-Auth', 'A: 1\r\n'],
    ['a field behind a lone LF', `A: 1\n${AUTH_AS}B: 2\r\n\r\n`, 'A: 1\nB: 2\r\n\r\n'],
    ['a field behind a lone CR', `A: 1\r${AUTH_AS}B: 2\r\n\r\n`, 'A: 1\rB: 2\r\n\r\n'],
    ['a field that a lone CR ends', 'X-MS-Exchange-Forest-A: b\rB: 2\r\n\r\n', 'B: 2\r\n\r\n'],
    [
      'one that was the line before the blank one',
      `A: 1\r${AUTH_AS}\r\n${AUTH_AS}B: 2\r\n\r\n`,
      'A: 1\r\r\nB: 2\r\n\r\n',
    ],
    ['a field behind two lone LF, which end no header', `A: 1\n\n${AUTH_AS}\r\n`, 'A: 1\n\n\r\n'],
  ])('takes out %s', (_, message, rest) => {
    expect(strip(message)).toMatchObject({ rest, removedBytes: message.length - rest.length });
  });

  it.each([
    ['the body', `A: 1\r\n\r\n${AUTH_AS}`],
    ['the body of a message without header', `\r\n${AUTH_AS}`],
    ['a header within the body', `A: 1\r\n\r\n--b\r\n\r\n${AUTH_AS}\r\n`],
    ['a folded line that looks like it', `A: 1\r\n ${AUTH_AS}\r\n`],
    ['a value', `A: ${AUTH_AS}\r\n`],
    ['a longer name', `A-${AUTH_AS}\r\n`],
    ['the bare family', 'X-MS-Exchange-Organization: a\r\nX-MS-Exchange-Forest: b\r\n\r\n'],
    ['another family', 'X-MS-Exchange-Transport-Rules: a\r\nX-MS-Exchange-OrganizationX-A: b\r\n\r\n'],
    ['routing fields', 'Received: a\r\nResent-From: b\r\n\r\n'],
    ['the beginning of a name, at the end', 'A: 1\r\nX-MS-Exchange-Organ'],
    ['nothing', ''],
    ['a line end', '\r\n'],
    ['half a line end', '\r'],
  ])('leaves alone %s', (_, message) => {
    expect(strip(message)).toMatchObject({ rest: message, removedBytes: 0 });
    expect(strip(message, Array<number>(message.length).fill(1)).rest).toBe(message);
  });

  it('takes out the families that it is told, and passes a message untouched where there are none', () => {
    const message = `X-MS-Exchange-Forest-A: b\r\n${AUTH_AS}\r\n`;
    expect(strip(message, [], ['Forest']).rest).toBe(`${AUTH_AS}\r\n`);
    expect(strip(message, [], ['Organization']).rest).toBe('X-MS-Exchange-Forest-A: b\r\n\r\n');
    expect(strip(message, [], []).rest).toBe(message);
  });

  it('copies nothing of a message without such fields', () => {
    const chunk = Buffer.from('Subject: x\r\n\r\nbody\r\n');
    const passed = new HeaderFirewall(HEADER_FAMILIES).strip(chunk);
    expect([passed.buffer, passed.byteOffset, passed.length]).toEqual([chunk.buffer, chunk.byteOffset, chunk.length]);
  });

  it('holds back no more than the beginning of a name, however long a line or the header is', () => {
    const filler = `A: ${'x-ms-exchange-'.repeat(30_000)}\r\n`;
    const long = `X-MS-Exchange-Forest-A: ${'b'.repeat(300_000)}\r\n${' c\r\n'.repeat(1000)}`;
    const sizes = Array<number>(3000).fill(700);
    const { rest, mostHeldBytes } = strip(`${filler}${long}${filler}${AUTH_AS}\r\nbody\r\n`, sizes);
    expect(rest === `${filler}${filler}\r\nbody\r\n`).toBe(true);
    expect(mostHeldBytes).toBeLessThan(30);
  });

  it('keeps nothing of the buffers that the chunks were cut from', () => {
    const firewall = new HeaderFirewall(HEADER_FAMILIES);
    const shared = Buffer.from('A: 1\r\nX-MS-');
    const passed = firewall.strip(shared).toString();
    shared.fill('x');
    expect(passed + firewall.end().toString()).toBe('A: 1\r\nX-MS-');
  });

  const name = fc.oneof(
    fc.constantFrom('Subject', 'Received', 'X-MS-Exchange-Organization', 'X-MS-Exchange-Transport-X', 'X-MS-', 'X'),
    fc
      .tuple(fc.constantFrom(...HEADER_FAMILIES), fc.constantFrom('', 'AuthAs', 'SCL'), fc.infiniteStream(fc.boolean()))
      .map(([family, end, cases]) =>
        `X-MS-Exchange-${family}-${end}`
          .split('')
          .map((letter) => (cases.next().value ? letter.toUpperCase() : letter.toLowerCase()))
          .join(''),
      ),
  );
  const octets = fc.array(fc.constantFrom('x', ':', ' ', 'X-MS-Exchange-Forest-A: b', '\xfc', '\0'), { maxLength: 4 });
  const field = fc
    .tuple(
      name,
      fc.constantFrom(':', ' :', '', ': '),
      octets,
      fc.array(fc.tuple(fc.constantFrom(' ', '\t'), octets), { maxLength: 3 }),
    )
    .map(([first, colon, value, folds]) =>
      [`${first}${colon}${value.join('')}`, ...folds.map(([blank, text]) => blank + text.join('')), ''].join('\r\n'),
    );
  const body = fc.oneof(
    fc.constant(''),
    fc
      .array(fc.constantFrom(AUTH_AS, '\r\n', '\r', '\n', 'x', 'X-MS-Exchange-Forest-A'), { maxLength: 8 })
      .map((pieces) => `\r\n${pieces.join('')}`),
  );
  const families = fc.subarray([...HEADER_FAMILIES]);
  const sizes = fc.array(fc.nat(30), { maxLength: 60 });

  it('passes exactly what does not have to go, for any header, body and chunks', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 8 }), body, families, sizes, (fields, rest, removed, cuts) => {
        const message = fields.join('') + rest;
        const kept = expected(fields, rest, removed);
        expect(strip(message, cuts, removed)).toMatchObject({ rest: kept, removedBytes: message.length - kept.length });
      }),
      { numRuns: 3000 },
    );
  });

  it('does the same to anything at all, however it is cut, and finds nothing in what it has passed', () => {
    const piece = fc.constantFrom('\r\n', '\r\n', '\r', '\n', ' ', 'x', 'A: b', AUTH_AS, 'X-MS-Exchange-', 'Forest-');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), sizes, (pieces, cuts) => {
        const message = pieces.join('');
        const { rest, removedBytes } = strip(message);
        expect(strip(message, cuts)).toMatchObject({ rest, removedBytes });
        expect(strip(rest, cuts)).toMatchObject({ rest, removedBytes: 0 });
        const [header] = `\r\n${rest}`.split('\r\n\r\n');
        expect(header).not.toMatch(/[\r\n]X-MS-Exchange-(?:Organization|Forest)-/i);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('publicBody', () => {
  const content = Buffer.from(`A: 1\r\n${AUTH_AS}\r\nbody\r\n`);
  async function* open(): AsyncGenerator<Buffer> {
    yield content.subarray(0, 20);
    yield content.subarray(20);
  }

  async function read(internalFieldsBytes: number | undefined): Promise<[string, number]> {
    const message = makeMessage(1);
    const envelope = { ...message.envelope, ...(internalFieldsBytes !== undefined && { internalFieldsBytes }) };
    const { sizeBytes, openBody } = publicBody({ envelope, bodySizeBytes: content.length }, open);
    const chunks: Buffer[] = [];
    for await (const chunk of openBody()) chunks.push(chunk);
    return [Buffer.concat(chunks).toString(), sizeBytes];
  }

  it('is the whole body where no internal fields were noted', async () => {
    expect(await read(undefined)).toEqual([content.toString(), content.length]);
  });

  it('is the body without them otherwise, and its size is exact', async () => {
    const rest = 'A: 1\r\n\r\nbody\r\n';
    expect(await read(AUTH_AS.length)).toEqual([rest, rest.length]);
  });
});
