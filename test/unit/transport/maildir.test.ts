import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deliverToMaildir, type MaildirDelivery } from '../../../src/transport/maildir.ts';

const ID = '0f6f2d6e-0000-4000-8000-000000000001';
const NAME = `1767225600.${ID}.relaypair`;
const BODY = 'Subject: x\r\n\r\nbody\r\n';

describe('deliverToMaildir', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-maildir-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function deliver(changes: Partial<MaildirDelivery> = {}): Promise<void> {
    return deliverToMaildir({
      folder: join(folder, 'mail'),
      recipient: 'anna@contoso.test',
      reversePath: 'sender@example.com',
      networkMessageId: ID,
      receivedAt: new Date('2026-01-01T00:00:00.900Z'),
      body: () => Readable.from([Buffer.from(BODY)]),
      ...changes,
    });
  }

  const list = (...path: string[]): string[] => readdirSync(join(folder, 'mail', ...path));

  it('writes the message into new, with its Return-Path, for its owner alone', async () => {
    await deliver();
    const path = join(folder, 'mail', 'anna@contoso.test', 'new', NAME);
    expect(readFileSync(path, 'latin1')).toBe(`Return-Path: <sender@example.com>\r\n${BODY}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'mail', 'anna@contoso.test')).mode & 0o777).toBe(0o700);
    expect([list('anna@contoso.test', 'tmp'), list('anna@contoso.test', 'cur')]).toEqual([[], []]);
  });

  it('replaces what a first attempt left behind', async () => {
    await deliver();
    mkdirSync(join(folder, 'mail', 'anna@contoso.test', 'tmp'), { recursive: true });
    writeFileSync(
      join(folder, 'mail', 'anna@contoso.test', 'tmp', NAME),
      'cut off and much longer than the message itself '.repeat(9),
    );
    await deliver();
    expect(list('anna@contoso.test', 'new')).toEqual([NAME]);
    expect(readFileSync(join(folder, 'mail', 'anna@contoso.test', 'new', NAME), 'latin1').endsWith(BODY)).toBe(true);
  });

  it.each(['', ':2,', ':2,S', ':2,FRS'])(
    'does not double what a reader has moved to cur with the flags "%s"',
    async (flags) => {
      await deliver();
      const mailbox = join(folder, 'mail', 'anna@contoso.test');
      renameSync(join(mailbox, 'new', NAME), join(mailbox, 'cur', `${NAME}${flags}`));
      await deliver();
      expect([list('anna@contoso.test', 'new'), list('anna@contoso.test', 'cur')]).toEqual([[], [`${NAME}${flags}`]]);
    },
  );

  it.each<[string, () => Readable]>([
    [
      'the body breaks off',
      () =>
        Readable.from(
          (async function* () {
            yield Buffer.from('x');
            throw new Error('damaged');
          })(),
        ),
    ],
    [
      'the body cannot be opened',
      () => {
        throw new Error('gone');
      },
    ],
  ])('leaves nothing behind when %s', async (_, body) => {
    await expect(deliver({ body })).rejects.toThrow(/^(?:damaged|gone)$/);
    expect([list('anna@contoso.test', 'tmp'), list('anna@contoso.test', 'new')]).toEqual([[], []]);
  });

  it('closes the body when the folder cannot be written', async () => {
    const body = Readable.from([Buffer.from(BODY)]);
    mkdirSync(join(folder, 'mail', 'anna@contoso.test', 'tmp', NAME), { recursive: true });
    await expect(deliver({ body: () => body })).rejects.toMatchObject({ code: 'EISDIR' });
    expect(list('anna@contoso.test', 'new')).toEqual([]);
  });

  it('rejects when the folder cannot be made', async () => {
    writeFileSync(join(folder, 'mail'), 'a file');
    await expect(deliver()).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('keeps a body larger than any buffer, octet by octet', async () => {
    const chunks = Array.from({ length: 50 }, (_, at) => Buffer.alloc(65_536, at));
    await deliver({ body: () => Readable.from(chunks) });
    const written = readFileSync(join(folder, 'mail', 'anna@contoso.test', 'new', NAME));
    expect(written.subarray(-50 * 65_536).equals(Buffer.concat(chunks))).toBe(true);
  });

  it('takes letter case for no other mailbox', async () => {
    await deliver({ recipient: 'Anna@CONTOSO.test' });
    expect(list()).toEqual(['anna@contoso.test']);
  });

  it('tells two long addresses apart that begin alike', async () => {
    const long = 'ü'.repeat(60);
    await deliver({ recipient: `${long}a@contoso.test` });
    await deliver({ recipient: `${long}b@contoso.test` });
    expect(new Set(list()).size).toBe(2);
  });

  it('stays in its folder whatever the address is', async () => {
    const address = fc.oneof(
      fc.constantFrom(
        '../x@a.test',
        '..',
        '.',
        '',
        '/etc/passwd',
        '"../.."@a.test',
        'a\0b',
        '\ud800@a.test',
        'new',
        '~@a.test',
      ),
      fc.string({ unit: 'binary', minLength: 0, maxLength: 300 }),
    );
    await fc.assert(
      fc.asyncProperty(address, async (recipient) => {
        rmSync(join(folder, 'mail'), { recursive: true, force: true });
        await deliver({ recipient });
        const [mailbox, ...more] = list();
        expect([more, mailbox?.startsWith('.'), existsSync(join(folder, 'mail', mailbox ?? '', 'new', NAME))]).toEqual([
          [],
          false,
          true,
        ]);
        expect(relative(folder, dirname(join(folder, 'mail', mailbox ?? '')))).toBe('mail');
      }),
      { numRuns: 60 },
    );
    expect(readdirSync(folder)).toEqual(['mail']);
  });
});
