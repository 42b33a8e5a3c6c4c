import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkIdField } from '../../../src/transport/network-id-field.ts';
import { formatNetworkMessageId, NETWORK_MESSAGE_ID_FIELD } from '../../../src/transport/trace-header.ts';

const ID = '0f6f2d6e-0000-4000-8000-000000000001';

function strip(
  message: string,
  isExpected: boolean,
  sizes: readonly number[] = [],
): { rest: string; value: string | undefined } {
  const octets = Buffer.from(message);
  const field = new NetworkIdField(isExpected);
  const rest: Buffer[] = [];
  let from = 0;
  for (const size of sizes) {
    rest.push(field.strip(octets.subarray(from, from + size)));
    from += size;
  }
  rest.push(field.strip(octets.subarray(from)), field.end());
  return { rest: Buffer.concat(rest).toString(), value: field.value };
}

describe('NetworkIdField', () => {
  it('takes the id off the front', () => {
    expect(strip(`${formatNetworkMessageId(ID)}Subject: x\r\n\r\n`, true)).toEqual({
      rest: 'Subject: x\r\n\r\n',
      value: ID,
    });
  });

  it.each([
    ['nobody who proved itself sent it', `${formatNetworkMessageId(ID)}Subject: x\r\n`, false],
    ['it is not the first line', `Subject: x\r\n${formatNetworkMessageId(ID)}`, true],
    ['it is no GUID', formatNetworkMessageId('-'.repeat(36)), true],
    ['it is in capitals', formatNetworkMessageId(ID.toUpperCase().replace('0F', 'FF')), true],
    ['it goes on', `${NETWORK_MESSAGE_ID_FIELD}: ${ID}x\r\n`, true],
    ['the message ends before it does', `${NETWORK_MESSAGE_ID_FIELD}: ${ID}`, true],
    ['the message is empty', '', true],
  ])('leaves everything as it is when %s', (_, message, isExpected) => {
    expect(strip(message, isExpected)).toEqual({ rest: message, value: undefined });
  });

  it('takes off one line and not the next', () => {
    const message = formatNetworkMessageId(ID);
    expect(strip(message + message, true)).toEqual({ rest: message, value: ID });
  });

  it('does the same, however the message is cut into chunks', () => {
    const beginning = fc.constantFrom(
      formatNetworkMessageId(ID),
      formatNetworkMessageId(ID).slice(0, 50),
      'Subject: x\r\n',
      '',
    );
    fc.assert(
      fc.property(
        beginning,
        fc.string(),
        fc.boolean(),
        fc.array(fc.nat(40), { maxLength: 20 }),
        (front, body, isExpected, sizes) => {
          expect(strip(front + body, isExpected, sizes)).toEqual(strip(front + body, isExpected));
        },
      ),
    );
  });
});
