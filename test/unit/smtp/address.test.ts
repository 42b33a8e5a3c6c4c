import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAsciiMailbox, mailboxKey, parseMailbox, parsePath } from '../../../src/smtp/address.ts';

describe('parsePath', () => {
  it.each([
    ['<user@example.com>', 'user', 'example.com', 'user@example.com'],
    ['<User.Name+tag@EXAMPLE.com>', 'User.Name+tag', 'example.com', 'User.Name+tag@EXAMPLE.com'],
    ['<"john doe"@example.com>', 'john doe', 'example.com', '"john doe"@example.com'],
    ['<"a@b"@example.com>', 'a@b', 'example.com', '"a@b"@example.com'],
    ['<"a\\"b>c"@example.com>', 'a"b>c', 'example.com', '"a\\"b>c"@example.com'],
    ['<""@example.com>', '', 'example.com', '""@example.com'],
    ['<x@[192.0.2.1]>', 'x', '[192.0.2.1]', 'x@[192.0.2.1]'],
    ['<x@[IPv6:2001:DB8::1]>', 'x', '[ipv6:2001:db8::1]', 'x@[IPv6:2001:DB8::1]'],
    ['<@relay.one,@relay.two:user@example.com>', 'user', 'example.com', 'user@example.com'],
    ['<EDGE01@EDGE01>', 'EDGE01', 'edge01', 'EDGE01@EDGE01'],
    ['<pelé@BÜCHER.example>', 'pelé', 'xn--bcher-kva.example', 'pelé@BÜCHER.example'],
    ["<!#$%&'*+-/=?^_`{|}~@example.com>", "!#$%&'*+-/=?^_`{|}~", 'example.com', "!#$%&'*+-/=?^_`{|}~@example.com"],
  ])('reads %s', (written, localPart, domain, text) => {
    expect(parsePath(written, 'reverse')).toEqual({ mailbox: { localPart, domain, text }, rest: '' });
  });

  it.each([
    'user@example.com',
    '<user@example.com',
    '<user>',
    '<@example.com>',
    '<user@>',
    '<.user@example.com>',
    '<user.@example.com>',
    '<us..er@example.com>',
    '<us er@example.com>',
    '<user@-example.com>',
    '<user@example-.com>',
    '<user@example..com>',
    '<user@example.com.>',
    '<user@exa_mple.com>',
    '<user@[300.0.0.1]>',
    '<user@[IPv6:nonsense]>',
    '<user@[unknown:thing]>',
    '<"unclosed@example.com>',
    '<"bad\\"@example.com>',
    '<a@b@c.example>',
    '<user@exam\u200bple.com>',
    '<us\u202eer@example.com>',
    '< user@example.com>',
    '<user@example.com >',
    '<@relay.one user@example.com>',
    '<<user@example.com>>',
    '',
  ])('refuses %s', (written) => {
    expect(parsePath(written, 'reverse')).toBeUndefined();
    expect(parsePath(written, 'forward')).toBeUndefined();
  });

  it('refuses each control character of ASCII, wherever it stands', () => {
    const controls = [...Array.from({ length: 0x20 }, (_, code) => code), 0x7f].map((code) =>
      String.fromCharCode(code),
    );
    for (const control of controls) {
      for (const address of [
        `us${control}er@a.test`,
        `"a${control}b"@a.test`,
        `"a\\${control}b"@a.test`,
        `a@b${control}c.test`,
      ]) {
        expect(parseMailbox(address), JSON.stringify(address)).toBeUndefined();
      }
    }
  });

  it('takes <> as a reverse-path only', () => {
    expect(parsePath('<> SIZE=1', 'reverse')).toEqual({ mailbox: undefined, rest: ' SIZE=1' });
    expect(parsePath('<>', 'forward')).toBeUndefined();
  });

  it('takes the bare <Postmaster> as a forward-path only, in any letter case', () => {
    expect(parsePath('<PostMaster>', 'forward')?.mailbox).toEqual({
      localPart: 'PostMaster',
      domain: '',
      text: 'PostMaster',
    });
    expect(parsePath('<Postmaster>', 'reverse')).toBeUndefined();
  });

  it('hands back what follows the path', () => {
    expect(parsePath('<"a> b"@c.example> BODY=7BIT', 'reverse')?.rest).toBe(' BODY=7BIT');
  });

  it.each([
    ['local part', 64, (n: number) => `${'a'.repeat(n)}@example.com`],
    ['local part in octets', 64, (n: number) => `${'a'.repeat(n - 2)}é@example.com`],
    ['label', 63, (n: number) => `a@${'b'.repeat(n)}.com`],
    ['path', 254, (n: number) => `a@${`${'b'.repeat(49)}.`.repeat(5)}${'c'.repeat(n - 252)}`],
  ])('holds the limit of the %s', (_, limit, write) => {
    expect(parseMailbox(write(limit))).toBeDefined();
    expect(parseMailbox(write(limit + 1))).toBeUndefined();
  });

  it('gives one key to what is one mailbox', () => {
    const keyOf = (text: string) => mailboxKey(parseMailbox(text) ?? { localPart: '', domain: '', text: '' });
    expect(keyOf('"user"@EXAMPLE.com')).toBe(keyOf('user@example.com'));
    expect(keyOf('User@example.com')).not.toBe(keyOf('user@example.com'));
  });

  it('tells which address needs SMTPUTF8', () => {
    const isAscii = (text: string) => isAsciiMailbox(parseMailbox(text) ?? { localPart: '', domain: '', text: 'é' });
    expect([isAscii('user@example.com'), isAscii('pelé@example.com'), isAscii('user@bücher.example')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('reads back every local part that was quoted', () => {
    const printable = fc.string({
      unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
      maxLength: 30,
    });
    fc.assert(
      fc.property(printable, fc.domain(), (localPart, domain) => {
        fc.pre(domain.length < 150);
        const text = `"${localPart.replaceAll(/["\\]/g, '\\$&')}"@${domain}`;
        expect(parsePath(`<${text}> NEXT`, 'reverse')).toEqual({
          mailbox: { localPart, domain: domain.toLowerCase(), text },
          rest: ' NEXT',
        });
      }),
    );
  });

  it('answers any octets at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const path = parsePath(`<${text}>`, 'reverse');
        expect(path === undefined || path.mailbox === undefined || path.mailbox.text.length <= 254).toBe(true);
      }),
    );
  });

  // Backtracking would take minutes.
  it.each([`<${'a.'.repeat(200_000)}@${'-'.repeat(200_000)}`, `<${'@a-'.repeat(130_000)}:`])(
    'refuses what is long without going through it again and again (%#)',
    { timeout: 20_000 },
    (text) => expect(parsePath(text, 'reverse')).toBeUndefined(),
  );
});
