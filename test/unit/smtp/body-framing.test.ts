import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyFault, BodyFraming, isBodyFault } from '../../../src/smtp/body-framing.ts';
import { REPLIES } from '../../../src/smtp/replies.ts';

function split(body: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (body.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...places].map((from, index) => body.subarray(from, places[index]));
}

async function pass(chunks: readonly Buffer[], limitBytes?: number): Promise<Buffer | string> {
  const framing = new BodyFraming(limitBytes);
  const body = buffer(Readable.from(chunks).pipe(framing));
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
    const failed = once(framing, 'error');
    framing.write('a\nb');
    const [error] = await failed;
    expect(error).toMatchObject({ code: 'bare-line-ending', reply: REPLIES.bareLineEnding });
  });

  it('ends with the fault that the connection found, unless the body is complete', async () => {
    const framing = new BodyFraming();
    const failed = once(framing, 'error');
    framing.write('half a line');
    const fault = new BodyFault('body-incomplete', 'gone', REPLIES.connectionDropped);
    framing.abort(fault);
    expect(await failed).toEqual([fault]);

    const complete = new BodyFraming();
    const body = buffer(complete);
    complete.end('all\r\n');
    expect((await body).toString()).toBe('all\r\n');
    complete.abort(fault);
    expect(complete.fault).toBeUndefined();
  });

  it('takes 32 MiB of short lines in steps that grow with the octets alone', { timeout: 60_000 }, async () => {
    const chunk = Buffer.from(`${'x'.repeat(70)}\r\n`.repeat(900));
    const framing = new BodyFraming();
    framing.resume();
    for (let size = 0; size < 32 * 1024 * 1024; size += chunk.length) {
      if (!framing.write(chunk)) await once(framing, 'drain');
    }
    framing.end();
    await once(framing, 'end');
    expect(framing.sizeBytes).toBe(Math.ceil((32 * 1024 * 1024) / chunk.length) * chunk.length);
  });
});
