import { describe, expect, it } from 'vitest';
import type { CmdletDeclaration } from '../../../src/cmdlets/cmdlet.ts';
import { bindParameters } from '../../../src/cmdlets/binding.ts';
import { readBody, readQuery } from '../../../src/web/cmdlet-call.ts';
import { isProblem } from '../../../src/problem.ts';

const CMDLET: CmdletDeclaration = {
  name: 'Get-Thing',
  roles: ['hub'],
  synopsis: 'Get a thing',
  parameters: {
    Text: { type: 'string', help: 'A text' },
    Many: { type: 'strings', help: 'Texts' },
    Number: { type: 'integer', help: 'A number' },
    Flag: { type: 'switch', help: 'A switch' },
    Truth: { type: 'boolean', help: 'A boolean' },
    Length: { type: 'duration', help: 'A duration' },
    Password: { type: 'secret', help: 'A secret' },
    File: { type: 'inputFile', help: 'A file' },
  },
  table: [],
  changes: false,
};

function bindBody(body: unknown): unknown {
  return bindParameters(CMDLET, readBody(CMDLET, body));
}

describe('readBody', () => {
  it.each<[unknown, object]>([
    [{ Text: 'a, b "c"' }, { Text: 'a, b "c"' }],
    [{ text: 5 }, { Text: '5' }],
    [{ Text: null }, { Text: '' }],
    [{ Many: ['a', 'b,c', `d's`, 'e"f'] }, { Many: ['a', 'b,c', `d's`, 'e"f'] }],
    [{ Many: 'a,b' }, { Many: ['a', 'b'] }],
    [{ Many: [] }, { Many: [] }],
    [{ Number: 12 }, { Number: 12 }],
    [{ Flag: true }, { Flag: true }],
    [
      { Flag: false, Truth: false },
      { Flag: false, Truth: false },
    ],
    [{ Length: '90s' }, { Length: 90_000 }],
    [{ Password: 'p,"w' }, { Password: 'p,"w' }],
    [{ File: { name: 'a.xml', content: 'aGk=' } }, { File: { name: 'a.xml', content: Buffer.from('hi') } }],
    [{ File: { content: '' } }, { File: { name: 'file', content: Buffer.alloc(0) } }],
  ])('reads %j', (body, values) => {
    expect(bindBody(body)).toMatchObject(values);
  });

  it.each<[unknown, string]>([
    [undefined, 'bad-body'],
    [null, 'bad-body'],
    ['text', 'bad-body'],
    [[], 'bad-body'],
    [{ Text: {} }, 'bad-value'],
    [{ Text: ['a', 'b'] }, 'repeated-parameter'],
    [{ Text: [['a']] }, 'bad-value'],
    [{ Many: [`'"`] }, 'bad-value'],
    [{ Many: Array.from({ length: 10_001 }, () => 'a') }, 'bad-value'],
    [{ Number: 1.5 }, 'bad-value'],
    [{ Number: 1e300 }, 'bad-value'],
    [{ File: 'a.xml' }, 'bad-value'],
    [{ File: { content: 'no base64!' } }, 'bad-value'],
    [{ File: { content: 'aGk=', path: '/etc/passwd' } }, 'bad-value'],
    [{ constructor: 'x' }, 'unknown-parameter'],
    [{ 'Text\u0000': 'x' }, 'unknown-parameter'],
  ])('refuses %j as %s', (body, code) => {
    expect(codeOf(() => bindBody(body))).toBe(code);
  });
});

describe('readQuery', () => {
  it('takes an empty switch for given, and several of one name for a list', () => {
    const call = readQuery(CMDLET, { flag: '', Many: ['a', 'b'], Number: '3' });
    expect(bindParameters(CMDLET, call)).toMatchObject({ Flag: true, Many: ['a', 'b'], Number: 3 });
  });

  it.each(['Password', 'password', 'File'])('takes no %s', (name) => {
    expect(codeOf(() => readQuery(CMDLET, { [name]: 'x' }))).toBe('bad-value');
  });
});

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isProblem(error)) return error.code;
    throw error;
  }
  return 'none';
}
