import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../src/smtp/command-line.ts';
import { REPLIES } from '../../../src/smtp/replies.ts';

describe('parseCommandLine', () => {
  it.each([
    ['NOOP', 'NOOP', ''],
    ['ehlo  client.test  ', 'EHLO', 'client.test'],
    ['MAIL FROM:<"a  b"@c.example> SIZE=1', 'MAIL', 'FROM:<"a  b"@c.example> SIZE=1'],
    ['X-ANONYMOUSTLS', 'X-ANONYMOUSTLS', ''],
    ['RCPT TO:<pelé@c.example>', 'RCPT', 'TO:<pelé@c.example>'],
    ['', '', ''],
    [' NOOP', '', ''],
    ['=garbage', '', ''],
  ])('reads "%s"', (text, verb, argument) => {
    expect(parseCommandLine(Buffer.from(text), false)).toMatchObject({ kind: 'command', verb, argument });
  });

  it.each([
    ['a control character', Buffer.from('NOOP\0'), REPLIES.badCharacters],
    ['a lone CR', Buffer.from('NOOP\rQUIT'), REPLIES.badCharacters],
    ['octets that are no UTF-8', Buffer.from([0x4e, 0xff, 0xfe]), REPLIES.badCharacters],
    ['more than 4096 octets', Buffer.from(`NOOP ${'x'.repeat(4092)}`), REPLIES.lineTooLong],
    ['an AUTH line of more than 12288 octets', Buffer.from(`AUTH X ${'A'.repeat(12_282)}`), REPLIES.lineTooLong],
  ])('refuses %s', (_, octets, reply) => {
    expect(parseCommandLine(octets, false)).toEqual({ kind: 'refused', reply, isHostile: false });
  });

  it('gives AUTH, and the lines of its exchange, more room', () => {
    expect(parseCommandLine(Buffer.from(`AUTH X ${'A'.repeat(8000)}`), false).kind).toBe('command');
    expect(parseCommandLine(Buffer.from('A'.repeat(8000)), true).kind).toBe('command');
  });

  it('takes a web request for what it is', () => {
    expect(parseCommandLine(Buffer.from('POST / HTTP/1.1'), false)).toMatchObject({ kind: 'refused', isHostile: true });
  });
});
