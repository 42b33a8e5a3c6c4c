// Server-sent events taken apart however the network cut them.

import { array, assert, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventLines } from '../../../src/page/event-lines.ts';

const STREAM =
  'retry: 2000\n\n' +
  'id: a-1\nevent: hello\ndata: {"Server":"HUB01"}\n\n' +
  ': a comment\n\n' +
  'event: clock\ndata: {"UtcNow":"x: y"}\n\n' +
  'id: a-2\r\nevent: tracking\r\ndata: one\r\ndata: two\r\n\r\n';

const EVENTS = [
  { kind: 'hello', data: '{"Server":"HUB01"}', id: 'a-1' },
  { kind: 'clock', data: '{"UtcNow":"x: y"}', id: 'a-1' },
  { kind: 'tracking', data: 'one\ntwo', id: 'a-2' },
];

describe('EventLines', () => {
  it('reads events, and the last id with those that have none', () => {
    expect(new EventLines().take(STREAM)).toEqual(EVENTS);
  });

  it('reads the same however the text is cut', () => {
    assert(
      property(array(nat(STREAM.length), { maxLength: 12 }), (cuts) => {
        const lines = new EventLines();
        const edges = [0, ...cuts.toSorted((a, b) => a - b), STREAM.length];
        const pieces = edges.slice(1).map((end, index) => STREAM.slice(edges[index], end));
        expect(pieces.flatMap((piece) => lines.take(piece))).toEqual(EVENTS);
      }),
    );
  });

  it('keeps no stream without line ends in memory', () => {
    const lines = new EventLines();
    for (let index = 0; index < 6; index += 1) lines.take('x'.repeat(1024 * 1024));
    expect(lines.take('\n\ndata: on\n\n').map(({ data }) => data)).toEqual(['on']);
  });
});
