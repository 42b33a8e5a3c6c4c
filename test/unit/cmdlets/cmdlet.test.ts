import { describe, expect, it } from 'vitest';
import {
  type CmdletDeclaration,
  defineCmdlet,
  faultsOf,
  outputFilesOf,
  parametersOf,
} from '../../../src/cmdlets/cmdlet.ts';
import { findCmdlet } from '../../../src/cmdlets/binding.ts';
import { FAKE_CMDLETS } from './fake-cmdlets.ts';

const sound: CmdletDeclaration = {
  name: 'Get-Thing',
  roles: ['hub'],
  synopsis: 'Lists things',
  parameters: {},
  table: [],
  changes: false,
};

describe('parametersOf', () => {
  it.each([
    ['Get-Book', []],
    ['New-Book', ['Force', 'Confirm']],
    ['Remove-Book', ['Force', 'Confirm']],
  ])('adds to %s the common parameters %j', (name, common) => {
    const cmdlet = findCmdlet(FAKE_CMDLETS, name);
    expect(Object.keys(parametersOf(cmdlet))).toEqual([...Object.keys(cmdlet.parameters), ...common]);
  });

  it("leaves a cmdlet's own -Force as it is declared", () => {
    const own = { type: 'switch', help: 'My own' } as const;
    const cmdlet = { ...sound, changes: true, confirm: () => 'Sure?', parameters: { Force: own } };
    expect(parametersOf(cmdlet)['Force']).toBe(own);
  });

  it('knows the parameters that name files to be written', () => {
    expect(FAKE_CMDLETS.map(outputFilesOf)).toEqual([[], ['SlipFile'], []]);
  });
});

describe('defineCmdlet', () => {
  it('types what run receives by the declaration', () => {
    defineCmdlet({
      ...sound,
      parameters: {
        Level: { type: 'enum', choices: ['None', 'Verbose'], required: true, help: 'x' },
        Size: { type: 'size', default: '10MB', help: 'x' },
        When: { type: 'date', help: 'x' },
        Force: { type: 'switch', help: 'x' },
        Parts: { type: 'enums', choices: ['A', 'B'], help: 'x' },
      },
      run(_context: undefined, parameters) {
        const level: 'None' | 'Verbose' = parameters.Level;
        const size: number | 'unlimited' = parameters.Size;
        const force: boolean = parameters.Force;
        const parts: readonly ('A' | 'B')[] | undefined = parameters.Parts;
        // @ts-expect-error not required and without a default, so it may be undefined
        const when: Date = parameters.When;
        return { records: [{ level, size, force, parts, when }] };
      },
    });
    expect(faultsOf(sound)).toEqual([]);
  });
});

describe('faultsOf', () => {
  it.each(FAKE_CMDLETS.map((cmdlet) => [cmdlet.name, cmdlet] as const))('finds none in %s', (_name, cmdlet) => {
    expect(faultsOf(cmdlet)).toEqual([]);
  });

  it.each([
    [{ name: 'getThing' }, /Verb-Noun/],
    [{ roles: [] }, /no role/],
    [{ synopsis: 'Lists things.' }, /full stop/],
    [{ confirm: () => 'Sure?' }, /changes nothing/],
    [{ positional: ['Identity'] }, /positional Identity is not declared/],
    [{ parameters: { fileName: { type: 'string', help: 'x' } } }, /-fileName is not spelled/],
    [{ parameters: { Config: { type: 'string', help: 'x' } } }, /-Config is an option of the shell/],
    [{ parameters: { Name: { type: 'string', help: '' } } }, /help is empty/],
    [
      { parameters: { Name: { type: 'string', help: 'x', required: true, default: 'x' } } },
      /required and has a default/,
    ],
  ] as const)('names the fault in %j', (change, fault) => {
    expect(faultsOf({ ...sound, ...change })).toEqual([expect.stringMatching(fault)]);
  });
});
