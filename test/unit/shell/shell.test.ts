import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ControlServer } from '../../../src/control/server.ts';
import { silentLog } from '../../../src/log.ts';
import type { Doors } from '../../../src/shell/doors.ts';
import { runShell } from '../../../src/shell/shell.ts';
import { FAKE_CMDLETS, type Shelf, stockedShelf } from '../cmdlets/fake-cmdlets.ts';
import { fakeTerminal } from './fake-terminal.ts';

let folder: string;
let shelf: Shelf;
let server: ControlServer<Shelf> | undefined;
let started: unknown[];
let doors: Doors;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
  mkdirSync(join(folder, 'data'), { mode: 0o700 });
  writeFileSync(join(folder, 'hub.yaml'), '');
  shelf = stockedShelf();
  started = [];
  const path = join(folder, 'data', 'control.sock');
  server = await ControlServer.open({ path, cmdlets: FAKE_CMDLETS, context: shelf, log: silentLog() });
  const note = (...what: unknown[]): Promise<number> => {
    started.push(what);
    return Promise.resolve(0);
  };
  doors = {
    hubCmdlets: () => Promise.resolve(FAKE_CMDLETS),
    edgeCmdlets: () => Promise.resolve(FAKE_CMDLETS.filter((cmdlet) => cmdlet.roles.includes('edge'))),
    startServer: (role, config, options) => note('start', role, config, options),
    up: (options) => note('up', options),
    demo: (options) => note('demo', options),
    labScenarios: () => Promise.resolve([{ name: 'the-story', title: 'The whole story' }]),
    labRun: (options) => note('lab run', options),
    labClock: (options) => note('lab clock', options).then(() => [{ Server: 'hub', Clock: 'not moved' }]),
    mergeCapture: async (options) => {
      await note('merge', options);
      return { sessions: 1, leftOut: 2 };
    },
    meddle: (options) => note('meddle', options),
    prove: (options) => note('prove', options),
    spoolMigrate: (config) => note('migrate', config).then(() => ({ schema: 'relaypair_hub', from: 0, to: 1 })),
    spoolCopy: (options) => note('copy', options).then(() => ({ moved: 3, found: 1, bytes: 30, damaged: [7] })),
    slapdSchema: () => Promise.resolve('attributetype ( 1.2 )\n'),
    offlineContext: () => {
      throw new Error('nothing here runs without a server');
    },
    socketPathFor: () => path,
  };
});
afterEach(async () => {
  await server?.close();
  rmSync(folder, { recursive: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A course of the clock that begins with the command. */
function courseOf(offsetMs: number, speed = 1): object {
  return { offsetMs, speed, since: expect.any(Date) };
}

async function run(argv: readonly string[], options: { typed?: string; columns?: number } = {}): Promise<Ran> {
  const terminal = fakeTerminal({ folder, ...options });
  const code = await runShell(argv, doors, terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

describe('a cmdlet on the command line', () => {
  it('prints the declared table', async () => {
    const { code, out, err } = await run(['hub', 'Get-Book']);
    expect([code, err]).toEqual([0, '']);
    expect(out.split('\n')).toEqual([
      'Name       Pages Labels',
      '----       ----- ------',
      'Ulysses 36700.16      2',
      'Emma           2      0',
      '',
    ]);
  });

  it.each([['--list'], ['fl'], ['| fl']])('prints every property with %s', async (...format) => {
    const { out } = await run(['hub', 'get-book', 'Emma', ...format]);
    expect(out).toBe(
      [
        'Name   : Emma',
        'Pages  : 2',
        'Tags   : {}',
        'Size   : 1.953 KB (2,000 bytes)',
        'Lent   : 1.02:03:04',
        'Since  : 2026-11-22 10:30:00Z',
        'Reader :',
        'Bound  : True',
        '',
      ].join('\n'),
    );
  });

  it('understands a whole command quoted as one argument', async () => {
    const { out } = await run(['hub', 'Get-Book -Identity "Emma" | fl Name,Tags']);
    expect(out).toBe('Name : Emma\nTags : {}\n');
  });

  it('prints JSON that a program can read, and nothing else on stdout', async () => {
    const { out } = await run(['hub', 'Get-Book', 'Emma', '--json']);
    expect(JSON.parse(out)).toEqual([
      {
        Name: 'Emma',
        Pages: 2,
        Tags: [],
        Size: 2000,
        Lent: '1.02:03:04',
        Since: '2026-11-22T10:30:00.000Z',
        Reader: null,
        Bound: true,
      },
    ]);
    const silent = await run(['hub', 'New-Book', '-Name', 'x', '-SlipFile', 's', '--json']);
    expect(silent).toEqual({
      code: 0,
      out: '[]\n',
      err: 'x is on the shelf, bound; its slip is s\nWARNING: it is empty\n',
    });
  });

  it('prints nothing for an empty table, and [] for empty JSON', async () => {
    expect(await run(['hub', 'Get-Book', 'None'])).toEqual({ code: 0, out: '', err: '' });
    expect(await run(['hub', 'Get-Book', 'None', 'fl'])).toEqual({ code: 0, out: '', err: '' });
    expect((await run(['hub', 'Get-Book', 'None', '--json'])).out).toBe('[]\n');
  });

  it('cuts a table to the terminal and never to a pipe', async () => {
    shelf.books.push({ name: 'n'.repeat(100), sizeBytes: 1, tags: [] });
    const piped = await run(['hub', 'Get-Book']);
    expect(piped.out).toContain('n'.repeat(100));
    const shown = await run(['hub', 'Get-Book'], { columns: 40 });
    expect(Math.max(...shown.out.split('\n').map((line) => line.length))).toBe(40);
    expect(shown.err).toBe('looking along the shelf\n');
  });

  it('shows hostile text as harmless text in every view', async () => {
    shelf.books.splice(0, 2, { name: '\u001b]52;c;x\u0007\u202e', sizeBytes: 1, tags: ['\r\u009b2J'] });
    for (const view of ['--table', '--list', '--json']) {
      const { out } = await run(['hub', 'Get-Book', view]);
      expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
      expect(out).toMatch(/1b\]52;c;x/);
    }
  });

  it('reports progress on a terminal only', async () => {
    expect((await run(['hub', 'Get-Book'])).err).toBe('');
  });
});

describe('files and secrets', () => {
  it('reads the input file, writes the output file for its owner, and prints notices and warnings', async () => {
    writeFileSync(join(folder, 'in.txt'), 'twelve bytes');
    expect(
      await run([
        'hub',
        'New-Book',
        '-Name',
        'Diary',
        '-Content',
        'in.txt',
        '-SlipFile',
        'slip.txt',
        '-Bound',
        'false',
      ]),
    ).toEqual({
      code: 0,
      out: 'Diary is on the shelf, loose; its slip is slip.txt\n',
      err: '',
    });
    expect(shelf.books.at(-1)).toMatchObject({ name: 'Diary', sizeBytes: 12 });
    expect(readFileSync(join(folder, 'slip.txt'), 'utf8')).toBe('slip of Diary\n');
    expect(statSync(join(folder, 'slip.txt')).mode & 0o777).toBe(0o600);
  });

  it('runs nothing when the output file is there, unless -Force overwrites it', async () => {
    writeFileSync(join(folder, 'slip.txt'), 'old');
    const refused = await run(['hub', 'New-Book', '-Name', 'Diary', '-SlipFile', 'slip.txt']);
    expect(refused).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(/^relaypair: .*slip.txt is already there; .* -Force/),
    });
    expect(shelf.books).toHaveLength(2);
    expect((await run(['hub', 'New-Book', '-Name', 'Diary', '-SlipFile', 'slip.txt', '-Force'])).code).toBe(0);
    expect(readFileSync(join(folder, 'slip.txt'), 'utf8')).toBe('slip of Diary\n');
  });

  it('writes no file when the cmdlet refuses', async () => {
    expect((await run(['hub', 'New-Book', '-Name', 'Emma', '-SlipFile', 'slip.txt'])).err).toBe(
      'relaypair: "Emma" is on the shelf already\n',
    );
    expect(existsSync(join(folder, 'slip.txt'))).toBe(false);
  });

  it.each([
    ['none.txt', /there is no file/],
    ['.', /is a folder/],
    ['big.bin', /larger than 32768 KB/],
  ])('refuses the input file %s', async (name, sentence) => {
    writeFileSync(join(folder, 'big.bin'), Buffer.alloc(32 * 1024 * 1024 + 1));
    const { code, err } = await run(['hub', 'New-Book', '-Name', 'x', '-SlipFile', 's', '-Content', name]);
    expect([code, err]).toEqual([1, expect.stringMatching(sentence)]);
  });

  it('reads a secret from stdin or a file and never shows it', async () => {
    writeFileSync(join(folder, 'p.txt'), 'from file\n');
    const words = ['hub', 'New-Book', '-SlipFile'];
    const byStdin = await run([...words, 'a', '-Name', 'a', '-Password', '-'], { typed: 'from stdin\r\n' });
    const byFile = await run([...words, 'b', '-Name', 'b', '-PasswordFile', 'p.txt']);
    const onTerminal = await run([...words, 'c', '-Name', 'c', '-Password', '-'], {
      typed: 'by a person\n',
      columns: 80,
    });
    expect(shelf.secrets).toEqual(['from stdin', 'from file', 'by a person']);
    expect(onTerminal.err).toContain('Password: ');
    for (const { out, err } of [byStdin, byFile, onTerminal])
      expect(out + err).not.toMatch(/from stdin|from file|by a person/);
  });
});

describe('confirmation', () => {
  it.each([
    ['y\n', [], 0, 1],
    ['n\n', [], 1, 2],
    ['\n', [], 1, 2],
    ['', [], 1, 2],
    ['', ['-Force'], 0, 1],
    ['', ['-Confirm:$false'], 0, 1],
    ['n\n', ['-Force', '-Confirm'], 1, 2],
  ])('on a terminal, answered %j with %j, exits %i', async (typed, words, code, left) => {
    const ran = await run(['hub', 'Remove-Book', 'Emma', ...words], { typed, columns: 80 });
    expect(ran.code).toBe(code);
    expect(shelf.books).toHaveLength(left);
    if (words.length === 0) expect(ran.err).toContain('Remove Emma? [y/N] ');
    if (code === 1) expect(ran.err).toContain('relaypair: Remove-Book was not carried out');
  });

  it('is not asked where nobody could answer', async () => {
    expect(await run(['hub', 'Remove-Book', 'Emma'], { typed: 'n\n' })).toEqual({ code: 0, out: '', err: '' });
  });
});

describe('exit codes', () => {
  it.each([
    [1, ['hub', 'Remove-Book', 'x', '-Force'], 'relaypair: there is no book "x"\n'],
    [1, ['edge', 'Get-Book'], /^relaypair: no edge.yaml in/],
    [1, ['hub', 'Get-Book', '--config', 'none.yaml'], /^relaypair: there is no .*none.yaml/],
    [2, ['hub', 'Get-Bok'], 'relaypair: Get-Bok is not a cmdlet of this server; did you mean Get-Book?\n'],
    [2, ['edge', 'New-Book'], 'relaypair: New-Book runs on the Hub: relaypair hub New-Book\n'],
    [2, ['hub', 'Get-Book', '-Tga', 'x'], 'relaypair: Get-Book has no parameter -Tga; did you mean -Tag?\n'],
    [2, ['hub', 'Get-Book', '-Genre', 'Essay'], 'relaypair: -Genre: "Essay" is not one of Novel, Poem\n'],
    [2, ['hub', 'New-Book'], 'relaypair: New-Book needs -Name and -SlipFile\n'],
    [2, ['hub', '-Force', 'Remove-Book'], /"-Force" comes before any cmdlet/],
    [2, ['hub'], /say which hub to start/],
    [2, ['hub', 'Get-Book', '-Identity', '\u001b[2J', '-Tag'], /-Tag needs a value/],
    [2, ['hbu'], "relaypair: unknown command 'hbu' (Did you mean hub?)\n"],
    [2, ['up'], /required option '--dir <dir>'/],
    [2, ['up', '--dir', 'x', '--hub', '[::1]'], /^relaypair: --hub: \[::1\]: write it as HOST:PORT/],
    [2, ['up', '--dir', 'x', '--retry', 'soon'], /^relaypair: --retry: "soon" is not a duration/],
    [2, ['completion', 'cmd'], /no completion for "cmd"/],
  ])('%i for %j', async (code, argv, sentence) => {
    const ran = await run(argv);
    expect(ran).toEqual({
      code,
      out: '',
      err: typeof sentence === 'string' ? sentence : expect.stringMatching(sentence),
    });
  });

  it('1 with the way to start it when the server does not run', async () => {
    await server?.close();
    expect(await run(['hub', 'Get-Book'])).toEqual({
      code: 1,
      out: '',
      err: `relaypair: the server is not running; start it with: relaypair hub --config ${folder}/hub.yaml\n`,
    });
  });

  it('lets a bug through to the caller', async () => {
    await expect(
      runShell(['hub', '--help'], { ...doors, hubCmdlets: () => Promise.reject(new TypeError('bug')) }, fakeTerminal()),
    ).rejects.toThrow('bug');
  });
});

describe('what is started', () => {
  it('is the server of a configuration file, with its clock', async () => {
    expect((await run(['hub', '--config', 'hub.yaml', '--clock', '+400d'])).code).toBe(0);
    expect((await run(['hub', '--dir', '.', '--clock', '-2h,60', '--lab'])).code).toBe(0);
    const config = join(folder, 'hub.yaml');
    expect(started).toEqual([
      ['start', 'hub', config, { clock: courseOf(400 * 86_400_000), isLab: false }],
      ['start', 'hub', config, { clock: courseOf(-7_200_000, 60), isLab: true }],
    ]);
  });

  it('is the pair with everything it was told', async () => {
    const argv =
      '--dir d --hub 127.0.0.1:0 --edge [::1]:2526 --smart-host mx.test:25 --accepted-domain A.test --accepted-domain b.test --deliver maildir:m --retry 2s --clock -1d --capture --page --world --unsubscribed';
    expect(await run(['up', ...argv.split(' ')])).toEqual({ code: 0, out: '', err: '' });
    expect(started).toEqual([
      [
        'up',
        {
          dir: join(folder, 'd'),
          hub: { host: '127.0.0.1', port: 0 },
          edge: { host: '::1', port: 2526 },
          smartHost: { host: 'mx.test', port: 25 },
          acceptedDomains: ['a.test', 'b.test'],
          deliver: { kind: 'maildir', folder: join(folder, 'm') },
          retryMs: 2000,
          clock: courseOf(-86_400_000),
          capture: true,
          page: true,
          world: true,
          unsubscribed: true,
        },
      ],
    ]);
  });

  it('is the move of both clocks of a laboratory', async () => {
    writeFileSync(join(folder, 'edge.yaml'), '');
    const shown = await run(['lab', 'clock', '--dir', '.', '--offset', '-2h', '--speed', '3600']);
    expect(shown).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^Server Clock /) });
    expect((await run(['lab', 'clock', '--dir', '.', '--json'])).out).toContain('"Clock": "not moved"');
    const configs = { hub: join(folder, 'hub.yaml'), edge: join(folder, 'edge.yaml') };
    expect(started).toEqual([
      ['lab clock', { configs, offsetMs: -7_200_000, speed: 3600 }],
      ['lab clock', { configs, offsetMs: undefined, speed: undefined }],
    ]);
    const refused = await run(['lab', 'clock', '--dir', '.', '--speed', 'fast']);
    expect(refused).toMatchObject({ out: '', err: expect.stringMatching(/^relaypair: --speed: "fast" is no speed/) });
    expect(refused.code).not.toBe(0);
  });

  it('is the merging of secrets into a capture', async () => {
    const argv = ['capture', 'merge', 'wire.pcap', 'edge/captures', '/tmp/keys.log', '--out', 'out.pcapng'];
    expect(await run(argv)).toEqual({
      code: 0,
      out: 'out.pcapng has the secrets of 1 session; 2 sessions left out.\n',
      err: '',
    });
    expect((await run([...argv, '--all', '--force', '--json'])).out).toBe('{"sessions":1,"leftOut":2}\n');
    const merge = {
      capture: join(folder, 'wire.pcap'),
      secrets: [join(folder, 'edge/captures'), '/tmp/keys.log'],
      output: join(folder, 'out.pcapng'),
    };
    expect(started).toEqual([
      ['merge', { ...merge, overwrite: false, all: false }],
      ['merge', { ...merge, overwrite: true, all: true }],
    ]);
    expect((await run(['capture', 'merge', 'wire.pcap', 'keys.log'])).code).toBe(2);
  });

  it('is a guided scenario, once or again and again', async () => {
    expect((await run(['lab', 'list'])).out).toMatch(/^Name +Title\n-+ +-+\nthe-story The whole story\n$/);
    expect((await run(['lab', 'list', '--json'])).out).toContain('"Title": "The whole story"');
    expect((await run(['lab', 'run', 'the-story'])).code).toBe(0);
    expect((await run(['lab', 'run', 'stripping', '--repeat', '50', '--json'])).code).toBe(0);
    expect(started).toEqual([
      ['lab run', { name: 'the-story', repeat: 1, isJson: false }],
      ['lab run', { name: 'stripping', repeat: 50, isJson: true }],
    ]);
    for (const times of ['0', 'often', '1.5', '100000']) {
      const refused = await run(['lab', 'run', 'the-story', '--repeat', times]);
      expect(refused).toMatchObject({ out: '', err: expect.stringMatching(/^relaypair: --repeat: "/) });
      expect(refused.code).toBeGreaterThan(0);
    }
    expect(started).toHaveLength(2);
  });

  it('is the demo', async () => {
    await run(['demo']);
    await run(['demo', '--dir', 'd']);
    expect(started).toEqual([
      ['demo', { dir: undefined }],
      ['demo', { dir: join(folder, 'd') }],
    ]);
  });

  it('has the exit code of what ran', async () => {
    doors = { ...doors, demo: () => Promise.resolve(7) };
    expect((await run(['demo'])).code).toBe(7);
  });
});

describe('help', () => {
  it('prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await run(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  it('lists every command', async () => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    for (const name of ['hub', 'edge', 'up', 'demo', 'capture', 'spool', 'schema', 'completion'])
      expect(out).toMatch(new RegExp(`^ {2}${name} `, 'm'));
  });

  it('tells what became of a spool', async () => {
    const { out } = await run(['spool', 'migrate']);
    expect(out).toBe('The spool in the schema relaypair_hub was brought from version 0 to 1.\n');
    const copy = ['spool', 'copy', '--from', 'embedded', '--to', 'postgres', '--config', 'hub.yaml'];
    expect((await run(copy)).out).toBe(
      '3 messages with 30 octets are in postgres now, 1 of them from a copy before. Damaged messages stay: 7.\n',
    );
    const config = join(folder, 'hub.yaml');
    expect(started).toEqual([
      ['migrate', config],
      ['copy', { config, from: 'embedded', to: 'postgres' }],
    ]);
    expect(JSON.parse((await run([...copy, '--json'])).out)).toEqual([{ moved: 3, found: 1, bytes: 30, damaged: [7] }]);
    const { code, err } = await run(['spool', 'copy', '--from', 'files', '--to', 'postgres']);
    expect([code, err]).toEqual([2, 'relaypair: --from: "files" is no spool backend; write embedded or postgres\n']);
    writeFileSync(join(folder, 'edge.yaml'), '');
    expect((await run(['spool', 'migrate'])).err).toContain('there are a Hub and an Edge here');
  });

  it('prints the schema for slapd as it is', async () => {
    expect(await run(['schema'])).toEqual({ code: 0, out: 'attributetype ( 1.2 )\n', err: '' });
  });

  it('lists the cmdlets of a role, and only those', async () => {
    const hub = await run(['hub', '--help']);
    expect(hub.code).toBe(0);
    expect(hub.out).toMatch(/^ {4}New-Book +Puts a book on the shelf and writes its slip$/m);
    expect((await run(['edge', '-h'])).out).not.toContain('New-Book');
  });

  it('explains a cmdlet from its declaration', async () => {
    const { code, out } = await run(['hub', 'Get-Book', '--help']);
    expect(code).toBe(0);
    expect(out).toContain('Get-Book: Lists books\n');
    expect(out).toContain(
      '    relaypair hub Get-Book [[-Identity] <String>] [-Tag <String>[,...]] [-ResultSize <Count>]\n        [-Genre <Novel | Poem>]\n',
    );
    expect(out).toMatch(/^ {4}-ResultSize <Count> +How many at most \(default 1000\)$/m);
    expect(out).toContain('    relaypair hub Get-Book | fl\n');
    expect((await run(['hub', 'New-Book', '-?'])).out).toContain('-PasswordFile FILE from a file');
  });
});

describe('completion', () => {
  async function complete(...words: string[]): Promise<string[]> {
    const lines: string[] = [];
    const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(...line.split('\n')));
    try {
      expect((await run(['complete', '--', ...words])).code).toBe(0);
    } finally {
      log.mockRestore();
    }
    return lines.filter((line) => !line.startsWith(':')).map((line) => line.split('\t')[0] ?? '');
  }

  it.each<[string[], string[]]>([
    [['h'], ['hub']],
    [
      ['hub', ''],
      ['Get-Book', 'New-Book', 'Remove-Book'],
    ],
    [['edge', 'R'], ['Remove-Book']],
    [['hub', 'get-b'], ['Get-Book']],
    [
      ['hub', 'Get-Book', '-'],
      ['-Identity', '-Tag', '-ResultSize', '-Genre'],
    ],
    [['hub', 'Get-Book', '-G'], ['-Genre']],
    [['hub', 'get-book', '--ge'], ['--Genre']],
    [['hub', 'Get-Book', '--js'], ['--json']],
    [
      ['hub', 'Get-Book', '-Genre', ''],
      ['Novel', 'Poem'],
    ],
    [['hub', 'Get-Book', '-genre', 'P'], ['Poem']],
    [
      ['hub', 'New-Book', '-Bound', ''],
      ['true', 'false'],
    ],
    [
      ['hub', 'New-Book', '-Force', '-Con'],
      ['-Content', '-Confirm'],
    ],
    [['hub', 'New-Book', '-Content', 'hu'], ['hub.yaml']],
    [['hub', 'New-Book', '-Content', 'da'], ['data/']],
    [['hub', 'New-Book', '-Content', 'data/'], ['data/control.sock']],
  ])('of %j is %j', async (words, found) => {
    expect(await complete(...words)).toEqual(found);
  });

  async function script(shell: string): Promise<string> {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    try {
      expect((await run(['completion', shell])).code).toBe(0);
      return log.mock.calls.join('');
    } finally {
      log.mockRestore();
    }
  }

  it.each(['bash', 'zsh', 'fish'])('has a script for %s that asks relaypair', async (shell) => {
    expect(await script(shell)).toContain('relaypair complete --');
  });

  it('runs nothing of what was typed, in bash', async () => {
    const typed = `COMP_WORDS=(relaypair hub '$(touch pwned)' '') COMP_CWORD=3`;
    const fake = `relaypair() { printf '%s\\t%s\\n' "$#" 'one of the words' 'a $(touch pwned)' ''; echo :4; }`;
    const out = execFileSync(
      'bash',
      ['-c', `${await script('bash')}\n${fake}\n${typed}\n_relaypair; printf '%s\\n' "\${COMPREPLY[@]}"`],
      { cwd: folder, encoding: 'utf8' },
    );
    expect(out).toBe('5\na\\ \\$\\(touch\\ pwned\\)\n');
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
  });
});

describe('the interactive shell', () => {
  it('carries out line after line of a script, and ends with the worst exit code', async () => {
    const typed = [
      '# a comment',
      'get-book | sort Pages | select Name',
      '',
      'Get-Boook',
      'Get-Book Emma | measure Pages',
      'exit',
      'Get-Book',
    ].join('\n');
    const { code, out, err } = await run(['shell', 'hub'], { typed });
    expect(out.split('\n').map((line) => line.trimEnd())).toEqual([
      'Name',
      '----',
      'Emma',
      'Ulysses',
      'Property Count Sum Average Minimum Maximum',
      '-------- ----- --- ------- ------- -------',
      'Pages        1   2       2       2       2',
      '',
    ]);
    expect(err).toMatch(/^relaypair: .*Get-Boook.*did you mean Get-Book\?\n$/);
    expect(code).toBe(2);
  });

  it('talks to a person: prompt, history, help, and lines pasted together', async () => {
    const { code, out, err } = await run(['shell', 'hub'], {
      typed: 'Get-Book Emma | select Name\nhelp Get-Book\nnonsense\nexit\n',
      columns: 80,
    });
    expect(err).toContain('hub> ');
    expect(out).toContain('Emma');
    expect(out).toContain('Get-Book');
    expect(err).toContain('nonsense');
    expect(code).toBe(0);
  });

  it('ends with the input', async () => {
    const { code, err } = await run(['shell', 'hub'], { typed: 'Get-Book Emma\n', columns: 80 });
    expect([code, err.split('hub> ').length]).toEqual([0, 2]);
  });

  it('refuses a server that is not there to be talked to', async () => {
    const { code, err } = await run(['shell', 'spoke']);
    expect([code, err]).toEqual([2, 'relaypair: there is no server "spoke": it is hub or edge\n']);
  });
});
