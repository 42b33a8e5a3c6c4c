import { describe, expect, it } from 'vitest';
import { parseMailCommand, parseRecipientCommand } from '../../../src/smtp/envelope-command.ts';
import { parseMailParameters, parseRecipientParameters } from '../../../src/smtp/parameters.ts';
import { formatReply } from '../../../src/smtp/reply.ts';
import type { MailCommand } from '../../../src/smtp/session-policy.ts';

const OFFERED = { extended: true, auth: true, binaryMime: false };

function mail(text: string, offered = OFFERED): unknown {
  const parsed = parseMailParameters(text, offered);
  return parsed.kind === 'parsed' ? parsed.value : formatReply(parsed.reply).slice(0, 9);
}

function recipient(text: string, offered = OFFERED): unknown {
  const parsed = parseRecipientParameters(text, offered);
  return parsed.kind === 'parsed' ? parsed.value : formatReply(parsed.reply).slice(0, 9);
}

describe("MAIL's parameters", () => {
  it.each<[string, object]>([
    ['', {}],
    [' SIZE=1234', { sizeBytes: 1234 }],
    [' size=0', { sizeBytes: 0 }],
    [' BODY=8bitmime SMTPUTF8', { body: '8BITMIME', smtpUtf8: true }],
    ['  BODY=7BIT  RET=hdrs', { ret: 'HDRS' }],
    [' RET=FULL ENVID=QQ+2B314159', { ret: 'FULL', envelopeId: 'QQ+314159' }],
    [' AUTH=<>', {}],
    [' AUTH=e+3Dmc2@example.com', {}],
  ])('reads "%s"', (text, expected) => {
    expect(mail(text)).toEqual({ body: '7BIT', smtpUtf8: false, ...expected });
  });

  it.each([
    [' SIZE', '501 5.5.4'],
    [' SIZE=', '501 5.5.4'],
    [' SIZE=-1', '501 5.5.4'],
    [' SIZE=12x', '501 5.5.4'],
    [` SIZE=${'9'.repeat(21)}`, '501 5.5.4'],
    [' SIZE=1 SIZE=1', '501 5.5.4'],
    [' BODY=9BIT', '501 5.5.4'],
    [' BODY=BINARYMIME', '555 5.5.4'],
    [' SMTPUTF8=yes', '501 5.5.4'],
    [' RET=SOME', '501 5.5.4'],
    [' ENVID=', '501 5.5.4'],
    [' ENVID=a+0D+0AMAIL', '501 5.5.4'],
    [' ENVID=a+ZZ', '501 5.5.4'],
    [` ENVID=${'x'.repeat(101)}`, '501 5.5.4'],
    [' AUTH=', '501 5.5.4'],
    [' FOO', '555 5.5.4'],
    [' FOO=bar', '555 5.5.4'],
    [' NOTIFY=NEVER', '555 5.5.4'],
    [' REQUIRETLS', '555 5.5.4'],
    [' constructor=1', '555 5.5.4'],
    [' __proto__', '501 5.5.4'],
    [' =1', '501 5.5.4'],
    ['SIZE=1', '501 5.5.4'],
  ])('answers "%s" with %s', (text, code) => {
    expect(mail(text)).toBe(code);
  });

  it('knows REQUIRETLS where it was offered, and no value of it', () => {
    const offered = { ...OFFERED, requireTls: true };
    expect(mail(' REQUIRETLS', offered)).toEqual({ body: '7BIT', smtpUtf8: false, requireTls: true });
    expect(mail(' requiretls', offered)).toMatchObject({ requireTls: true });
    expect(mail(' REQUIRETLS=YES', offered)).toBe('501 5.5.4');
    expect(mail(' REQUIRETLS REQUIRETLS', offered)).toBe('501 5.5.4');
  });

  it('knows none after HELO, and no AUTH where none was offered', () => {
    expect(mail(' SIZE=1', { extended: false, auth: false, binaryMime: false })).toBe('555 5.5.4');
    expect(mail(' AUTH=<>', { extended: true, auth: false, binaryMime: false })).toBe('555 5.5.4');
  });
});

describe("RCPT's parameters", () => {
  it.each<[string, object]>([
    ['', {}],
    [' NOTIFY=never', { notify: ['NEVER'] }],
    [' NOTIFY=SUCCESS,FAILURE,DELAY', { notify: ['SUCCESS', 'FAILURE', 'DELAY'] }],
    [' ORCPT=rfc822;a+2Bb@example.com', { originalRecipient: 'rfc822;a+b@example.com' }],
    [' ORCPT=utf-8;pel\\x{E9}@example.com', { originalRecipient: 'utf-8;pel\\x{E9}@example.com' }],
  ])('reads "%s"', (text, expected) => {
    expect(recipient(text)).toEqual(expected);
  });

  it.each([
    [' NOTIFY=', '501 5.5.4'],
    [' NOTIFY', '501 5.5.4'],
    [' NOTIFY=NEVER,SUCCESS', '501 5.5.4'],
    [' NOTIFY=SUCCESS,SUCCESS', '501 5.5.4'],
    [' NOTIFY=SOMETIMES', '501 5.5.4'],
    [' ORCPT=rfc822', '501 5.5.4'],
    [' ORCPT=;x', '501 5.5.4'],
    [' ORCPT=rfc822;a+0Ab', '501 5.5.4'],
    [` ORCPT=rfc822;${'x'.repeat(500)}`, '501 5.5.4'],
    [' SIZE=1', '555 5.5.4'],
  ])('answers "%s" with %s', (text, code) => {
    expect(recipient(text)).toBe(code);
  });
});

describe('MAIL and RCPT as commands', () => {
  const utf8Mail: MailCommand = { reversePath: undefined, body: '7BIT', smtpUtf8: true };
  const plainMail: MailCommand = { ...utf8Mail, smtpUtf8: false };

  it.each([
    ['FROM:<a@b.example>', 'a@b.example'],
    ['from: <a@b.example> SIZE=10', 'a@b.example'],
    ['FROM:<>', undefined],
    ['FROM:<pelé@b.example> SMTPUTF8', 'pelé@b.example'],
  ])('reads MAIL %s', (argument, address) => {
    const parsed = parseMailCommand(argument, OFFERED, 10);
    expect(parsed.kind === 'parsed' && { address: parsed.value.reversePath?.text }).toEqual({ address });
  });

  it.each([
    ['', '501 5.5.4'],
    ['<a@b.example>', '501 5.5.4'],
    ['FROM a@b.example', '501 5.5.4'],
    ['FROM:a@b.example', '501 5.5.4'],
    ['FROM:<a b@c.example>', '501 5.1.7'],
    ['FROM:<pelé@b.example>', '553 5.6.7'],
    ['FROM:<a@b.example> SIZE=11', '552 5.3.4'],
    ['FROM:<a@b.example>SIZE=1', '501 5.5.4'],
  ])('answers MAIL %s with %s', (argument, code) => {
    const parsed = parseMailCommand(argument, OFFERED, 10);
    expect(parsed.kind === 'refused' && formatReply(parsed.reply)).toContain(code);
  });

  it('refuses a non-ASCII recipient unless MAIL announced UTF-8', () => {
    const refused = parseRecipientCommand('TO:<pelé@b.example>', OFFERED, plainMail);
    expect(refused.kind === 'refused' && formatReply(refused.reply)).toContain('553 5.6.7');
    expect(parseRecipientCommand('TO:<pelé@b.example>', OFFERED, utf8Mail).kind).toBe('parsed');
  });

  it.each([
    ['TO:<>', '501 5.1.3'],
    ['TO:<a..b@c.example>', '501 5.1.3'],
    ['FROM:<a@b.example>', '501 5.5.4'],
  ])('answers RCPT %s with %s', (argument, code) => {
    const parsed = parseRecipientCommand(argument, OFFERED, plainMail);
    expect(parsed.kind === 'refused' && formatReply(parsed.reply)).toContain(code);
  });
});
