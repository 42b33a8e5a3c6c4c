import { describe, expect, it } from 'vitest';
import { bindParameters, findCmdlet } from '../../../src/cmdlets/binding.ts';
import { FAKE_CMDLETS } from './fake-cmdlets.ts';

function bind(cmdlet: string, parameters: Record<string, string[]>, files = {}) {
  return bindParameters(findCmdlet(FAKE_CMDLETS, cmdlet), { cmdlet, parameters, files });
}

describe('findCmdlet', () => {
  it('finds in any letter case', () => {
    expect(findCmdlet(FAKE_CMDLETS, 'gEt-bOOk').name).toBe('Get-Book');
  });

  it('suggests the nearest name for a mistyped one', () => {
    expect(() => findCmdlet(FAKE_CMDLETS, 'Get-Boook')).toThrow(
      'Get-Boook is not a cmdlet of this server; did you mean Get-Book?',
    );
  });

  it('suggests nothing when nothing is near', () => {
    expect(() => findCmdlet(FAKE_CMDLETS, 'Get-Mailbox')).toThrow(/^Get-Mailbox is not a cmdlet of this server$/);
  });
});

describe('bindParameters', () => {
  it('fills in defaults and switches, leaves the rest undefined', () => {
    expect(bind('Get-Book', {})).toEqual({ Identity: undefined, Tag: undefined, ResultSize: 1000, Genre: undefined });
    expect(bind('Remove-Book', { identity: ['x'] })).toEqual({ Identity: 'x', Force: false, Confirm: false });
  });

  it('gathers repeats of a list', () => {
    expect(bind('Get-Book', { TAG: ['a,b', 'c'] })['Tag']).toEqual(['a', 'b', 'c']);
  });

  it('hands in the content of a file', () => {
    const file = { name: 'x', content: Buffer.from('text') };
    expect(bind('New-Book', { Name: ['n'], SlipFile: ['s'], Content: ['x'] }, { Content: file })['Content']).toEqual(
      file,
    );
  });

  it.each([
    [
      'unknown-parameter',
      'Get-Book',
      { Identiy: ['x'] },
      'Get-Book has no parameter -Identiy; did you mean -Identity?',
    ],
    ['unknown-parameter', 'Get-Book', { __proto__x: ['x'] }, 'Get-Book has no parameter -__proto__x'],
    ['repeated-parameter', 'Get-Book', { Identity: ['x', 'y'] }, '-Identity is given twice'],
    ['repeated-parameter', 'Get-Book', { Identity: ['x'], identity: ['y'] }, '-Identity is given twice'],
    ['missing-parameter', 'New-Book', {}, 'New-Book needs -Name and -SlipFile'],
    [
      'missing-file',
      'New-Book',
      { Name: ['n'], SlipFile: ['s'], Content: ['x'] },
      '-Content: the content of the file did not arrive',
    ],
    ['bad-value', 'Get-Book', { ResultSize: ['0'] }, '-ResultSize: 0 is less than 1'],
  ])('refuses with %s: %s %j', (code, cmdlet, parameters, message) => {
    expect(() => bind(cmdlet, parameters)).toThrow(expect.objectContaining({ code, message }));
  });
});
