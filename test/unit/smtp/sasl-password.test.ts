import { describe, expect, it } from 'vitest';
import { LoginServer } from '../../../src/smtp/login.ts';
import { PlainServer } from '../../../src/smtp/plain.ts';
import type { PasswordCheck } from '../../../src/smtp/sasl.ts';

const FAILURE = { kind: 'failure' };
const SUCCESS = { kind: 'success', identity: 'ed@contoso.test' };

/** Knows one user, by two names. */
function checkOf(): { check: PasswordCheck; asked: string[] } {
  const asked: string[] = [];
  const check: PasswordCheck = async (user, password) => {
    asked.push(`${user} ${password}`);
    if (user === 'busy') return { kind: 'unavailable' };
    const isRight = ['ed', 'ed@contoso.test'].includes(user) && password === 'pass wörd';
    return isRight ? { kind: 'success', identity: 'ed@contoso.test' } : { kind: 'failure' };
  };
  return { check, asked };
}

describe('SASL PLAIN', () => {
  it.each([
    ['without an authorization identity', '\0ed\0pass wörd', SUCCESS],
    ['for its own name', 'ed\0ed\0pass wörd', SUCCESS],
    ['for the identity it is on record by', 'ed@contoso.test\0ed\0pass wörd', SUCCESS],
    ['for somebody else', 'jo\0ed\0pass wörd', FAILURE],
    ['with a wrong password', '\0ed\0pass word', FAILURE],
    ['when nobody can tell', '\0busy\0x', { kind: 'unavailable' }],
  ])('%s', async (_what, message, expected) => {
    expect(await new PlainServer(checkOf().check).step(Buffer.from(message))).toEqual(expected);
  });

  it.each([
    '',
    'ed',
    'ed\0pass wörd',
    '\0\0pass wörd',
    '\0ed\0',
    '\0ed\0pass wörd\0',
    '\0ed\0pass wörd\0x',
    `\0${'e'.repeat(1025)}\0x`,
    `\0ed\0${'x'.repeat(1025)}`,
  ])('refuses %j unlooked at', async (message) => {
    const { check, asked } = checkOf();
    expect(await new PlainServer(check).step(Buffer.from(message))).toEqual(FAILURE);
    expect(asked).toEqual([]);
  });

  it('refuses what is no UTF-8 unlooked at', async () => {
    const { check, asked } = checkOf();
    expect(await new PlainServer(check).step(Buffer.from('\0ed\0\xff', 'latin1'))).toEqual(FAILURE);
    expect(asked).toEqual([]);
  });

  it('asks with an empty challenge, and answers once', async () => {
    const server = new PlainServer(checkOf().check);
    expect(await server.step(undefined)).toEqual({ kind: 'challenge', data: Buffer.alloc(0) });
    expect(await server.step(Buffer.from('\0ed\0pass wörd'))).toEqual(SUCCESS);
    expect(await server.step(Buffer.from('\0ed\0pass wörd'))).toEqual(FAILURE);
  });
});

describe('SASL LOGIN', () => {
  const challenge = (text: string) => ({ kind: 'challenge', data: Buffer.from(text) });

  it('asks for name and password, and answers once', async () => {
    const server = new LoginServer(checkOf().check);
    expect(await server.step(undefined)).toEqual(challenge('Username:'));
    expect(await server.step(Buffer.from('ed'))).toEqual(challenge('Password:'));
    expect(await server.step(Buffer.from('pass wörd'))).toEqual(SUCCESS);
    expect(await server.step(Buffer.from('pass wörd'))).toEqual(FAILURE);
  });

  it('takes the name with AUTH', async () => {
    const server = new LoginServer(checkOf().check);
    expect(await server.step(Buffer.from('ed@contoso.test'))).toEqual(challenge('Password:'));
    expect(await server.step(Buffer.from('pass wörd'))).toEqual(SUCCESS);
  });

  it.each([
    ['an empty name', '', 'x', []],
    ['an empty password', 'ed', '', []],
    ['a wrong password', 'ed', 'x', ['ed x']],
    ['a name that is none', 'e\0d', 'x', []],
  ])('refuses %s with the password', async (_what, user, password, asked) => {
    const known = checkOf();
    const server = new LoginServer(known.check);
    expect(await server.step(Buffer.from(user))).toEqual(challenge('Password:'));
    expect(await server.step(Buffer.from(password))).toEqual(FAILURE);
    expect(known.asked).toEqual(asked);
  });
});
