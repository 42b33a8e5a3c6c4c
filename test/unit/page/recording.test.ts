// A recording is made without secrets, stands in a script element whatever mail says, and comes back as it was; others are refused.

import { describe, expect, it } from 'vitest';
import { RecordedApi } from '../../../src/page/recorded-api.ts';
import { makeRecording, readRecording, type ServerParts, writeRecording } from '../../../src/page/recording.ts';

const HOSTILE = '</script><script>alert(1)</script><!--<script>\u2028\u2029\u0000\ud800';
const NOTHING = { notices: [], warnings: [], failures: [], files: [] };
const EDGE: ServerParts = {
  name: 'EDGE01',
  fqdn: 'edge01.perimeter.test',
  role: 'edge',
  events: [
    {
      at: 1000,
      kind: 'hello',
      data: JSON.stringify({ Server: 'EDGE01', Access: 'ReadWrite', Laboratory: 'http://127.0.0.1:9' }),
    },
    { at: 2000, kind: 'tracking', data: JSON.stringify({ EventId: 'RECEIVE', MessageSubject: HOSTILE }) },
    { at: 2500, kind: 'tracking', data: '{"broken' },
    { at: 9000, kind: 'tracking', data: '{"MessageSubject":"too late"}' },
  ],
  answers: [
    {
      cmdlet: 'Get-DecisionCard',
      parameters: { NetworkMessageId: 'x' },
      answer: {
        ...NOTHING,
        files: [{ parameter: 'FileName', name: 'secret.xml', content: 'c2VjcmV0' }],
        records: [
          { Captures: ['a.pcapng'], Card: { captures: ['/lab/a.pcapng'], detail: 'the token rpt_abc-D_9 came' } },
        ],
      },
    },
  ],
};
const made = makeRecording({ from: 1000, until: 5000 }, [EDGE]);

describe('a recording', () => {
  it('has the events until its end, as records', () => {
    expect(made.servers[0]?.events.map(({ at, kind }) => [at, kind])).toEqual([
      [1000, 'hello'],
      [2000, 'tracking'],
    ]);
    expect(made.servers[0]?.events[1]?.data).toEqual({ EventId: 'RECEIVE', MessageSubject: HOSTILE });
  });

  it('has no token, no capture, no file, no door and no right to change anything', () => {
    const json = writeRecording(made);
    for (const secret of ['abc-D_9', 'pcapng', 'c2VjcmV0', '127.0.0.1', 'ReadWrite'])
      expect(json).not.toContain(secret);
    expect(json).toContain('the token rpt_… came');
  });

  it('cannot end the element that it stands in, and comes back as it was', () => {
    const json = writeRecording(made);
    for (const each of ['<', '\u2028', '\u2029', '\u0000']) expect(json).not.toContain(each);
    expect(readRecording(json)).toEqual(made);
  });

  it('keeps a scenario with the times of its steps', () => {
    const lines = [
      { kind: 'progress' as const, at: 1, text: 'One.', record: { Kind: 'step', Tells: 'One.' } },
      { kind: 'file' as const, at: 2, file: { parameter: 'F', name: 'n', content: 'x' } },
      { kind: 'done' as const, at: 3 },
    ];
    const scenario = { name: 'edge-expired', title: 'Expired', about: ['What it is.'], lines };
    const read = readRecording(writeRecording(makeRecording({ from: 1, until: 3 }, [], scenario)));
    expect(read.scenario).toEqual({ ...scenario, lines: [lines[0], lines[2]] });
  });

  it('of another version is refused in one sentence', () => {
    expect(() => readRecording(JSON.stringify({ ...made, version: 2 }))).toThrow(
      /^This page cannot play recordings of version 2\.$/,
    );
  });

  it.each([
    ['no JSON', '{'],
    ['nothing', 'null'],
    ['something else', '{"format":"another","version":1}'],
    ['no end', JSON.stringify({ ...made, until: null })],
    ['an end before its beginning', JSON.stringify({ ...made, from: 9, until: 1 })],
    ['a server of no role', JSON.stringify({ ...made, servers: [{ ...made.servers[0], role: 'other' }] })],
    [
      'an answer that is none',
      JSON.stringify({ ...made, servers: [{ ...made.servers[0], answers: [{ cmdlet: 'X' }] }] }),
    ],
    [
      'an event without a time',
      JSON.stringify({ ...made, servers: [{ ...made.servers[0], events: [{ kind: 'x' }] }] }),
    ],
    ['a scenario without lines', JSON.stringify({ ...made, scenario: { name: '', title: '', about: [] } })],
  ])('with %s is refused in one sentence', (_what, json) => {
    expect(() => readRecording(json)).toThrow(/^This recording is damaged and cannot be played\.$/);
  });
});

describe('the server of a recording', () => {
  const api = new RecordedApi(readRecording(writeRecording(made)).servers[0]?.answers ?? []);

  it('answers what was asked before', async () => {
    const { records } = await api.call('Get-DecisionCard', { NetworkMessageId: 'x' });
    expect(records).toEqual([{ Card: { detail: 'the token rpt_… came' } }]);
  });

  it.each([
    ['Get-DecisionCard', { NetworkMessageId: 'y' }],
    ['Suspend-Queue', {}],
  ])('refuses %s %j in a sentence', async (cmdlet, parameters) => {
    await expect(api.call(cmdlet, parameters)).rejects.toMatchObject({
      code: 'not-recorded',
      message: 'This is not part of the recording.',
    });
  });
});
