import { describe, expect, it } from 'vitest';
import { type Answer, decodeAnswer, encodeAnswer, encodeRequest } from '../../../src/control/protocol.ts';
import { decodeRequest } from '../../../src/control/request.ts';

function asLine(text: string): Buffer {
  return Buffer.from(text.replace(/\n$/, ''));
}

describe('requests', () => {
  it('arrive as they were sent, with the bytes of their files', () => {
    const content = Buffer.from([0, 10, 13, 255]);
    const request = {
      cmdlet: 'New-Book',
      parameters: { Name: ['a\nb', '"'] },
      files: { Content: { name: 'x', content } },
    };
    expect(decodeRequest(asLine(encodeRequest(request)))).toEqual(request);
  });

  it('are refused before they are sent when the server would not take them', () => {
    const content = Buffer.alloc(40 * 1024 * 1024);
    const request = { cmdlet: 'New-Book', parameters: {}, files: { Content: { name: 'x', content } } };
    expect(() => encodeRequest(request)).toThrow(expect.objectContaining({ code: 'request-too-large' }));
  });

  it.each([
    ['bad-request', 'GET / HTTP/1.1'],
    ['bad-request', '{}'],
    ['bad-request', '{"protocol":1,"cmdlet":"Get-Book","parameters":{"a":"b"}}'],
    ['bad-request', '{"protocol":1,"cmdlet":"Get-Book","parameters":{},"files":{"a":{"name":"b","content":"%"}}}'],
    ['bad-request', '{"protocol":1,"cmdlet":"Get-Book","parameters":{},"more":1}'],
    ['protocol-unknown', '{"protocol":2,"cmdlet":"Get-Book","parameters":{}}'],
  ])('are refused with %s: %s', (code, line) => {
    expect(() => decodeRequest(Buffer.from(line))).toThrow(expect.objectContaining({ code }));
  });
});

describe('answers', () => {
  const record = {
    Name: 'x',
    When: new Date(0),
    None: null,
    Parts: [1, new Date(5)],
    Size: { $size: 7 },
    Inner: { At: new Date(9) },
  };

  it.each<Answer>([
    { kind: 'progress', text: 'a\u001bb' },
    { kind: 'record', record },
    { kind: 'file', file: { parameter: 'FileName', content: Buffer.from([0, 10]), mode: 0o640 } },
    { kind: 'done' },
    { kind: 'error', code: 'c', sentence: 's' },
  ])('arrive as they were sent: %j', (answer) => {
    const line = encodeAnswer(answer);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(decodeAnswer(asLine(line))).toEqual(answer);
  });

  it('keep a property that has no value', () => {
    const line = encodeAnswer({ kind: 'record', record: { Reader: undefined, Bad: new Date(Number.NaN) } });
    expect(decodeAnswer(asLine(line))).toEqual({ kind: 'record', record: { Reader: null, Bad: null } });
  });

  it('are refused when they are no JSON', () => {
    expect(() => decodeAnswer(Buffer.from('220 ESMTP'))).toThrow(expect.objectContaining({ code: 'bad-answer' }));
  });
});
