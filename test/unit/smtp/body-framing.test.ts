import { buffer } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyFault, BodyFraming, isBodyFault } from '../../../src/smtp/body-framing.ts';
import { REPLIES } from '../../../src/smtp/replies.ts';

function split(body: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (body.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...places].map((from, index) => body.subarray(from, places[index]));
}

function write(framing: BodyFraming, octets: Buffer | string): Promise<void> {
  return new Promise((resolve) => framing.write(Buffer.from(octets), resolve));
}

async function writeAll(framing: BodyFraming, chunks: readonly Buffer[]): Promise<void> {
  for (const chunk of chunks) await write(framing, chunk);
  framing.end();
}

async function pass(chunks: readonly Buffer[], limitBytes?: number): Promise<Buffer | string> {
  const framing = new BodyFraming(limitBytes);
  const body = buffer(framing);
  void writeAll(framing, chunks);
  try {
    const octets = await body;
    expect(framing.isComplete).toBe(true);
    expect(framing.sizeBytes).toBe(octets.length);
    return octets;
  } catch (error) {
    expect(isBodyFault(error) && error === framing.fault && !framing.isComplete).toBe(true);
    return (error as BodyFault).code;
  }
}

async function countOctets(body: AsyncIterable<Buffer>): Promise<number> {
  let count = 0;
  for await (const octets of body) count += octets.length;
  return count;
}

const tokens = fc.array(fc.constantFrom('\r\n', '\r\n', '\r', '\n', 'a', '.', '\0', 'é'), { maxLength: 12 });
const cuts = fc.array(fc.nat(40), { maxLength: 6 });

describe('BodyFraming', () => {
  it('passes on exactly what has no bare CR or LF and no dot behind NULs, however it is cut up', async () => {
    await fc.assert(
      fc.asyncProperty(tokens, cuts, async (parts, places) => {
        const body = Buffer.from(parts.join(''));
        const isBare = /\r(?!\n)|(?<!\r)\n/.test(body.toString());
        const result = await pass(split(body, places));
        const hidesDot = /(?:^|\n)\0+\./.test(body.toString());
        if (isBare || hidesDot) expect(result).toBeOneOf([isBare && 'bare-line-ending', hidesDot && 'hidden-dot']);
        else expect((result as Buffer).equals(body)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [10, 'messages of exactly the limit', Buffer.from('12345678\r\n')],
    [0, 'an empty message', Buffer.alloc(0)],
  ])('takes with a limit of %i %s', async (limitBytes, _, body) => {
    expect(await pass([body], limitBytes)).toEqual(body);
  });

  it('stops at the first octet over the limit, counting CRLF', async () => {
    expect(await pass([Buffer.from('123456789\r'), Buffer.from('\n')], 10)).toBe('message-too-large');
  });

  it('carries the reply for the client', async () => {
    const framing = new BodyFraming();
    const body = buffer(framing);
    await write(framing, 'a\nb');
    await expect(body).rejects.toMatchObject({ code: 'bare-line-ending', reply: REPLIES.bareLineEnding });
  });

  it('ends with the fault that the connection found, unless the body is complete', async () => {
    const framing = new BodyFraming();
    const half = buffer(framing);
    await write(framing, 'half a line');
    const fault = new BodyFault('body-incomplete', 'gone', REPLIES.connectionDropped);
    framing.abort(fault);
    await expect(half).rejects.toBe(fault);

    const complete = new BodyFraming();
    const body = buffer(complete);
    await writeAll(complete, [Buffer.from('all\r\n')]);
    expect((await body).toString()).toBe('all\r\n');
    complete.abort(fault);
    expect(complete.fault).toBeUndefined();
  });

  it('holds its writer back while nobody reads, and lets it go when nobody will', async () => {
    const framing = new BodyFraming();
    const line = Buffer.from(`${'x'.repeat(1022)}\r\n`);
    for (let size = line.length; size < 64 * 1024; size += line.length) await write(framing, line);
    const held = write(framing, line);
    expect(framing.isHeldBack).toBe(true);
    expect((await framing.next()).value).toEqual(line);
    await held;
    const again = write(framing, line);
    expect(framing.isHeldBack).toBe(true);
    await framing.return();
    await again;
    expect(framing.isHeldBack).toBe(false);
    framing.end();
    expect(framing.isComplete).toBe(false);
    await expect(framing.next()).rejects.toMatchObject({ code: 'body-incomplete' });
  });

  it('takes 32 MiB of short lines in steps that grow with the octets alone', { timeout: 60_000 }, async () => {
    const chunk = Buffer.from(`${'x'.repeat(70)}\r\n`.repeat(900));
    const framing = new BodyFraming();
    const read = countOctets(framing);
    for (let size = 0; size < 32 * 1024 * 1024; size += chunk.length) await write(framing, chunk);
    framing.end();
    expect(await read).toBe(framing.sizeBytes);
    expect(framing.sizeBytes).toBe(Math.ceil((32 * 1024 * 1024) / chunk.length) * chunk.length);
  });
});
