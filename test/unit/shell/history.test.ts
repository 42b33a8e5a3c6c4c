import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { History } from '../../../src/shell/history.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'relaypair-'));
});
afterEach(() => rmSync(home, { recursive: true }));

it('is there the next time, newest first, for the person alone', () => {
  const history = History.open({ env: { HOME: home } });
  for (const line of ['Get-Queue', 'Get-Queue', '  ', 'Get-Message']) history.add(line);
  expect(History.open({ env: { HOME: home } }).lines).toEqual(['Get-Message', 'Get-Queue']);
  const file = join(home, '.local', 'state', 'relaypair', 'history');
  expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['Get-Queue\nGet-Message\n', 0o600]);
});

it('keeps no line that holds a secret', () => {
  const history = History.open({ env: { XDG_STATE_HOME: home } });
  history.add('Set-MailUser anna -Password hunter2');
  history.add('Set-MailUser anna -PasswordFile secret.txt');
  expect(history.lines).toEqual(['Set-MailUser anna -PasswordFile secret.txt']);
});

it('forgets the oldest, and works where nothing can be written', () => {
  const history = History.open({ env: { XDG_STATE_HOME: home } });
  for (let number = 0; number < 510; number++) history.add(`Get-Queue ${number}`);
  expect([history.lines.length, history.lines[0], history.lines.at(-1)]).toEqual([
    500,
    'Get-Queue 509',
    'Get-Queue 10',
  ]);
  const file = join(home, 'file');
  writeFileSync(file, '');
  const nowhere = History.open({ env: { XDG_STATE_HOME: file } });
  nowhere.add('Get-Queue');
  expect([nowhere.lines, History.open({ env: {} }).lines]).toEqual([['Get-Queue'], []]);
});
