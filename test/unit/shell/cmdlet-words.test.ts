import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CmdletDeclaration } from '../../../src/cmdlets/cmdlet.ts';
import { type CmdletWords, readCmdletWords } from '../../../src/shell/cmdlet-words.ts';
import type { ShellOptions } from '../../../src/shell/shell-options.ts';

const cmdlet: CmdletDeclaration = {
  name: 'Set-Thing',
  roles: ['hub'],
  synopsis: 'Sets a thing',
  parameters: {
    Identity: { type: 'string', required: true, help: 'x' },
    FileName: { type: 'outputFile', help: 'x' },
    SmartHosts: { type: 'strings', help: 'x' },
    Server: { type: 'string', help: 'x' },
    Enabled: { type: 'boolean', help: 'x' },
    Comment: { type: 'string', help: 'x' },
    Password: { type: 'secret', help: 'x' },
    Port: { type: 'integer', help: 'x' },
  },
  positional: ['Identity', 'SmartHosts'],
  table: [],
  changes: true,
};

function read(...words: string[]): CmdletWords & { options: ShellOptions } {
  const options: ShellOptions = {};
  return { ...readCmdletWords(cmdlet, words, options), options };
}

describe('parameters', () => {
  it.each<[string[], Record<string, string[]>]>([
    [['-FileName', 'edge.xml'], { FileName: ['edge.xml'] }],
    [['-filename', 'edge.xml'], { FileName: ['edge.xml'] }],
    [['-File', 'edge.xml'], { FileName: ['edge.xml'] }],
    [['-FileName:edge.xml'], { FileName: ['edge.xml'] }],
    [['-FileName:', 'edge.xml'], { FileName: ['edge.xml'] }],
    [['--filename', 'edge.xml'], { FileName: ['edge.xml'] }],
    [['--file-name=edge.xml'], { FileName: ['edge.xml'] }],
    [['--FileName=a=b:c'], { FileName: ['a=b:c'] }],
    [['x', 'a,b'], { Identity: ['x'], SmartHosts: ['a,b'] }],
    [['-Identity', 'x', 'a'], { Identity: ['x'], SmartHosts: ['a'] }],
    [['--'], { Identity: ['--'] }],
    [['-SmartHosts', '--'], { SmartHosts: ['--'] }],
    [['-SmartHosts:--,a.test'], { SmartHosts: ['--,a.test'] }],
    [['-SmartHosts', 'a,', 'b,', 'c', 'x'], { SmartHosts: ['a,b,c'], Identity: ['x'] }],
    [['-SmartHosts', 'a', '-SmartHosts', 'b'], { SmartHosts: ['a', 'b'] }],
    [['-Port', '-1'], { Port: ['-1'] }],
    [['-Password', '-'], { Password: ['-'] }],
    [['-Password:-dash'], { Password: ['-dash'] }],
    [['-Enabled', '$true'], { Enabled: ['$true'] }],
    [['-Enabled:'], { Enabled: [''] }],
    [['-Comment:'], { Comment: [''] }],
    [['-Comment', ''], { Comment: [''] }],
    [['-Comment', '|fl'], { Comment: ['|fl'] }],
    [['-Confirm:$false'], { Confirm: ['$false'] }],
    [['-Confirm', 'x'], { Confirm: ['true'], Identity: ['x'] }],
  ])('reads %j', (words, parameters) => {
    expect(read(...words).parameters).toEqual(parameters);
  });

  it.each([
    [['-Fource'], /Set-Thing has no parameter -Fource/],
    [['-FileNmae', 'x'], /did you mean -FileName\?/],
    [['-S', 'x'], /-S could be -SmartHosts or -Server: write more of it/],
    [['-FileName'], /-FileName needs a value: -FileName <File>/],
    [['-Identity', '-Enabled', 'true'], /-Identity needs a value/],
    [['-Enabled'], /needs a value: -Enabled <\$true \| \$false>; a shell empties an unquoted \$true/],
    [['-Confirm:'], /a shell empties an unquoted \$true or \$false, so write -Confirm:true/],
    [['a', 'b', 'c'], /does not know what to do with "c"/],
    [['x', '| gather Name'], /"\| gather Name" is not understood here/],
  ])('refuses %j', (words, sentence) => {
    expect(() => read(...words)).toThrow(sentence);
  });

  it('reads a secret from a file only by the full name', () => {
    expect(read('-passwordfile', 'p.txt').secretFiles).toEqual({ Password: 'p.txt' });
    expect(read('-Passw', 'p').parameters).toEqual({ Password: ['p'] });
    expect(() => read('-PasswordFil', 'p')).toThrow(/no parameter -PasswordFil/);
  });

  it('passes any text as a value after a colon', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        expect(read(`-Comment:${text}`).parameters).toEqual({ Comment: [text] });
      }),
    );
  });
});

describe('shell options and formats', () => {
  it.each<[string[], ShellOptions]>([
    [['x', '--json'], { view: 'json' }],
    [['-List', 'x'], { view: 'list' }],
    [['--config', 'a.yaml'], { config: 'a.yaml' }],
    [['--dir=/etc'], { dir: '/etc' }],
    [['-?'], { help: true }],
    [['x', 'fl'], { view: 'list' }],
    [['x', 'FT'], { view: 'table' }],
    [['x', 'fl', 'Name,Site'], { view: 'list', properties: ['Name', 'Site'] }],
    [['x', '| fl'], { view: 'list' }],
    [['x', '|fl'], { view: 'list' }],
    [['x', '|', 'Format-Table', 'Name,', 'Site', '-AutoSize'], { view: 'table', properties: ['Name', 'Site'] }],
    [['x', '| ConvertTo-Json'], { view: 'json' }],
    [['-Identity', 'fl'], {}],
  ])('reads %j', (words, options) => {
    expect(read(...words).options).toEqual(options);
  });

  it('refuses an option without its value', () => {
    expect(() => read('--config')).toThrow('--config needs a value: --config FILE');
  });
});
